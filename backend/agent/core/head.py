"""A head's decisions: ``step(state, event, now)`` is all there is; it does nothing by itself."""

from __future__ import annotations

from backend.agent.core import active, solo, standby
from backend.agent.core.actions import Action, Send
from backend.agent.core.events import (
    Condition,
    Event,
    Force,
    Maintenance,
    Persisted,
    Received,
    Stop,
    Switchover,
    Tick,
)
from backend.agent.core.lease import ACTIVE, LINKS, PROMISED, SOLO, my_health
from backend.agent.core.messages import (
    Answer,
    Ask,
    Handover,
    Health,
    Invite,
    Message,
    Poll,
    Promise,
    Release,
    Request,
    Resign,
    Solicit,
    Status,
)
from backend.agent.core.state import Decision, Head, Peer, Role
from backend.agent.core.steps import kept, missing, step_down


def step(head: Head, event: Event, now: int) -> Decision:
    """Return what follows from an event at ``now``; events must come in order of time."""
    if isinstance(event, Received):
        return _received(head, event.source, event.message, now)
    if isinstance(event, Tick):
        return _tick(head, event.late, now)
    if isinstance(event, Condition):
        return Decision(_conditioned(head, event.health, now))
    if isinstance(event, Persisted):
        return solo.persisted(head, event.version)
    return _commanded(head, event, now)


def wake_at(head: Head, now: int) -> int:
    """Return the moment of the next Tick that this state needs."""
    if head.role is Role.ACTIVE:
        moment = head.next_round
        if head.next_retry < moment and missing(head):
            moment = head.next_retry
        if head.forced or not head.solo:
            moment = min(moment, head.lease_until)
        return min(moment, head.stopping) if head.stopping else moment
    if head.role in (Role.CANDIDATE, Role.SOLICITING):
        return min(head.next_retry, head.deadline)
    if head.fresh:
        return head.next_poll
    if standby.why_not(head, now):
        return now + head.timing.silence
    return max(head.next_poll, standby.allowed_from(head))


def _conditioned(head: Head, health: Health, now: int) -> Head:
    """Tell the others at once. What takes a network from this head may just be taking it from the
    other one, too: a round later it knows, and only then are the two compared."""
    lost = int(head.health) & ~int(health) & LINKS
    reduced = now + head.timing.round if lost else head.reduced
    return head._replace(health=health, next_round=min(head.next_round, now), reduced=reduced)


def _tick(head: Head, late: int, now: int) -> Decision:
    if head.role is Role.ACTIVE:
        return active.tick(head, late, now)
    if head.role is Role.CANDIDATE:
        return standby.candidate_tick(head, late, now)
    if head.role is Role.SOLICITING:
        return standby.soliciting_tick(head, now)
    return standby.tick(head, late, now)


def _commanded(head: Head, event: Event, now: int) -> Decision:
    if isinstance(event, Maintenance):
        word = "on" if event.until > now else "off"
        state = head._replace(maintenance_until=event.until)
        return Decision(state, (), f"maintenance mode is {word}")
    if isinstance(event, Force):
        return active.serve_alone(head, now)
    if isinstance(event, Switchover):
        if head.role is Role.ACTIVE:
            return active.switch_over(head, now)
        if head.role is Role.STANDBY and head.health & Health.FIT and not head.stopping:
            return standby.solicit(head, now)
        return Decision(head, (), "no switchover: this head cannot take over now")
    if isinstance(event, Stop):
        return _stop(head, now)
    return Decision(head)


def _stop(head: Head, now: int) -> Decision:
    head = head._replace(stopping=now + head.timing.lease)
    if head.role is Role.ACTIVE:
        if active.willing(head, now):
            decision = active.switch_over(head, now)
            return decision._replace(sentence="stopping: asked the other head to take over")
        return step_down(head, now, "stopped", lapsed=False)
    return step_down(head, now, "stopped", lapsed=False)


def _received(head: Head, source: int, message: Message, now: int) -> Decision:
    if source not in head.members.voters:
        return Decision(head)
    if source == head.members.peer:
        head = _hear_peer(head, message, now)
    if isinstance(message, Request):
        return _request(head, source, message, now)
    if isinstance(message, Answer):
        module_answer = active.answer if head.role is Role.ACTIVE else standby.answer
        return module_answer(head, source, message, now)
    if isinstance(message, Poll):
        voter = head.voter
        status = Status(
            voter.holder, voter.term, max(0, voter.remaining(now)), message.sent,
            my_health(head, now), solo.reported(head),
        )  # fmt: skip
        return Decision(head, (Send((source,), status),))
    if isinstance(message, Status):
        return standby.status(head, source, message, now)
    if isinstance(message, Resign):
        head = head._replace(voter=head.voter.resign(source, message))
        return standby.resigned(head, source, message, now)
    return _between_heads(head, source, message, now)


def _between_heads(head: Head, source: int, message: Message, now: int) -> Decision:
    if source != head.members.peer:
        return Decision(head)
    if isinstance(message, Solicit):
        return _solicited(head, source, message, now)
    if isinstance(message, Handover):
        return standby.handed_over(head, source, message, now)
    if isinstance(message, Invite):
        return standby.invited(head, source, message, now)
    if isinstance(message, Ask):
        return solo.ask(head, message)
    if isinstance(message, Promise):
        return solo.promise(head, message, now)
    if isinstance(message, Release):
        return solo.release(head, message.version, "released from my promise")
    return Decision(head)


def _solicited(head: Head, source: int, message: Solicit, now: int) -> Decision:
    given = head.given
    if head.role is Role.ACTIVE:
        return active.hand_over(head, source, message, now)
    if given is not None and given.sent == message.sent:  # the answer was lost
        return Decision(head, (Send((source,), given),))
    return Decision(head)


def _remember(head: Head, message: Request, now: int) -> tuple[Head, tuple[Action, ...]]:
    """What the other head uses, this one has promised, even if its disk no longer says so."""
    used = int(message.health) & SOLO and message.solo > max(head.promised, head.storing)
    if not used or head.role is Role.ACTIVE:
        return head, ()
    actions: tuple[Action, ...] = ()
    if head.role is Role.CANDIDATE:
        down = step_down(head, now, "", lapsed=True)
        head, actions = down.state, down.actions
    head = head._replace(promised=message.solo, storing=message.solo)
    return head, (*actions, kept(head))


def _request(head: Head, source: int, message: Request, now: int) -> Decision:
    """Vote; the answer also tells the other head how this one is."""
    if source != head.members.peer:
        return Decision(head)
    if head.role is Role.ACTIVE:
        wrong = active.hear_request(head, source, message, now)
        if wrong is not None:
            return wrong
    head, stored = _remember(head, message, now)
    voter = head.voter.grant(source, message, now)
    granted = voter is not None
    voter = voter or head.voter
    head = head._replace(voter=voter)
    if granted and message.term > head.term:
        head = head._replace(term=message.term)
        stored = (*stored, kept(head))
    reply = Answer(
        granted, voter.holder, voter.term, max(0, voter.remaining(now)), message.sent,
        my_health(head, now), solo.reported(head),
    )  # fmt: skip
    return Decision(head, (Send((source,), reply), *stored))


def _hear_peer(head: Head, message: Message, now: int) -> Head:
    """Note how the other head is."""
    health: Health | None = getattr(message, "health", None)
    if not health:  # not said: a head that can be heard reaches at least one network
        return head._replace(peer=head.peer._replace(at=now))
    served = now if int(health) & ACTIVE else 0
    promise = getattr(message, "solo", 0) if int(health) & PROMISED else 0
    if isinstance(message, Poll):
        promise = head.peer.promise
    peer = Peer(health, now, served, promise)
    if served and head.role is not Role.ACTIVE:
        head = head._replace(incumbent=False)
    return head._replace(peer=peer)
