"""The standby: it notices silence, asks without binding anybody, campaigns when it can win."""

from __future__ import annotations

from backend.agent.core.actions import Action, AddAddresses, RemoveAddresses, Send
from backend.agent.core.lease import (
    FIT,
    FOREVER,
    LINKS,
    MAINTENANCE,
    PROMISED,
    SOLO,
    STOPPING,
    free_at,
    lease_end,
    my_bits,
    my_health,
)
from backend.agent.core.messages import (
    Answer,
    Handover,
    Health,
    Invite,
    Poll,
    Resign,
    Solicit,
    Status,
)
from backend.agent.core.state import Decision, Head, Role
from backend.agent.core.steps import (
    ask_voters,
    become_active,
    milliseconds,
    step_down,
    with_value,
)
from backend.agent.core.timing import MS

SOON = MS // 2


def tick(head: Head, late: int, now: int) -> Decision:
    """Ask the voters when the active head has been silent and nothing forbids it."""
    if late > head.timing.stall:
        until = now + head.timing.lease
        return Decision(
            head._replace(nobody_dead_until=until, next_poll=now, free=(-1,) * len(head.free)),
            (), f"I stood still for {milliseconds(late)}: I call nobody dead for one lease",
        )  # fmt: skip
    if now < head.next_poll:
        return Decision(head)
    if head.fresh:
        return remember(head, now)
    if now < allowed_from(head) or why_not(head, now):
        return Decision(head)
    return poll(head, now)


def remember(head: Head, now: int) -> Decision:
    """Without memory, ask the other head first: it may serve alone on a promise of this one."""
    head = head._replace(polled=now, next_poll=now + head.timing.lease // 5)
    return Decision(head, (Send((head.members.peer,), Poll(now, my_health(head, now))),))


def poll(head: Head, now: int) -> Decision:
    """Ask every voter how long it is bound yet."""
    timing = head.timing
    head = head._replace(polled=now, free=(-1,) * len(head.free), next_poll=now + timing.lease // 5)
    return Decision(head, (Send(head.members.others, Poll(now, my_health(head, now))),))


def why_not(head: Head, now: int) -> str:
    """Return why this head must not campaign whatever the time; empty when it may."""
    mine = my_bits(head, now)
    if head.stopping:
        return "it is stopping"
    if mine & MAINTENANCE and not head.incumbent:
        return "maintenance mode is on"
    other = int(head.peer.health) if head.peer.alive(now, head.timing.lease) else 0
    if other & MAINTENANCE and not head.incumbent:
        return "maintenance mode is on at the other head"
    if head.promised:
        return "it has promised to leave the role to the other head while witnesses are missing"
    if head.fresh:
        return "it has no memory of its own yet and must hear the other head first"
    if not mine & FIT:
        return "its services do not work"
    if not mine & LINKS:
        return "it has no network"
    return ""


def allowed_from(head: Head) -> int:
    """Return from when on this head may campaign, as far as time alone decides."""
    moment = max(head.voter.bar, head.nobody_dead_until, head.cold_until)
    if head.peer.served:
        moment = max(moment, head.peer.served + head.timing.silence)
    if _better(head):
        moment = max(moment, min(head.patience_until, head.peer.at + head.timing.lease))
    return moment


def _better(head: Head) -> bool:
    """Whether the other head, itself a standby, should go first for a while."""
    other = int(head.peer.health)
    if not other & FIT or other & (MAINTENANCE | STOPPING | PROMISED):
        return False
    return head.peer.health is not head.health and head.peer.health.links > head.health.links


def status(head: Head, source: int, message: Status, now: int) -> Decision:
    """Note when a voter is free; campaign when a quorum is."""
    if head.role is not Role.STANDBY or message.sent != head.polled:
        return Decision(head)
    if source == head.members.peer and not int(message.health) & SOLO:
        head = head._replace(fresh=False)  # an answer to this very question: it is not old
    moment = now if message.holder == head.members.me else now + max(0, message.remaining)
    head = head._replace(
        free=with_value(head.free, head.place(source), moment), term=max(head.term, message.term)
    )
    if now < allowed_from(head) or why_not(head, now):
        return Decision(head)
    free = free_at(head, now)
    if free <= now:
        return campaign(head, now)
    if free < FOREVER:
        head = head._replace(next_poll=min(head.next_poll, free + SOON))
    return Decision(head)


def campaign(head: Head, now: int) -> Decision:
    """Ask for the role."""
    silent = now - head.peer.at
    head = head._replace(
        role=Role.CANDIDATE, term=max(head.term, head.voter.term) + 1, previous=0, rounds=0,
        acks=(0,) * len(head.acks), free=(-1,) * len(head.free),
        deadline=now + head.timing.campaign,
    )  # fmt: skip
    head, sends = ask_voters(head, now, missing_only=False)
    heard = f"silent for {milliseconds(silent)}" if head.peer.at else "never heard"
    decision = count(head, now)
    if decision is not None:
        return decision
    return Decision(head, sends, f"campaign for term {head.term}: the other head is {heard}")


def count(head: Head, now: int) -> Decision | None:
    """Become active when the grants are enough; None when they are not yet."""
    until = lease_end(head)
    if until <= now:
        return None
    lease = milliseconds(until - now)
    return become_active(head, now, until, f"elected, {lease} of lease")


def candidate_tick(head: Head, late: int, now: int) -> Decision:
    """Ask again, or give up a campaign that takes too long."""
    timing = head.timing
    if late > timing.stall or now >= head.deadline:
        # The two heads wait differently long, so that they do not meet again.
        second = head.members.me != head.members.heads[0]
        wait = timing.lease // 5 if second else timing.lease // 15
        granted = sum(1 for sent in head.acks if sent)
        # The grants are given back, or nobody could be elected for the rest of a lease.
        down = step_down(head, now, "", lapsed=True)
        return Decision(
            down.state._replace(next_poll=now + wait, patience_until=head.patience_until),
            down.actions, f"campaign failed: {granted} of {len(head.acks)} granted",
        )  # fmt: skip
    if now >= head.next_retry:
        head, sends = ask_voters(head, now, missing_only=True)
        return Decision(head, sends)
    return Decision(head)


def answer(head: Head, source: int, message: Answer, now: int) -> Decision:
    """Count a vote for this candidate."""
    if head.role is not Role.CANDIDATE:
        return Decision(head._replace(term=max(head.term, message.term)))
    index = head.place(source)
    usable = message.granted and message.term == head.term and message.sent <= now
    if not usable or message.sent <= head.acks[index]:
        return Decision(head)
    head = head._replace(acks=with_value(head.acks, index, message.sent))
    return count(head, now) or Decision(head)


def invited(head: Head, source: int, message: Invite, now: int) -> Decision:
    """The active head wants to hand over: prepare, then ask for it. A late invitation, of a term
    before one that this head knows, means nothing."""
    if source != head.members.peer or head.role is not Role.STANDBY or head.stopping:
        return Decision(head)
    if message.term < max(head.term, head.voter.term):
        return Decision(head)
    if not head.health & Health.FIT or not head.health.links:
        return Decision(head, (), "the other head wants to hand over, but this one is not fit")
    return solicit(head, now)


def solicit(head: Head, now: int) -> Decision:
    """Configure the addresses behind the closed gate, and ask the active head to hand over."""
    timing = head.timing
    head = head._replace(
        role=Role.SOLICITING, solicited=now, deadline=now + timing.lease // 2,
        next_retry=now + timing.retry,
    )  # fmt: skip
    actions: tuple[Action, ...] = (AddAddresses(), Send((head.members.peer,), Solicit(now)))
    return Decision(head, actions, "ready to take over; asking for the hand-over")


def soliciting_tick(head: Head, now: int) -> Decision:
    """Ask again, with the same moment; give up when it takes too long."""
    timing = head.timing
    if now >= head.deadline:
        state = head._replace(role=Role.STANDBY, solicited=0, next_poll=now)
        return Decision(state, (RemoveAddresses(),), "the other head did not hand over")
    if now >= head.next_retry:
        state = head._replace(next_retry=now + timing.retry)
        return Decision(state, (Send((head.members.peer,), Solicit(head.solicited)),))
    return Decision(head)


def handed_over(head: Head, source: int, message: Handover, now: int) -> Decision:
    """The other head's lease is ours until its end, counted from when we asked."""
    if source != head.members.peer or head.role is not Role.SOLICITING:
        return Decision(head)
    until = message.sent + message.remaining
    if message.sent != head.solicited or until <= now + MS:
        return Decision(head)
    # Its own vote was the other head's or its own, also when it has restarted and forgotten which.
    term = max(message.term, head.term + 1)
    head = head._replace(
        voter=head.voter.handed(head.members.me, term, until), term=term, previous=source, promised=0, acks=(0,) * len(head.acks),
        calm_until=now + head.timing.calm,
    )  # fmt: skip
    return become_active(head, now, until, f"handed over with {milliseconds(until - now)} left")


def resigned(head: Head, source: int, message: Resign, now: int) -> Decision:
    """The active head gave up: no need to wait for silence.

    A late resignation, of a term before the one that this head has voted for, means nothing. Nor
    does one of a head that did not serve hurry this one: its campaign has failed, as may ours.
    """
    if source != head.members.peer or head.role is not Role.STANDBY:
        return Decision(head)
    if message.term < head.voter.term:
        return Decision(head)
    head = head._replace(term=max(head.term, message.term))
    if not head.peer.served:
        return Decision(head)
    bar = head.nobody_dead_until if message.lapsed else 0
    head = head._replace(peer=head.peer._replace(served=0), nobody_dead_until=bar, next_poll=now)
    if now < allowed_from(head) or why_not(head, now):
        return Decision(head)
    return poll(head, now)
