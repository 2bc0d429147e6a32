"""Why a head serves, or does not, and what would make it: sentences for the status. Pure."""

from __future__ import annotations

from backend.agent.core import active, standby
from backend.agent.core.lease import without_peer
from backend.agent.core.state import Head, Role
from backend.agent.core.steps import milliseconds


def explain(head: Head, now: int) -> tuple[str, ...]:
    """Return who holds the lease, and why a takeover would or would not happen now."""
    if head.role is Role.ACTIVE:
        return _serving(head, now)
    reason = standby.why_not(head, now)
    if reason:
        return (f"this head would not take over now: {reason}",)
    wait = standby.allowed_from(head) - now
    if wait > 0:
        return (f"this head would take over if the other stays silent for {milliseconds(wait)}",)
    return ("this head asks the voters for the role",)


def _serving(head: Head, now: int) -> tuple[str, ...]:
    left = milliseconds(max(0, head.lease_until - now))
    found = [f"this head holds the lease for {left}"]
    if not active.willing(head, now):
        found.append("nobody could take over now: the other head is away or not fit")
    elif not without_peer(head, now) and not head.solo:
        found.append("too few witnesses answer: if the other head fails, this one stops serving")
    reason = active.better_elsewhere(head, now)
    if reason:
        found.append(f"it will hand over: {reason}")
    return tuple(found)
