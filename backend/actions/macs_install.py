"""From a heard card to a machine that is being installed: assigned, answered and let in at once.

A ROM asks for a minute or so. What is missing is therefore set up in the same confirmed action:
network boot, the DHCP server's answer, the ticket.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from backend.actions.action import Group, Outcome, Prepared
from backend.actions.dhcp import AskWire, Servers, dhcp_change, doubts_about_wire, other_servers
from backend.actions.installs import Armable, ArmInstall
from backend.actions.letting_in import LetIn, let_in
from backend.actions.macs import LiveList
from backend.actions.macs_assign import disarm, forget_entries, freed_cards, refuse_running
from backend.actions.macs_prepare import missing_steps
from backend.change.plan import Plan, Step
from backend.change.preview import preview
from backend.clone.answer import bootable
from backend.discovery.assignment import NEEDS_CONFIRMATION
from backend.discovery.assignment import Outcome as Assignment
from backend.errors import Cancelled, HaoscarError
from backend.imaging.catalog import Catalog
from backend.model.site import Site, Standby
from backend.netboot.dhcp import INCLUDE
from backend.reports import Report, Severity, warning
from backend.tasks import TaskContext
from backend.wiring import Wiring

REMEDIES = {
    NEEDS_CONFIRMATION: "Its disk would be overwritten. If this machine really is to become a "
    "standby, choose it and press Assign MAC to Node.",
    "macs.duplicate": "Take it away first: choose that standby and press Delete MAC from Node.",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What every action on cards works with."""

    wiring: Wiring
    live: LiveList
    dynamic: bool = True  # "Dynamic DHCP update": whatever is missing follows at once
    servers: Servers | None = None  # other DHCP servers on the wire, when it was asked already
    ask: AskWire = other_servers


@dataclass(frozen=True, slots=True)
class Part:
    """Steps that belong together, under the title they are shown with."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """Cards that change hands and machines that are let in: planned, nothing changed yet."""

    desk: Desk
    title: str
    sentence: str
    assignment: Assignment
    parts: tuple[Part, ...] = ()  # none: nothing changes
    given: tuple[Standby, ...] = ()  # with their new cards
    armables: tuple[Armable, ...] = ()
    doubts: tuple[Report, ...] = ()

    def prepared(self) -> Prepared[LetIn | None]:
        """Return it as what is shown and carried out; raises HaoscarError."""
        notes = _notes(self.assignment)
        if not self.parts:
            return Prepared(
                self.title, self.sentence, (), lambda _context: None, self.tell, notes, idle=True
            )  # fmt: skip
        reports = (*notes, *self.doubts)
        return Prepared(self.title, self.sentence, self.groups(), self.run, self.tell, reports)

    @property
    def plan(self) -> Plan:
        """All steps as one change, which is undone as one."""
        steps = [step for part in self.parts for step in part.steps]
        return Plan(self.title, self.sentence, steps)

    def groups(self) -> tuple[Group, ...]:
        """Return what will change, part by part; raises HaoscarError."""
        changes = preview(self.plan, self.desk.wiring.paths)
        groups, begin = [], 0
        for part in self.parts:
            end = begin + len(part.steps)
            groups.append(Group(part.title, tuple(changes[begin:end])))
            begin = end
        tickets = tuple(self._arming(one).change(one) for one in self.armables)
        return (*groups, Group("Installation", tickets)) if tickets else tuple(groups)

    def run(self, context: TaskContext) -> LetIn | None:
        """Do it; when a machine cannot be let in, everything is taken back."""
        paths, freed = self.desk.wiring.paths, self.assignment.returned
        armed = [(self._arming(one), one) for one in self.armables]
        done = let_in(self.desk.wiring, self.plan, armed, context)
        disarm(paths, freed)
        self.desk.live.settle(self.assignment.site, freed)
        return done

    def tell(self, done: LetIn | None) -> Outcome:
        """Return what is said afterwards."""
        said = [one.text for one in self.assignment.reports if one.severity is Severity.INFO]
        if done is not None and done.tickets:
            names = ", ".join(str(one.standby) for one in done.tickets)
            said.append(f"{names} may be installed now.")
        many = len(said) > 3
        plain = " ".join(said) or self.sentence
        return Outcome(
            f"{len(self.given)} MAC addresses were assigned." if many else plain,
            tuple(said) if many else (),
            tuple(one for one in _notes(self.assignment) if one.text != plain),
            undo="" if done is None else done.record.id,
            next=self._next(),
            severity=Severity.INFO if said else Severity.WARNING,  # nothing could be assigned
        )  # fmt: skip

    def _next(self) -> str:
        if not self.given:
            return ""
        if self.armables:
            return "Watch it. A machine that has given up asking is switched on again."
        if self.desk.dynamic:
            return "Setup Network Boot: nothing is installed before."
        return "Configure DHCP Server, then Setup Network Boot: nothing is installed before."

    def _arming(self, armable: Armable) -> ArmInstall:
        return ArmInstall(self.desk.wiring, armable.standby.name)


def admission(
    desk: Desk, before: Site, assignment: Assignment, title: str, context: TaskContext
) -> Admission:
    """Plan an assignment with everything that lets its machines in; changes nothing of the machine.

    Raises Refused when the DHCP configuration says otherwise or a freed card is being installed.
    """
    after, paths = assignment.site, desk.wiring.paths
    if after == before:
        return Admission(desk, title, assignment.reports[-1].text, assignment)
    freed = freed_cards(before, assignment)
    refuse_running(paths, freed)
    given = tuple(one for one in after.standbys if one.mac and one not in before.standbys)
    steps = (desk.wiring.store().write_step(after), *forget_entries(paths, freed))
    plain = Admission(
        desk, title, _sentence(assignment, given), assignment, (Part("The site", steps),), given
    )
    configured = paths.at(INCLUDE).exists()
    if not desk.dynamic or not (given or configured):
        return plain
    context.step("Looking at network boot and the DHCP server")
    armables, doubts = _armables(desk.wiring, after, given)
    boot: tuple[Step, ...] = ()
    if armables:
        boot, problems = _missing_network_boot(desk.wiring, after, context)
        armables, doubts = (() if problems else armables), (*doubts, *problems)
    dhcp = tuple(dhcp_change(desk.wiring, after).plan.steps)
    servers = () if desk.servers is None and configured else desk.servers
    wire = doubts_about_wire(servers, after.private.interface, desk.ask, context)
    parts = (Part("Network boot", boot), *plain.parts, Part("DHCP server", dhcp))
    return replace(
        plain,
        sentence=_sentence(assignment, given, armables),
        parts=tuple(one for one in parts if one.steps),
        armables=armables,
        doubts=(*_unusual(desk.live, given), *doubts, *wire),
    )


def _sentence(
    assignment: Assignment, given: Sequence[Standby], armables: Sequence[Armable] = ()
) -> str:
    becomes = [f"{one.mac} becomes {one.name}." for one in given]
    if not becomes:
        return next((one.text for one in assignment.reports), "")
    if armables:
        names = ", ".join(f"{one.standby.name} with {one.version}" for one in armables)
        becomes.append(f"Installed at the present network boot: {names}.")
    return " ".join(becomes)


def _armables(
    wiring: Wiring, site: Site, given: Sequence[Standby]
) -> tuple[tuple[Armable, ...], tuple[Report, ...]]:
    """Return the standbys that can be installed, and why others cannot."""
    found, doubts = [], []
    for one in given:
        try:
            version = Catalog(wiring.paths).latest(one.image)
            found.append(Armable(site, one, version, bootable(version)))
        except HaoscarError as problem:
            doubts += [
                _doubt(each, f"{one.name} is not installed yet: ") for each in problem.reports
            ]
    return tuple(found), (*doubts, *(each for one in found for each in one.reports))


def _missing_network_boot(
    wiring: Wiring, site: Site, context: TaskContext
) -> tuple[tuple[Step, ...], tuple[Report, ...]]:
    """Return the steps that set network boot up, none when it is; or why it cannot be."""
    try:
        return missing_steps(wiring, site, context), ()
    except Cancelled:
        raise
    except HaoscarError as problem:
        return (), tuple(_doubt(one, "Network boot is not set up: ") for one in problem.reports)


def _unusual(live: LiveList, given: Sequence[Standby]) -> tuple[Report, ...]:
    """Return a warning for each card whose machine did not boot from the network when heard."""
    cards = {one.mac for one in given}
    return tuple(
        warning(
            "macs.not-network-boot",
            f"{one.mac} was not heard booting from the network, but as: {one.description}.",
            "Make sure that it is the standby; let it boot from the network to be installed.",
        )
        for one in live.machines()
        if one.mac in cards and one.times_heard and not one.boots_from_network
    )


def _doubt(problem: Report, what: str) -> Report:
    return warning(problem.code, f"{what}{problem.text}", problem.remedy, problem.place)


def _notes(assignment: Assignment) -> tuple[Report, ...]:
    doubts = (one for one in assignment.reports if one.severity is not Severity.INFO)
    return in_the_windows_words(doubts)


def in_the_windows_words(reports: Iterable[Report]) -> tuple[Report, ...]:
    """Return reports whose remedies name buttons where they named commands. Pure."""
    return tuple(replace(one, remedy=REMEDIES.get(one.code, one.remedy)) for one in reports)
