"""Import MACs from file, Export MACs to file: for the window and for haoscar macs."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.macs import LiveList
from backend.actions.macs_assign import site_change
from backend.change.plan import Plan
from backend.change.preview import Change, ChangeKind, preview
from backend.change.records import ChangeRecord
from backend.discovery import assignment
from backend.discovery.mac_files import SIZE_LIMIT, Entry, MacFile, MacFormat, read_macs, write_macs
from backend.discovery.macs import Machine, known_machines
from backend.errors import HaoscarError, InvalidInput
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.reports import Place, Report, Severity, info, warning
from backend.system import packets
from backend.tasks import TaskContext
from backend.wiring import Wiring

MOST_LINES = 5000  # single lines that are shown, each with its reason; more are counted
MOST_REASONS = 10  # of them where nothing at all could be taken


def read_file(path: Path) -> MacFile:
    """Read a file of any of the formats; raises InvalidInput, also when it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as problem:
        raise file_problem(path, "read", problem) from problem
    return read_macs(content, path.name)


def refuse_empty(read: MacFile, path: Path) -> None:
    """Raise InvalidInput for a file of nothing but rejected lines."""
    if read.rejected and not read.entries:
        raise InvalidInput.of(
            "macs.nothing-imported", f"{path.name} holds no MAC address.", "See the lines above."
        )


@dataclass(frozen=True, slots=True)
class Restored:
    """What a file comes to: the site with its bindings, the free addresses, and what was said."""

    outcome: assignment.Outcome | None  # None: there is no site yet
    free: tuple[Mac, ...]
    reports: tuple[Report, ...]


def restore(site: Site | None, read: MacFile, name: str) -> Restored:
    """Bind what a file binds, as far as the site allows; the rest is free."""
    if site is not None:
        outcome = assignment.restore(site, read.entries, own=packets.own_cards(), source=name)
        return Restored(outcome, outcome.returned, outcome.reports)
    free = tuple(entry.mac for entry in read.entries)
    lost = sum(entry.node is not None for entry in read.entries)
    text = f"There is no site file yet: {lost} addresses were taken without their machines."
    remedy = "Import the file again when the machines have been defined."
    return Restored(None, free, (warning("macs.no-site", text, remedy),) if lost else ())


def form_of(path: Path, wanted: str | None) -> MacFormat:
    """Return the wanted format, without one that of the file's name."""
    suffix = MacFormat.CSV if path.suffix.lower() == ".csv" else MacFormat.CURRENT
    return MacFormat(wanted or suffix)


@dataclass(frozen=True, slots=True)
class Export:
    """The content of a file, how many addresses it is made of, and what it could not hold."""

    content: bytes
    addresses: int
    reports: tuple[Report, ...]


def export(machines: Iterable[Machine], site: Site | None, form: MacFormat) -> Export:
    """Return the list in its order, then the machines of the site that were not heard."""
    entries = [Entry(machine.mac, machine.node, machine) for machine in machines]
    if site is not None:
        heard = {entry.mac for entry in entries}
        bound = known_machines(site).items()
        entries += [Entry(mac, node) for mac, node in bound if mac not in heard]
    unbound = sum(entry.node is None for entry in entries)
    reports: tuple[Report, ...] = ()
    if form is MacFormat.MAC_INFO and unbound:
        text = f"{unbound} addresses without a machine were left out: MAC.info cannot hold them."
        reports = (warning("macs.left-out", text, "Use --format oscar or csv for all."),)
    return Export(write_macs(entries, form, time.time()), len(entries), reports)


def write_file(path: Path, content: bytes) -> None:
    """Write it, over what is there; raises InvalidInput."""
    try:
        path.write_bytes(content)
    except OSError as problem:
        raise file_problem(path, "written", problem) from problem


def file_problem(path: Path, done: str, problem: OSError) -> HaoscarError:
    """Return the error for a file that could not be ``done``."""
    text = f"{path} could not be {done}: {problem.strerror}."
    return InvalidInput.of("macs.file", text, "Give another path.", Place(path))


def export_live(wiring: Wiring, live: LiveList, path: Path, form: str | None) -> Report:
    """Write what the window shows to a file; returns what to say, raises InvalidInput."""
    store = wiring.store()
    made = export(live.machines(), store.load() if store.exists() else None, form_of(path, form))
    write_file(path, made.content)
    if made.reports:
        return made.reports[0]
    return info("macs.exported", f"{made.addresses} addresses written to {path}.")


@dataclass(frozen=True, slots=True)
class ImportMacs:
    """Import MACs from file: bindings into the site, the other addresses into the list. An Action.

    Nobody is asked when only the list grows and every line was taken.
    """

    wiring: Wiring
    live: LiveList
    file: Path
    dynamic: bool = True  # a DHCP server that was configured learns it at once

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Import MACs from {self.file.name}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord | None]:
        """See Action.prepare; raises InvalidInput with reasons when nothing can be taken."""
        del person
        context.step(f"Reading {self.file}")
        read = read_file(self.file)
        try:
            refuse_empty(read, self.file)
        except InvalidInput as problem:
            raise InvalidInput(*problem.reports, *limited(read.rejected, MOST_REASONS)) from None
        store = self.wiring.store()
        site = store.load() if store.exists() else None
        restored = restore(site, read, self.file.name)
        plan = self._plan(site, restored)
        left = limited((*read.reports, *_doubts(restored.reports)), MOST_LINES)
        groups = [Group("The list of MAC addresses", (_list_change(restored),))]
        if plan is not None:
            groups.append(Group("The site", tuple(preview(plan, self.wiring.paths))))
        if left:
            groups.append(Group("Left out", tuple(_left_out(one) for one in left)))
        counts = _counts(read, restored)

        def run(task: TaskContext) -> ChangeRecord | None:
            record = None if plan is None else self.wiring.journal().apply(plan, task)
            after = None if restored.outcome is None else restored.outcome.site
            self.live.settle(after, restored.free)
            return record

        def tell(record: ChangeRecord | None) -> Outcome:
            details = tuple(str(one) for one in left)
            return Outcome(counts, details, undo="" if record is None else record.id)

        idle = plan is None and not left
        return Prepared(self.title, counts, tuple(groups), run, tell, idle=idle)

    def _plan(self, site: Site | None, restored: Restored) -> Plan | None:
        if site is None or restored.outcome is None:
            return None
        title = f"Import {self.file.name}"
        return site_change(self.wiring, site, restored.outcome, title, dhcp=self.dynamic).plan


def limited(reports: Sequence[Report], most: int) -> tuple[Report, ...]:
    """Return the first reports, and how many more there are of each kind. Pure."""
    if len(reports) <= most:
        return tuple(reports)
    kinds = Counter(one.code for one in reports[most:])
    first = {one.code: one for one in reversed(reports[most:])}
    more = (
        warning(code, f"{count} more of this kind: {first[code].text}", place=first[code].place)
        for code, count in kinds.most_common()
    )
    return (*reports[:most], *more)


def _counts(read: MacFile, restored: Restored) -> str:
    bound = len(read.entries) - len(restored.free)
    rejected = f" Lines left out: {len(read.rejected)}." if read.rejected else ""
    return (
        f"{len(read.entries)} addresses: {bound} with their machines, "
        f"{len(restored.free)} for the list.{rejected}"
    )


def _list_change(restored: Restored) -> Change:
    count = len(restored.free)
    kind = ChangeKind.CHANGED if count else ChangeKind.UNCHANGED
    return Change(kind, f"{count} addresses that belong to no machine are in the list.")


def _left_out(report: Report) -> Change:
    return Change(ChangeKind.UNCHANGED, f"{report.place}: {report.text}", why=report.remedy)


def _doubts(reports: Iterable[Report]) -> tuple[Report, ...]:
    return tuple(one for one in reports if one.severity is not Severity.INFO)
