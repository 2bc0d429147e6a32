"""The configuration's values, each read on its own: what is right is kept, the rest is reported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from backend.agent.config_json import Value
from backend.agent.config_schema import FENCING, MEMBER, NETWORK, RESOURCE, TOP, VIRTUAL_IP, Section
from backend.agent.config_values import Wrong, shown

MOST = 100  # problems that are listed one by one
ERROR, RISK, WARNING, INFO = "error", "risk", "warning", "info"
LISTS = (NETWORK, MEMBER, VIRTUAL_IP, RESOURCE)


class Problem(NamedTuple):
    """One thing to say about a configuration."""

    weight: str  # ERROR stops the agent; RISK is named in its status for as long as it runs
    line: int  # from 1; 0: the file as a whole
    text: str
    remedy: str = ""

    def sentence(self, file: str) -> str:
        """Return it as a line that names the place."""
        place = f"{file}:{self.line}" if self.line else file
        return f"{place}: {self.weight}: {self.text} {self.remedy}".rstrip()


class Findings:
    """Collects problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.left_out = 0

    def add(self, weight: str, line: int, text: str, remedy: str = "") -> None:
        """Add a problem, or count it when there are too many."""
        if len(self.problems) < MOST:
            self.problems.append(Problem(weight, line, text, remedy))
        else:
            self.left_out += 1

    def error(self, line: int, text: str, remedy: str) -> None:
        """Add what makes the file unusable."""
        self.add(ERROR, line, text, remedy)

    @property
    def failed(self) -> bool:
        """Whether the file cannot be used."""
        return self.left_out > 0 or any(one.weight == ERROR for one in self.problems)

    def sorted(self) -> tuple[Problem, ...]:
        """Return all problems in the order of the file."""
        found = sorted(self.problems, key=lambda one: one.line)
        if self.left_out:
            text = f"There are {self.left_out} more problems."
            found.append(Problem(ERROR, 0, text, "Correct these first."))
        return tuple(found)


class Table:
    """One object of the file: the values that are there and right, and the line of each key."""

    def __init__(self, section: Section, line: int) -> None:
        self.section = section
        self.first_line = line
        self.values: dict[str, Any] = {}
        self._lines: dict[str, int] = {}

    def line(self, name: str = "") -> int:
        """Return the line of a key, or of the object where it has no such key."""
        return self._lines.get(name, self.first_line)

    def note(self, name: str, line: int) -> None:
        """Remember where a key is, right or wrong."""
        self._lines[name] = line

    def has(self, name: str) -> bool:
        """Whether a key is there, right or wrong."""
        return name in self._lines

    @property
    def called(self) -> str:
        """How a message calls it."""
        name = self.values.get("name") or self.values.get("address")
        return f"the {self.section.one} {name}" if name else f"a {self.section.one}"


class Draft(NamedTuple):
    """All objects of a file."""

    top: Table
    lists: dict[str, list[Table]]
    fencing: Table | None

    def all(self, section: Section) -> list[Table]:
        """Return the objects of one list."""
        return self.lists[section.name]


def read_draft(document: Value, findings: Findings) -> Draft:
    """Return the objects of a file; what is wrong with them is in ``findings``."""
    top = Table(TOP, 1)
    lists: dict[str, list[Table]] = {section.name: [] for section in LISTS}
    draft = Draft(top, lists, None)
    if not isinstance(document.data, dict):
        findings.error(1, "The file is not one JSON object.", "Begin it with { and end it with }.")
        return draft
    inside = dict(document.data)
    if is_newer(inside, findings):
        return draft
    for section in LISTS:
        if section.name in inside:
            value = inside.pop(section.name)
            top.note(section.name, value.line)
            lists[section.name] += _list(section, value, findings)
    fencing = inside.pop(FENCING.name, None)
    also = (*(section.name for section in LISTS), FENCING.name)
    fill(top, inside, findings, also)
    if fencing is not None:
        top.note(FENCING.name, fencing.line)
        draft = draft._replace(fencing=_table(FENCING, fencing, findings))
    return draft


def is_newer(inside: dict[str, Value], findings: Findings) -> bool:
    """Whether the file is of a newer form, of which nothing more can be said."""
    version = inside.get("version")
    if version is None or not isinstance(version.data, int) or version.data <= 1:
        return False
    findings.error(
        version.line,
        f"The file is of the form {shown(version)}, and this agent knows form 1 only.",
        "Install the agent that belongs to the file, or write the file anew for this one.",
    )
    return True


def _list(section: Section, value: Value, findings: Findings) -> list[Table]:
    tables = [_table(section, one, findings) for one in entries(section, value, findings)]
    return [table for table in tables if table is not None]


def entries(section: Section, value: Value, findings: Findings) -> list[Value]:
    """Return the entries of a list; none, and a report, when it is no list or too long."""
    if not isinstance(value.data, list):
        text = f"{section.name}: {shown(value)} is not a list."
        findings.error(value.line, text, f'Write "{section.name}": [{{...}}, {{...}}].')
        return []
    if len(value.data) > section.most:
        text = f"{section.name} has {len(value.data)} entries, more than {section.most}."
        findings.error(value.line, text, f"Keep {section.most} of them.")
        return []
    return value.data


def _table(section: Section, value: Value, findings: Findings) -> Table | None:
    if not isinstance(value.data, dict):
        text = f"{section.name}: {shown(value)} is not an object."
        findings.error(value.line, text, 'Write it as {"key": value}.')
        return None
    table = Table(section, value.line)
    fill(table, value.data, findings)
    return table


def fill(
    table: Table, found: dict[str, Value], findings: Findings, also: Iterable[str] = ()
) -> None:
    """Read the keys of an object into its table; ``also`` are names of others that belong there."""
    known = [key.name for key in table.section.keys]
    for name, value in found.items():
        if name not in known:
            _unknown(table, name, value.line, [*known, *also], findings)
    for key in table.section.keys:
        if key.name in found:
            _value(table, key.name, found[key.name], findings)
        elif key.required:
            where = f"{table.section.one} has no key {key.name}: {key.meaning}."
            findings.error(
                table.line(), where[0].upper() + where[1:], f'Add: "{key.name}": {key.example}'
            )


def _value(table: Table, name: str, value: Value, findings: Findings) -> None:
    key = next(one for one in table.section.keys if one.name == name)
    table.note(name, value.line)
    try:
        table.values[name] = key.read(value)
    except Wrong as problem:
        line = problem.line or value.line
        findings.error(line, f"{name}: {problem.text}", problem.remedy)


def _unknown(table: Table, name: str, line: int, known: list[str], findings: Findings) -> None:
    import difflib  # only a wrong file pays for it

    near = difflib.get_close_matches(name, known, 1) if len(name) <= 64 else []
    remedy = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."
    inside = f" in {table.section.name}" if table.section.name else ""
    findings.error(line, f"There is no key {name[:60]!a}{inside}.", remedy)
