"""Serving alone: when too few witnesses are left, the other head promises not to campaign.

The promise is on the other head's disk before it is used, and it is given back before it counts
as given back. While it is in use the active head's own vote is enough, so the loss of the other
head stops nothing. The price: the other head cannot take over by itself until it is released.
"""

from __future__ import annotations

from backend.agent.core.actions import Action, Persist, Send
from backend.agent.core.lease import without_peer
from backend.agent.core.messages import Ask, Promise, Release
from backend.agent.core.state import Decision, Head, Role
from backend.agent.core.steps import extended

Considered = tuple[Head, tuple[Action, ...], str]


def consider(head: Head, now: int) -> Considered:
    """Once a round on the active head: ask for the promise, or give it back."""
    if without_peer(head, now):
        return _enough(head, now)
    head = head._replace(enough_since=0)
    if head.solo or not head.peer.alive(now, head.timing.lease):
        return head._replace(few_since=0), (), ""
    if not head.few_since:
        return head._replace(few_since=now), (), ""
    if now - head.few_since < head.timing.solo_after or now < head.next_ask:
        return head, (), ""
    sentence = ""
    if not head.asked:
        head = head._replace(asked=head.peer.promise + 1)
        sentence = "too few witnesses answer: asking the other head for its promise"
    head = head._replace(next_ask=now + head.timing.lease)
    return head, (Send((head.members.peer,), Ask(head.asked)),), sentence


def _enough(head: Head, now: int) -> Considered:
    head = head._replace(few_since=0)
    if head.solo:
        if not head.enough_since:
            return head._replace(enough_since=now), (), ""
        if now - head.enough_since < head.timing.full_after:
            return head, (), ""
        head = head._replace(solo=0, asked=0, enough_since=0, next_ask=now)
        return head, _release(head, now), "enough witnesses answer: the promise is given back"
    head = head._replace(asked=0)
    if head.peer.promise and head.peer.alive(now, head.timing.lease) and now >= head.next_ask:
        return head._replace(next_ask=now + head.timing.lease), _release(head, now), ""
    return head, (), ""


def _release(head: Head, _now: int) -> tuple[Action, ...]:
    return (Send((head.members.peer,), Release(head.peer.promise)),)


def ask(head: Head, message: Ask) -> Decision:
    """On the standby: store the promise; it counts when it is on the disk."""
    if head.role is not Role.STANDBY or head.stopping or message.version < head.promised:
        return Decision(head)
    if message.version == head.promised:  # stored; the answer was lost
        return Decision(head, (Send((head.members.peer,), Promise(head.promised)),))
    return Decision(
        head, (Persist(head.term, message.version),),
        "the other head may serve alone: I promise not to take over by myself",
    )  # fmt: skip


def persisted(head: Head, version: int) -> Decision:
    """The promise is on the disk."""
    if head.role is not Role.STANDBY or version <= head.promised:
        return Decision(head)
    head = head._replace(promised=version)
    return Decision(head, (Send((head.members.peer,), Promise(version)),))


def promise(head: Head, message: Promise) -> Decision:
    """On the active head: the other head has promised."""
    if head.role is not Role.ACTIVE or not head.asked or message.version != head.asked or head.solo:
        return Decision(head)
    head = head._replace(solo=head.asked, asked=0, enough_since=0)
    return Decision(extended(head), (), "serving alone on the other head's promise")


def release(head: Head, version: int, sentence: str) -> Decision:
    """On the standby: the promise is no longer used."""
    if not head.promised or version < head.promised:
        return Decision(head)
    return Decision(
        head._replace(promised=0), (Persist(head.term, 0),), sentence,
    )  # fmt: skip
