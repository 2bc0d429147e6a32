"""Values of the watch list, written as mon writes them: 20m, 1h strict, 3 30m, exit codes. Pure."""

import enum
import re
import shlex
from dataclasses import dataclass
from typing import Self

from backend.errors import InvalidInput
from backend.reports import Place, error

LONGEST = 1000  # characters of a line of parameters, a description, an expression
UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
SHORTEST, LONGEST_TIME = 1.0, 366 * 86_400.0  # seconds
DURATION = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)([wdhms])\s*", re.IGNORECASE)
DURATION_RULE = "Write a number with s, m, h, d or w: 3s, 20m, 1.5h, 1d."
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")  # mon's rule
MOST_TIMES = 10_000


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time, from a second to a year; mon's timeval, and weeks."""

    seconds: float

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return the span that a text such as 20m says; raises InvalidInput."""
        found = DURATION.fullmatch(text)
        if found is None:
            raise _wrong("duration", f"{shown(text)} is no span of time.", DURATION_RULE, place)
        seconds = float(found[1]) * UNITS[found[2].lower()]
        if not seconds:
            raise _wrong("zero", f"{shown(text)} is no time at all.", DURATION_RULE, place)
        if not SHORTEST <= seconds <= LONGEST_TIME:
            rule = "Use a span from 1s to 366d."
            raise _wrong("duration", f"{shown(text)} is too short or too long.", rule, place)
        return cls(seconds)

    def __str__(self) -> str:
        number, unit = self.parts
        return f"{number}{unit}"

    @property
    def parts(self) -> tuple[str, str]:
        """The number and the largest unit that needs no fraction."""
        for unit, size in UNITS.items():
            if self.seconds % size == 0:
                return f"{self.seconds / size:.0f}", unit
        return f"{self.seconds:.12g}", "s"


class Repeat(enum.StrEnum):
    """What breaks the pause between two alerts about one failure."""

    SUMMARY = ""  # another summary does
    DETAIL = "observe_detail"  # another summary or other details do
    STRICT = "strict"  # nothing does
    IGNORE_SUMMARY = "ignore_summary"  # another summary does not, a change of state does


@dataclass(frozen=True, slots=True)
class AlertEvery:
    """How often an alert is repeated while a service stays down (mon's alertevery)."""

    pause: Duration
    repeat: Repeat = Repeat.SUMMARY

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return what a text such as "1h strict" says; raises InvalidInput."""
        pause, _, repeat = text.strip().partition(" ")
        try:
            return cls(Duration.parse(pause), Repeat(repeat.strip()))
        except ValueError as problem:  # InvalidInput is one, too
            rule = f"Write a span of time, and {', '.join(filter(None, Repeat))} or nothing: 1h strict."  # fmt: skip
            raise _wrong(
                "alert-every", f"{shown(text)} says not how often.", rule, place
            ) from problem

    def __str__(self) -> str:
        return f"{self.pause} {self.repeat}".strip()


@dataclass(frozen=True, slots=True)
class AlertAfter:
    """How long or how often a service must fail before an alert (mon's alertafter).

    Only ``failures``: one after another. Both: as many within that time. Only ``within``: for longer.
    """

    failures: int | None = None
    within: Duration | None = None

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return what a text such as "3 30m" says; raises InvalidInput."""
        words = text.split()
        rule = "Write a number of failures, a span of time, or both: 3, 30m or 3 30m."
        if not 1 <= len(words) <= 2:
            raise _wrong("alert-after", f"{shown(text)} says not when.", rule, place)
        failures = words.pop(0) if words[0].isascii() and words[0].isdigit() else ""
        if (failures or not words) and not 1 <= int(failures[:9] or "0") <= MOST_TIMES:
            rule = f"Use 1 to {MOST_TIMES} failures."
            raise _wrong("alert-after", f"{shown(text)} says not when.", rule, place)
        if len(words) > 1:
            raise _wrong("alert-after", f"{shown(text)} says not when.", rule, place)
        within = Duration.parse(words[0], place) if words else None
        return cls(int(failures) if failures else None, within)

    def __str__(self) -> str:
        parts = (self.failures, self.within)
        return " ".join(str(one) for one in parts if one is not None)


@dataclass(frozen=True, slots=True)
class ExitCodes:
    """With which exit codes of the monitor an alert is sent (mon's exit=x-y)."""

    low: int
    high: int

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return what a text such as 10-20 or 2 says; raises InvalidInput."""
        found = re.fullmatch(r"\s*([0-9]{1,3})\s*(?:-\s*([0-9]{1,3}))?\s*", text)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not low <= high <= 255:
            rule = "Write a code or a range from 0 to 255: 2, or 10-20."
            raise _wrong("exit-codes", f"{shown(text)} are no exit codes.", rule, place)
        return cls(low, high)

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


def parse_times(text: str, place: Place | None = None) -> int:
    """Return a number of times, at least one; raises InvalidInput."""
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_TIMES:
        return int(text)
    rule = f"Write a whole number from 1 to {MOST_TIMES}."
    raise _wrong("number", f"{shown(text)} is no number of times.", rule, place)


def parse_line(text: str, place: Place | None = None) -> str:
    """Return text for people, on one line; raises InvalidInput."""
    if len(text) > LONGEST or not text.isprintable():
        rule = f"Write one line of {LONGEST} characters at most."
        raise _wrong("line", f"{shown(text)} is too long or has control characters.", rule, place)
    return text.strip()


def parse_parameters(text: str, place: Place | None = None) -> str:
    """Return the parameters of a program, which may be quoted as for a shell; raises InvalidInput."""
    line = parse_line(text, place)
    try:
        words(line)
    except ValueError as problem:
        rule = "Close the quotation mark, or put a backslash before it."
        raise _wrong("quotes", f"{shown(text)} ends inside a quotation.", rule, place) from problem
    return line


def parse_variable(text: str, place: Place | None = None) -> str:
    """Return the name of an environment variable; raises InvalidInput."""
    if VARIABLE.fullmatch(text):
        return text
    rule = "Use capital letters, digits and underscores."
    raise _wrong("variable", f"{shown(text)} is no name of a variable.", rule, place)


def words(parameters: str) -> tuple[str, ...]:
    """Return parameters one by one, as the program gets them; no shell ever sees them."""
    return tuple(shlex.split(parameters))


def shown(text: str) -> str:
    """Return what somebody wrote as a message may show it."""
    return ascii(text)[:60]


def _wrong(code: str, text: str, rule: str, place: Place | None) -> InvalidInput:
    return InvalidInput(error(f"watch.{code}", text, rule, place))
