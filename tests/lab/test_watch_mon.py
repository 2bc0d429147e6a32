"""The same mon.cf under mon 1.3.6 and under our board: the same alerts in the same order."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pytest

from backend.watch.core import events
from backend.watch.results import Outcome
from tests.lab.mon_reads import unpacked
from tests.lab.mon_runs import Running, programs, running
from tests.lab.watch_driver import Driver
from tests.lab.watch_settings import generated_settings, settings_of
from tests.lab.watch_stories import (
    Story,
    differing,
    mon_cf,
    random_stories,
    reporting,
    rules,
)

pytestmark = pytest.mark.lab
LONG = bool(os.environ.get("HAOSCAR_LONG"))
RANDOM, CALLS, LIMIT = (40, 115, 400) if LONG else (16, 9, 55)
NEVER_CALLED = "g.excluded"


@dataclass
class Side:
    """What one of the two has done."""

    books: Path
    done: set[str] = field(default_factory=set)  # of what is done from outside

    def calls(self, key: str) -> int:
        try:
            return int((self.books / f"{key}.calls").read_text() or 0)
        except (FileNotFoundError, ValueError):
            return 0  # not yet, or it is being written

    def hosts(self, key: str) -> list[str]:
        return (self.books / f"{key}.hosts").read_text().splitlines()

    def alerts(self, key: str) -> list[list[str]]:
        """Return the alerts of a service; those with one text after another in an order of their
        own: mon starts the alerts of a check at once, and takes the periods in any order."""
        try:
            lines = (self.books / f"{key}.alerts").read_text().splitlines()
        except FileNotFoundError:
            return []
        found: list[list[str]] = []
        told = [line.split("|") for line in lines]
        for _, alike in groupby(told, key=lambda one: (*one[1:4], one[5])):
            found += sorted(alike, key=lambda one: one[4])
        return found

    def sent(self, key: str) -> list[tuple[str, ...]]:
        """Return kind, code, hosts, arguments and text of each; traps are not told from failures."""
        found = []
        for _, kind, code, hosts, words, text in self.alerts(key):
            kind = "failure" if kind.startswith("trap") else kind
            words = words.removeprefix("-T ").removeprefix("-O ")
            found.append((kind, code, hosts, words, text.rstrip("~")))
        return found


class Outside:
    """Somebody who acknowledges failures, and services that report; each once the one before is seen."""

    def __init__(
        self, side: Side, acknowledge: Callable[[str, str], object], report: Callable[[str, str, int, str], None]
    ) -> None:  # fmt: skip
        self.side, self.acknowledge, self.report = side, acknowledge, report
        self.waited = 0.0

    def act(self, now: float) -> None:
        """Do what is due; called again and again."""
        side = self.side
        for name in ("known", "known_until"):
            if name not in side.done and side.alerts(f"k.{name}"):
                self.acknowledge("k", name)
                side.done.add(name)
        for name, wait in (("trap", 1.5), ("passing", 5.0)):
            seen = len(side.alerts(f"t.{name}"))
            if f"{name} 1" not in side.done:
                self.report("t", name, 1, "a1")
                side.done.add(f"{name} 1")
            elif seen == 1 and f"{name} seen" not in side.done:
                side.done.add(f"{name} seen")
                setattr(self, name, now + wait)
            elif f"{name} seen" in side.done and f"{name} 0" not in side.done and now > getattr(self, name):  # fmt: skip
                self.report("t", name, 0, "fine")
                side.done.add(f"{name} 0")


def all_called(side: Side, stories: list[Story]) -> bool:
    """Whether each monitor has been called as often as its story is long, and everything was told."""
    if not all(side.calls(one.key) > len(one.found) for one in stories if one.key != NEVER_CALLED and one.found):  # fmt: skip
        return False
    return {"known", "known_until", "trap 0", "passing 0"} <= side.done and len(
        side.alerts("t.trap")
    ) > 1


async def both(
    mon: Running, theirs: Side, driver: Driver, ours: Side, stories: list[Story]
) -> None:
    """Let both go on until both are through."""

    def reported(group: str, name: str, code: int, summary: str) -> None:
        driver.put(events.Reported(f"{group}:{name}", Outcome.FAILED if code else Outcome.OK, summary))  # fmt: skip

    loop = asyncio.get_running_loop()
    outside = (
        Outside(theirs, lambda group, name: loop.run_in_executor(None, mon.acknowledge, group, name), mon.trap),
        Outside(ours, lambda group, name: driver.put(events.Acknowledge(f"{group}:{name}", "seen", "root")), reported),
    )  # fmt: skip
    checked = 0.0

    def finished() -> bool:
        nonlocal checked
        if loop.time() - checked < 0.2:
            return False
        checked = loop.time()
        for one in outside:
            one.act(checked)
        return all_called(theirs, stories) and all_called(ours, stories)

    await driver.run(finished, LIMIT)


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Run both once, side by side."""
    into = tmp_path_factory.mktemp("watch")
    stories = rules() + differing() + reporting() + random_stories(RANDOM, CALLS, 5)
    scripts = into / "stories"
    scripts.mkdir()
    for one in stories:
        (scripts / one.key).write_text(one.script())
    text = mon_cf(stories)
    file = into / "mon.cf"
    file.write_text(text)
    their_monitors, their_alerts, their_books = programs(into / "theirs", scripts)
    our_monitors, our_alerts, our_books = programs(into / "ours", scripts)
    theirs, ours = Side(their_books), Side(our_books)
    with running(unpacked(into), file, into, their_monitors, their_alerts) as mon:

        async def main() -> Driver:
            driver = Driver(generated_settings(text), our_monitors, our_alerts)
            await both(mon, theirs, driver, ours, stories)
            return driver

        driver = asyncio.run(main())
        assert mon.process.poll() is None, (into / "mon.log").read_text()[-2000:]
    for side, name in ((theirs, "mon"), (ours, "we")):
        late = [one.key for one in stories if one.found and one.key != NEVER_CALLED and side.calls(one.key) <= len(one.found)]  # fmt: skip
        assert not late, f"{name} did not come to the end of {late}; {side.done}"
    return theirs, ours, driver, {one.name: one for one in stories}


def test_the_same_alerts_in_the_same_order(sides):
    theirs, ours, _, stories = sides
    total = 0
    for name, one in stories.items():
        if one.group == "m" or name in ("told", "silent"):
            continue
        mons, mine = theirs.sent(one.key), ours.sent(one.key)
        if name == "without_hosts":  # mon names all hosts of the group to the alert
            mons = [each[:2] + each[3:] for each in mons]
            mine = [each[:2] + each[3:] for each in mine]
        assert mine == mons, f"{one.lines}\n{one.found}"
        total += len(mons)
    assert total > 100


def test_every_rule_was_seen_at_work(sides):
    theirs, _, _, _ = sides
    expected = {
        "g.plain": 6, "g.no_up": 3, "g.every": 5, "g.every_detail": 4, "g.every_strict": 4, "g.every_ignoring": 4,
        "g.every_pause": 3, "g.after_number": 3, "g.after_time": 2, "g.after_both": 3, "g.number": 5,
        "g.uncompensated": 3, "g.at_start": 3, "g.periods": 6, "g.excluded": 0, "g.parent": 1, "g.child_alert": 3, "g.child_or": 4, "g.child_and": 2, "h.child_host": 4,
        "k.known": 4, "k.known_until": 5, "t.trap": 2, "t.passing": 1,
    }  # fmt: skip
    assert {key: len(theirs.alerts(key)) for key in expected} == expected


def test_redistribute_hears_of_every_result(sides):
    theirs, ours, _, stories = sides
    most = 1 + len(stories["told"].found)  # the start is told, too
    down = [one for one in theirs.sent("g.told") if one[3] in ("", "-u")]
    mine = [one for one in ours.sent("g.told") if one[3] in ("", "-u")]
    assert mine[:most] == down[:most]
    assert len(down) >= most


def test_missed_reports_are_failures(sides):
    theirs, ours, _, _ = sides
    for side in (theirs, ours):
        told = [(one[3], one[4].partition("~")[0]) for one in side.sent("t.silent")]
        assert told == [("down", "trap timeout")] * 2


def test_a_check_is_held_back_while_what_it_depends_on_fails(sides):
    theirs, ours, _, stories = sides
    for side in (theirs, ours):
        for name in ("g.child_monitor", "g.child_monitor2"):
            assert side.calls(name) <= side.calls("g.plain") - 4, name
        lists = side.hosts("h.child_host")[: len(stories["child_host"].found)]
        assert set(lists) == {"a1 b1", "b1"}
        assert set(side.hosts("g.without_hosts")) == {"a1"}
        assert side.calls(NEVER_CALLED) == 0


def test_what_mon_reads_and_does_not_do(sides):
    theirs, ours, _, _ = sides
    assert len(theirs.sent("m.remembering")) == 1  # its dep_memory is never filled
    assert ours.sent("m.remembering") == []
    assert [one[0] for one in theirs.sent("m.short")] == [
        "failure",
        "up",
    ]  # its upalertafter is not looked at
    assert [one[0] for one in ours.sent("m.short")] == ["failure"]


def test_our_schedule_was_kept(sides):
    _, _, driver, _ = sides
    assert driver.problems == []
    # Others use the machine, too; `haoscar bench monitoring` measures it.
    assert driver.latest < 2.5


def test_the_short_way_to_settings_gives_the_same(sides):
    _, _, driver, stories = sides
    assert settings_of(mon_cf(list(stories.values()))).services == driver.settings.services
