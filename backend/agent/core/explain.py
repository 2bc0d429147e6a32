"""Why a head does what it does, and why it does nothing: sentences for ``haoscar status``."""

from __future__ import annotations

from backend.agent.core import active, standby
from backend.agent.core.lease import FOREVER, free_at, without_peer
from backend.agent.core.state import Head, Role
from backend.agent.core.steps import milliseconds


def explain(head: Head, now: int) -> tuple[str, ...]:
    """Return who holds the lease and for how long, and what would happen if the active head died
    now, or why nothing would. ``now`` is on the head's own clock; nothing is changed."""
    if head.role is Role.ACTIVE:
        return (*_serving(head, now), *_if_this_dies(head, now))
    return (*_waiting(head, now), *_if_other_dies(head, now))


def _serving(head: Head, now: int) -> tuple[str, ...]:
    left = head.lease_until - now
    lines = [
        f"this head serves with term {head.term}; its lease lasts {milliseconds(left)} more"
        if left > 0
        else f"this head's lease ran out {milliseconds(-left)} ago; it is about to step down"
    ]
    if head.forced:
        lines.append("it serves alone because the other head was confirmed to be off")
    elif head.solo:
        lines.append("it serves alone: the other head has promised not to take over by itself")
    elif not without_peer(head, now):
        lines.append("too few witnesses answer: without the other head this one could not go on")
    if head.inviting_until > now:
        lines.append("it has asked the other head to take over, and waits for the answer")
    if head.stopping:
        lines.append("it is stopping")
    reason = active.better_elsewhere(head, now)
    if reason and now < head.calm_until:
        wait = milliseconds(head.calm_until - now)
        lines.append(f"the other head should serve ({reason}); the next try is in {wait}")
    elif reason:
        lines.append(f"the other head should serve: {reason}")
    return tuple(lines)


def _if_this_dies(head: Head, now: int) -> tuple[str, ...]:
    peer = head.peer
    if not peer.alive(now, head.timing.lease):
        return (f"nobody would take over: {_heard(head, now)}",)
    if head.solo and not head.forced:
        return ("the other head would not take over by itself: it has promised so",)
    if not active.willing(head, now):
        return ("the other head would not take over: it is not fit, in maintenance, or stopping",)
    return ("the other head is ready to take over",)


def _waiting(head: Head, now: int) -> tuple[str, ...]:
    voter, me = head.voter, head.members.me
    lines = [f"this head is {head.role.name.lower()}; {_heard(head, now)}"]
    if head.peer.served and head.peer.alive(now, head.timing.lease):
        lines.append("the other head serves")
    left = voter.until - now
    if left > 0 and voter.holder != me:
        lines.append(
            f"this head's vote is the other head's, of term {voter.term}, for {milliseconds(left)}"
        )
    if voter.bar > now:
        wait = milliseconds(voter.bar - now)
        lines.append(f"this head votes for nobody for {wait}: it has started a moment ago")
    return tuple(lines)


def _if_other_dies(head: Head, now: int) -> tuple[str, ...]:
    reason = standby.why_not(head, now)
    if reason:
        return (f"this head would not take over: {reason}",)
    if head.role is not Role.STANDBY:
        return ("it is about to take over",)
    served = head.peer.served
    if served and now < served + head.timing.silence:
        silence = milliseconds(head.timing.silence)
        return (
            f"no takeover: the other head is well; after {silence} of silence I ask the voters",
        )
    start = standby.allowed_from(head)
    if start > now:
        return (f"no takeover for {milliseconds(start - now)}: {_bar(head, now)}",)
    free = free_at(head, now)
    if free >= FOREVER:
        return ("no takeover yet: too few voters have answered",)
    if free > now:
        return (f"no takeover for {milliseconds(free - now)}: the voters are bound for so long",)
    return ("this head is about to take over",)


def _bar(head: Head, now: int) -> str:
    if head.nobody_dead_until > now:
        return "this head stood still or has just given the role away, and calls nobody dead"
    if max(head.voter.bar, head.cold_until) > now:
        return "this head has started a moment ago"
    return "the other head reaches more networks and goes first"


def _heard(head: Head, now: int) -> str:
    if not head.peer.at:
        return "the other head was never heard"
    if head.peer.alive(now, head.timing.lease):
        return f"the other head was heard {milliseconds(now - head.peer.at)} ago"
    return f"the other head is silent for {milliseconds(now - head.peer.at)}"
