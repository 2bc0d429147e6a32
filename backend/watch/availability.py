"""For how long each service was well, failed, unknown or not looked at, by day and head. Pure.

Each head counts for itself, and its numbers only grow: so two copies are merged by taking the
larger of each number, whoever was active when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

STATES = ("ok", "failed", "unknown", "unchecked")
KEPT_DAYS = 400
DAY = 86_400.0
MOST_SERVICES = 10_000
Row = list[float]  # seconds, as STATES
Day = dict[str, dict[str, Row]]  # by service, by head


def day_of(wall: float) -> str:
    """Return the day of a moment on this machine's wall clock, such as 2026-11-26."""
    return datetime.fromtimestamp(wall).date().isoformat()  # noqa: DTZ006 - the wall clock


def count(day: Day, head: str, service: str, state: str, seconds: float) -> None:
    """Add some seconds in a state."""
    if state in STATES and seconds > 0:
        row = day.setdefault(service, {}).setdefault(head, [0.0] * len(STATES))
        row[STATES.index(state)] = round(row[STATES.index(state)] + seconds, 3)


def merge(day: Day, other: Day) -> bool:
    """Take what another copy of a day knows; returns whether anything was new."""
    news = False
    for service, heads in other.items():
        if service not in day and len(day) >= MOST_SERVICES:
            continue
        for head, row in heads.items():
            mine = day.setdefault(service, {}).setdefault(head, [0.0] * len(STATES))
            larger = [max(pair) for pair in zip(mine, row)]
            news = news or larger != mine
            mine[:] = larger
    return news


def read_day(value: object) -> Day | None:
    """Return the day in a JSON value from the disk or the other head; None when it is none."""
    if not isinstance(value, Mapping) or len(value) > MOST_SERVICES:
        return None
    day: Day = {}
    for service, heads in value.items():
        if not isinstance(heads, Mapping) or len(heads) > 16 or len(str(service)) > 200:
            return None
        for head, row in heads.items():
            if not isinstance(row, list) or len(row) != len(STATES):
                return None
            if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in row):
                return None
            numbers = [float(one) for one in row]
            if not all(0 <= one <= 2 * DAY for one in numbers):
                return None
            day.setdefault(str(service), {})[str(head)] = numbers
    return day


def is_day(name: str) -> bool:
    """Whether a text is a day as day_of returns it."""
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def summed(days: Iterable[Day], service: str) -> dict[str, Any]:
    """Return the seconds in each state over some days, and the share of those checked it was well."""
    total = [0.0] * len(STATES)
    for day in days:
        for row in day.get(service, {}).values():
            total = [a + b for a, b in zip(total, row)]
    judged = total[0] + total[1]
    found: dict[str, Any] = dict(zip(STATES, (round(one, 1) for one in total)))
    found["share"] = total[0] / judged if judged else None
    return found
