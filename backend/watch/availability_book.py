"""Keeps the availability up to date: days on the disk, today in memory, on both heads alike."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from backend.watch.availability import Day, count, day_of, is_day, merge, read_day, summed
from backend.watch.store import Store

COUNT_EVERY = 60.0  # seconds
LONGEST_GAP = 3 * COUNT_EVERY  # more than that nobody has looked, and nothing is counted
SPANS = (("day", 1), ("week", 7), ("month", 30))  # of which commands tell, in days
IN_MEMORY = 3  # days
COMPARED = 32  # days that two heads compare when they meet


class Book:
    """The days, by their names."""

    def __init__(self, me: str, store: Store) -> None:
        self._me = me
        self._store = store
        self._days: dict[str, Day] = {}
        self._since: dict[str, tuple[str, float]] = {}  # the state of a service, and from when

    def note(self, ref: str, state: str, mono: float, wall: float) -> None:
        """Count the time until now for the state before, and remember this one."""
        before = self._since.get(ref)
        self._since[ref] = (state, mono)
        if before is not None:
            was, began = before
            counted = "unchecked" if was == "disabled" else was
            day = self._day(day_of(wall))
            count(day, self._me, ref, counted, min(mono - began, LONGEST_GAP))

    def stop(self) -> None:
        """Count no more until something is noted again: this head does not check."""
        self._since.clear()

    def keep(self, wall: float) -> tuple[str, Day]:
        """Write the day of this moment, and return it for the other head."""
        name = day_of(wall)
        day = self._day(name)
        self._store.keep_day(name, day)
        for old in sorted(self._days)[:-IN_MEMORY]:
            del self._days[old]
        return name, day

    def take(self, name: str, value: object) -> None:
        """Take what the other head knows of a day; raises ValueError when it is none."""
        other = read_day(value)
        if other is None or not is_day(name):
            raise ValueError("this is no day")
        day = self._day(name)
        if merge(day, other):
            self._store.keep_day(name, day)

    def digests(self) -> dict[str, int]:
        """Return a digest of each of the last days, for the other head to compare."""
        names = sorted({*self._store.days(), *self._days})[-COMPARED:]
        return {name: _digest(self.day(name)) for name in names}

    def differing(self, digests: Mapping[str, Any]) -> list[tuple[str, Day]]:
        """Return the last days that the other head has otherwise."""
        mine = self.digests()
        return [(name, self.day(name)) for name, one in mine.items() if digests.get(name) != one]

    def day(self, name: str) -> Day:
        """Return a day to look at."""
        known = self._days.get(name)
        return self._store.day(name) if known is None else known

    def spans(self, refs: Iterable[str], wall: float) -> dict[str, dict[str, Any]]:
        """Return the availability of services over today, the last 7 and the last 30 days."""
        today = date.fromisoformat(day_of(wall))
        names = [(today - timedelta(days=back)).isoformat() for back in range(SPANS[-1][1])]
        days = [self.day(name) for name in names]
        return {ref: {name: summed(days[:length], ref) for name, length in SPANS} for ref in refs}

    def _day(self, name: str) -> Day:
        """Return a day to change."""
        if name not in self._days:
            self._days[name] = self._store.day(name)
        return self._days[name]


def _digest(day: Day) -> int:
    return zlib.crc32(json.dumps(day, sort_keys=True).encode())
