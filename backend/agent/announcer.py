"""When to send gratuitous ARP: at once, soon again, and then for ever while serving. Pure."""

from __future__ import annotations

from backend.agent.core.timing import MS, SECOND

SOON = (50 * MS, 100 * MS, 200 * MS, 400 * MS, 700 * MS, SECOND)
# For a switch that has forgotten where a virtual IP is; clients are looked after by acquaintances.py.
EVERY = 5 * SECOND


class Announcer:
    """Keeps the moments; microseconds of the agent's clock."""

    def __init__(self) -> None:
        self._due: list[int] = []

    def begin(self, now: int) -> None:
        """The addresses were announced just now: plan the repetitions."""
        self._due = [now + after for after in SOON]

    def stop(self) -> None:
        """Announce nothing more."""
        self._due = []

    @property
    def due(self) -> int | None:
        """The moment of the next announcement, or None."""
        return self._due[0] if self._due else None

    def take(self, now: int) -> bool:
        """Return whether one is due now, and plan the next."""
        if not self._due or now < self._due[0]:
            return False
        self._due.pop(0)
        if not self._due:
            self._due = [now + EVERY]
        return True
