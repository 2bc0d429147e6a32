"""What is known of the healing of one service, what happens to it, and what is to be done.

Moments are seconds of this head's clock that never jumps; a head is called by its name, so that
what is kept means the same on both.
"""

from __future__ import annotations

import enum
import math
from typing import NamedTuple, Union

from backend.watch.results import Outcome
from backend.watch.settings import TAKEOVER, Recovery, Service

NEVER = math.inf
WELL_FOR = 600.0  # seconds; a service that is well for so long has no episode any more
ASK_LIMIT = 5.0  # seconds until the standby must have said whether it is fit
MOVE_AGAIN = 10.0  # seconds; the agent's ear for "not fit" is short, so it is told again
MOVE_LIMIT = 120.0  # seconds; stopping the resources takes its time
LOST_AFTER = 10.0  # seconds beyond a restart's own limit until its end counts as lost


class Phase(str, enum.Enum):
    """Where the healing of a service is."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"  # it has failed, not often enough yet or nothing may be done
    RESTARTING = "restarting"
    VERIFYING = "verifying"  # a restart has ended, or the role has moved: a check tells
    ASKING = "asking"  # the standby whether the service could run there
    MOVING = "moving"  # the role is being given away
    HELD = "held"  # nothing more is tried where it was given up


class Where(str, enum.Enum):
    """A host, seen from the head that serves."""

    HERE = "here"
    THERE = "there"  # the other head
    ELSEWHERE = "elsewhere"  # any other machine


class Standby(NamedTuple):
    """What the other head says: whether the service could run there. None: it cannot tell."""

    fit: bool | None
    why: str = ""
    alive: bool = True  # it answers, and its agent would take the role


class Checked(NamedTuple):
    """A check has ended."""

    outcome: Outcome
    where: frozenset[Where] = frozenset()  # where it failed; empty although it failed: elsewhere
    took: float = 0.0  # seconds: what began before a restart ended says nothing of it


class RestartEnded(NamedTuple):
    """The programs of a restart have ended."""

    ok: bool
    why: str = ""


class Role(NamedTuple):
    """What the agent of this head says."""

    active: bool
    maintenance: bool = False


class MoveRefused(NamedTuple):
    """The agent does not give the role away."""

    why: str


class Order(str, enum.Enum):
    """What an operator wants of a service."""

    ENABLE = "enable"
    ACK = "ack"
    DISABLE = "disable"


class Operator(NamedTuple):
    """Somebody looks after it: what was held is tried anew. Disabled, it is left alone."""

    order: Order


class Tick(NamedTuple):
    """A moment that was waited for (``wake_at``) has come."""


Event = Union[Checked, RestartEnded, Standby, Role, MoveRefused, Operator, Tick]


class Restart(NamedTuple):
    """Restart it here or there; its end comes back as RestartEnded."""

    where: Where


class CheckNow(NamedTuple):
    """Check it as soon as possible."""


class AskStandby(NamedTuple):
    """Ask the other head whether it is fit; the answer comes back as Standby."""


class Move(NamedTuple):
    """Tell the agent that this head is not fit; while it is being moved this comes again."""

    why: str


class Stay(NamedTuple):
    """Take a Move back."""


class Escalate(NamedTuple):
    """It cannot be healed: somebody must be told."""

    sentence: str


Action = Union[Restart, CheckNow, AskStandby, Move, Stay, Escalate]


class State(NamedTuple):
    """One service with a recovery."""

    name: str
    policy: Recovery
    me: str
    other: str
    phase: Phase = Phase.HEALTHY
    target: str = ""  # the head that is healed
    since: float = 0.0  # of the phase
    due: float = NEVER  # the next Tick
    recent: tuple[tuple[str, ...], ...] = ()  # of the last checks: the heads where it failed
    restarts: tuple[tuple[str, float], ...] = ()  # where and when, as far as the budget looks back
    given_up: tuple[str, ...] = ()  # heads where it could not be healed in this episode
    told: tuple[str, ...] = ()  # of those, the ones that somebody was told of
    moved: bool = False  # the role was given away in this episode
    well_since: float | None = None
    why: str = ""  # the last sentence
    active: bool = False
    maintenance: bool = False

    @property
    def moves(self) -> bool:
        """Whether the role may be given away for it."""
        return self.policy.escalate == TAKEOVER or self.policy.critical

    def used(self, head: str, now: float) -> int:
        """Return how much of the budget is used on a head."""
        within = self.policy.within
        return sum(1 for one, at in self.restarts if one == head and now - at < within)

    def where(self, head: str) -> Where:
        """Return where a head is, seen from this one."""
        return Where.HERE if head == self.me else Where.THERE

    def failures(self, head: str) -> int:
        """Return in how many of the last checks it failed on a head."""
        return sum(1 for one in self.recent if head in one)

    @property
    def failing(self) -> tuple[str, ...]:
        """The heads where it failed in the last check."""
        return self.recent[-1] if self.recent else ()


class Decision(NamedTuple):
    """The new state, what is to be done in this order, and one sentence, or an empty one."""

    state: State
    actions: tuple[Action, ...] = ()
    sentence: str = ""


def become(state: State, phase: Phase, now: float, due: float = NEVER, target: str = "") -> State:
    """Return the state in another phase."""
    since = state.since if phase is state.phase else now
    return state._replace(phase=phase, since=since, due=due, target=target)


def begin(service: Service, me: str, other: str) -> State:
    """Return the state of a service of which nothing is known; it must have a recovery."""
    return State(service.name, service.recovery or Recovery(), me, other)
