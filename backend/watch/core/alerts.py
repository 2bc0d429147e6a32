"""Which alerts of a period are due, by the rules of mon 1.3.6. Pure.

mon counts in whole seconds; so do these rules, by rounding: a check that ends some milliseconds
early or late must not change who is told.
"""

from __future__ import annotations

from typing import NamedTuple

from backend.watch.results import Result
from backend.watch.settings import (
    DETAIL,
    DOWN,
    IGNORE_SUMMARY,
    STARTUP,
    STRICT,
    UP,
    Alert,
    AlertPeriod,
)

NO_SUMMARY = "(NO SUMMARY)"  # what mon takes an empty one for


class Told(NamedTuple):
    """What a period has said of the present failure. Moments are on the clock of intervals."""

    sent: int = 0  # alerts; one at the start counts, as in mon
    last: float | None = None  # when the last one was sent; None: the pause is over
    first: float | None = None  # when the failures began that ``within`` is about
    counted: int = 0  # of them
    up: bool = False  # with no_comp: the last one that was sent said that it is up


class Failure(NamedTuple):
    """A failure, and what the rules ask about it."""

    result: Result
    previous: Result | None  # the failure directly before; None: it was well
    failures: int  # one after another


class Due(NamedTuple):
    """What a period sends now."""

    told: Told
    alerts: tuple[Alert, ...] = ()


def one_line(result: Result | None) -> str:
    """Return the summary as mon compares it."""
    return result.summary if result and result.summary.strip() else NO_SUMMARY


def changed(result: Result, previous: Result | None) -> bool:
    """Whether another summary ends an acknowledgement: white space does not count."""
    return "".join(one_line(result).split()) != "".join(one_line(previous).split())


def down(period: AlertPeriod, told: Told, failure: Failure, now: float) -> Due:
    """Return what is sent about a failure while the period is in force."""
    if period.most and told.sent >= period.most:
        return Due(told)
    if _pausing(period, told, failure, now):
        return Due(told)
    told, early = _too_early(period, told, failure.failures, now)
    if early:
        return Due(told)
    return _sent(told, _fitting(period, DOWN, failure.result.code), now)


def now_down(period: AlertPeriod, told: Told, code: int, now: float) -> Due:
    """Return what is sent when it could not be healed: no pause and no limit counts."""
    return _sent(told, _fitting(period, DOWN, code), now)


def unknown(period: AlertPeriod) -> tuple[Alert, ...]:
    """Return who is told that it cannot be checked; there is no code that could fit."""
    return tuple(one for one in period.alerts if one.run == DOWN)


def up(period: AlertPeriod, told: Told, was_down: float) -> Due:
    """Return what is sent when it is well after ``was_down`` seconds of failure."""
    silent = told.up if period.no_comp else not told.sent
    if silent or (period.up_after and round(was_down) < period.up_after):
        return Due(told)
    alerts = _fitting(period, UP, 0)
    if not alerts:
        return Due(told)
    return Due(told._replace(sent=0, last=None, up=period.no_comp), alerts)


def startup(period: AlertPeriod, told: Told, now: float) -> Due:
    """Return what is sent when monitoring starts."""
    return _sent(told, _fitting(period, STARTUP, 0), now)


def after_success(period: AlertPeriod, told: Told) -> Told:
    """Return the counters of a service that is well; "strict" keeps its pause."""
    if told.first is None and not told.sent and (told.last is None or period.repeat == STRICT):
        return told
    last = told.last if period.repeat == STRICT else None
    return told._replace(sent=0, first=None, last=last)


def after_end_of_acknowledgement(told: Told) -> Told:
    """Return the counters when another summary has ended an acknowledgement."""
    return told._replace(last=None, first=None, counted=0)


def _pausing(period: AlertPeriod, told: Told, failure: Failure, now: float) -> bool:
    if not period.every or told.last is None or round(now - told.last) >= period.every:
        return False
    if period.repeat in (STRICT, IGNORE_SUMMARY):
        return True
    result, previous = failure.result, failure.previous
    if period.repeat == DETAIL:
        same = (result.summary, result.detail)
        return previous is not None and (previous.summary, previous.detail) == same
    return one_line(previous) == one_line(result)


def _too_early(period: AlertPeriod, told: Told, failures: int, now: float) -> tuple[Told, bool]:
    """Return the counters and whether it has not failed often or long enough."""
    if not period.within:
        return told, failures < period.failures
    if not period.failures:
        first = now if told.first is None else told.first
        return told._replace(first=first), round(now - first) <= period.within
    count = told.counted + 1
    recent = told.first is not None and round(now - told.first) <= period.within
    if recent and count < period.failures:
        return told._replace(counted=count), True
    count = count if recent else 1  # a new span of time begins
    told = told._replace(counted=count, first=now if count == 1 else told.first)
    return told, count < period.failures


def _fitting(period: AlertPeriod, run: str, code: int) -> tuple[Alert, ...]:
    return tuple(
        one
        for one in period.alerts
        if one.run == run and (one.exit is None or one.exit[0] <= code <= one.exit[1])
    )


def _sent(told: Told, alerts: tuple[Alert, ...], now: float) -> Due:
    if not alerts:
        return Due(told)
    return Due(told._replace(sent=told.sent + 1, last=now, up=False), alerts)
