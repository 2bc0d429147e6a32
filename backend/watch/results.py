"""What a check found, as a value; everything in it has been made harmless to show. Pure."""

from __future__ import annotations

import enum
from typing import NamedTuple

LONGEST_SUMMARY, LONGEST_DETAIL = 400, 16_384  # characters
MONITOR, REPORT, SILENCE = (
    "",
    "report",
    "silence",
)  # where a result comes from; mon's trap and trap timeout


class Outcome(str, enum.Enum):
    """What a check says of a service."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the monitor itself failed: it could not look


class Result(NamedTuple):
    """The end of one check."""

    outcome: Outcome
    code: int = 0  # the monitor's exit code as mon counts it; what is built in uses 0, 1 and 2
    summary: str = ""  # one line: of mon monitors the first, usually the hosts that fail
    detail: str = ""
    failed_hosts: tuple[str, ...] = ()  # of those that were checked
    took: float = 0.0  # seconds
    source: str = MONITOR  # or the service's own REPORT, or that it has not reported in time


class Moment(NamedTuple):
    """Now, on two clocks: intervals are counted on the first, periods are looked up on the second."""

    mono: float  # seconds that never jump (CLOCK_BOOTTIME)
    wall: float  # seconds since 1970


def printed(result: Result) -> str:
    """Return what a monitor printed, as far as it is kept: the summary, then the detail."""
    text = f"{result.summary}\n{result.detail}" if result.detail else result.summary
    return text if not text or text.endswith("\n") else text + "\n"


def harmless(text: str, most: int, *, lines: bool = False) -> str:
    """Return text with every control character made visible, cut to ``most`` characters.

    With ``lines`` line ends and tabs stay. Control characters of C0, C1, DEL, bidirectional
    controls and lone surrogates become escapes such as \\x1b, so that no terminal obeys them.
    """
    kept = "\n\t" if lines else ""
    cut = text[: most + 1]
    shown = "".join(
        one if one in kept or one.isprintable() else one.encode("unicode_escape").decode()
        for one in cut
    )
    return shown if len(text) <= most and len(shown) <= most else shown[: most - 1] + "…"
