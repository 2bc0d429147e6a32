"""Turns the values of the watch list's tables into a WatchList, and back."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from backend.model.names import PeriodName, WatchName
from backend.model.periods import Period
from backend.model.recovery import Recovery, RecoveryKind
from backend.model.watchlist import (
    Alert,
    AlertPeriod,
    DefinedPeriod,
    HostGroup,
    WatchedService,
    WatchList,
)
from backend.site.draft import Draft, Table

Values = dict[str, Any]
# What stands in place of a name that could not be read.
UNREAD: Values = {"name": WatchName(""), "group": WatchName("")}
UNREAD_NAME: Values = {"name": WatchName("")}
UNREAD_KIND: Values = {"kind": RecoveryKind.COMMAND}


def build_watch(draft: Draft) -> WatchList:
    """Return the watch list of a draft, also of one with errors: unread names are empty there."""
    repeated = draft.repeated
    return WatchList(
        groups=tuple(HostGroup(**{**UNREAD_NAME, **one.values}) for one in repeated["host_group"]),
        periods=tuple(_period(one) for one in repeated["period"]),
        services=tuple(_service(one) for one in repeated["watch"]),
    )


def _period(table: Table) -> DefinedPeriod:
    unread = {"name": PeriodName(""), "when": Period.read("")}
    return DefinedPeriod(**{**unread, **table.values})


def _service(table: Table) -> WatchedService:
    periods = tuple(_alert_period(one) for one in table.children["period"])
    healing = [Recovery(**{**UNREAD_KIND, **one.values}) for one in table.children["recovery"]]
    recovery = healing[0] if healing else None
    return WatchedService(**{**UNREAD, **table.values, "recovery": recovery, "periods": periods})


def _alert_period(table: Table) -> AlertPeriod:
    alerts = tuple(Alert(**{"program": "", **one.values}) for one in table.children["alert"])
    return AlertPeriod(**{**table.values, "alerts": alerts})


def watch_values(watch: WatchList) -> dict[str, list[Values]]:
    """Return the values of each entry of each list of tables, with those of the tables below."""
    return {
        "host_group": [_fields(one) for one in watch.groups],
        "period": [_fields(one) for one in watch.periods],
        "watch": [
            {**_fields(one), "recovery": _recovery(one), "period": _periods(one.periods)}
            for one in watch.services
        ],
    }  # fmt: skip


def _recovery(service: WatchedService) -> list[Values]:
    return [] if service.recovery is None else [_fields(service.recovery)]


def _periods(periods: Iterable[AlertPeriod]) -> list[Values]:
    return [
        {**_fields(one), "alert": [_fields(alert) for alert in one.alerts]} for one in periods
    ]  # fmt: skip


def _fields(entry: Any) -> Values:
    return {field.name: getattr(entry, field.name) for field in fields(entry)}
