"""When a period changes, and whether it can be in force at all. Pure.

A year has one of fourteen calendars (the day it begins with, leap or not), so years are compared by
their calendar and by the sub-periods that know them; only a year that can matter is walked through.
"""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache

from backend.periods.period import Period, SubPeriod
from backend.periods.scales import FIRST_YEAR, values_at

LAST_YEAR = 9999  # the last one that datetime knows
REPEATED = 40  # years, after which every calendar has been there
DAY = 86_400  # seconds
YEARS = range(FIRST_YEAR, LAST_YEAR + 1)
HOUR = 3600
CLOCK = {"sec": 1, "min": 60, "hr": HOUR}  # the scales of a day, and the seconds of their steps

Kind = tuple[int, bool]  # the weekday that a year begins with, and whether it is a leap year
ALL_KINDS = tuple(itertools.product(range(7), (False, True)))
Values = list[tuple[str, int]]
Runs = tuple[tuple[int, bool], ...]  # from this second of the day on: in force or not


def can_match(period: Period) -> bool:
    """Whether there is a time at which the period is in force; raises BadPeriod if malformed."""
    return any(_can_match(part) for part in period.subperiods)


def always_matches(period: Period) -> bool:
    """Whether the period is always in force; raises BadPeriod if malformed."""
    start = datetime(FIRST_YEAR, 1, 1)  # noqa: DTZ001 - the wall clock
    return period.contains(start) and next_change(period, start) is None


def next_change(period: Period, when: datetime) -> datetime | None:
    """Return when the wall clock next shows a time at which the answer is another one.

    None: never until the year 9999. Raises BadPeriod if the period is malformed.
    """
    return _Search(period.subperiods).change(when)


def _can_match(part: SubPeriod) -> bool:
    if not all(values for _, values in part.values):
        return False
    kinds: Iterable[Kind] = ALL_KINDS
    if part.years is not None:
        kinds = {_kind(year) for year in YEARS if part.in_year(year)}
    days = _of_days(part)
    return any(_holds(days, at) for kind in kinds for at in _days(kind))


def _kind(year: int) -> Kind:
    return date(year, 1, 1).weekday(), calendar.isleap(year)


@cache
def _days(kind: Kind) -> tuple[dict[str, int], ...]:
    """Return where each day of a calendar lies on the scales of days."""
    year = next(one for one in YEARS if _kind(one) == kind)
    count = 366 if calendar.isleap(year) else 365
    first = datetime(year, 1, 1)  # noqa: DTZ001
    return tuple(values_at(first + timedelta(number)) for number in range(count))


def _of_days(part: SubPeriod) -> Values:
    return [one for one in part.values if one[0] not in CLOCK]


def _holds(values: Values, at: dict[str, int]) -> bool:
    return all(bits >> at[code] & 1 for code, bits in values)


@dataclass
class _Search:
    """Looks for the next change of one period; remembers what days and years look like."""

    parts: tuple[SubPeriod, ...]
    _years: dict[object, tuple[frozenset[int], ...]] = field(default_factory=dict)
    _runs: dict[frozenset[int], Runs] = field(default_factory=dict)

    def change(self, when: datetime) -> datetime | None:
        at = values_at(when)
        now = any(part.contains(at) for part in self.parts)
        second = when.hour * 3600 + when.minute * 60 + when.second
        first = at["yd"]
        for year in range(when.year, self._last(when.year) + 1):
            days = self._year(year)
            if any(value is not now for kind in set(days) for _, value in self._day(kind)):
                for number in range(first, len(days)):
                    found = self._first(days[number], second, now)
                    if found is not None:
                        day = datetime(year, 1, 1) + timedelta(number)  # noqa: DTZ001
                        return day + timedelta(seconds=found)
                    second = -1
            first, second = 0, -1
        return None

    def _last(self, year: int) -> int:
        """Return the year after which nothing new can come."""
        named = [one for part in self.parts for span in part.years or () for one in span]
        if any(one < FIRST_YEAR for one in named):
            return LAST_YEAR  # two digits mean a year of each century
        return min(LAST_YEAR, max([year, *named]) + REPEATED)

    def _first(self, kind: frozenset[int], after: int, now: bool) -> int | None:
        """Return the first second of a day, later than ``after``, at which the answer differs."""
        runs = self._day(kind)
        ends = [start for start, _ in runs[1:]] + [DAY]
        for (start, value), end in zip(runs, ends):
            if value is not now and end - 1 > after:
                return max(start, after + 1)
        return None

    def _year(self, year: int) -> tuple[frozenset[int], ...]:
        """Return for each day which sub-periods can be in force on it."""
        alive = frozenset(n for n, part in enumerate(self.parts) if part.in_year(year))
        key = (*_kind(year), alive)
        if key not in self._years:
            of_days = {number: _of_days(self.parts[number]) for number in alive}
            self._years[key] = tuple(
                frozenset(number for number in alive if _holds(of_days[number], at))
                for at in _days(_kind(year))
            )
        return self._years[key]

    def _day(self, kind: frozenset[int]) -> Runs:
        """Return the course of a day on which exactly these sub-periods can be in force."""
        if kind not in self._runs:
            clocks = [
                [one for one in self.parts[number].values if one[0] in CLOCK] for number in kind
            ]
            runs: list[tuple[int, bool]] = []
            for second, value in _course(clocks):
                if not runs or runs[-1][1] is not value:
                    runs.append((second, value))
            self._runs[kind] = tuple(runs)
        return self._runs[kind]


def _course(clocks: list[Values]) -> Iterator[tuple[int, bool]]:
    """Yield from which second of the day on one of some clocks holds or none, as finely as needed."""
    for hour in range(24):
        alive = [
            [one for one in clock if one[0] != "hr"]
            for clock in clocks
            if all(bits >> hour & 1 for code, bits in clock if code == "hr")
        ]
        codes = {code for clock in alive for code, _ in clock}
        step = min((CLOCK[code] for code in codes), default=HOUR)
        for second in range(0, HOUR, step):
            at = {"min": second // 60, "sec": second % 60}
            yield hour * HOUR + second, any(_holds(clock, at) for clock in alive)
