"""Step 4: network boot is planned, set up, and looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.installs import Armable, ArmInstall
from backend.actions.letting_in import LetIn, let_in
from backend.amounts import size
from backend.change.plan import Plan
from backend.change.preview import ChangeKind, preview
from backend.clone.constants import INSTALLER_FILE, KERNEL_FILE, BootMode
from backend.clone.installer import BuildInstaller
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.errors import HaoscarError, InvalidInput
from backend.model.site import Site, Standby
from backend.netboot import dhcp
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.netboot.loaders import TFTP_LOADERS
from backend.netboot.plan import BOOT_UNIT_FILE, NetworkBoot, boot_unit, network_boot_plan
from backend.netboot.prepare import PrepareNetworkBoot, boot_modes
from backend.netboot.server import tell_boot_server
from backend.netboot.tftp import read_tftp_facts
from backend.paths import Paths
from backend.reports import Report, Severity, info, warning
from backend.system.files import read_if_there
from backend.tasks import TaskContext
from backend.wiring import Wiring


@dataclass(frozen=True, slots=True)
class NetworkBootPlanned:
    """The plan that serves the installer, and what is said of it."""

    plan: Plan
    directory: Path  # of the TFTP server, ours
    installer_bytes: int
    modes: Mapping[str, BootMode]  # by standby


@dataclass(frozen=True, slots=True)
class PlanNetworkBoot:
    """Builds the installer if that is necessary, and plans; a task for any thread.

    What it makes lies in HA-OSCAR's own directories; the plan changes the machine.
    """

    wiring: Wiring
    site: Site

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Prepare network boot"

    def run(self, context: TaskContext) -> NetworkBootPlanned:
        """Return the plan; raises Refused, CommandFailed, Cancelled."""
        paths, runner = self.wiring.paths, self.wiring.runner
        build = BuildInstaller(runner, paths)
        prepared = PrepareNetworkBoot(paths, runner, build.run).run(context)
        modes = boot_modes(paths, self.site)
        facts = read_tftp_facts(paths)
        boot = NetworkBoot(prepared.key, prepared.loaders, boot_unit(), modes)
        files = (paths.installer / one for one in (KERNEL_FILE, INSTALLER_FILE))
        return NetworkBootPlanned(
            network_boot_plan(self.site, facts, boot),
            Path(facts.directory),
            sum(one.stat().st_size for one in files),
            modes,
        )


@dataclass(frozen=True, slots=True)
class SetUpNetworkBoot:
    """Setup Network Boot: whoever waits for its first installation may install afterwards."""

    wiring: Wiring

    @property
    def title(self) -> str:
        """See Action.title."""
        return "Set up network boot"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[LetIn]:
        """See Action.prepare; builds the installer, which takes a minute the first time."""
        del person
        site = self.wiring.store().load()
        planned = PlanNetworkBoot(self.wiring, site).run(context)
        armed, not_armed = self._armable(site)
        changes = tuple(preview(planned.plan, self.wiring.paths))
        groups = [Group("This head", changes)]
        if armed:
            groups.append(Group("Machines", tuple(a.change(found) for a, found in armed)))
        idle = not armed and all(one.kind is ChangeKind.UNCHANGED for one in changes)
        doubts = (*not_armed, *unprepared(self.wiring.paths, site))

        def run(task: TaskContext) -> LetIn:
            return let_in(self.wiring, planned.plan, armed, task)

        def tell(done: LetIn) -> Outcome:
            return _told(done, planned, not_armed)

        return Prepared(self.title, planned.plan.sentence, tuple(groups), run, tell, doubts, idle)

    def _armable(self, site: Site) -> tuple[list[tuple[ArmInstall, Armable]], tuple[Report, ...]]:
        """Return who is let in with it, and why somebody else is not."""
        armed: list[tuple[ArmInstall, Armable]] = []
        doubts: list[Report] = []
        for standby in due(self.wiring.paths, site):
            action = ArmInstall(self.wiring, standby.name)
            try:
                found = action.check()
            except HaoscarError as problem:
                doubts.extend(_not_armed(standby, one) for one in problem.reports)
                continue
            armed.append((action, found))
            doubts.extend(found.reports)
        return armed, tuple(doubts)


def due(paths: Paths, site: Site) -> tuple[Standby, ...]:
    """Return the standbys with a card that have not begun to install: no ticket, or a late one."""
    installs, found = Installs(paths), []
    for standby in site.standbys:
        if standby.mac is None:
            continue
        try:
            ticket = installs.ticket(standby.mac)
        except InvalidInput:  # a damaged one: arming repairs it, but on purpose only
            continue
        if ticket is None or ticket.state is TicketState.EXPIRED:
            found.append(standby)
    return tuple(found)


def _not_armed(standby: Standby, report: Report) -> Report:
    text = f"{standby.name} is not let in yet: {report.text}"
    return Report(Severity.WARNING, report.code, text, report.remedy)


def _told(done: LetIn, planned: NetworkBootPlanned, doubts: tuple[Report, ...]) -> Outcome:
    names = ", ".join(ticket.standby for ticket in done.tickets)
    served = f"{planned.directory} has the boot loaders and the installer"
    details = (f"{served} ({size(planned.installer_bytes)}).",)
    further = (
        f"Switch {names} on now, and let it boot from the network."
        if names
        else "A machine is installed when its ticket is armed: press Install."
    )
    return Outcome("Network boot is set up.", details, doubts, done.record.id, further)


@dataclass(frozen=True, slots=True)
class NetworkBootView:
    """What the panel has to know of this head."""

    interface: str = ""  # "" without a site
    set_up: bool = False
    standbys: int = 0
    reports: tuple[Report, ...] = ()  # what is missing before a machine can install


def look(wiring: Wiring) -> NetworkBootView:
    """Read how far network boot is; raises InvalidInput for a damaged site file, OSError."""
    store = wiring.store()
    if not store.exists():
        return NetworkBootView(
            reports=(info("netboot.no-site", "No standby is defined yet.", "Do step 3 first."),)
        )
    site = store.load()
    set_up = is_set_up(wiring.paths)
    reports = list(unprepared(wiring.paths, site))
    if set_up:
        reports.extend(_silent(wiring.paths))
    return NetworkBootView(site.private.interface, set_up, len(site.standbys), tuple(reports))


def is_set_up(paths: Paths) -> bool:
    """Whether everything that a booting machine fetches is in its place, and the server installed."""
    ours = paths.at(str(read_tftp_facts(paths).directory))
    names = (*(one.name for one in TFTP_LOADERS), KERNEL_FILE, INSTALLER_FILE)
    return paths.at(BOOT_UNIT_FILE).is_file() and all((ours / one).is_file() for one in names)


def unprepared(paths: Paths, site: Site) -> tuple[Report, ...]:
    """Return what the steps before have left undone for machines that are to boot from the network."""
    if not site.standbys:
        return (info("netboot.no-standby", "No standby is defined yet.", "Do step 3 first."),)
    reports = [
        info(
            "netboot.no-card", f"{one.name} has no MAC address yet.",
            "Collect and assign it in step 4.",
        )
        for one in site.standbys
        if one.mac is None
    ]  # fmt: skip
    include = read_if_there(paths.at(dhcp.INCLUDE)) or b""
    declared = read_dhcp_facts(paths).subnet_of(site.private.network) is not None
    current = dhcp.render_include(site, declare_subnet=not declared).encode()
    unknown = [str(one.name) for one in dhcp.host_entries(site)] if include != current else []
    if unknown:
        reports.append(
            warning(
                "netboot.dhcp",
                f"The DHCP server is not configured for {', '.join(unknown)} as it is now.",
                "Press Configure DHCP Server beside the MAC addresses, in step 4.",
            )
        )
    return tuple(reports)


def _silent(paths: Paths) -> tuple[Report, ...]:
    try:
        tell_boot_server(paths)
    except HaoscarError as problem:
        return tuple(
            warning(one.code, one.text, "Press Setup Network Boot, which starts it.")
            for one in problem.reports
        )
    return ()
