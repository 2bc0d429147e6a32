"""Moves that several roles share: the end of serving, its beginning, a round of requests."""

from __future__ import annotations

from backend.agent.core.actions import (
    Action,
    AddAddresses,
    Announce,
    CloseGate,
    OpenGate,
    Persist,
    RemoveAddresses,
    Retire,
    Send,
    Serve,
)
from backend.agent.core.lease import lease_end, my_health
from backend.agent.core.messages import Kind, Release, Request, Resign
from backend.agent.core.state import Decision, Head, Role
from backend.agent.core.timing import MS

# The witnesses' turn, in rounds, while the two heads alone are a quorum: it is only to know that they
# are there (``Timing.there``).
CALM_TURN, BRISK_TURN = 3, 2
PATIENT = 2  # tries for the other head alone, before everybody is asked in the same round


def kept(head: Head) -> Persist:
    """Return the order to store what must outlive this process; a promise that is on its way to
    the disk must not be overtaken there."""
    return Persist(head.term, max(head.promised, head.storing))


def milliseconds(duration: int) -> str:
    """Return a duration for a sentence."""
    return f"{duration / MS:.0f} ms"


def ask_voters(head: Head, now: int, *, missing_only: bool) -> tuple[Head, tuple[Action, ...]]:
    """Ask for the lease: this head's own vote first, then the others'.

    A retry goes to those only that have not answered since the round began. While the pair alone
    is a quorum, the witnesses are asked in some rounds only: less traffic, the same safety.
    """
    members, timing = head.members, head.timing
    brisk, sent, following, rounds = (
        head.brisk_until, head.round_sent, head.next_round, head.rounds
    )  # fmt: skip
    if missed(head, now):
        brisk, following = now + timing.brisk, min(following, sent + timing.round)
    if not missing_only:
        pause = timing.round if now < brisk else timing.rest
        sent, following, rounds = now, now + pause, rounds + 1
        if now < head.reduced:
            following = min(following, head.reduced)
    kind = Kind.RENEW if head.role is Role.ACTIVE else Kind.CAMPAIGN
    if head.previous:
        kind = Kind.TRANSFER
    request = Request(
        head.term, kind, head.previous, timing.lease, now, my_health(head, now), head.solo
    )
    voter, acks = head.voter.grant(members.me, request, now), head.acks
    if voter is not None:
        acks = with_value(acks, head.place(members.me), now)
    head = head._replace(
        brisk_until=brisk, round_sent=sent, next_round=following, rounds=rounds,
        next_retry=now + timing.retry, voter=voter or head.voter, acks=acks,
    )  # fmt: skip
    to = missing(head) if missing_only else asked(head)
    return head, ((Send(to, request),) if to else ())


def asked(head: Head) -> tuple[int, ...]:
    """Return whom the present round asks; the witnesses' turn comes at once when the other head has
    not answered two tries, so that their grants are there long before the lease runs out."""
    peer, timing, sent = head.members.peer, head.timing, head.round_sent
    turn = BRISK_TURN if sent < head.brisk_until else CALM_TURN
    if head.role is Role.ACTIVE and head.rounds % turn and not head.solo:
        answered = head.acks[head.place(peer)]
        patient = head.next_retry - sent <= PATIENT * timing.retry
        if answered >= sent or (patient and answered >= sent - timing.rest - timing.retry):
            return (peer,)
    return head.members.others


def missing(head: Head) -> tuple[int, ...]:
    """Return whose answers the present round still awaits."""
    acks, places, sent = head.acks, head.members.places, head.round_sent
    return tuple([one for one in asked(head) if acks[places[one]] < sent])


def missed(head: Head, now: int) -> bool:
    """Whether somebody who is there has not answered the round that goes on.

    Witnesses that are switched off miss every round; that tells nothing about the others.
    """
    acks, places, sent = head.acks, head.members.places, head.round_sent
    there = now - head.timing.there
    return any([there < acks[places[one]] < sent for one in asked(head)])  # noqa: C419 - quicker, and asked in every pass


def with_value(values: tuple[int, ...], index: int, value: int) -> tuple[int, ...]:
    """Return ``values`` with one of them changed."""
    return (*values[:index], value, *values[index + 1 :])


def extended(head: Head) -> Head:
    """Return the head with the lease that its grants give; a lease never gets shorter."""
    end = lease_end(head)
    return head._replace(lease_until=end) if end > head.lease_until else head


def become_active(head: Head, now: int, until: int, why: str) -> Decision:
    """Begin to serve until ``until``: the gate first, then addresses, ARP and resources."""
    head = head._replace(
        role=Role.ACTIVE, lease_until=until, few_since=0, enough_since=0, asked=0,
        inviting_until=0, given=None, deadline=0, solicited=0, next_ask=0, rounds=0, incumbent=True,
        storing=0, fresh=False,
    )  # fmt: skip
    head, sends = ask_voters(head, now, missing_only=False)
    head = extended(head)
    actions: tuple[Action, ...] = (
        OpenGate(head.lease_until), AddAddresses(), Announce(), *sends,
        kept(head), Serve(head.term),
    )  # fmt: skip
    return Decision(head, actions, f"active, term {head.term}: {why}")


def step_down(head: Head, now: int, why: str, *, lapsed: bool, resign: bool = True) -> Decision:
    """Stop serving or campaigning now: the gate first. What was promised is not used any more."""
    members = head.members
    message = Resign(head.term, lapsed)
    sends: tuple[Action, ...] = (Send(members.others, message),) if resign else ()
    if head.solo:
        sends = (*sends, Send((members.peer,), Release(head.solo)))
    voter = head.voter.resign(members.me, message) if resign else head.voter
    head = head._replace(
        role=Role.STANDBY, voter=voter, lease_until=0, previous=0, solo=0, forced=False, asked=0,
        few_since=0, enough_since=0, inviting_until=0, acks=(0,) * len(head.acks), free=(-1,) * len(head.free),
        next_poll=now, polled=0, deadline=0, solicited=0,
        patience_until=now + 4 * head.timing.lease,
    )  # fmt: skip
    actions: tuple[Action, ...] = (CloseGate(), *sends, RemoveAddresses(), Retire())
    return Decision(head, actions, f"standby: {why}")
