"""What the window says of services at work: cells, sentences, reasons; and answers that are hostile."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backend.actions import process_client
from backend.actions.watch_follow import FollowWatch, WatchNews
from backend.actions.watch_live import Live, LiveService
from backend.actions.watch_told import Past, check_now, read_past
from backend.errors import HaoscarError
from backend.paths import Paths
from backend.rollout import places
from panels import watch_live_texts as texts

NOW = datetime(2026, 11, 26, 12, 0, 0)  # noqa: DTZ001 - the wall clock
TODAY = datetime(2026, 11, 26, 9, 5, 7).timestamp()  # noqa: DTZ001
ONE = LiveService("g:printer", "ok", TODAY, "", TODAY, NOW.timestamp() + 2, False, "", 0, "", "")
FAILED = replace(ONE, state="failed", summary="tray 2", failures=3)
LIVE = Live("head1", True, "head1", False, "", True, {"g:printer": ONE})
STORED = frozenset({"g:printer"})


@pytest.mark.parametrize(
    ("one", "cell"),
    [
        (ONE, ("✔ ok 09:05", "")),
        (FAILED, ("✖ failed 09:05", "error")),
        (replace(FAILED, since=TODAY - 2 * 86_400), ("✖ failed 24 Nov", "error")),
        (replace(FAILED, acknowledged="root"), ("◆ acknowledged", "warning")),
        (replace(ONE, state="unknown"), ("? unknown 09:05", "warning")),
        (replace(ONE, state="unchecked", since=0.0), ("○ not checked", "muted")),
        (replace(ONE, state="disabled", acknowledged="root"), ("⊘ disabled", "muted")),
        (replace(ONE, state="strange"), ("? strange", "warning")),
    ],
)
def test_each_state_has_a_sign_and_a_word(one: LiveService, cell: tuple[str, str]) -> None:
    assert texts.cell(one, NOW) == cell


def test_the_sentence_says_everything() -> None:
    known = replace(FAILED, acknowledged="root: ordered", recovery="restarted once.")
    assert texts.sentence(known, NOW) == texts.Told(
        "◆ printer: failed since 2026-11-26 09:05:07, 3 checks one after another: tray 2. Acknowledged by root: ordered."
        " Self-healing: restarted once. Next check in 2 s.",
        "Warning",
    )
    held = replace(FAILED, held="SELF:ping is not well")
    assert "Its check waits: SELF:ping is not well." in texts.sentence(held, NOW).text
    never = replace(ONE, state="unchecked", since=0.0)
    assert texts.sentence(never, NOW).text == "○ printer: not yet checked. Next check in 2 s."


@pytest.mark.parametrize(
    ("live", "said", "style"),
    [
        (LIVE, "This head, head1, is active and checks the services.", "Muted"),
        (replace(LIVE, connected=False), texts.NO_LINK, "Warning"),
        (replace(LIVE, active=False, by="head2"), "head2 is active and checks the services;", "Muted"),
        (replace(LIVE, active=False, why="the agent is silent"), "Nothing is checked: the agent", "Warning"),
        (replace(LIVE, active=False, by="head2", copy=True, why="no link."), "when it was last heard. No link.", "Warning"),
        (replace(LIVE, services={}), texts.OTHER_LIST, "Warning"),
    ],
)  # fmt: skip
def test_it_is_said_who_checks(live: Live, said: str, style: str) -> None:
    told = texts.who(WatchNews(live), STORED)
    assert said in told.text
    assert told.style == style
    assert told.text.startswith("▲ ") == (style == "Warning")


def test_a_list_that_could_not_be_read_is_not_compared() -> None:
    assert texts.OTHER_LIST not in texts.who(WatchNews(LIVE), None).text
    assert texts.who(None, STORED).text == texts.ASKING


def test_every_button_that_is_off_has_a_reason() -> None:
    def why(key: str, one: LiveService | None, *, live: bool = True, chosen: bool = True) -> str:
        return texts.why_not(key, one, live=live, chosen=chosen)

    assert why("test", ONE) == why("toggle", ONE) == why("history", ONE) == ""
    assert why("test", ONE, live=False) == texts.NOBODY
    assert why("test", None, chosen=False) == "Select a service first."
    assert why("test", None) == texts.NOT_THERE
    assert why("ack", ONE) == "There is nothing to acknowledge: it is ok."
    assert why("ack", FAILED) == ""
    assert why("ack", replace(ONE, acknowledged="root")) == ""  # it can be taken back


def test_the_availability_is_never_rounded_up() -> None:
    past = Past((), {"today": 1.0, "7 days": 0.9999999, "30 days": None})
    assert texts.availability(past) == "Availability: today 100 %, 7 days 99.999 %, 30 days -."


# --- what the process answers -----------------------------------------------------------------


def answering(monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, Any]) -> None:
    def ask(_path: str, question: bytes, _limit: float) -> bytes:
        found = answers[json.loads(question)["command"]]
        if isinstance(found, Exception):
            raise found
        return json.dumps({"ok": True, **found}).encode()

    monkeypatch.setattr(process_client, "ask", ask)


def test_without_a_process_it_is_said_whether_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, {"status": FileNotFoundError()})
    follow = FollowWatch(Paths(tmp_path))
    found = follow.look()
    assert found.live is None
    assert found.problem is not None
    assert found.problem.code == "watch.not-installed"
    assert "Step 5, Complete installation, installs it" in found.problem.remedy
    config = tmp_path / places.WATCH_CONFIG[1:]
    config.parent.mkdir(parents=True)
    config.touch()
    stopped = follow.look().problem
    assert stopped is not None
    assert stopped.code == "watch.stopped"
    assert "systemctl start haoscar-watch.service" in stopped.remedy
    answering(monkeypatch, {"status": TimeoutError("timed out")})
    silent = follow.look().problem
    assert silent is not None
    assert silent.code == "watch.silent"


def test_what_a_monitor_says_is_harmless_and_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = {
        "service": "g:s", "by": "head1", "outcome": "failed", "took": 0.5,
        "summary": "\x1b[2Jgone\u202e" + "x" * 10_000, "detail": "a\x00\nb" + "y" * 100_000,
    }  # fmt: skip
    answering(monkeypatch, {"test": tested})
    found = check_now(Paths(tmp_path), "g:s")
    assert found.summary.startswith("\\x1b[2Jgone\\u202e")
    assert len(found.summary) <= 800
    assert found.detail.startswith("a\\x00\nb")
    assert len(found.detail) <= 16_384
    assert "\n" not in texts.tested(found).text


@pytest.mark.parametrize("broken", [{}, {"service": 1}, {"took": "x"}, {"took": None}])
def test_an_answer_that_is_none_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: dict[str, Any]
) -> None:
    answering(monkeypatch, {"test": broken, "history": {"history": 1}, "availability": broken})
    with pytest.raises(HaoscarError, match="cannot be understood"):
        check_now(Paths(tmp_path), "g:s")
    with pytest.raises(HaoscarError, match="cannot be understood"):
        read_past(Paths(tmp_path), "g:s")
