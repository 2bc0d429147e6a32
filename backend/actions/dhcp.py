"""Configure DHCP Server: this head's answers the standbys; others on the wire are named before."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.change.plan import Plan
from backend.change.preview import preview
from backend.change.records import ChangeRecord
from backend.errors import Cancelled, HaoscarError
from backend.model.names import InterfaceName
from backend.model.site import Site
from backend.netboot.dhcp import HostEntry, host_entries
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.netboot.plan import configure_dhcp_plan
from backend.reports import Report, warning
from backend.system import links, probes
from backend.system.probes import DhcpServer
from backend.tasks import TaskContext
from backend.wiring import Wiring

Servers = tuple[DhcpServer, ...]
AskWire = Callable[[InterfaceName, TaskContext], Servers]


@dataclass(frozen=True, slots=True)
class DhcpChange:
    """What makes the server answer the site's standbys, and who that is."""

    plan: Plan
    entries: tuple[HostEntry, ...]

    @property
    def doubts(self) -> tuple[Report, ...]:
        """What is to be said before: a server that answers nobody."""
        if self.entries:
            return ()
        return (
            warning(
                "dhcp.nobody",
                "No standby has a MAC address yet, so nobody will be answered.",
                "Collect MAC addresses and assign one: haoscar macs --help",
            ),
        )


def dhcp_change(wiring: Wiring, site: Site) -> DhcpChange:
    """Plan it; raises Refused when the existing configuration contradicts the site."""
    plan = configure_dhcp_plan(site, read_dhcp_facts(wiring.paths))
    return DhcpChange(plan, host_entries(site))


def other_servers(interface: InterfaceName, context: TaskContext) -> Servers:
    """Return the DHCP servers that answer there and are not this head; takes 4 s.

    Servers that answer known machines only stay silent. Raises HaoscarError, Cancelled.
    """
    snapshot = links.snapshot()
    link = snapshot.link(interface)
    if link is None or link.mac is None or not link.carrier:
        return ()
    context.step(f"Asking for other DHCP servers on {interface}")
    found = probes.dhcp_servers(interface, link.mac, cancelled=lambda: context.cancel.cancelled)
    context.check_cancelled()
    own = snapshot.addresses
    return tuple(one for one in found if not one.local and one.identifier not in own)


def named(servers: Iterable[DhcpServer], interface: InterfaceName) -> tuple[Report, ...]:
    """Return a warning for each of the other servers. Pure."""
    return tuple(
        warning(
            "dhcp.foreign",
            f"Another DHCP server, {one.identifier} (card {one.mac}), answers on {interface}.",
            "Switch it off there, or let it ignore the standby's MAC address: two servers would race.",
        )
        for one in servers
    )


def doubts_about_wire(
    servers: Servers | None, interface: InterfaceName, ask: AskWire, context: TaskContext
) -> tuple[Report, ...]:
    """Return the warnings about other servers, asking the wire unless that was done (``servers``).

    A wire that cannot be asked is a warning too; raises Cancelled.
    """
    if servers is not None:
        return named(servers, interface)
    try:
        return named(ask(interface, context), interface)
    except Cancelled:
        raise
    except HaoscarError as problem:
        why = problem.reports[0]
        text = f"{interface} was not searched for other DHCP servers: {why.text}"
        return (warning("dhcp.not-asked", text, why.remedy),)


@dataclass(frozen=True, slots=True)
class ConfigureDhcp:
    """Configure DHCP Server. An Action."""

    wiring: Wiring
    servers: Servers | None = None  # others on the wire, when it has been asked already
    ask: AskWire = other_servers

    @property
    def title(self) -> str:
        """See Action.title."""
        return "Configure the DHCP server"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord]:
        """See Action.prepare."""
        del person
        context.step("Reading the DHCP server's configuration")
        site = self.wiring.store().load()
        change = dhcp_change(self.wiring, site)
        interface = site.private.interface
        wire = doubts_about_wire(self.servers, interface, self.ask, context)
        return Prepared(
            self.title,
            change.plan.sentence,
            (Group("DHCP server", tuple(preview(change.plan, self.wiring.paths))),),
            lambda task: self.wiring.journal().apply(change.plan, task),
            lambda record: _told(record, change, interface),
            (*change.doubts, *wire),
        )


def _told(record: ChangeRecord, change: DhcpChange, interface: InterfaceName) -> Outcome:
    names = ", ".join(str(one.name) for one in change.entries) or "nobody yet"
    return Outcome(
        f"The DHCP server answers {names} on {interface}.",
        tuple(answer_line(one) for one in change.entries),
        undo=record.id,
        next="Setup Network Boot, if that has not been done yet."
        if change.entries
        else "Assign a MAC address to a standby.",
    )


def answer_line(entry: HostEntry) -> str:
    """Return what one machine is answered, as a sentence."""
    address = entry.fixed_address or "an address of the range"
    return f"{entry.name} ({entry.mac}) gets {address}."
