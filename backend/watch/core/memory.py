"""What outlives a restart or a failover, as values for JSON; what is read back may be rubbish. Pure.

Moments are stored in seconds since 1970: the clocks of intervals of two heads have nothing in common.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from backend.watch.core.alerts import Told
from backend.watch.core.state import Acknowledged, Known, State, fresh, wall
from backend.watch.results import (
    LONGEST_DETAIL,
    LONGEST_SUMMARY,
    Moment,
    Outcome,
    Result,
    harmless,
)
from backend.watch.settings import Service

VERSION = 1
MOST = 10**9  # of anything that is counted
HOSTS, NAME = 1000, 253  # so many, so long
DETAIL = 2000  # characters that are kept: with 500 services the whole must stay small
PAST = ("since", "first_failed", "last_failed", "last_success", "ended", "checked", "unknown_since")
COUNTS = ("failures", "unknowns", "alerts", "skipped")


def written(head: str, services: Iterable[tuple[Service, State]], now: Moment) -> dict[str, Any]:
    """Return what is known of all services."""
    known = {service.ref: _state(service, state, now) for service, state in services}
    return {"version": VERSION, "head": head, "wall": now.wall, "services": known}


def written_by(remembered: Any) -> str:
    """Return the head that wrote this, or nothing when it cannot be used."""
    if not isinstance(remembered, Mapping) or remembered.get("version") != VERSION:
        return ""
    head = remembered.get("head")
    return head if isinstance(head, str) else ""


def recalled(remembered: Any, service: Service, now: Moment) -> State:
    """Return what is remembered of a service; what makes no sense counts as not remembered."""
    whole = _Reader(remembered, now)
    if whole.raw.get("version") != VERSION:
        return fresh(service)
    one = whole.part("services").part(service.ref)
    last, result = one.result("last"), one.result("result")
    if last and last.outcome is Outcome.UNKNOWN:
        last = None
    periods = one.part("periods")
    state = fresh(service)._replace(
        told=tuple(periods.part(each.name).told() for each in service.periods),
        known=one.known(), result=result or last, last=last, fell=one.names("fell"),
        unknown_told=one.raw.get("unknown_told") is True, acknowledged=one.acknowledged(),
        report_ends=one.future("report_ends", service.trap_duration),
        since=one.past("since"), first_failed=one.past("first_failed"),
        last_failed=one.past("last_failed"), last_success=one.past("last_success"), ended=one.past("ended"),
        checked=one.past("checked"), unknown_since=one.past("unknown_since"),
        failures=one.count("failures"), unknowns=one.count("unknowns"),
        alerts=one.count("alerts"), skipped=one.count("skipped"),
    )  # fmt: skip
    disabled = one.raw.get("disabled")
    return state._replace(disabled=disabled) if isinstance(disabled, bool) else state


def _state(service: Service, state: State, now: Moment) -> dict[str, Any]:
    kept: dict[str, Any] = {name: getattr(state, name) for name in COUNTS}
    kept.update({name: _moment(getattr(state, name), now) for name in PAST})
    kept["known"] = state.known.value
    kept["report_ends"] = _moment(state.report_ends, now)
    kept["unknown_told"], kept["fell"] = state.unknown_told, list(state.fell)
    kept["last"] = _result(state.last)
    if state.result is not state.last:
        kept["result"] = _result(state.result)
    if state.disabled != service.disabled:
        kept["disabled"] = state.disabled  # somebody wants it otherwise than the file
    if state.acknowledged:
        who, text, at = state.acknowledged
        kept["acknowledged"] = {"who": who, "text": text, "at": wall(at, now)}
    kept["periods"] = {
        period.name: {
            "sent": told.sent, "last": _moment(told.last, now), "first": _moment(told.first, now),
            "counted": told.counted, "up": told.up,
        }
        for period, told in zip(service.periods, state.told)
    }  # fmt: skip
    return kept


def _moment(value: float | None, now: Moment) -> float | None:
    return None if value is None else wall(value, now)


def _result(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "outcome": result.outcome.value, "code": result.code, "summary": result.summary,
        "detail": result.detail[:DETAIL], "failed_hosts": list(result.failed_hosts),
        "took": result.took,
    }  # fmt: skip


class _Reader(NamedTuple):
    """Reads one table; whatever is not as it should be is nothing."""

    table: Any
    now: Moment

    @property
    def raw(self) -> Mapping[str, Any]:
        return self.table if isinstance(self.table, Mapping) else {}

    def part(self, key: str) -> _Reader:
        return _Reader(self.raw.get(key), self.now)

    def number(self, key: str) -> float | None:
        value = self.raw.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if isinstance(value, int) and abs(value) > MOST * MOST:
            return None  # no float may be made of it
        return float(value) if math.isfinite(value) else None

    def count(self, key: str) -> int:
        return int(min(max(self.number(key) or 0.0, 0.0), MOST))

    def past(self, key: str) -> float | None:
        value = self.number(key)
        return None if value is None else self.now.mono - max(self.now.wall - value, 0.0)

    def future(self, key: str, most: float) -> float | None:
        value = self.number(key)
        if value is None or not most:
            return None
        return self.now.mono + min(max(value - self.now.wall, 0.0), most)

    def text(self, key: str, most: int, *, lines: bool = False) -> str:
        value = self.raw.get(key)
        return harmless(value, most, lines=lines) if isinstance(value, str) else ""

    def names(self, key: str) -> tuple[str, ...]:
        value = self.raw.get(key)
        found = value[:HOSTS] if isinstance(value, list) else []
        return tuple(harmless(one, NAME) for one in found if isinstance(one, str))

    def known(self) -> Known:
        value = self.raw.get("known")
        return next((one for one in Known if one.value == value), Known.UNCHECKED)

    def result(self, key: str) -> Result | None:
        one = self.part(key)
        value = one.raw.get("outcome")
        outcome = next((each for each in Outcome if each.value == value), None)
        if outcome is None:
            return None
        return Result(
            outcome, min(one.count("code"), 255), one.text("summary", LONGEST_SUMMARY),
            one.text("detail", LONGEST_DETAIL, lines=True), one.names("failed_hosts"),
            one.number("took") or 0.0,
        )  # fmt: skip

    def told(self) -> Told:
        return Told(
            self.count("sent"), self.past("last"), self.past("first"), self.count("counted"),
            self.raw.get("up") is True,
        )  # fmt: skip

    def acknowledged(self) -> Acknowledged | None:
        one = self.part("acknowledged")
        at = one.past("at")
        if at is None:
            return None
        return Acknowledged(one.text("who", 100), one.text("text", LONGEST_SUMMARY), at)
