"""What must be right between the values of the watch process's configuration."""

from __future__ import annotations

from collections.abc import Iterator

from backend.agent.config_draft import Findings, Table
from backend.agent.config_resources import wrong_options
from backend.watch.config_draft import Node
from backend.watch.config_schema import (
    ALERTS,
    ME,
    OTHER,
    PERIODS,
    RECOVERY,
    RECOVERY_OPTIONS,
    SERVICE,
)
from backend.watch.core.depend import parse

DEPENDS = ("alert_depend", "monitor_depend", "host_depend")


def check(top: Node, findings: Findings) -> None:
    """Add every contradiction between values that are right on their own."""
    _check_heads(top, findings)
    state, run = (top.table.values.get(key) for key in ("state_directory", "run_directory"))
    if state is not None and state == run:
        text = f"state_directory and run_directory are both {state}."
        remedy = "Only the first survives a reboot: use two."
        findings.error(top.table.line("run_directory"), text, remedy)
    services = top.lists[SERVICE.name]
    _unique([(_ref(one), one.table) for one in services], "services", findings)
    known = {_ref(one) for one in services}
    for service in services:
        _check_service(service, findings)
        _check_depends(service.table, known, findings)
        _check_periods(service, findings)
        if RECOVERY.name in service.parts:
            _check_recovery(service.parts[RECOVERY.name].table, findings)


def _ref(service: Node) -> str:
    values = service.table.values
    return f"{values['group']}:{values['name']}" if {"group", "name"} <= values.keys() else ""


def _unique(named: list[tuple[str, Table]], what: str, findings: Findings) -> None:
    seen: dict[str, int] = {}
    for name, table in named:
        if name and name in seen:
            text = f"Two {what} are called {name[:60]!a}; the first is in line {seen[name]}."
            findings.error(table.line("name"), text, "Give each its own name.")
        seen.setdefault(name, table.line("name"))


def _check_heads(top: Node, findings: Findings) -> None:
    heads = [top.parts[one.name].table for one in (ME, OTHER) if one.name in top.parts]
    for section in (ME, OTHER):
        if not top.table.has(section.name):
            example = f'"{section.name}": {{"name": "head1", "addresses": ["10.0.0.2"]}}'
            text = f"The file has no key {section.name}: {section.one}."
            findings.error(top.table.line(), text, f"Add: {example}")
    for one in heads:
        if one.values.get("addresses") == ():
            text = f"addresses: {one.values.get('name', 'a head')} has none."
            findings.error(one.line("addresses"), text, "Give its private address.")
    if len(heads) == 2:
        _check_two(heads[0], heads[1], findings)


def _check_two(me: Table, other: Table, findings: Findings) -> None:
    name = other.values.get("name", "")
    if name and name.casefold() == str(me.values.get("name")).casefold():
        text = f"Both heads are called {name}."
        findings.error(other.line("name"), text, "Name the other head.")
    both = set(me.values.get("addresses", ())) & set(other.values.get("addresses", ()))
    for address in sorted(both):
        text = f"{address} is an address of both heads."
        findings.error(other.line("addresses"), text, "Give each its own addresses only.")


def _check_service(service: Node, findings: Findings) -> None:
    table = service.table
    values = table.values
    interval, skew = values.get("interval", 0.0), values.get("skew", 0.0)
    if values.get("monitor") and not interval and not _wrong(table, "interval"):
        text = "The service has a monitor and no interval."
        findings.error(table.line(), text, 'Add: "interval": 60')
    if skew and interval and skew >= interval:
        text = f"skew: {skew:g} is not less than the interval, {interval:g}."
        findings.error(table.line("skew"), text, "Use a shorter one.")


def _wrong(table: Table, key: str) -> bool:
    """Whether a key is there and could not be read."""
    return table.has(key) and key not in table.values


def _check_depends(table: Table, known: set[str], findings: Findings) -> None:
    for key in DEPENDS:
        for name in parse(table.values.get(key, "") or "").services:
            if name not in known:
                text = f"{key}: there is no service {name[:60]}."
                findings.error(table.line(key), text, "Add it, or correct the name.")


def _check_periods(service: Node, findings: Findings) -> None:
    periods = service.lists[PERIODS.name]
    named = [(str(one.table.values.get("name", "")) or "always", one.table) for one in periods]
    _unique(named, "periods of a service", findings)
    for alert in _alerts(periods):
        if alert.values.get("run") == "startup" and alert.has("exit"):
            text = "An alert at the start follows no monitor, so there is no exit code."
            findings.error(alert.line("exit"), text, "Leave exit out.")


def _alerts(periods: list[Node]) -> Iterator[Table]:
    for period in periods:
        yield from (one.table for one in period.lists[ALERTS.name])


def _check_recovery(table: Table, findings: Findings) -> None:
    values = table.values
    failures, of = values.get("failures", 1), values.get("of", 1)
    if failures > of and not _wrong(table, "of"):
        text = f"{failures} checks of {of} can never fail."
        findings.error(table.line("failures"), text, 'Make "of" as large, or larger.')
    kind, given = values.get("kind"), values.get("options", ())
    if kind == "" and given:
        text = "options: nothing is restarted, so there is nothing to say about it."
        findings.error(table.line("options"), text, "Take them out, or give the kind.")
    if kind and not _wrong(table, "options"):
        for text, remedy in wrong_options(kind, given, RECOVERY_OPTIONS):
            findings.error(table.line("options"), text, remedy)
