"""The active head: it renews its lease, and it gives it up when it should not have it."""

from __future__ import annotations

from backend.agent.core import solo
from backend.agent.core.actions import (
    Action,
    CloseGate,
    OpenGate,
    RemoveAddresses,
    Retire,
    Send,
)
from backend.agent.core.lease import (
    ACTIVE,
    FIT,
    LINKS,
    MAINTENANCE,
    STOPPING,
    lease_end,
    my_bits,
)
from backend.agent.core.messages import Answer, Handover, Health, Invite, Message, Request, Solicit
from backend.agent.core.state import Decision, Head, Role
from backend.agent.core.steps import (
    ask_voters,
    become_active,
    kept,
    milliseconds,
    step_down,
    with_value,
)
from backend.agent.core.timing import MS


def tick(head: Head, late: int, now: int) -> Decision:
    """Renew, ask again, or notice that the lease has run out.

    Serving alone, a stall does not matter: the other head has promised. But one that was only
    confirmed to be off may have been switched on meanwhile.
    """
    if now >= head.lease_until and (head.forced or not head.solo):
        return lapse(head, late, now)
    if head.stopping and now >= head.stopping:
        return step_down(head, now, "stopped; nobody took over in time", lapsed=False)
    if now >= head.next_round:
        head, sends = ask_voters(head, now, missing_only=False)
        head, more, sentence = conditions(head, now)
        return renewed(head, sends + more, sentence, now)
    if now >= head.next_retry:
        head, sends = ask_voters(head, now, missing_only=True)
        return renewed(head, sends, "", now)
    return Decision(head)


def renewed(head: Head, actions: tuple[Action, ...], sentence: str, now: int) -> Decision:
    """Open the gate for longer when the grants give a longer lease; worth a call to the kernel
    only when it is half a round longer. A gate is never opened for a moment that has passed."""
    end = lease_end(head)
    if end > now and end >= head.lease_until + head.timing.round // 2:
        return Decision(head._replace(lease_until=end), (OpenGate(end), *actions), sentence)
    return Decision(head, actions, sentence)


def answer(head: Head, source: int, message: Answer, now: int) -> Decision:
    """Count a grant; take a voter back that has seen a higher term."""
    if message.granted and message.term == head.term and message.sent <= now:
        index = head.place(source)
        if message.sent <= head.acks[index]:
            return Decision(head)
        due = source == head.members.peer and head.acks[index] < head.reduced <= message.sent
        head = head._replace(acks=with_value(head.acks, index, message.sent))
        head, more, sentence = compare(head, now) if due else (head, (), "")
        return renewed(head, more, sentence, now)
    # A voter may also know a higher term of this very head, from before it restarted.
    mine = message.holder == head.members.me
    if not message.granted and message.term + (not mine) > head.term:
        return outbid(head, message.term, now)
    return Decision(head)


def repeated(head: Head, source: int, message: Message) -> bool:
    """Whether a message is the copy of a grant that counts already, from another network, and says
    nothing of the other head that this one does not know."""
    if not isinstance(message, Answer) or not message.granted or head.role is not Role.ACTIVE:
        return False
    counted = head.acks[head.members.places[source]]
    if message.term != head.term or message.sent != counted:
        return False
    peer = head.peer
    return source != head.members.peer or (
        message.health == peer.health and message.solo == peer.promise
    )


def outbid(head: Head, term: int, now: int) -> Decision:
    """Go on with a term above one that a voter has seen: with it this head can win that voter back.

    Somebody's campaign has failed, or is failing. The grants that this head has stay in force
    whatever their term. But what was handed over was a lease of the old term: with the new one
    this head must not take over anybody's grant, it could be the grant of that campaign.
    """
    head = head._replace(term=term + 1, previous=0)
    head, sends = ask_voters(head, now, missing_only=False)
    return renewed(head, (*sends, kept(head)), "", now)


def lapse(head: Head, late: int, now: int) -> Decision:
    """The lease has run out. Whose fault it was decides who tries first."""
    ago = milliseconds(now - head.lease_until)
    timing = head.timing
    if late > timing.stall:
        # This process stood still, not the network: it may take its own lease back at once.
        why = f"I stood still for {milliseconds(late)} and my lease ran out {ago} ago"
        down = step_down(head, now, why, lapsed=True, resign=False)
        state = down.state._replace(nobody_dead_until=0, next_poll=now)
        return down._replace(state=state)
    why = f"too few voters answered; my lease ran out {ago} ago"
    down = step_down(head, now, why, lapsed=True)
    return down._replace(state=down.state._replace(nobody_dead_until=now + timing.lease // 5))


def conditions(head: Head, now: int) -> tuple[Head, tuple[Action, ...], str]:
    """Once a round: should the other head serve instead, and could this one serve alone?"""
    head, actions, sentence = solo.consider(head, now)
    head, more, said = compare(head, now)
    return head, (*actions, *more), said or sentence


def compare(head: Head, now: int) -> tuple[Head, tuple[Action, ...], str]:
    """Invite the other head when it should serve instead, until it does or has had time enough."""
    actions: tuple[Action, ...] = ()
    sentence = ""
    reason = better_elsewhere(head, now)
    if reason and now >= head.calm_until and not head.inviting_until:
        timing = head.timing
        head = head._replace(inviting_until=now + timing.lease, calm_until=now + timing.calm)
        sentence = f"asking the other head to take over: {reason}"
    if head.inviting_until:
        if now < head.inviting_until:
            actions = (Send((head.members.peer,), Invite(head.term)),)
        else:
            head = head._replace(inviting_until=0)
            sentence = "the other head did not take over; I go on"
    return head, actions, sentence


def better_elsewhere(head: Head, now: int) -> str:
    """Return why the other head should serve instead of this one; empty when it should not."""
    other = head.peer.health
    if int(head.health) & FIT and int(head.health) & LINKS == int(other) & LINKS:
        return ""  # as always
    mine = my_bits(head, now)
    if mine & MAINTENANCE or not willing(head, now):
        return ""
    if not mine & FIT:
        return "my services do not work here, its would"
    known = head.acks[head.place(head.members.peer)] >= head.reduced
    if known and other.links > head.health.links:
        return f"it reaches {other.links} networks, I reach {head.health.links}"
    return ""


def willing(head: Head, now: int) -> bool:
    """Whether the other head is there and could take over."""
    other = int(head.peer.health)
    return (
        head.peer.alive(now, head.timing.lease)
        and bool(other & FIT)
        and bool(other & LINKS)
        and not other & (MAINTENANCE | STOPPING | ACTIVE)
    )


def switch_over(head: Head, now: int) -> Decision:
    """Exchange the roles because the administrator wants it."""
    if not head.peer.alive(now, head.timing.lease):
        return Decision(head, (), "no switchover: the other head does not answer")
    if not head.peer.health & Health.FIT:
        return Decision(head, (), "no switchover: the other head is not fit to serve")
    head = head._replace(inviting_until=now + head.timing.lease, next_round=now)
    return Decision(
        head, (Send((head.members.peer,), Invite(head.term)),), "switchover: asked the other head"
    )


def hand_over(head: Head, source: int, message: Solicit, now: int) -> Decision:
    """Close the gate and give the rest of the lease away; the other head counts it from its own
    question, which was sent before this moment: it can only get less than there is."""
    remaining = head.lease_until - now
    if source != head.members.peer or remaining <= MS:
        return Decision(head)
    given = Handover(message.sent, remaining, head.term + 1)
    down = step_down(head, now, "handed over", lapsed=False, resign=False)
    peer = head.peer._replace(served=now)
    until = now + head.timing.lease  # the other head needs a moment to begin
    state = down.state._replace(
        voter=head.voter.handed(source, given.term, until),
        given=given, term=given.term, peer=peer, patience_until=0,
        calm_until=now + head.timing.calm, incumbent=False,
        nobody_dead_until=until,
    )  # fmt: skip
    actions: tuple[Action, ...] = (
        CloseGate(), Send((source,), given), RemoveAddresses(), Retire(), kept(state),
    )  # fmt: skip
    return Decision(state, actions, f"handed over with {milliseconds(remaining)} left")


def hear_request(head: Head, source: int, message: Request, now: int) -> Decision | None:
    """Notice another head that serves while this one has a lease: it must not happen; the one
    with the lower term gives way. None when there is nothing wrong."""
    serving = int(message.health) & ACTIVE
    if source != head.members.peer or not serving or message.term <= head.term:
        return None
    return step_down(
        head, now, f"the other head serves with the higher term {message.term}", lapsed=True
    )


def serve_alone(head: Head, now: int) -> Decision:
    """The other head is certainly off: serve without its vote and without the witnesses'."""
    if head.role is Role.ACTIVE:
        if head.solo:
            return Decision(
                head, (), "the other head is confirmed to be off; I serve alone already"
            )
        state = head._replace(solo=solo.next_version(head), forced=True, asked=0, enough_since=0)
        return Decision(state, (), "the other head is confirmed to be off: serving alone")
    voter = head.voter._replace(bar=min(head.voter.bar, now), until=min(head.voter.until, now))
    head = head._replace(
        voter=voter, term=max(head.term, voter.term) + 1, promised=0, previous=0,
        acks=(0,) * len(head.acks), role=Role.ACTIVE, solo=solo.next_version(head),
        forced=True,
    )  # fmt: skip
    return become_active(
        head, now, now + head.timing.usable, "the other head is confirmed to be off"
    )
