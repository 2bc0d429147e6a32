"""What is known of the resources, what happens to them, and what is to be done; as values.

Moments are microseconds of this head's clock; 0 means never.
"""

from __future__ import annotations

import enum
from typing import NamedTuple, Union

from backend.agent.core.timing import SECOND
from backend.agent.resources.kinds import Verb
from backend.agent.settings import Resource
from backend.system.agent.program import Ended, Program

PREFIX = "resource"  # of the names of jobs
GUARD = 20 * SECOND  # beyond a program's own limit until its end counts as lost
RETRY = 30 * SECOND  # between two tries to stop what does not stop
LOOK_AGAIN = 2 * SECOND  # between two probes that did not tell
PROBES = 5  # that did not tell, until a start is given up
SETTLES = 60 * SECOND  # so long resources may take to start before their checks count as failed
RESTART_ONCE_IN = 600 * SECOND  # a second failure within it is given to the other head
PEER_HEARD = 2 * SECOND  # so long the other head's word counts as its present


class Phase(enum.Enum):
    """What a resource is."""

    UNKNOWN = "unknown"
    STOPPED = "stopped"
    BLOCKED = "blocked"  # it should run and must wait; ``why`` says for what
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"


class Item(NamedTuple):
    """One resource."""

    resource: Resource
    phase: Phase = Phase.UNKNOWN
    why: str = ""  # of the phase
    since: int = 0  # of the phase
    verb: Verb | None = None  # of the program that runs
    job: str = ""
    deadline: int = 0  # of that program, and then some
    cancelled: bool = False
    seen: bool = False  # it was started or found running here, and not stopped since
    dirty: bool = False  # FAILED, and it may run
    stuck: bool = False  # ``blame`` ends as soon as somebody can tell that it runs, or is stopped
    again: bool = False  # to be stopped and started, with what needs it
    held: bool = False  # it has failed in this term: it stays down
    blame: str = ""  # why this head is not fit; ends with a good start or with Forget
    restarted: int = 0  # when it was last started again after a failed check
    doubts: int = 0  # looks in a row that did not tell
    due: int = 0  # the next look, or the next try
    escalated: bool = False

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.resource.name

    @property
    def down(self) -> bool:
        """Whether it holds nothing up: it is stopped, or its stop was tried and has failed."""
        halted = (Phase.STOPPED, Phase.BLOCKED, Phase.FAILED)
        return self.verb is None and self.phase in halted and not self.overdue

    @property
    def overdue(self) -> bool:
        """Whether it has failed, may still run, and its stop has not been tried yet."""
        return self.phase is Phase.FAILED and self.dirty and self.due == 0

    @property
    def stopped(self) -> bool:
        """Whether it certainly does not run."""
        clean = self.phase in (Phase.STOPPED, Phase.BLOCKED)
        return self.verb is None and (clean or (self.phase is Phase.FAILED and not self.dirty))


class Rules(NamedTuple):
    """What of the configuration decides about resources that must never run twice."""

    lease: int
    fencing: bool = False  # the other head can be fenced
    peer_watchdog: int = 0  # the time-out of the other head's watchdog; 0: it has none, or unknown
    margin: int = 2 * SECOND  # beyond that time-out: clock rates, and a reset takes its time


class Board(NamedTuple):
    """All of them."""

    items: tuple[Item, ...]  # in declared order
    rules: Rules
    serving: bool = False
    draining: bool = False  # this head still serves, and stops its resources to hand over
    term: int = 0
    served: int = 0  # when this head began to serve
    peer_off: int = 0  # when the other head was confirmed to be off
    peer_word: int = 0  # the question it answered with "all stopped", in this term
    peer_busy: int = 0  # when it was last heard to be still stopping
    fencing_asked: bool = False
    fencing_said: str = ""  # why there is no confirmation yet
    jobs: int = 0  # so many have been started

    @property
    def all_stopped(self) -> bool:
        """Whether no resource runs or may run here."""
        return all(item.stopped for item in self.items)

    @property
    def exclusive_stopped(self) -> bool:
        """The word that this head may give the other one: none that must not run twice runs or
        may run here, and none will be started before this head serves again."""
        if self.serving and not self.draining:
            return False
        return all(item.stopped for item in self.items if item.resource.exclusive)

    @property
    def fit(self) -> bool:
        """Whether the resources do not speak against serving here."""
        return not any(item.blame for item in self.items)

    def item(self, name: str) -> Item:
        """Return one by its name; raises KeyError."""
        for item in self.items:
            if item.name == name:
                return item
        raise KeyError(name)

    def dependents(self, name: str) -> tuple[Item, ...]:
        """Return the items that are started after it."""
        return tuple(item for item in self.items if name in item.resource.after)


class Begin(NamedTuple):
    """The agent has started: find out what runs."""


class Serve(NamedTuple):
    """This head is active: by the core's action of that name, or by a lease that was adopted."""

    term: int


class Retire(NamedTuple):
    """This head is not active any more."""


class Drain(NamedTuple):
    """Stop everything while still active, to hand over; Serve takes it back."""


class Tick(NamedTuple):
    """A moment that was waited for (``wake_at``) has come."""


class Finished(NamedTuple):
    """A program has ended."""

    ended: Ended


class PeerOff(NamedTuple):
    """The other head is confirmed to be off, now: by fencing or by the administrator."""


class PeerWord(NamedTuple):
    """The other head's ``exclusive_stopped``, in its answer to what was sent at ``asked``."""

    stopped: bool
    asked: int


class FencingSaid(NamedTuple):
    """Fencing has not confirmed; it goes on."""

    sentence: str


class Forget(NamedTuple):
    """The administrator has mended a resource (all of them: empty): try it again."""

    name: str = ""


class Restart(NamedTuple):
    """The watch list finds that it does not work although it runs: stop it and start it again."""

    name: str


Event = Union[
    Begin, Serve, Retire, Drain, Tick, Finished, PeerOff, PeerWord, FencingSaid, Forget, Restart,
]  # fmt: skip


class Run(NamedTuple):
    """Have the worker run a program."""

    job: str
    program: Program


class Cancel(NamedTuple):
    """Have the worker stop it; its end is still awaited."""

    job: str


class Fence(NamedTuple):
    """Fence the other head: an exclusive resource waits for it."""


class StopFencing(NamedTuple):
    """Nobody waits for it any more; no further try."""


class SelfFence(NamedTuple):
    """An exclusive resource does not stop on a head that must not run it: reset this machine."""

    why: str


Action = Union[Run, Cancel, Fence, StopFencing, SelfFence]


class Decision(NamedTuple):
    """The new state, what is to be done, and a sentence; empty when nothing was decided."""

    state: Board
    actions: tuple[Action, ...] = ()
    sentence: str = ""


def begin(resources: tuple[Resource, ...], rules: Rules, now: int) -> Board:
    """Return the board of an agent that has just started; the configuration has been checked."""
    return Board(tuple(Item(one, since=now) for one in resources), rules)
