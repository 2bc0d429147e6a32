"""How late checks began, told from what the watch process says of itself. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

ON_GRID = 0.005  # of an interval: the moments are rounded to a millisecond


@dataclass(frozen=True, slots=True)
class Began:
    """One check."""

    due: float  # seconds since 1970
    start: float


@dataclass
class Lateness:
    """The checks that were seen, by service."""

    intervals: Mapping[str, float]
    seen: dict[str, list[Began]] = field(default_factory=dict)
    skipped: int = 0  # checks that were due while the one before ran

    def take(self, services: Iterable[Mapping[str, Any]]) -> None:
        """Take a status; it must be asked for more often than the shortest interval."""
        self.skipped = 0
        for one in services:
            self.skipped += int(one["skipped"])
            interval = self.intervals.get(one["ref"])
            if interval is None or one["running"] or not one["last_check"] or not one["next_check"]:
                continue
            began = Began(one["next_check"] - interval, one["last_check"] - one["took"])
            known = self.seen.setdefault(one["ref"], [])
            if not known or began.start > known[-1].start + interval / 2:
                known.append(began)

    def late(self) -> list[float]:
        """Return for each check by how many seconds it began after its time."""
        found = []
        for ref, checks in self.seen.items():
            interval = self.intervals[ref]
            for before, one in zip([None, *checks], checks, strict=False):
                found.append(max(0.0, one.start - _due(before, one, interval)))
        return found

    @property
    def worst(self) -> float:
        """The largest, in seconds."""
        return max(self.late(), default=0.0)

    @property
    def median(self) -> float:
        """The usual one, in seconds."""
        found = self.late()
        return median(found) if found else 0.0

    @property
    def checks(self) -> int:
        """How many were seen."""
        return sum(map(len, self.seen.values()))

    @property
    def whole(self) -> bool:
        """Whether every service was seen over two intervals: three checks one after another."""
        return len(self.seen) == len(self.intervals) and all(
            one[-1].start - one[0].start > 1.9 * self.intervals[ref]
            for ref, one in self.seen.items()
        )


def _due(before: Began | None, one: Began, interval: float) -> float:
    """Return when a check should have begun.

    The watch list makes up for nothing: after a check that was missed altogether it counts anew
    from now on, so that this one would seem to be in time.
    """
    if before is None:
        return one.due
    steps = (one.due - before.due) / interval
    on_grid = abs(steps - round(steps)) <= ON_GRID
    return one.due if on_grid else min(one.due, before.due + interval)
