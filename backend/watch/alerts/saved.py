"""Alerts that wait, as JSON: for the disk and for the other head; reading believes nothing. Pure."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

from backend.watch.alerts.message import LONGEST_PREVIOUS, Message
from backend.watch.alerts.outbox import GIVE_UP_AFTER, MOST, Item
from backend.watch.results import (
    LONGEST_DETAIL,
    LONGEST_SUMMARY,
    MONITOR,
    REPORT,
    SILENCE,
    Outcome,
    Result,
    harmless,
)
from backend.watch.settings import DOWN, STARTUP, UP, Alert, Service, Settings

MOST_HOSTS = 5000
LONGEST_HOST = 255
LATEST = 253_402_300_799.0  # the last second of the year 9999


class Recalled(NamedTuple):
    """An alert that was read back."""

    message: Message
    age: float  # seconds that it had waited


def write(item: Item, now: float) -> dict[str, Any]:
    """Return an alert as JSON."""
    message = item.message
    result = message.result._asdict()
    result["outcome"] = message.result.outcome.value
    return {
        "service": message.service.ref,
        "program": message.alert.program,
        "words": list(message.alert.words),
        "run": message.run,
        "result": {**result, "failed_hosts": list(message.result.failed_hosts)},
        "hosts": list(message.hosts),
        "wall": message.wall,
        "every": message.every,
        "first_failed": message.first_failed,
        "previous": message.previous[:LONGEST_PREVIOUS],
        "last_success": message.last_success,
        "last_failed": message.last_failed,
        "acknowledged": message.acknowledged[:LONGEST_SUMMARY],
        "age": round(max(0.0, now - item.since), 3),
    }


def read(settings: Settings, saved: object) -> tuple[list[Recalled], int]:
    """Return what can be delivered by this configuration, and how many cannot."""
    if not isinstance(saved, list):
        return [], 0 if saved is None else 1
    found = [_message(settings, one) for one in saved[-MOST:]]
    good = [one for one in found if one is not None]
    return good, len(saved) - len(good)


def _message(settings: Settings, raw: object) -> Recalled | None:
    try:
        given = _object(raw)
        service = settings.service(_text(given["service"], 200))
        alert = _own_alert(service, given)
        if service is None or alert is None:
            return None
        message = Message(
            service, alert, _text(given["run"], 20), _result(given["result"]),
            _names(given["hosts"]), _number(given["wall"], LATEST), _number(given["every"], LATEST),
            _number(given["first_failed"], LATEST),
            harmless(_text(given["previous"], LONGEST_PREVIOUS), LONGEST_PREVIOUS, lines=True),
            # Not in what an older version has written.
            _number(given.get("last_success", 0), LATEST), _number(given.get("last_failed", 0), LATEST),
            harmless(_text(given.get("acknowledged", ""), LONGEST_SUMMARY), LONGEST_SUMMARY),
        )  # fmt: skip
        # What is too old is tried once more.
        return Recalled(message, min(_number(given["age"], LATEST), GIVE_UP_AFTER))
    except (KeyError, TypeError, ValueError):
        return None


def _own_alert(service: Service | None, given: dict[str, Any]) -> Alert | None:
    """Return the alert of our own configuration: only what stands there is ever run."""
    program, words, run = given["program"], given["words"], given["run"]
    if service is None or run not in (DOWN, UP, STARTUP) or not isinstance(words, list):
        return None
    mine = [one for period in service.periods for one in period.alerts]
    for one in mine:
        if (one.program, list(one.words), one.run) == (program, words, run):
            return one
    # It is told of every result, whatever its own ``run`` says.
    again = service.redistribute
    return again if again and (again.program, list(again.words)) == (program, words) else None


def _result(raw: object) -> Result:
    given = _object(raw)
    code = given["code"]
    if type(code) is not int or abs(code) > 1 << 31:
        raise TypeError("code")
    source = given.get("source", MONITOR)
    if source not in (MONITOR, REPORT, SILENCE):
        raise ValueError("source")
    return Result(
        Outcome(given["outcome"]), code,
        harmless(_text(given["summary"], LONGEST_SUMMARY), LONGEST_SUMMARY),
        harmless(_text(given["detail"], LONGEST_DETAIL), LONGEST_DETAIL, lines=True),
        _names(given["failed_hosts"]), _number(given["took"], LATEST),
        source,
    )  # fmt: skip


def _object(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise TypeError("no object")
    return cast("dict[str, Any]", raw)


def _text(raw: object, most: int) -> str:
    if not isinstance(raw, str) or len(raw) > most:
        raise TypeError("no text, or a long one")
    return raw


def _names(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or len(raw) > MOST_HOSTS:
        raise TypeError("no list, or a long one")
    return tuple(harmless(_text(one, LONGEST_HOST), LONGEST_HOST) for one in raw)


def _number(raw: object, most: float) -> float:
    if type(raw) not in (int, float) or not math.isfinite(cast("float", raw)):
        raise TypeError("no number")
    if not 0 <= cast("float", raw) <= most:
        raise ValueError("out of range")
    return cast("float", raw)
