"""Periods as Perl's Time::Period 1.25 reads them, such as wd {Mon-Fri} hr {9am-5pm}. Pure.

A period is a list of sub-periods joined by commas, in force when one of them is; a sub-period is
in force when all of its scales are. Times are those of the wall clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from backend.periods.scales import (
    YEAR,
    Malformed,
    Span,
    read_scale,
    read_values,
    read_years,
    values_at,
    within,
)

LONGEST = 4096  # characters
LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
# As in the Perl module, ``.`` ends at a line's end, and spaces are those of ASCII.
SPACE = re.compile(r"\s+", re.ASCII)
EDGES = re.compile(r"\A\s+|\s+\Z", re.ASCII)
COMMA = re.compile(r"\s*,\s*", re.ASCII)
CLOSED = re.compile(r"\}\s*", re.ASCII)
SCALE = re.compile(r"([a-z]*)\s*\{\s*(.*)", re.ASCII)
HYPHEN = re.compile(r"(\w+)\s*-\s*(\w+)", re.ASCII)

P = TypeVar("P", bound="Period")


class Trouble(NamedTuple):
    """What is wrong with a period, and what could be written instead."""

    code: str  # "period.malformed", "period.long"
    text: str
    remedy: str


class BadPeriod(Exception):
    """A period that cannot be used; ``troubles`` holds all that is wrong with it."""

    def __init__(self, *troubles: Trouble) -> None:
        super().__init__(" ".join(f"{one.text} {one.remedy}" for one in troubles))
        self.troubles = troubles


@dataclass(frozen=True)
class SubPeriod:
    """Scales that must all be in force; without any it is always in force."""

    values: tuple[tuple[str, int], ...] = ()  # a scale's code, and its values as bits
    years: tuple[Span, ...] | None = None  # None: all years

    def contains(self, at: dict[str, int]) -> bool:
        """Whether a place on all scales lies inside."""
        if self.years is not None and not self.in_year(at["yr"]):
            return False
        return all(values >> at[code] & 1 for code, values in self.values)

    def in_year(self, year: int) -> bool:
        """Whether a year is one of its years."""
        return self.years is None or any(within(span, year) for span in self.years)


@dataclass(frozen=True)
class Period:
    """A period that has been read; equal to another of the same text."""

    text: str
    parts: tuple[SubPeriod | Trouble, ...]

    @classmethod
    def read(cls: type[P], text: str) -> P:
        """Return a period whose malformed parts are kept: they matter only once they are reached.

        Raises BadPeriod when it is too long.
        """
        if len(text) > LONGEST:
            text = f"The period has more than {LONGEST} characters."
            raise BadPeriod(Trouble("period.long", text, "Shorten it."))
        stripped = EDGES.sub("", text).translate(LOWER)
        if stripped == "":
            return cls(text, (SubPeriod(),))
        if stripped == "none":
            return cls(text, ())
        return cls(text, tuple(_part(one) for one in _split(COMMA, stripped)))

    @classmethod
    def parse(cls: type[P], text: str) -> P:
        """Return a period without malformed parts; raises BadPeriod with all of them."""
        period = cls.read(text)
        troubles = [one for one in period.parts if isinstance(one, Trouble)]
        if troubles:
            raise BadPeriod(*troubles)
        return period

    def __str__(self) -> str:
        return self.text

    @property
    def subperiods(self) -> tuple[SubPeriod, ...]:
        """The sub-periods; raises BadPeriod when one is malformed."""
        return tuple(_sound(part) for part in self.parts)

    def contains(self, when: datetime) -> bool:
        """Whether a time on the wall clock lies inside.

        Raises BadPeriod when a malformed part comes before one that holds the time, as
        Time::Period answers -1 then.
        """
        at = values_at(when)
        return any(_sound(part).contains(at) for part in self.parts)


def _sound(part: SubPeriod | Trouble) -> SubPeriod:
    if isinstance(part, Trouble):
        raise BadPeriod(part)
    return part


def _split(separator: re.Pattern[str], text: str) -> list[str]:
    """Split as Perl does: empty strings at the end are dropped."""
    parts = separator.split(text)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _part(text: str) -> SubPeriod | Trouble:
    try:
        return _subperiod(text)
    except Malformed as problem:
        return Trouble("period.malformed", problem.text, problem.remedy)


def _subperiod(text: str) -> SubPeriod:
    opened = text.count("{")
    scales = _split(CLOSED, text)
    if not opened or opened != text.count("}") or opened != len(scales):
        shown = ascii(text)[:60]
        raise Malformed(f"{shown} is no period.", "Write each scale as name {range}.")
    values: dict[str, int] = {}
    years: list[Span] | None = None
    for one in scales:
        found = SCALE.match(one)
        if found is None:
            raise Malformed(f"{ascii(one)[:60]} is no scale.", "Write it as name {range}.")
        scale, ranges = read_scale(found[1]), _split(SPACE, HYPHEN.sub(r"\1-\2", found[2]))
        if scale is YEAR:
            years = [*(years or ()), *map(read_years, ranges)]
            continue
        values.setdefault(scale.code, 0)
        for text_range in ranges:
            values[scale.code] |= read_values(scale, text_range)
    return SubPeriod(tuple(values.items()), None if years is None else tuple(years))
