"""What the watch process says of this head: a critical service does not work here.

It counts for some seconds only, so that a watch process that has died cannot keep a head from
serving; and only while the other head is there: a head without one service is better than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from backend.agent.core.timing import SECOND

LONGEST = 600.0  # seconds
LONGEST_WHY = 300  # characters


class Verdict(NamedTuple):
    """Until when this head is not fit, and why."""

    until: int = 0  # microseconds of this head's clock
    why: str = ""

    def unfit(self, now: int) -> bool:
        """Whether it is in force."""
        return now < self.until

    def shown(self, now: int) -> Mapping[str, Any]:
        """Return it for the status."""
        left = max(0, self.until - now) / SECOND
        return {"fit": not left, "why": self.why if left else "", "seconds": round(left, 1)}

    def lines(self, now: int) -> list[str]:
        """Return it for a person."""
        if not self.unfit(now):
            return []
        left = (self.until - now) / SECOND
        return [f"the watch list says that this head is not fit: {self.why} (for {left:.0f} s yet)"]


def heard(fit: bool, why: str, seconds: float, now: int) -> Verdict:
    """Return the verdict of a watch process; what it says is made harmless to show."""
    if fit or not seconds:
        return Verdict()
    shown = "".join(one if one.isprintable() else " " for one in why[:LONGEST_WHY])
    return Verdict(now + int(min(seconds, LONGEST) * SECOND), shown or "no reason was given")
