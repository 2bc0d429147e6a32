"""A schedule of faults, as data: everything that a run depends on, drawn from one seed.

Only ``random.Random.random`` is used: it gives the same numbers in every version of Python.
"""

import enum
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from backend.agent.core.timing import MS, Timing

LEASE = 300 * MS
HEADS = (1, 2)


class Kind(enum.StrEnum):
    """What goes wrong, or what is wanted."""

    KILL = "the agent is killed"
    POWER = "the machine loses its power"
    PAUSE = "the process is frozen"
    OFF = "the witness is switched off"
    CUT = "nothing gets through"
    CARRIER = "the carrier is lost"
    UNFIT = "the services do not work"
    DISK = "the disk writes nothing"
    SWITCH = "switchover"
    STOP = "the agent is stopped"
    MAINTENANCE = "maintenance mode"
    EAGER = "it campaigns although it has no reason to"
    FORCE = "the other head is fenced, and confirmed to be off"


class Fault(NamedTuple):
    """One fault, from ``begin`` to ``end`` in true time."""

    begin: int
    end: int
    kind: Kind
    who: int  # a member; the sender for CUT
    other: int = 0  # the receiver for CUT; 0: both ways with everybody
    networks: int = 0  # a mask, for CUT and CARRIER
    choice: int = 0  # bit 0: adopts, messages first, or both ways; bit 1: memory is lost


class Plan(NamedTuple):
    """One schedule. Times are microseconds of true time, rates are thousandths."""

    seed: int
    timing: Timing
    witnesses: int
    public: bool  # the witnesses are on both networks
    rates: tuple[int, ...]  # by member; place 0 is nobody's
    offsets: tuple[int, ...]
    delay: int  # the most that an ordinary message takes
    loss: float  # on each network
    twice: float  # a message arrives twice
    late: float  # a message takes up to three leases
    sessions: bool  # a message to an earlier life of its receiver is not taken, as on the wire
    faults: tuple[Fault, ...]
    heal: int  # when all faults have ended


# How often each fault is drawn, and how long it lasts at least and at most, in leases.
WEIGHTS = (
    (Kind.KILL, 5, 0.1, 2.5),
    (Kind.POWER, 4, 0.2, 4.0),
    (Kind.PAUSE, 7, 0.2, 2.5),
    (Kind.OFF, 5, 0.3, 6.0),
    (Kind.CUT, 8, 0.2, 3.0),
    (Kind.CARRIER, 3, 0.2, 3.0),
    (Kind.UNFIT, 2, 0.2, 3.0),
    (Kind.DISK, 1, 0.5, 3.0),
    (Kind.SWITCH, 5, 0.0, 0.0),
    (Kind.STOP, 2, 0.5, 2.0),
    (Kind.MAINTENANCE, 1, 0.5, 4.0),
    (Kind.EAGER, 6, 0.1, 2.0),
    (Kind.FORCE, 2, 0.2, 4.0),
)
TOTAL = sum(weight for _, weight, _, _ in WEIGHTS)


def draw(seed: int) -> Plan:
    """Return the schedule of a seed."""
    rnd = Random(seed).random  # noqa: S311 - a schedule is no secret
    rounds = 3 if rnd() < 0.75 else 4
    timing = Timing(
        lease=LEASE, rounds=rounds, retries=2 * rounds, solo_after=LEASE * 3 // 2,
        full_after=LEASE * 3 // 2, calm=3 * LEASE,
    )  # fmt: skip
    witnesses = (1, 1, 1, 2, 2, 3)[int(rnd() * 6)]
    members = 3 + witnesses
    begin, length = LEASE * 5 // 4, LEASE * (1 + int(rnd() * 5))
    rough = rnd()
    theme = THEMES[int(rnd() * len(THEMES))]
    faults = [_fault(rnd, witnesses, begin, length) for _ in range(1 + int(rnd() * 5))]
    if theme is not None:
        faults = faults[: int(rnd() * 3)] + theme(rnd, witnesses, begin + int(rnd() * LEASE))
    heal = max([begin + length, *(fault.begin for fault in faults)]) + LEASE // 4
    return Plan(
        seed=seed, timing=timing, witnesses=witnesses, public=rnd() < 0.3,
        rates=tuple(980 + int(rnd() * 41) for _ in range(members)),
        offsets=tuple(int(rnd() * 1000) * MS for _ in range(members)),
        delay=(MS // 2, 3 * MS, 30 * MS, 100 * MS)[int(rnd() * 4)],
        loss=(0.0, 0.0, 0.15, 0.4)[int(rnd() * 4)] if rough < 0.6 else 0.0,
        twice=0.2 if rough < 0.3 else 0.0,
        late=0.05 if 0.15 < rough < 0.45 else 0.0,
        sessions=rnd() < 0.7, faults=tuple(sorted(faults)), heal=heal,
    )  # fmt: skip


def _fault(rnd: Callable[[], float], witnesses: int, begin: int, length: int) -> Fault:
    drawn = int(rnd() * TOTAL)
    for kind, weight, least, most in WEIGHTS:  # noqa: B007 - the one that it stops at
        drawn -= weight
        if drawn < 0:
            break
    start = begin + int(rnd() * length)
    end = start + int(LEASE * (least + rnd() * (most - least)))
    head = HEADS[int(rnd() * 2)]
    member = 1 + int(rnd() * (2 + witnesses))
    choice = int(rnd() * 4)
    if kind is Kind.PAUSE:
        return Fault(start, end, kind, head if rnd() < 0.7 else member, choice=choice)
    if kind is Kind.OFF:
        return Fault(start, end, kind, 3 + int(rnd() * witnesses), choice=choice)
    if kind is Kind.CARRIER:
        return Fault(start, end, kind, head, networks=1 + int(rnd() * 2))
    if kind is Kind.CUT:
        other = 1 + int(rnd() * (2 + witnesses)) if rnd() < 0.7 else 0
        networks = 3 if rnd() < 0.7 else 1
        return Fault(start, end, kind, member, 0 if other == member else other, networks, choice)
    return Fault(start, end, kind, head, choice=choice)


def _handing_over(rnd: Callable[[], float], witnesses: int, begin: int) -> list[Fault]:
    """A switchover, and right then something happens to one of the heads; the other is eager."""
    del witnesses
    head = HEADS[int(rnd() * 2)]
    second = begin + int(rnd() * LEASE * 0.6)
    kind = (Kind.CUT, Kind.CUT, Kind.PAUSE, Kind.KILL)[int(rnd() * 4)]
    hit = HEADS[int(rnd() * 2)]
    end = second + int(LEASE * (0.5 + 1.5 * rnd()))
    networks = 3 if kind is Kind.CUT else 0
    return [
        Fault(begin, begin, Kind.SWITCH, head),
        Fault(second, end, kind, hit, networks=networks, choice=int(rnd() * 2)),
        Fault(second, end + LEASE, Kind.EAGER, 3 - hit if rnd() < 0.7 else hit),
    ]


def _voters_restart(rnd: Callable[[], float], witnesses: int, begin: int) -> list[Fault]:
    """The heads do not hear each other, are eager, and voters restart quickly."""
    end = begin + int(LEASE * (1 + 2 * rnd()))
    faults = [
        Fault(begin, end, Kind.CUT, 1, 2, 3, choice=1),
        Fault(begin, end, Kind.EAGER, HEADS[int(rnd() * 2)]),
    ]
    for witness in range(3, 3 + witnesses):
        start = begin + int(rnd() * LEASE)
        stop = start + MS + int(LEASE * 0.6 * rnd())
        faults.append(Fault(start, stop, Kind.OFF, witness, choice=int(rnd() * 4)))
    start = begin + int(rnd() * LEASE)
    stop = start + MS + int(LEASE * 0.8 * rnd())
    faults.append(Fault(start, stop, Kind.KILL, HEADS[int(rnd() * 2)], choice=int(rnd() * 2)))
    return faults


def _alone(rnd: Callable[[], float], witnesses: int, begin: int) -> list[Fault]:
    """The witnesses are missing for so long that a head serves alone; then not all are back."""
    back = begin + int(LEASE * (2.2 + rnd()))
    faults = [
        Fault(begin, back + int(rnd() * LEASE), Kind.OFF, witness, choice=int(rnd() * 4))
        for witness in range(3, 3 + witnesses)
    ]
    head = HEADS[int(rnd() * 2)]
    hit = back + int((rnd() - 0.5) * LEASE)
    end = hit + int(LEASE * (0.5 + 2 * rnd()))
    what = (Kind.CUT, Kind.KILL, Kind.POWER, Kind.POWER)[int(rnd() * 4)]
    choice = int(rnd() * 2) + (2 if rnd() < 0.6 else 0)
    other = 3 - head if what is Kind.CUT else 0
    faults.append(Fault(hit, hit + LEASE // 4, what, head, other, 3 * (other > 0), choice))
    faults.append(Fault(hit, end + LEASE, Kind.CUT, 1, 2, 3, choice=1))
    faults.append(Fault(hit, end + LEASE, Kind.EAGER, HEADS[int(rnd() * 2)]))
    return faults


THEMES = (None, None, None, _handing_over, _voters_restart, _alone)
