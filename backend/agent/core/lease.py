"""Which grants are enough, and until when: the one rule on which everything rests.

A quorum of a head is itself and either the other head or a majority of all voters. Any quorum of
one head and any of the other share a voter: the other head's own vote, or one of two majorities.
A voter grants one head at a time; so two leases never overlap. The pair alone is a quorum, which
is why witnesses that are switched off do not stop a healthy pair.
"""

from __future__ import annotations

from backend.agent.core.messages import Health, health_of
from backend.agent.core.state import Head, Role

FOREVER = 1 << 62
FIT, LINKS = int(Health.FIT), int(Health.LINKS)
ACTIVE, SOLO, PROMISED = int(Health.ACTIVE), int(Health.SOLO), int(Health.PROMISED)
MAINTENANCE, STOPPING = int(Health.MAINTENANCE), int(Health.STOPPING)


def lease_end(head: Head) -> int:
    """Until when the grants that were heard of last, counted from when each was asked for."""
    members, acks = head.members, head.acks
    own = acks[0] if members.me == members.heads[0] else acks[1]
    if not own:
        return 0
    if head.solo:
        return own + head.timing.usable
    other = acks[1] if members.me == members.heads[0] else acks[0]
    ordered = sorted(acks, reverse=True)
    begin = min(own, max(other, ordered[members.majority - 1]))
    return begin + head.timing.usable if begin else 0


def free_at(head: Head, now: int) -> int:
    """When a quorum could grant to this standby, as far as it has been told."""
    members = head.members
    own = 0 if head.voter.holder == members.me else head.voter.until
    own = max(own, head.voter.bar, now)
    told = [FOREVER if moment < 0 else moment for moment in head.free]
    other = told[head.place(members.peer)]
    told[head.place(members.me)] = own
    told.sort()
    return max(own, min(other, told[members.majority - 1]))


def without_peer(head: Head, now: int) -> bool:
    """Whether this active head would keep a majority if the other head vanished now."""
    other = head.place(head.members.peer)
    since = now - head.timing.there
    granting = sum(1 for i, sent in enumerate(head.acks) if i != other and sent > since)
    return granting >= head.members.majority


def my_health(head: Head, now: int) -> Health:
    """What this head says of itself."""
    return health_of(my_bits(head, now))


def my_bits(head: Head, now: int) -> int:
    """The same as a number: an operation on flags takes ten times as long."""
    bits = int(head.health)
    if head.role is Role.ACTIVE:
        bits |= ACTIVE
    if head.solo:
        bits |= SOLO
    if head.promised:
        bits |= PROMISED
    if head.maintenance_until > now:
        bits |= MAINTENANCE
    if head.stopping:
        bits |= STOPPING
    return bits
