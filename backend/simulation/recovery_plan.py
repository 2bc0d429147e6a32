"""A schedule of what goes wrong with one watched service, as data, drawn from one seed.

Only ``random.Random.random`` is used: it gives the same numbers in every version of Python.
"""

import enum
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from backend.watch.settings import ALERT, TAKEOVER, Recovery

HEADS = ("head1", "head2")
NEVER = -1  # so many restarts help: none


class Kind(enum.StrEnum):
    """What goes wrong, or what somebody wants."""

    BREAK = "the service breaks"
    UNKNOWN = "the monitor cannot look"
    CRASH = "the watch process is killed"
    DEATH = "the head loses its power"
    UNFIT = "the service could not run on it"
    SILENT = "its watch process does not answer"
    STUBBORN = "the agent does not give the role away"
    LOST = "nobody hears how a restart ends"
    MAINTENANCE = "maintenance mode"
    SWITCH = "switchover"
    ORDER = "an operator looks after the service"


class Fault(NamedTuple):
    """One fault, from ``begin`` to ``end``, in seconds of true time."""

    begin: float
    end: float
    kind: Kind
    head: str
    choice: int = 0  # BREAK: restarts until it works again, or NEVER; ORDER: which


class Plan(NamedTuple):
    """One schedule."""

    seed: int
    policy: Recovery
    interval: float
    everywhere: bool  # both heads are checked, not only the one that serves
    slow: float  # a check takes up to so many seconds
    faults: tuple[Fault, ...]
    heal: float  # when everything works again for good


# How often each is drawn, and how long it lasts at least and at most, in checks.
WEIGHTS = (
    (Kind.BREAK, 14, 0, 0), (Kind.UNKNOWN, 2, 1, 8), (Kind.CRASH, 4, 0.1, 4),
    (Kind.DEATH, 2, 2, 15), (Kind.UNFIT, 3, 2, 20), (Kind.SILENT, 1, 2, 15),
    (Kind.STUBBORN, 1, 4, 40), (Kind.LOST, 1, 2, 20), (Kind.MAINTENANCE, 2, 2, 15),
    (Kind.SWITCH, 1, 0, 0), (Kind.ORDER, 1, 0, 0),
)  # fmt: skip
TOTAL = sum(weight for _, weight, _, _ in WEIGHTS)


def draw(seed: int) -> Plan:
    """Return the schedule of a seed."""
    rnd = Random(seed).random  # noqa: S311 - a schedule is no secret
    interval = (3.0, 3.0, 10.0, 30.0)[int(rnd() * 4)]
    failures = 1 + int(rnd() * 2)
    policy = Recovery(
        kind="unit" if rnd() < 0.9 else "", options=(("unit", "sshd.service"),),
        failures=failures, of=failures + int(rnd() * 2), restarts=int(rnd() * 4),
        within=(interval * 10, interval * 30, 3600.0)[int(rnd() * 3)],
        verify=(1.0, 3.0)[int(rnd() * 2)], limit=10.0,
        escalate=TAKEOVER if rnd() < 0.8 else ALERT, critical=rnd() < 0.1,
    )  # fmt: skip
    length = interval * (10 + rnd() * 30)
    faults = [_fault(rnd, interval, length) for _ in range(2 + int(rnd() * 6))]
    if rnd() < 0.4:  # it is killed again and again
        begin, head = rnd() * length / 2, HEADS[int(rnd() * 2)]
        pause, choice = interval * (1 + 3 * rnd()), 1 if rnd() < 0.7 else NEVER
        faults += [
            Fault(begin + i * pause, begin + i * pause, Kind.BREAK, head, choice)
            for i in range(2 + int(rnd() * 5))
        ]
    heal = max([length, *(one.begin for one in faults)]) + interval
    return Plan(
        seed, policy, interval, rnd() < 0.6, interval * rnd() / 2, tuple(sorted(faults)), heal
    )


def _fault(rnd: Callable[[], float], interval: float, length: float) -> Fault:
    drawn = int(rnd() * TOTAL)
    for kind, weight, least, most in WEIGHTS:  # noqa: B007 - the one that it stops at
        drawn -= weight
        if drawn < 0:
            break
    begin = rnd() * length
    end = begin + interval * (least + rnd() * (most - least))
    head = HEADS[int(rnd() * 2)]
    choice = int(rnd() * 3)
    if kind is Kind.BREAK:
        choice = NEVER if rnd() < 0.4 else 1 + int(rnd() * 3)
    return Fault(begin, end, kind, head, choice)
