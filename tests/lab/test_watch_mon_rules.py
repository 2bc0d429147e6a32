"""mon's own rules and ours, for random services and random results: the same alerts in the same order."""

import os
import random
from typing import Any

import pytest

from backend.watch.core import events
from backend.watch.core.actions import Tell
from backend.watch.core.board import Board
from backend.watch.results import Moment, Outcome, Result
from tests.lab.mon_decides import decides, write_files
from tests.lab.mon_reads import Mon, unpacked
from tests.lab.watch_settings import settings_of

pytestmark = pytest.mark.lab
STORIES = 20_000 if os.environ.get("HAOSCAR_LONG") else 3000
EVENTS = 40
START = 1_772_000_000  # a Wednesday
SERVICES = ("s0", "s1", "s2")


@pytest.fixture(scope="module")
def mon(tmp_path_factory) -> Mon:
    return unpacked(tmp_path_factory.mktemp("mon"))


class Teller:
    """Makes up a mon.cf and what happens then."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def sometimes(self, share: float, *choices: str) -> list[str]:
        return [self.random.choice(choices)] if self.random.random() < share else []

    def period(self, number: int) -> list[str]:
        when = self.random.choice(("", "wd {Sun-Sat}", "hr {0-11}", "hr {12-23}", "min {0-29}"))
        lines = [f"period p{number}: {when}"]
        every = ("", "", " strict", " observe_detail", " ignore_summary", " summary")
        lines += self.sometimes(0.6, *(f"alertevery {span}{how}" for span in ("20s", "60s", "1h") for how in every))  # fmt: skip
        after = self.sometimes(0.5, "2", "3", "20s", "60s", "2 60s", "3 60s", "3 30m", "4 1h")
        lines += [f"alertafter {one}" for one in after]
        lines += self.sometimes(0.3, "numalerts 1", "numalerts 2", "numalerts 3")
        lines += self.sometimes(0.2, "no_comp_alerts")
        if not any("s" in one or "m" in one or "h" in one for one in after):
            lines += self.sometimes(0.2, "alertexitrange 1-2", "alertexitrange 3")
        lines += ["alert d.alert x"] * (self.random.random() < 0.9)
        lines += self.sometimes(0.3, "alert exit=1-2 e.alert", "alert exit=3 e.alert")
        lines += self.sometimes(0.6, "upalert u.alert")
        lines += self.sometimes(0.1, "upalert exit=1 v.alert", "upalert exit=0 v.alert")
        lines += self.sometimes(0.2, "startupalert s.alert")
        return lines

    def file(self) -> str:
        lines = ["hostgroup g a1 b1", "", "watch g"]
        for name in SERVICES:
            lines += [f"service {name}", "interval 10s", "monitor x.monitor"]
            lines += self.sometimes(0.2, "redistribute r.alert")
            lines += self.sometimes(0.4, "unack_summary yes")
            if name == "s1":
                lines += self.sometimes(0.4, "depend SELF:s0", "depend ! SELF:s0")
            if name == "s2":
                lines += self.sometimes(0.4, "depend SELF:s1", "depend SELF:s0 && SELF:s1", "depend SELF:s0 || !g:s1", "depend not SELF:s0 || SELF:s1")  # fmt: skip
            for number in range(self.random.choice((1, 1, 2, 3))):
                lines += self.period(number)
        return "\n".join(lines) + "\n"

    def events(self) -> list[list[Any]]:
        now, told = START, []
        state = {name: [0, "a1", ""] for name in SERVICES}
        for _ in range(EVENTS):
            now += self.random.choice((0, 1, 5, 9, 10, 11, 19, 20, 21, 30, 59, 60, 61, 600, 3600))
            name = self.random.choice(SERVICES)
            kind = self.random.choices(("m", "t", "ack", "disable"), (90, 3, 5, 2))[0]
            if kind == "disable":
                told.append([kind, now, f"g:{name}", self.random.randrange(2), ""])
                continue
            if self.random.random() < 0.4:
                code = self.random.choice((0, 0, 1, 1, 2, 3))
                state[name] = [code, self.random.choice(("a1", "a1 b1", "a 1", "")), self.random.choice(("", "more\n"))]  # fmt: skip
            code, summary, detail = state[name]
            if kind == "t":
                code, detail = (
                    min(code, 1),
                    "",
                )  # mon adds an empty line, which only observe_detail sees
            told.append([kind, now, f"g:{name}", code, f"{summary}\n{detail}"])
        return told


class Ours:
    """The board, told the same story."""

    def __init__(self, text: str, start: int) -> None:
        self.board = Board(settings_of(text))
        self.start = start
        self.startup = self.board.step(events.Begin(), self.moment(start)).actions
        self.board.step(events.Tick(), self.moment(start + 40))  # all first checks are running

    def moment(self, at: int) -> Moment:
        return Moment(1000.0 + at - self.start, float(at))

    def step(self, kind: str, at: int, ref: str, code: int, output: str) -> list[Tell]:
        now = self.moment(at)
        if kind == "ack":
            event: Any = events.Acknowledge(ref, "", "root")
        elif kind == "disable":
            event = events.Disable(ref) if code else events.Enable(ref)
        elif kind == "t":
            event = events.Reported(ref, Outcome.FAILED if code else Outcome.OK, output.partition("\n")[0])  # fmt: skip
        else:
            self.board.step(events.TestNow(ref), now)
            summary, _, detail = output.partition("\n")
            outcome = Outcome.FAILED if code else Outcome.OK
            event = events.Finished(ref, Result(outcome, code, summary, detail))
        return [one for one in self.board.step(event, now).actions if isinstance(one, Tell)]


def shown(one: Tell) -> list[str]:
    """Return an alert as mon's side shows it."""
    words = " ".join((one.alert.program, *one.alert.words))
    return [one.ref, one.run, words, one.result.summary]


def of_mon(told: list[list[str]]) -> list[list[str]]:
    """Return mon's alerts without the details, in an order: mon takes the periods in any."""
    return sorted(
        [ref, kind, words.strip(), text.partition("\n")[0]] for ref, kind, words, text in told
    )


def test_random_services_send_what_mon_sends(mon, tmp_path):
    texts, stories = [], []
    for seed in range(STORIES):
        teller = Teller(seed)
        texts.append(teller.file())
        stories.append({"start": START - 100, "events": teller.events()})
    for story, file in zip(stories, write_files(tmp_path, texts), strict=True):
        story["file"] = str(file)
    sent = 0
    for seed, (text, story, theirs) in enumerate(zip(texts, stories, decides(mon, stories), strict=True)):  # fmt: skip
        assert theirs["error"] == "", f"{theirs['error']}\n{text}"
        ours = Ours(text, START - 100)
        first = [shown(one) for one in ours.startup if isinstance(one, Tell)]
        assert sorted(first) == of_mon(theirs["answers"][0]), text
        for event, told in zip(story["events"], theirs["answers"][1:], strict=True):
            mine = sorted(shown(one) for one in ours.step(*event))
            assert mine == of_mon(told), f"seed {seed}, {event}\n{text}\n{story['events']}"
            sent += len(told)
    assert sent > STORIES * 5
