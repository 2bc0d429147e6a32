"""What the watch process of this head knows, as typed values: the commands and the window read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.actions.process_client import Process, ask_process, strange
from backend.paths import Paths
from backend.rollout.places import WATCH_SOCKET
from backend.watch.results import LONGEST_SUMMARY, harmless

__all__ = ["WATCH_SOCKET", "Event", "Live", "LiveService", "ask_watch", "read_live"]

LIMIT = 10.0  # seconds; it answers at once, or asks the other head's for five
WATCH = Process(
    "watch",
    "watch process",
    "haoscar-watch",
    "On a head that has it: systemctl start haoscar-watch. Otherwise install it: haoscar install-agent.",
)


@dataclass(frozen=True, slots=True)
class LiveService:
    """One service as the watch process sees it. Moments are seconds since 1970; 0: never."""

    ref: str
    state: str  # ok, failed, unknown, unchecked, disabled
    since: float
    summary: str  # of the last check
    checked: float
    next_check: float
    running: bool
    held: str  # why a check that was due has not begun
    failures: int  # one after another
    acknowledged: str  # by whom, and what they said; "" when it is not
    recovery: str  # what self-healing does or says; "" when there is nothing to say


@dataclass(frozen=True, slots=True)
class Live:
    """What the watch process of this head answers."""

    me: str
    active: bool  # whether this head's process checks
    by: str  # whose state this is: this head's, the other's, or a copy of the other's
    copy: bool  # it is a copy: the head that checks could not be asked
    why: str  # why nothing is checked from here; "" where it is
    connected: bool  # whether the two watch processes have a link
    services: Mapping[str, LiveService]


@dataclass(frozen=True, slots=True)
class Event:
    """A sentence of the history."""

    time: float  # seconds since 1970
    service: str
    kind: str
    sentence: str
    by: str  # the head that wrote it


def ask_watch(
    paths: Paths, command: str, *, socket: str = WATCH_SOCKET, limit: float = LIMIT, **values: Any
) -> Mapping[str, Any]:
    """Return the watch process's answer; raises what ask_process raises."""
    return ask_process(paths, WATCH, socket, limit, {"command": command, **values})


def read_live(paths: Paths, socket: str = WATCH_SOCKET) -> tuple[Live, Mapping[str, Any]]:
    """Return the state of all services, understood and as it was said; raises HaoscarError."""
    answer = ask_watch(paths, "status", socket=socket)
    try:
        services = {one.ref: one for one in map(_service, answer["services"])}
        live = Live(
            text(answer["me"]), answer["active"] is True, text(answer["by"]),
            answer["copy"] is True, text(answer["why"]), answer["connected"] is True, services,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise strange(WATCH, repr(problem)) from problem
    return live, answer


def read_history(answer: Mapping[str, Any]) -> Sequence[Event]:
    """Read an answer to ``history``; raises HaoscarError when it cannot be understood."""
    try:
        return [
            Event(
                float(one["time"]), text(one["service"]), text(one["kind"]),
                text(one["sentence"]), text(one["by"]),
            )
            for one in answer["history"]
        ]  # fmt: skip
    except (KeyError, TypeError, ValueError) as problem:
        raise strange(WATCH, repr(problem)) from problem


def read_availability(answer: Mapping[str, Any]) -> Mapping[str, Mapping[str, float | None]]:
    """Return for each service the share of today, a week and a month in which it was well."""
    try:
        return {
            str(ref): {
                str(span): None if value["share"] is None else float(value["share"])
                for span, value in spans.items()
            }
            for ref, spans in answer["availability"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise strange(WATCH, repr(problem)) from problem


def _service(one: Mapping[str, Any]) -> LiveService:
    known = one["acknowledged"]
    said = ""
    if known:
        said = text(known["by"]) + (f": {text(known['text'])}" if known["text"] else "")
    return LiveService(
        text(one["ref"]), text(one["state"]), float(one["since"] or 0), text(one["summary"]),
        float(one["last_check"] or 0), float(one["next_check"] or 0), one["running"] is True,
        text(one["held"]), int(one["consecutive_failures"]), said, text(one["recovery"]),
    )  # fmt: skip


def text(value: Any) -> str:
    """Return a line of the answer, harmless to show whoever wrote it."""
    return harmless(str(value), 2 * LONGEST_SUMMARY)
