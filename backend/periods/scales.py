"""The scales of a period, such as wd {Mon-Fri}, read exactly as Perl's Time::Period 1.25 does. Pure.

A range becomes a set of values from 0, kept as the bits of a number; years become spans. What the
module refuses is refused here, and what it lets pass (janitor for January) passes here, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

LARGEST = 10**18  # any number that is longer is taken for this one: it is too large everywhere
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?")
HOUR = re.compile(r"([0-9]+)(am|pm|noon)")
WORD = re.compile(r"\w", re.ASCII)
FIRST_YEAR = 1970


class Malformed(Exception):
    """A part of a period that Time::Period refuses; ``remedy`` says what it could be instead."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(f"{text} {remedy}")
        self.text, self.remedy = text, remedy


@dataclass(frozen=True)
class Scale:
    """One unit of the calendar or the clock."""

    code: str
    long: str
    what: str
    first: int  # the number that people give the first value
    count: int
    names: Mapping[str, int] = field(default_factory=dict)  # by their first letters
    letters: int = 0  # how many of them decide

    @property
    def rule(self) -> str:
        """What may be written, for people."""
        numbers = f"{self.first} to {self.first + self.count - 1}"
        if not self.names:
            return f"Use {numbers}."
        names = [one.capitalize() for one in self.names]
        return f"Use {names[0]} to {names[-1]}, or {numbers}."


def _names(text: str) -> dict[str, int]:
    return {name: number for number, name in enumerate(text.split())}


YEAR = Scale("yr", "year", "a year", FIRST_YEAR, 0)
SCALES = (
    YEAR,
    Scale("mo", "month", "a month", 1, 12,
          _names("jan feb mar apr may jun jul aug sep oct nov dec"), 3),
    Scale("wk", "week", "a week of the month", 1, 6),
    Scale("yd", "yday", "a day of the year", 1, 366),
    Scale("md", "mday", "a day of the month", 1, 31),
    Scale("wd", "wday", "a day of the week", 1, 7, _names("su mo tu we th fr sa"), 2),
    Scale("hr", "hour", "an hour", 0, 24),
    Scale("min", "minute", "a minute", 0, 60),
    Scale("sec", "second", "a second", 0, 60),
)  # fmt: skip
BY_NAME = {scale.code: scale for scale in SCALES} | {scale.long: scale for scale in SCALES}
Span = tuple[int, int]  # of years, as written: from 0 to 99 they are of the century one is in


def values_at(when: datetime) -> dict[str, int]:
    """Return where a time on the wall clock lies on each scale, from 0; the year as it is."""
    sunday_first = when.isoweekday() % 7
    first_of_month = (sunday_first - (when.day - 1)) % 7
    return {
        "yr": when.year,
        "mo": when.month - 1,
        "wk": (when.day - 1 + first_of_month) // 7,  # the first one ends on the first Saturday
        "yd": when.timetuple().tm_yday - 1,
        "md": when.day - 1,
        "wd": sunday_first,
        "hr": when.hour,
        "min": when.minute,
        "sec": when.second,
    }


def read_scale(name: str) -> Scale:
    """Return the scale of a name in small letters; raises Malformed."""
    scale = BY_NAME.get(name)
    if scale is None:
        codes = ", ".join(one.code for one in SCALES)
        raise Malformed(f"{_shown(name)} is no scale.", f"Use one of {codes}.")
    return scale


def read_years(text: str) -> Span:
    """Return the years of a range in small letters; raises Malformed."""
    low, high = _ends(text)
    return _year(low), _year(low if high is None else high)


def _year(text: str) -> int:
    rule = f"Use a year from {FIRST_YEAR}, or two digits."
    year = _digits(text, "a year", rule)
    if 99 < year < FIRST_YEAR:
        raise Malformed(f"{_shown(text)} is before {FIRST_YEAR}.", rule)
    return year


def within(span: Span, year: int) -> bool:
    """Whether a year is in a span; two digits mean the century of that year."""
    century = year // 100 * 100
    low, high = sorted(century + one if one <= 99 else one for one in span)
    return low <= year <= high


def read_values(scale: Scale, text: str) -> int:
    """Return the values of a range as bits; Fri-Mon runs over the end. Raises Malformed."""
    low, high = _ends(text)
    if high is None:
        return _lone_day(scale, text) if scale.code == "yd" else 1 << _value(scale, text)
    start, end = _value(scale, low), _value(scale, high)
    if start <= end:
        return _bits(start, end)
    return _bits(start, scale.count - 1) | _bits(0, end)


def _bits(low: int, high: int) -> int:
    return (1 << (high + 1)) - (1 << low)


def _ends(text: str) -> tuple[str, str | None]:
    """Return the ends of a range; the last hyphen parts them."""
    low, hyphen, high = text.rpartition("-")
    for one in (low, high) if hyphen else (text,):
        if not WORD.search(one):
            raise Malformed(f"{_shown(text)} is no range.", "Write 3, or 3-5.")
    return (low, high) if hyphen else (text, None)


def _value(scale: Scale, text: str) -> int:
    if scale.names and re.search("[a-z]", text):
        number = scale.names.get(text[: scale.letters])
        if number is None:
            raise Malformed(f"{_shown(text)} is not {scale.what}.", scale.rule)
        return number
    hour = HOUR.fullmatch(text) if scale.code == "hr" else None
    if hour is not None:
        number = _hour(hour, scale)
    else:
        number = _digits(text, scale.what, scale.rule) - scale.first
    return _inside(scale, number, text)


def _inside(scale: Scale, number: int, text: str) -> int:
    if not 0 <= number < scale.count:
        raise Malformed(f"{_shown(text)} is not {scale.what}.", scale.rule)
    return number


def _hour(found: re.Match[str], scale: Scale) -> int:
    """Return an hour such as 12am or 5pm; 13am is let pass, as 13."""
    number, half = _whole(found[1]), found[2]
    if half == "noon" and number != 12:
        raise Malformed(f"{_shown(found[0])} is not {scale.what}.", "Noon is 12noon.")
    if half == "am" and number == 12:
        return 0
    return number + 12 if half == "pm" and number != 12 else number


def _digits(text: str, what: str, rule: str) -> int:
    if not re.fullmatch("[0-9]+", text):
        raise Malformed(f"{_shown(text)} is not {what}.", rule)
    return _whole(text)


def _whole(digits: str) -> int:
    digits = digits.lstrip("0")
    return LARGEST if len(digits) > 18 else int(digits or "0")


def _lone_day(scale: Scale, text: str) -> int:
    """Return a day of the year that stands alone, as bits.

    Time::Period subtracts one before it looks whether this is a number, so that 12th, 1e2 and +5
    pass as what Perl makes of them; 12.00000000000001 passes, too, and is no day at all.
    """
    found = NUMBER.match(text)
    number = (float(found[0]) if found else 0.0) - 1
    written = f"{number:.15g}"
    if not re.fullmatch("[0-9]+", written):
        raise Malformed(f"{_shown(text)} is not {scale.what}.", scale.rule)
    day = _inside(scale, int(written), text)
    return 1 << day if day == number else 0


def _shown(text: str) -> str:
    return ascii(text)[:60]
