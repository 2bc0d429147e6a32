"""Periods that are just days and hours, as the service editor offers them. Pure."""

import re
from dataclasses import dataclass
from typing import Self

DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
ALL_DAYS = "wd {Sun-Sat}"
_FORM = re.compile(
    r"\s*(?:wd\s*\{\s*(?P<first>\w+)\s*-\s*(?P<last>\w+)\s*\})?"
    r"\s*(?:hr\s*\{\s*(?P<start>\w+)\s*-\s*(?P<end>\w+)\s*\})?\s*",
    re.ASCII | re.IGNORECASE,
)
Range = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DaysAndHours:
    """From one day to another, from one hour (such as 9am) to another; None: all."""

    days: Range | None = None
    hours: Range | None = None

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Return the days and hours of a period, None when it is more than that."""
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        days: Range | None = None
        if found["first"] is not None:
            first, last = _day(found["first"]), _day(found["last"])
            if first is None or last is None:
                return None
            days = None if (first, last) == (DAYS[0], DAYS[-1]) else (first, last)
        hours = None if found["start"] is None else (found["start"], found["end"])
        return cls(days, hours)

    @property
    def text(self) -> str:
        """The period as Time::Period reads it."""
        days = ALL_DAYS if self.days is None else f"wd {{{self.days[0]}-{self.days[1]}}}"
        return days if self.hours is None else f"{days} hr {{{self.hours[0]}-{self.hours[1]}}}"


def _day(text: str) -> str | None:
    """Return one of DAYS for its name; a number is left to those who wrote it."""
    return next(
        (day for day in DAYS if text.isalpha() and text.lower()[:2] == day.lower()[:2]), None
    )
