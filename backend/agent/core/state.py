"""What a head knows, as one value. Moments are microseconds of its own clock; 0 means never."""

from __future__ import annotations

import enum
from typing import NamedTuple

from backend.agent.core.actions import Action, Persist
from backend.agent.core.messages import Handover, Health
from backend.agent.core.timing import Members, Timing
from backend.agent.core.voter import Voter


class Role(enum.IntEnum):
    """What a head is."""

    STANDBY = 0
    SOLICITING = 1  # has prepared itself and asked the active head to hand over
    CANDIDATE = 2  # asks the voters
    ACTIVE = 3


class Peer(NamedTuple):
    """What is known of the other head."""

    health: Health = Health.NONE
    at: int = 0  # when anything was heard from it
    served: int = 0  # when it last said that it is active; 0: it said that it is not
    promise: int = 0  # the version of the promise it has given

    def alive(self, now: int, lease: int) -> bool:
        """Whether it was heard within a lease."""
        return self.at > 0 and now - self.at < lease


class Head(NamedTuple):
    """Everything a head decides by."""

    members: Members
    timing: Timing
    voter: Voter
    role: Role = Role.STANDBY
    term: int = 0  # the highest ever seen, or the own one
    lease_until: int = 0
    acks: tuple[int, ...] = ()  # for each voter: when the newest granted request was sent
    previous: int = 0  # whose lease was handed over to this term
    next_round: int = 0
    next_retry: int = 0
    round_sent: int = 0  # when the round began whose answers are awaited
    rounds: int = 0  # in this term
    brisk_until: int = 0  # an answer was missed not long ago: renewals come faster
    # as a standby
    free: tuple[int, ...] = ()  # for each voter: when it could grant, as it said; -1: not said
    polled: int = 0  # when the poll was sent that ``free`` answers
    next_poll: int = 0
    nobody_dead_until: int = 0  # this process itself stood still: it cannot tell
    cold_until: int = 0  # the preferred head goes first when both start
    patience_until: int = 0  # until then a better head may go first
    fresh: bool = False  # it has lost its memory: the other head must answer it first
    deadline: int = 0  # of a campaign or of a solicitation
    solicited: int = 0  # when
    # as the active head
    inviting_until: int = 0
    calm_until: int = 0  # no hand-over for health before
    given: Handover | None = None  # the last hand-over, for a repeated question
    # serving alone
    few_since: int = 0
    enough_since: int = 0
    asked: int = 0  # the version of the promise this head wants
    next_ask: int = 0
    solo: int = 0  # the version of the promise this head uses
    forced: bool = False  # ``solo`` is not yet promised, the other head was off
    promised: int = 0  # the version of the promise this head has given
    storing: int = 0  # the version that is on its way to the disk: not yet promised
    version: int = 0  # the highest version this head has asked for: none is used twice
    # the world
    health: Health = Health.NONE
    reduced: int = 0  # a network went: only answers asked for from then on tell of the other head's
    peer: Peer = Peer()
    maintenance_until: int = 0
    incumbent: bool = False  # it served last: maintenance does not keep it from going on
    stopping: int = 0  # until when it tries to hand over before it resigns

    @property
    def finished(self) -> bool:
        """Whether a head that was asked to stop has nothing more to do."""
        return self.stopping > 0 and self.role is Role.STANDBY

    def place(self, voter: int) -> int:
        """Return the place of a voter in ``acks`` and ``free``."""
        return self.members.places[voter]


class Decision(NamedTuple):
    """The new state, what is to be done, and one sentence (empty when nothing was decided)."""

    state: Head
    actions: tuple[Action, ...] = ()
    sentence: str = ""


def start(
    members: Members, timing: Timing, now: int, *, term: int = 0, promised: int = 0, fresh: bool
) -> Head:
    """Return a head that has just started; ``term`` and ``promised`` are what it had stored."""
    count = len(members.voters)
    second = members.me != members.heads[0]
    return Head(
        members=members,
        timing=timing,
        voter=Voter.started(now, timing.lease, term),
        term=term,
        acks=(0,) * count,
        free=(-1,) * count,
        cold_until=now + timing.lease * (2 if second else 1),
        patience_until=now + 4 * timing.lease,
        next_poll=now,
        fresh=fresh,
        promised=promised,
    )


def adopt(head: Head, now: int, term: int, until: int, solo: int = 0) -> Decision:
    """Go on serving after a restart: the kernel's gate is still open until ``until``.

    It goes on with a term of its own, so that nothing said before the restart is taken for new.
    ``solo`` is the promise that was in use, as it was noted before it was used; it must have been
    noted as given back before the other head could hear so.
    """
    term = max(term, head.term)
    voter = Voter.adopted(now, head.timing.lease, head.members.me, term, until)
    state = head._replace(
        voter=voter, role=Role.ACTIVE, term=term + 1, lease_until=until, next_round=now,
        next_retry=now, incumbent=True, solo=solo,
    )  # fmt: skip
    sentence = f"restarted within my lease: I go on, as term {term + 1}"
    return Decision(state, (Persist(term + 1, head.promised),), sentence)
