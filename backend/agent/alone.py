"""Taking over without any witness: what a head that must not campaign may do all the same. Pure.

Without enough witnesses nobody can tell a dead head from a cut cable. Fencing settles it: the other
head is switched off first. Where there is no fencing, ``takeover_without_witness`` decides:
"hold" waits for a person, "risk" takes over after a while, and two heads may then serve.
"""

from __future__ import annotations

import enum

from backend.agent.core.messages import Health
from backend.agent.core.state import Head, Role
from backend.agent.core.timing import SECOND

SILENT = 3 * SECOND  # from every network, before the other head is given up
RISKY = 10 * SECOND  # the same without fencing


class Resort(enum.Enum):
    """The last resort that is due."""

    NONE = "none"
    FENCE = "fence"  # switch the other head off, then serve
    RISK = "risk"  # serve; the administrator has chosen it


def last_resort(head: Head, now: int, *, fencing: bool, policy: str) -> Resort:
    """Return what is due on a standby whose other head has been silent for long."""
    if head.role is not Role.STANDBY or head.stopping or not head.peer.at:
        return Resort.NONE
    barred = Health.MAINTENANCE
    fit = bool(head.health & Health.FIT) and head.health.links > 0
    helpless = bool(head.promised) or not head.members.witnesses
    if not fit or not helpless or head.maintenance_until > now or head.peer.health & barred:
        return Resort.NONE
    silent = now - max(head.peer.at, head.nobody_dead_until)
    if fencing:
        return Resort.FENCE if silent >= SILENT else Resort.NONE
    return Resort.RISK if policy == "risk" and silent >= RISKY else Resort.NONE
