"""A mon.cf becomes a watch list; every mistake and all that is not carried over has its line. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from backend.errors import InvalidInput
from backend.model.names import WatchName
from backend.model.watchlist import DefinedPeriod, HostGroup, WatchedService, WatchList
from backend.model.watchlist_alert_checks import period_problems
from backend.model.watchlist_checks import Machines, problems
from backend.model.watchlist_form import field_of, read_defined, read_group, read_service
from backend.model.watchlist_problems import Problem
from backend.moncf import settings
from backend.moncf.blocks import HostgroupBlock, Item, MonFile, WatchBlock
from backend.moncf.findings import Findings, shown
from backend.moncf.last import last_of
from backend.moncf.parser import parse
from backend.moncf.periods import PeriodReader
from backend.moncf.programs import Exists, Programs
from backend.moncf.services import ReadService, ServiceReader
from backend.reports import Report, Severity

MOST_SERVICES = 5_000
Judge = Callable[[WatchList], Iterable[Problem]]
Fields = Mapping[str, int]  # the lines of an entry's fields; that of "" is its own


@dataclass(frozen=True, slots=True)
class Conversion:
    """The watch list of a mon.cf, and what must be said about it: warnings, by line."""

    watch: WatchList
    reports: tuple[Report, ...]


def convert(
    content: bytes, source: str, machines: Machines, exists: Exists, judge: Judge | None = None,
    *, allow_missing: bool = False,
) -> Conversion:  # fmt: skip
    """Return what the file ``source`` says; ``exists`` tells whether a program is on this head.

    ``judge`` looks at the parameters of monitors and alerts, which mean nothing here.

    Raises InvalidInput with every mistake, each with its line.
    """
    findings = Findings(source)
    file = parse(content, findings, source)
    converter = _Converter(file, findings, exists, allow_missing)
    watch = converter.watch_list()
    converter.note(problems(watch, machines))
    converter.note(judge(watch) if judge else ())
    findings.finish()
    return Conversion(watch, findings.sorted())


@dataclass(slots=True)
class _Converter:
    file: MonFile
    findings: Findings
    exists: Exists
    allow_missing: bool
    lines: dict[tuple[str, int], Fields] = field(default_factory=dict)  # ("watch", 2): ...
    broken: set[tuple[str, int]] = field(default_factory=set)  # what could not be read

    def watch_list(self) -> WatchList:
        """Return the list; in place of what cannot be read there is something of the same name."""
        last = last_of(self.file.settings, Findings(""))
        for item in self.file.settings:
            if item.key in settings.LEFT:
                self.findings.left(item.line, f"{item.key} = {item.value}", _sentence(settings.LEFT[item.key]))  # fmt: skip
        periods = self._periods()
        services = self._services(self._reader(last, periods))
        used = {str(one.group): one for one in services}
        return WatchList(self._groups(used), tuple(periods), services)

    def _reader(self, last: Mapping[str, Item], periods: list[DefinedPeriod]) -> ServiceReader:
        monitors, alerts = (
            settings.directories(self.file.settings, key) for key in ("mondir", "alertdir")
        )
        texts = {str(one.name): str(one.when) for one in periods}
        return ServiceReader(
            Programs.monitors(monitors, self.exists, self.allow_missing),
            PeriodReader(
                Programs.alerts(alerts, self.exists, self.allow_missing), texts, self.findings
            ),
            last.get("exclude_period"),
            self.findings,
        )

    def _refuse(self, problem: InvalidInput, fields: Fields) -> None:
        """Note what a form refuses, at the line of its field."""
        for one in problem.reports:
            name = one.place.field if one.place is not None and one.place.field else ""
            self.findings.wrong(_line(fields, name), one.text, one.remedy, one.code)

    def _periods(self) -> list[DefinedPeriod]:
        """Return the periods of notes such as ``period day = hr {9am-5pm}``."""
        found: list[DefinedPeriod] = []
        for note in self.file.notes:
            key, _, name = note.key.partition(" ")
            if key != "period" or not name:
                self.findings.wrong(note.line, f"{shown(str(note))} belongs to nothing here.", "Put it after the line that it speaks of.")  # fmt: skip
                continue
            try:
                found.append(read_defined({"name": name, "when": note.value}))
            except InvalidInput as problem:
                self._refuse(problem, {"": note.line})
                continue
            self.lines["period", len(found) - 1] = {"": note.line}
        return found

    def _services(self, reader: ServiceReader) -> tuple[WatchedService, ...]:
        found: list[WatchedService] = []
        for watch in self.file.watches:
            if not watch.services:
                self.findings.left(watch.line, f"watch {watch.group}", "It has no service.")
            for block in watch.services:
                read = reader.read(watch.group, block)
                if read.left:
                    self._left(read)
                    continue
                if len(found) >= MOST_SERVICES:
                    self.findings.wrong(block.line, f"There are more than {MOST_SERVICES} services.", "Import the file in parts.")  # fmt: skip
                    return tuple(found)
                self.lines["watch", len(found)] = read.lines
                found.append(self._service(read, len(found)))
        return tuple(found)

    def _left(self, read: ReadService) -> None:
        """Note what is wrong in a service that is not carried over: mon refuses the file for it, too."""
        try:
            service = read_service(read.texts, read.periods)
        except InvalidInput as problem:
            self._refuse(problem, read.lines)
            return
        for one in period_problems(WatchList(), service, ()):
            if one.severity is Severity.ERROR and one.path[-1] != "defined":
                self.findings.wrong(
                    _line(read.lines, field_of(one.path)), one.text, one.remedy, one.code
                )

    def _service(self, read: ReadService, number: int) -> WatchedService:
        try:
            return read_service(read.texts, read.periods)
        except InvalidInput as problem:
            self._refuse(problem, read.lines)
        self.broken.add(("watch", number))
        return WatchedService(_name(read.texts["group"]), _name(read.texts["name"]))

    def _groups(self, used: Mapping[str, WatchedService]) -> tuple[HostGroup, ...]:
        """Return the host groups: mon makes one of a watch that has none, and takes the last of a name."""
        blocks: dict[str, HostgroupBlock] = {}
        for block in self.file.groups:
            before = blocks.get(block.name)
            if before is not None:
                self.findings.left(before.line, f"hostgroup {block.name}", f"Line {block.line} says it again, and mon takes the last one.")  # fmt: skip
            blocks[block.name] = block
        found: list[HostGroup] = []
        for name, block in blocks.items():
            self._group(block, name in used, found)
        for watch in self.file.watches:
            if watch.group not in blocks:
                blocks[watch.group] = HostgroupBlock(watch.line, watch.group)
                self._own_group(watch, found)
        return tuple(found)

    def _group(self, block: HostgroupBlock, used: bool, found: list[HostGroup]) -> None:
        hosts = [host.removeprefix("*") for _, host in block.hosts]
        off = [host[1:] for _, host in block.hosts if host.startswith("*")]
        texts = {"name": block.name, "hosts": " ".join(hosts), "disabled_hosts": " ".join(off)}
        fields = {"": block.line}
        for note in block.notes:
            texts[note.key], fields[note.key] = note.value, note.line
        if not texts["hosts"] and "hosts" not in fields:
            reason = "It has no hosts; here that would mean both heads."
            if used:
                self.findings.wrong(block.line, f"hostgroup {block.name}: {reason}", "Name its hosts.")  # fmt: skip
            else:
                self.findings.left(block.line, f"hostgroup {block.name}", reason)
                return
        self._add_group(texts, fields, block.hosts, found)

    def _own_group(self, watch: WatchBlock, found: list[HostGroup]) -> None:
        """Add the group of a watch without a host group: its only host has its name."""
        texts, fields = {"name": watch.group, "hosts": watch.group}, {"": watch.line}
        items = [item for one in watch.services for item in one.items]
        checked = any(one.key == "monitor" and not one.value.endswith(";;") for one in items)
        if not checked:
            try:
                read_group(texts)
            except InvalidInput:
                self.findings.left(watch.line, f"the host {watch.group}", "It is no host's name; nothing is checked on it.")  # fmt: skip
                texts["hosts"] = ""
        self._add_group(texts, fields, [(watch.line, watch.group)], found)

    def _add_group(
        self, texts: dict[str, str], fields: dict[str, int], hosts: list[tuple[int, str]],
        found: list[HostGroup],
    ) -> None:  # fmt: skip
        self.lines["host_group", len(found)] = fields
        try:
            found.append(read_group(texts))
            return
        except InvalidInput as problem:
            for one in problem.reports:
                bad = [line for line, host in hosts if shown(host.removeprefix("*")) in one.text]
                line = bad[0] if bad else fields[""]
                self.findings.wrong(line, one.text, one.remedy, one.code)
        self.broken.add(("host_group", len(found)))
        found.append(HostGroup(_name(texts["name"])))

    def note(self, wrong: Iterable[Problem]) -> None:
        """Note what is wrong with the values; what could not be read is not judged again."""
        said = {one.place.line for one in self.findings.reports if one.severity is Severity.ERROR and one.place}  # fmt: skip
        for one in wrong:
            table, number = str(one.path[0]), int(one.path[1])
            if one.severity is not Severity.ERROR or (table, number) in self.broken:
                continue
            if table == "host_group" and one.path[2:] == ("name",):
                continue  # said as two host groups of one name
            line = _line(self.lines[table, number], field_of(one.path[2:]))
            if line not in said:
                self.findings.wrong(line, one.text, one.remedy, one.code)


def _line(fields: Fields, name: str) -> int:
    """Return the line of a field, or of what it is a part of."""
    while name not in fields:
        name = name.rpartition(".")[0]
    return fields[name]


def _name(text: str) -> WatchName:
    try:
        return WatchName.parse(text)
    except InvalidInput:
        return WatchName("")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
