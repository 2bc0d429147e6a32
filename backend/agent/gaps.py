"""How long something did not answer, from the moments when it did. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple


class Gap(NamedTuple):
    """The time between two answers; microseconds of the prober's clock."""

    begin: int
    length: int


class Gaps:
    """Takes answers in order of time; a gap counts from the last answer to the next one.

    A prober that was itself late cannot tell: ``late`` marks the gap that it was late in.
    """

    def __init__(self, every: int) -> None:
        """``every``: microseconds between two questions; gaps up to three of them are normal."""
        self._noted = 3 * every
        self._last = 0
        self._late = 0
        self.first = 0
        self.answers = 0
        self.worst_late = 0
        self.found: list[Gap] = []
        self.doubtful = 0  # of the gaps, those in which the prober itself was late

    def answered(self, now: int) -> None:
        """Note an answer."""
        if self._last and now - self._last > self._noted:
            self.found.append(Gap(self._last, now - self._last))
            if self._late > self._noted // 2:
                self.doubtful += 1
        self.first = self.first or now
        self.answers += 1
        self._last, self._late = now, 0

    def late(self, by: int) -> None:
        """Note that the prober woke up later than it wanted."""
        self._late = max(self._late, by)
        self.worst_late = max(self.worst_late, by)

    def ended(self, now: int) -> None:
        """The measurement ends: what has not answered for long has a gap up to now."""
        if self._last and now - self._last > self._noted:
            self.found.append(Gap(self._last, now - self._last))

    def as_dict(self, asked: int, wall: float, now: int) -> dict[str, Any]:
        """Return the result; ``wall`` is the time of day, in seconds, at the moment ``now``."""
        return {
            "asked": asked,
            "answered": self.answers,
            "longest_ms": max((one.length for one in self.found), default=0) / 1000,
            "gaps": [
                {"time": wall - (now - one.begin) / 1e6, "ms": one.length / 1000}
                for one in self.found
            ],
            "own_lateness_ms": self.worst_late / 1000,
            "doubtful": self.doubtful,
        }
