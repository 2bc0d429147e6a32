"""The watch process's one configuration file, in JSON: read strictly, with every problem at once.

docs/watch-agent.md explains the keys. The file is made from the site file; it can be written by hand.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from backend.agent.config_draft import WARNING, Findings, Problem
from backend.agent.config_files import check_key, check_secret, read_text
from backend.agent.config_json import NotJson, read_json
from backend.agent.config_values import Wrong
from backend.watch.config_checks import check
from backend.watch.config_draft import Node, read_file
from backend.watch.config_schema import (
    ALERTS,
    KIND,
    ME,
    OTHER,
    PERIODS,
    RECOVERY,
    REDISTRIBUTE,
    SERVICE,
)
from backend.watch.settings import Alert, AlertPeriod, Head, Recovery, Service, Settings

LARGEST = 16 << 20  # bytes; a service takes some hundred
PLAIN = (
    "cluster", "key_file", "state_directory", "run_directory", "agent_socket", "port",
    "snmp_file", "mail_from", "smtp",
)  # fmt: skip


class Loaded(NamedTuple):
    """What a file says; ``settings`` is None when it has an error."""

    settings: Settings | None
    problems: tuple[Problem, ...]


def load(path: str) -> Loaded:
    """Read a configuration and look at the files that it names; raises nothing."""
    try:
        text = read_text(path, LARGEST)
    except Wrong as problem:
        found = Findings()
        found.error(problem.line, problem.text, problem.remedy)
        return Loaded(None, found.sorted())
    return understand(text, files=True)


def understand(text: str, *, files: bool = False) -> Loaded:
    """Return what a text says; with ``files`` also the key and the SNMP file are looked at."""
    findings = Findings()
    try:
        document, repeated = read_json(text)
    except NotJson as problem:
        findings.error(problem.line, str(problem), "Correct this first; nothing else was checked.")
        return Loaded(None, findings.sorted())
    for one in repeated:
        what = f"The key {one.name[:60]!a} is given twice, first in line {one.first}."
        findings.error(one.line, what, "Take one of them out.")
    top = read_file(document, findings)
    if top is None:
        return Loaded(None, findings.sorted())
    check(top, findings)
    if files:
        _check_files(top, findings)
    settings = None if findings.failed else _settings(top)
    return Loaded(settings, findings.sorted())


def is_watch(path: str) -> bool:
    """Whether a file says that it is of this kind, right or wrong."""
    try:
        document, _ = read_json(read_text(path, LARGEST))
    except (Wrong, NotJson):
        return False
    kind = document.data.get("kind") if isinstance(document.data, dict) else None
    return kind is not None and kind.data == KIND


def _check_files(top: Node, findings: Findings) -> None:
    values, line = top.table.values, top.table.line
    if "key_file" in values:
        check_key(values["key_file"], line("key_file"), findings)
    if values.get("snmp_file"):
        # Without it the monitors that ask over SNMP answer "unknown"; all others do their work.
        found = Findings()
        check_secret("snmp_file", values["snmp_file"], line("snmp_file"), found)
        for one in found.problems:
            findings.add(WARNING, one.line, one.text, one.remedy)


def _settings(top: Node) -> Settings:
    """Return the settings of a file without errors."""
    values = top.table.values
    return Settings(
        me=Head(**top.parts[ME.name].table.values),
        other=Head(**top.parts[OTHER.name].table.values),
        services=tuple(_service(one) for one in top.lists[SERVICE.name]),
        **{name: values[name] for name in PLAIN if name in values},
    )


def _service(node: Node) -> Service:
    redistribute, recovery = node.parts.get(REDISTRIBUTE.name), node.parts.get(RECOVERY.name)
    return Service(
        **node.table.values,
        redistribute=None if redistribute is None else Alert(**redistribute.table.values),
        periods=tuple(_period(one) for one in node.lists[PERIODS.name]),
        recovery=None if recovery is None else Recovery(**recovery.table.values),
    )


def _period(node: Node) -> AlertPeriod:
    alerts = tuple(Alert(**one.table.values) for one in node.lists[ALERTS.name])
    values: dict[str, Any] = node.table.values
    return AlertPeriod(**values, alerts=alerts)
