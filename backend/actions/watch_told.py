"""What is told to and asked of the watch process about one service: test, acknowledge, history."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.actions.process_client import strange
from backend.actions.watch_live import (
    WATCH,
    WATCH_SOCKET,
    Event,
    ask_watch,
    read_availability,
    read_history,
    text,
)
from backend.paths import Paths
from backend.watch.results import LONGEST_DETAIL, harmless

TEST_LIMIT = 660.0  # seconds: a check may take as long as its monitor
MOST = 100  # entries of a history
SPANS = {"day": "today", "week": "7 days", "month": "30 days"}


@dataclass(frozen=True, slots=True)
class Tested:
    """The result of a check that somebody has asked for."""

    service: str
    by: str  # the head that has checked
    outcome: str  # ok, failed, unknown
    took: float  # seconds
    summary: str
    detail: str  # several lines


@dataclass(frozen=True, slots=True)
class Past:
    """What was: the newest event last, and the share of the time in which it was well."""

    events: tuple[Event, ...]
    availability: Mapping[str, float | None]  # by the names of the spans: today, 7 days, 30 days


def check_now(paths: Paths, service: str, socket: str = WATCH_SOCKET) -> Tested:
    """Let the head that serves check a service now, and wait for it; raises HaoscarError."""
    answer = ask_watch(paths, "test", socket=socket, limit=TEST_LIMIT, service=service)
    try:
        return Tested(
            text(answer["service"]), text(answer["by"]), text(answer["outcome"]),
            float(answer["took"]), text(answer["summary"]),
            harmless(str(answer["detail"]), LONGEST_DETAIL, lines=True),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as problem:
        raise strange(WATCH, repr(problem)) from problem


def tell(
    paths: Paths, command: str, service: str, words: str = "", socket: str = WATCH_SOCKET
) -> str:
    """Let it ack, unack, disable or enable a service; returns its sentence. Raises HaoscarError."""
    answer = ask_watch(paths, command, socket=socket, service=service, text=words)
    return text(answer.get("sentence", ""))


def read_past(paths: Paths, service: str, socket: str = WATCH_SOCKET) -> Past:
    """Return the history of a service, and its availability; raises HaoscarError."""
    history = read_history(ask_watch(paths, "history", socket=socket, service=service, most=MOST))
    spans = read_availability(ask_watch(paths, "availability", socket=socket, service=service))
    mine = spans.get(service, {})
    return Past(tuple(history), {name: mine.get(key) for key, name in SPANS.items()})
