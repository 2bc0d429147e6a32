"""The objects of the watch process's configuration, one within the other, each read on its own."""

from __future__ import annotations

from typing import NamedTuple

from backend.agent.config_draft import Findings, Table, entries, fill, is_newer
from backend.agent.config_json import Value
from backend.agent.config_schema import Section
from backend.agent.config_values import shown
from backend.watch.config_schema import (
    ALERTS,
    ME,
    OTHER,
    PERIODS,
    RECOVERY,
    REDISTRIBUTE,
    SERVICE,
    TOP,
)


class Node(NamedTuple):
    """An object of the file with those below it."""

    table: Table
    lists: dict[str, list[Node]] = {}
    parts: dict[str, Node] = {}


class Form(NamedTuple):
    """What an object may hold below its own keys."""

    lists: tuple[Section, ...] = ()
    parts: tuple[Section, ...] = ()  # single objects


FORMS = {
    TOP.name: Form((SERVICE,), (ME, OTHER)),
    SERVICE.name: Form((PERIODS,), (REDISTRIBUTE, RECOVERY)),
    PERIODS.name: Form((ALERTS,)),
}


def read_file(document: Value, findings: Findings) -> Node | None:
    """Return the objects of a file; None when nothing more can be said than is in ``findings``."""
    if not isinstance(document.data, dict):
        findings.error(1, "The file is not one JSON object.", "Begin it with { and end it with }.")
        return None
    if is_newer(document.data, findings):
        return None
    return _read(TOP, document, findings)


def _read(section: Section, value: Value, findings: Findings) -> Node | None:
    """Return an object with all below it."""
    if not isinstance(value.data, dict):
        text = f"{section.name}: {shown(value)} is not an object."
        findings.error(value.line, text, 'Write it as {"key": value}.')
        return None
    form = FORMS.get(section.name, Form())
    below = (*form.lists, *form.parts)
    names = [one.name for one in below]
    plain = {name: one for name, one in value.data.items() if name not in names}
    table = Table(section, value.line if section.name else 1)
    fill(table, plain, findings, names)
    for one in below:
        if one.name in value.data:
            table.note(one.name, value.data[one.name].line)
    return Node(
        table,
        {one.name: _nodes(one, value.data.get(one.name), findings) for one in form.lists},
        _parts(form, value.data, findings),
    )


def _nodes(section: Section, value: Value | None, findings: Findings) -> list[Node]:
    """Return the objects of a list."""
    if value is None:
        return []
    found = (_read(section, one, findings) for one in entries(section, value, findings))
    return [one for one in found if one is not None]


def _parts(form: Form, inside: dict[str, Value], findings: Findings) -> dict[str, Node]:
    found = {
        one.name: _read(one, inside[one.name], findings) for one in form.parts if one.name in inside
    }
    return {name: one for name, one in found.items() if one is not None}
