"""A site file's values, each read on its own: what is right is kept, what is wrong is reported."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from backend.errors import HaoscarError
from backend.reports import Place, Report, Severity, error, warning
from backend.site import locate
from backend.site.keys import Key, Section
from backend.site.schema import REPEATED, SINGLE, TOP, VERSION

MOST = 200  # problems that are listed one by one


@dataclass(slots=True)
class Findings:
    """Collects what is wrong, with the place in the file."""

    file: Path
    where: locate.Map
    reports: list[Report] = field(default_factory=list)
    left_out: int = 0

    def place(self, path: locate.Path) -> Place:
        """Return the file and line of a key."""
        return Place(self.file, self.where.line(path))

    def line(self, path: locate.Path) -> int:
        """Return the line of a key."""
        return self.where.line(path)

    @property
    def full(self) -> bool:
        """Whether further problems are only counted."""
        return len(self.reports) >= MOST

    def error(self, path: locate.Path, code: str, text: str, remedy: str = "") -> None:
        """Add an error."""
        self.add(error(code, text, remedy, self.place(path)))

    def warning(self, path: locate.Path, code: str, text: str, remedy: str = "") -> None:
        """Add a warning."""
        self.add(warning(code, text, remedy, self.place(path)))

    def add(self, report: Report) -> None:
        """Add a report, or count it when there are too many."""
        if self.full:
            self.left_out += 1
        else:
            self.reports.append(report)

    def sorted(self) -> list[Report]:
        """Return the reports in the order of the file."""
        found = sorted(self.reports, key=lambda one: (one.place and one.place.line) or 0)
        if self.left_out:
            text = f"There are {self.left_out} more problems."
            found.append(error("site.more", text, "Correct these first.", Place(self.file)))
        return found

    @property
    def failed(self) -> bool:
        """Whether there is an error among them."""
        return self.left_out > 0 or any(one.severity is Severity.ERROR for one in self.reports)


@dataclass(slots=True)
class Table:
    """One table of the file: only the keys that are there and right."""

    section: Section
    path: locate.Path
    values: dict[str, Any] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)  # keys that are there and could not be read
    children: dict[str, list["Table"]] = field(
        default_factory=dict
    )  # what is below it: lists, and tables as lists of one

    def at(self, name: str) -> locate.Path:
        """Return the path of one of its keys."""
        return (*self.path, name)


@dataclass(slots=True)
class Draft:
    """All tables of the file."""

    single: dict[tuple[str, ...], Table] = field(default_factory=dict)
    repeated: dict[str, list[Table]] = field(default_factory=dict)


def read_draft(document: Mapping[str, object], findings: Findings) -> Draft:
    """Return the tables of a TOML document; what is wrong with them is in ``findings``."""
    draft = Draft(repeated={section.path[0]: [] for section in REPEATED})
    if not _version(document, findings):
        return draft
    _unknown(document, (), TOP, findings)
    networks = document.get("networks", {})
    if isinstance(networks, dict):
        names = [section.path[1] for section in SINGLE if len(section.path) == 2]
        _unknown(networks, ("networks",), names, findings)
    else:
        findings.error(("networks",), "site.shape", "networks is not a table.", "Write [networks.private].")  # fmt: skip
        networks = {}
    for section in SINGLE:
        within = networks if len(section.path) == 2 else document
        _single(section, within, draft, findings, silent=within is not document and not networks)
    for section in REPEATED:
        name = section.path[0]
        draft.repeated[name] = _repeated(section, (name,), document.get(name, []), findings)
    return draft


def _version(document: Mapping[str, object], findings: Findings) -> bool:
    """Judge the version; False when the rest of the file cannot be understood."""
    version = document.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        shown = version if version < 10**9 else "a huge number"
        findings.error(
            ("version",),
            "site.newer",
            f"The file was written for a newer HA-OSCAR (version {shown}; this one knows {VERSION}).",
            "Use that HA-OSCAR, or restore the file from before with: haoscar undo",
        )
        return False
    if version is None:
        findings.error((), "site.version", "The key version is missing.", "Begin the file with: version = 1")  # fmt: skip
    elif isinstance(version, bool) or version != VERSION:
        findings.error(("version",), "site.version", "There is no such version of the site file.", "Write: version = 1")  # fmt: skip
    return True


def _unknown(
    found: Iterable[str], path: locate.Path, known: Iterable[str], findings: Findings
) -> None:
    known = list(known)
    for name in found:
        if name in known:
            continue
        near = [] if findings.full or len(name) > 64 else difflib.get_close_matches(name, known, 1)
        remedy = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."
        table = ".".join(str(one) for one in path if isinstance(one, str))
        inside = f" in {table}" if table else ""
        text = f"There is no key {name[:60]!a}{inside}."
        findings.error((*path, name), "site.unknown-key", text, remedy)


def _single(
    section: Section,
    within: Mapping[str, object],
    draft: Draft,
    findings: Findings,
    *,
    silent: bool,
) -> None:
    found = within.get(section.path[-1])
    if isinstance(found, dict):
        draft.single[section.path] = _table(section, section.path, found, findings)
    elif found is not None:
        text = f"{section.header} must be one table."
        findings.error(section.path, "site.shape", text, f"Write {section.header}, once.")
    elif section.required:
        place = section.path[:-1] if not silent else ()
        text = f"The table {section.header} is missing."
        keys = ", ".join(key.name for key in section.keys if key.required)
        findings.error(place, "site.missing-table", text, f"Add it, with the keys {keys}.")


def _repeated(
    section: Section, path: locate.Path, found: object, findings: Findings
) -> list[Table]:
    """Return the entries of a list of tables."""
    text, remedy = f"{path[-1]} must be a list of tables.", f"Write {section.header}."
    if not isinstance(found, list):
        findings.error(path, "site.shape", text, remedy)
        return []
    tables = []
    for number, entry in enumerate(found):
        if isinstance(entry, dict):
            tables.append(_table(section, (*path, number), entry, findings))
        else:
            findings.error((*path, number), "site.shape", text, remedy)
    return tables


def _table(
    section: Section, path: locate.Path, found: Mapping[str, object], findings: Findings
) -> Table:
    table = Table(section, path)
    below = [child.path[-1] for child in section.children]
    _unknown(found, path, [*(key.name for key in section.keys), *below], findings)
    for key in section.keys:
        if key.name in found:
            _value(key, found[key.name], table, findings)
        elif key.required:
            text = f"{section.header} lacks the key {key.name}: {key.meaning}."
            findings.error(path, "site.missing-key", text, f"Add: {key.name} = {key.example}")
    for child, name in zip(section.children, below, strict=True):
        read = _repeated if child.repeated else _at_most_one
        table.children[name] = read(child, (*path, name), found.get(name, []), findings)
    return table


def _at_most_one(
    section: Section, path: locate.Path, found: object, findings: Findings
) -> list[Table]:
    """Return the one table that may be below an entry, as a list."""
    if isinstance(found, dict):
        return [_table(section, path, found, findings)]
    if found:
        text = f"{section.header} must be one table."
        findings.error((*path, 0), "site.shape", text, f"Write {section.header}, once.")
    return []


def _value(key: Key, value: object, table: Table, findings: Findings) -> None:
    try:
        table.values[key.name] = key.read(value)
    except HaoscarError as problem:
        table.wrong.add(key.name)
        for report in problem.reports:
            text = f"{key.name}: {report.text}"
            findings.add(replace(report, text=text, place=findings.place(table.at(key.name))))
