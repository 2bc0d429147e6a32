"""What is known of one service, as one value. Moments are seconds on the clock of intervals."""

from __future__ import annotations

import enum
from typing import NamedTuple

from backend.watch.core.actions import Tell
from backend.watch.core.alerts import Told
from backend.watch.results import Moment, Outcome, Result
from backend.watch.settings import Service


class Known(str, enum.Enum):
    """What was last found out about a service; a check that could not look changes nothing."""

    UNCHECKED = "unchecked"
    OK = "ok"
    FAILED = "failed"


class Acknowledged(NamedTuple):
    """Somebody knows that it fails."""

    who: str
    text: str
    at: float


class State(NamedTuple):
    """Everything that is decided by, about one service; None means never."""

    told: tuple[Told, ...]  # one for each of its periods
    disabled: bool = False
    known: Known = Known.UNCHECKED
    since: float | None = None  # when it became what it is shown as
    result: Result | None = None  # the last one
    last: Result | None = None  # the last one that was not UNKNOWN
    failures: int = 0  # one after another
    first_failed: float | None = None  # of these
    last_failed: float | None = None  # of these
    last_success: float | None = None
    ended: float | None = None  # when it last became well
    fell: tuple[str, ...] = ()  # the hosts that its last failure named
    checked: float | None = None  # when the last check ended
    unknowns: int = 0  # one after another
    unknown_since: float | None = None
    unknown_told: bool = False
    acknowledged: Acknowledged | None = None
    alerts: int = 0  # that were ever sent
    skipped: int = 0  # checks that were due while one ran
    # the schedule
    running: bool = False
    again: bool = False  # another check was asked for while one ran
    due: float | None = None  # the next check
    report_due: float | None = None  # until when it must have reported
    report_ends: float | None = None  # how long what it reported counts
    held: str = ""  # why a check that was due has not begun

    @property
    def shown(self) -> str:
        """What people are shown: disabled, unknown, unchecked, failed or ok."""
        if self.disabled:
            return "disabled"
        return Outcome.UNKNOWN.value if self.unknowns else self.known.value

    @property
    def previous(self) -> Result | None:
        """The failure that the next one is compared with."""
        return self.last if self.last and self.last.outcome is Outcome.FAILED else None


class Turn(NamedTuple):
    """The new state, the alerts to send, and what has happened, in sentences without the name."""

    state: State
    tells: tuple[Tell, ...] = ()
    sentences: tuple[str, ...] = ()


def fresh(service: Service) -> State:
    """Return the state of a service of which nothing is known."""
    return State(tuple(Told() for _ in service.periods), service.disabled)


def wall(moment: float | None, now: Moment) -> float:
    """Return a moment in seconds since 1970; 0 for never."""
    return 0.0 if moment is None else now.wall - (now.mono - moment)


def seen_since(before: State, after: State, now: float) -> State:
    """Return ``after`` with the moment at which what is shown of it has changed."""
    return after if before.shown == after.shown else after._replace(since=now)
