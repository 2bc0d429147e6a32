"""Serving alone: when too few witnesses are left, the other head promises not to campaign.

The promise is on the other head's disk before it is used, and it is given back before it counts
as given back. While it is in use the active head's own vote is enough, so the loss of the other
head stops nothing. The price: the other head cannot take over by itself until it is released.
"""

from __future__ import annotations

from backend.agent.core.actions import Action, OpenGate, Persist, Send
from backend.agent.core.lease import PROMISED, lease_end, without_peer
from backend.agent.core.messages import Ask, Promise, Release
from backend.agent.core.state import Decision, Head, Role

VERSIONS = 1024  # of promises within one term

Considered = tuple[Head, tuple[Action, ...], str]


def consider(head: Head, now: int) -> Considered:
    """Once a round on the active head: ask for the promise, or give it back."""
    if head.forced and head.peer.promise >= head.solo:
        head = head._replace(forced=False)
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
        version = next_version(head)
        head = head._replace(asked=version, version=version)
        sentence = "too few witnesses answer: asking the other head for its promise"
    head = head._replace(next_ask=now + head.timing.lease)
    return head, (Send((head.members.peer,), Ask(head.asked)),), sentence


def _enough(head: Head, now: int) -> Considered:
    if head.few_since:
        head = head._replace(few_since=0)
    if head.solo:
        if not head.enough_since:
            return head._replace(enough_since=now), (), ""
        if now - head.enough_since < head.timing.full_after:
            return head, (), ""
        version = max(head.version, head.solo)
        shared = head._replace(solo=0, forced=False, asked=0, enough_since=0, version=version)
        if lease_end(shared) < head.lease_until:
            return head, (), ""  # the lease still rests on the promise: the grants are older
        head, actions = _give_back(shared, now)
        return head, actions, "enough witnesses answer: the promise is given back"
    if head.asked:
        head = head._replace(asked=0)
    given = int(head.peer.health) & PROMISED and head.peer.alive(now, head.timing.lease)
    if given and now >= head.next_ask:
        head, actions = _give_back(head, now)
        return head, actions, ""
    return head, (), ""


def _give_back(head: Head, now: int) -> tuple[Head, tuple[Action, ...]]:
    """Release all that was ever promised: this head uses nothing of it, and will use none again."""
    version = next_version(head) - 1
    head = head._replace(version=version, next_ask=now + head.timing.lease)
    return head, (Send((head.members.peer,), Release(version)),)


def reported(head: Head) -> int:
    """Return the promise that the other head may rely on: it is on the disk."""
    return 0 if head.storing == head.promised else head.promised


def next_version(head: Head) -> int:
    """Return a version that was never used: a late promise or release must not be taken for a new
    one. Every time of serving has a term of its own, so a thousand versions each are its own."""
    known = max(head.version, head.solo, head.asked, head.promised, head.peer.promise)
    return max(known, head.term * VERSIONS) + 1


def ask(head: Head, message: Ask) -> Decision:
    """On the standby: store the promise; it counts when it is on the disk."""
    if head.role is not Role.STANDBY or head.stopping:
        return Decision(head)
    if message.version == head.promised:  # stored; the answer was lost
        return Decision(head, (Send((head.members.peer,), Promise(head.promised)),))
    if message.version <= max(head.promised, head.storing):
        return Decision(head)
    return Decision(
        head._replace(storing=message.version), (Persist(head.term, message.version),),
        "the other head may serve alone: I promise not to take over by myself",
    )  # fmt: skip


def persisted(head: Head, version: int) -> Decision:
    """The promise is on the disk, unless it was overtaken there."""
    if not version or version != head.storing:
        return Decision(head)
    head = head._replace(storing=0)
    if head.role is not Role.STANDBY:  # it tries to take over itself, and has not promised
        return Decision(head, (Persist(head.term, head.promised),))
    head = head._replace(promised=version)
    return Decision(head, (Send((head.members.peer,), Promise(version)),))


def promise(head: Head, message: Promise, now: int) -> Decision:
    """On the active head: the other head has promised."""
    if head.role is not Role.ACTIVE or not head.asked or message.version != head.asked or head.solo:
        return Decision(head)
    head = head._replace(solo=head.asked, forced=False, asked=0, enough_since=0)
    end = lease_end(head)
    sentence = "serving alone on the other head's promise"
    if end <= max(now, head.lease_until):
        return Decision(head, (), sentence)
    return Decision(head._replace(lease_until=end), (OpenGate(end),), sentence)


def release(head: Head, version: int, sentence: str) -> Decision:
    """On the standby: the promise is no longer used."""
    known = max(head.promised, head.storing)
    if not known or version < known:
        return Decision(head)
    return Decision(
        head._replace(promised=0, storing=0), (Persist(head.term, 0),), sentence,
    )  # fmt: skip
