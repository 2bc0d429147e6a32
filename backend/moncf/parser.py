"""mon.cf into blocks, by the rules of read_cf in mon 1.3.6; every line lands somewhere or is reported. Pure."""

import difflib
import re
from collections.abc import Callable

from backend.moncf import settings
from backend.moncf.blocks import (
    HostgroupBlock,
    Item,
    MonFile,
    PeriodBlock,
    ServiceBlock,
    WatchBlock,
)
from backend.moncf.findings import Findings, shown
from backend.moncf.lexer import Line, read_lines

Beginning = tuple[re.Pattern[str], Callable[[Line, re.Match[str]], None]]
TAG = r"([a-zA-Z0-9_.-]+)"
SETTING = re.compile(r"(\w+)\s*=\s*(.*)", re.ASCII)
HOSTGROUP = re.compile(rf"hostgroup\s+{TAG}\s*(.*)", re.ASCII)
ALIAS = re.compile(rf"alias\s+{TAG}", re.ASCII)
VIEW = re.compile(rf"view\s+{TAG}\s+(.*)", re.ASCII)
WATCH = re.compile(rf"watch\s+{TAG}\s*(.*)", re.ASCII)
VARIABLE = re.compile(r"([A-Z_][A-Z0-9_]*)=(.*)", re.ASCII)
KEYWORD = re.compile(r"(\w+)\s*(.*)", re.ASCII)
PERIOD = re.compile(r"([a-z_]\w*)\s*:\s*(.*)", re.ASCII | re.IGNORECASE)
NOTE = re.compile(r"([a-z_]+(?:\s+\w+)?)\s*=\s*(.*)", re.ASCII)
RECORDS = ("hostgroup", "watch", "view", "alias")
OF_SERVICE = (
    "interval", "failure_interval", "monitor", "redistribute", "allow_empty_group", "description",
    "unack_summary", "traptimeout", "trapduration", "randskew", "dep_behavior", "dep_memory",
    "depend", "alertdepend", "monitordepend", "hostdepend", "exclude_hosts", "exclude_period",
)  # fmt: skip
OF_PERIOD = (
    "alert", "upalert", "startupalert", "ackalert", "disablealert", "alertevery", "alertafter",
    "upalertafter", "numalerts", "no_comp_alerts", "alerts_dont_count", "alertexitrange",
)  # fmt: skip
WITHIN_WATCH = ("service", "period", *OF_SERVICE, *OF_PERIOD)
DEFAULTS = ("dep_behavior", "dep_memory", "unack_summary")  # as they are when a service begins
BLANK = "Put an empty line before it: mon takes it for a part of the record above."


def parse(content: bytes, findings: Findings, name: str = "") -> MonFile:
    """Return the blocks of a file; mistakes are noted. Raises InvalidInput for what is no mon.cf."""
    reader = _Parser(findings)
    for line in read_lines(content, findings, name):
        reader.take(line)
    return reader.file


class _Parser:
    """One pass over the lines; the record that is open takes what is none of its own beginning."""

    def __init__(self, findings: Findings) -> None:
        self.file = MonFile()
        self._findings = findings
        self._group: HostgroupBlock | None = None
        self._watch: WatchBlock | None = None
        self._service: ServiceBlock | None = None
        self._period: PeriodBlock | None = None
        self._passed_over = ""  # the kind of a record that is not carried over
        self._defaults: dict[str, Item] = {}
        self._watched: dict[str, int] = {}

    def take(self, line: Line) -> None:
        """Take one line."""
        if line.note:
            self._note(line)
            return
        if not line.text:
            self._end()
            return
        setting = SETTING.fullmatch(line.text) if self._watch is None else None
        if setting is not None:
            self._setting(Item(line.number, setting[1], setting[2]))
            return
        for pattern, begin in self._beginnings():
            found = pattern.fullmatch(line.text)
            if found is not None:
                begin(line, found)
                return
        self._inside(line)

    def _beginnings(self) -> list[Beginning]:
        """Return what may begin a record here: within a host group only another one may."""
        found: list[Beginning] = [(HOSTGROUP, self._begin_group)]
        if self._group is None:
            found.append((ALIAS, self._begin_other))
            if self._passed_over != "alias":
                found.append((VIEW, self._begin_other))
                if self._passed_over != "view":
                    found.append((WATCH, self._begin_watch))
        return found

    def _end(self) -> None:
        self._group = self._watch = self._service = self._period = None
        self._passed_over = ""

    def _wrong(self, line: Line | Item, text: str, remedy: str) -> None:
        self._findings.wrong(line.line if isinstance(line, Item) else line.number, text, remedy)

    def _note(self, line: Line) -> None:
        found = NOTE.fullmatch(line.text)
        if found is None:
            self._wrong(line, f"{shown(line.text)} is no note.", "Write #haoscar: key = value.")
            return
        item = Item(line.number, " ".join(found[1].split()), found[2])
        owner = self._period or self._service or self._group or self.file
        owner.notes.append(item)

    def _setting(self, item: Item) -> None:
        if item.key in settings.LEFT or item.key in settings.USED:
            remedy = settings.is_wrong(item)
            if remedy:
                self._wrong(item, f"{shown(item.value)} is no value for {item.key}.", remedy)
                return
            self.file.settings.append(item)
            if item.key in DEFAULTS:
                self._defaults[item.key] = item
            return
        near = difflib.get_close_matches(item.key, (*settings.LEFT, *settings.USED), 1)
        remedy = f"Did you mean {near[0]}?" if near else "mon(8) lists those that there are."
        self._wrong(item, f"mon has no setting {shown(item.key)}.", remedy)

    def _begin_group(self, line: Line, found: re.Match[str]) -> None:
        self._end()
        self._group = HostgroupBlock(line.number, found[1])
        self._group.hosts += [(line.number, host) for host in found[2].split()]
        self.file.groups.append(self._group)

    def _begin_other(self, line: Line, found: re.Match[str]) -> None:
        self._end()
        self._passed_over = found[0].split()[0]
        self._pass_over(line)

    def _pass_over(self, line: Line) -> None:
        why = {
            "view": "Views choose what mon's own client programs show.",
            "alias": "Aliases belong to mon's own client programs.",
        }[self._passed_over]
        self._findings.left(line.number, line.text, why)

    def _begin_watch(self, line: Line, found: re.Match[str]) -> None:
        self._end()
        name = found[1]
        if name in self._watched:
            first = self._watched[name]
            self._wrong(line, f"The watch {name} is there twice.", f"Add its services to the one of line {first}.")  # fmt: skip
        self._watched.setdefault(name, line.number)
        self._watch = WatchBlock(line.number, name)
        self.file.watches.append(self._watch)
        if found[2]:
            self._findings.left(line.number, line.text, f"mon takes {name}, and nothing after it.")

    def _inside(self, line: Line) -> None:
        """Take a line that begins no record."""
        if self._watch is not None:
            self._of_watch(line)
            return
        word = line.text.split()[0]
        trapped = self._group is not None or self._passed_over
        if trapped and (word in WITHIN_WATCH or word in RECORDS):
            self._wrong(line, f"{shown(line.text)} stands inside a record that it does not belong to.", BLANK)  # fmt: skip
        elif self._group is not None:
            self._group.hosts += [(line.number, host) for host in line.text.split()]
        elif self._passed_over:
            self._pass_over(line)
        elif word in WITHIN_WATCH:
            remedy = "Name its watch before it, without an empty line between them."
            self._wrong(line, f"{shown(line.text)} belongs to no watch.", remedy)
        else:
            near = [one for one in difflib.get_close_matches(word, RECORDS, 1) if one != word]
            remedy = f"Did you mean {near[0]}?" if near else "Write hostgroup, watch or view with a name and more, or a setting with =."  # fmt: skip
            self._wrong(line, f"{shown(line.text)} is not understood; mon passes over it.", remedy)

    def _of_watch(self, line: Line) -> None:
        variable = VARIABLE.fullmatch(line.text)
        found = KEYWORD.fullmatch(line.text)
        if variable is not None:
            item = Item(line.number, variable[1], variable[2])
        elif found is not None:
            item = Item(line.number, found[1], found[2])
        else:
            self._wrong(line, f"{shown(line.text)} is not understood.", "Begin it with a keyword.")
            return
        if item.key == "service" and variable is None:
            self._begin_service(item)
        elif self._service is None:
            self._wrong(item, f"{shown(line.text)} belongs to no service.", "Name the service before it.")  # fmt: skip
        elif variable is not None:
            self._service.variables.append(item)
        elif item.key == "period":
            self._begin_period(item)
        else:
            self._keyword(item, self._service)

    def _begin_service(self, item: Item) -> None:
        assert self._watch is not None
        if not re.fullmatch(TAG, item.value):
            self._wrong(item, f"{shown(item.value)} is not the name of a service.", "Use letters, digits, underscores, dots and hyphens.")  # fmt: skip
        elif any(one.name == item.value for one in self._watch.services):
            self._wrong(item, f"The service {item.value} is there twice in {self._watch.group}.", "Give each its own name.")  # fmt: skip
        self._service = ServiceBlock(item.line, item.value, dict(self._defaults))
        self._watch.services.append(self._service)
        self._period = None

    def _begin_period(self, item: Item) -> None:
        assert self._service is not None
        found = PERIOD.fullmatch(item.value)
        label, when = (found[1], found[2]) if found else ("", item.value)
        self._period = PeriodBlock(item.line, label, when)
        self._service.periods.append(self._period)

    def _keyword(self, item: Item, service: ServiceBlock) -> None:
        known, others = (OF_SERVICE, OF_PERIOD) if self._period is None else (OF_PERIOD, OF_SERVICE)
        if item.key in known:
            (self._period or service).items.append(item)
        elif item.key in others:
            where = "after a period" if self._period is None else "before the first period"
            self._wrong(item, f"{item.key} stands in the wrong place.", f"It belongs {where} of its service.")  # fmt: skip
        else:
            near = difflib.get_close_matches(item.key, ("service", "period", *known), 1)
            remedy = f"Did you mean {near[0]}?" if near else "mon(8) lists the keywords."
            self._wrong(item, f"mon has no keyword {shown(item.key)}.", remedy)
