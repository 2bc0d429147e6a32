"""Everything that discovery can find out about this head and its wires, in one look."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from backend.discovery import host, networks
from backend.discovery.cluster import Cluster, merge, read_sources
from backend.discovery.host import HostFacts
from backend.discovery.networks import Side, Sides
from backend.errors import HaoscarError, InvalidInput
from backend.model.addresses import Mac
from backend.model.names import HostName, InterfaceName
from backend.paths import Paths
from backend.reports import Report, error
from backend.system import links, probes
from backend.system.links import NetworkSnapshot
from backend.system.probes import DhcpServer
from backend.system.runner import Runner
from backend.system.services import Listener, listeners, services
from backend.tasks import TaskContext

log = logging.getLogger(__name__)

InUse = Callable[[InterfaceName, Iterable[IPv4Address]], dict[IPv4Address, Mac]]
"""Asks the wire of an interface which of these addresses are used; raises HaoscarError."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found."""

    host: HostFacts
    snapshot: NetworkSnapshot = field(default_factory=NetworkSnapshot)
    sides: Sides = field(default_factory=Sides)
    cluster: Cluster = field(default_factory=Cluster)
    cluster_name: HostName | None = None  # Slurm's
    dhcp_files: tuple[str, ...] = ()  # the existing configuration with its includes
    listeners: tuple[Listener, ...] = ()
    dhcp_servers: tuple[DhcpServer, ...] | None = None  # None: the wire was not asked
    reports: tuple[Report, ...] = ()  # what could not be found out, and why

    @property
    def foreign_dhcp_servers(self) -> tuple[DhcpServer, ...]:
        """DHCP servers on the private wire that are not this head."""
        own = self.snapshot.addresses
        return tuple(
            one for one in self.dhcp_servers or () if not one.local and one.identifier not in own
        )


@dataclass(frozen=True, slots=True)
class LookAround:
    """The task: a few seconds when the wire is asked for DHCP servers, else an instant."""

    paths: Paths
    runner: Runner
    private: InterfaceName | None = None  # the user's own choice
    ask_wire: bool = True  # look for DHCP servers on the private side
    title: str = "Looking at this head and its networks"

    def run(self, context: TaskContext) -> Survey:
        """Look; raises InvalidInput for a private interface that is not there, Cancelled."""
        context.step("Reading this head's configuration")
        sources = read_sources(host.reader(self.paths))
        context.step("Reading the network interfaces")
        snapshot = links.snapshot()
        served = [subnet.network for subnet in (sources.dhcp.subnets if sources.dhcp else ())]
        sides = networks.decide(snapshot, sources.addresses, served)
        if self.private is not None:
            sides = choose(sides, self.private)
        interface = sides.private.interface if sides.private else None
        unit_facts = services(self.paths, self.runner)
        here = host.look(self.paths, self.runner, unit_facts, interface)
        network = sides.private.network if sides.private else None
        cluster = merge(sources, network, snapshot.addresses, here.raw_name.partition(".")[0])
        servers, reports = self._servers(sides.private, snapshot, context)
        return Survey(
            host=here,
            snapshot=snapshot,
            sides=sides,
            cluster=cluster,
            cluster_name=sources.slurm.cluster if sources.slurm else None,
            dhcp_files=tuple(str(one) for one in (sources.dhcp.files if sources.dhcp else ())),
            listeners=listeners(self.runner),
            dhcp_servers=servers,
            reports=reports,
        )

    def _servers(
        self, side: Side | None, snapshot: NetworkSnapshot, context: TaskContext
    ) -> tuple[tuple[DhcpServer, ...] | None, tuple[Report, ...]]:
        link = snapshot.link(side.interface) if side else None
        if not self.ask_wire or link is None or link.mac is None or not link.carrier:
            return None, ()
        context.step(f"Asking for DHCP servers on {link.name}")
        try:
            found = probes.dhcp_servers(
                link.name, link.mac, cancelled=lambda: context.cancel.cancelled
            )
        except HaoscarError as problem:
            return None, problem.reports
        context.check_cancelled()
        return found, ()


def choose(sides: Sides, private: InterfaceName) -> Sides:
    """Return the sides with the private one chosen by the user; raises InvalidInput."""
    known = [one for one in (sides.private, sides.public, *sides.others) if one is not None]
    chosen = next((one for one in known if one.interface == private), None)
    if chosen is None:
        names = ", ".join(dict.fromkeys(one.interface for one in known)) or "none"
        raise InvalidInput(
            error(
                "network.no-such",
                f"{private} is no interface with an IPv4 address that could be the private one.",
                f"There are: {names}.",
            )
        )
    rest = [one for one in known if one is not chosen]
    public = sides.public if sides.public is not chosen else next(iter(rest), None)
    side = Side(
        chosen.interface, chosen.network, chosen.address, chosen.aliases,
        f"{private} ({chosen.network}) is private: you chose it.", networks.Certainty.CERTAIN,
    )  # fmt: skip
    return Sides(side, public, tuple(one for one in rest if one is not public))


def wire_asker(snapshot: NetworkSnapshot) -> InUse:
    """Return what asks the real wire by ARP; an interface without Ethernet answers nothing."""

    def in_use(
        interface: InterfaceName, addresses: Iterable[IPv4Address]
    ) -> dict[IPv4Address, Mac]:
        link = snapshot.link(interface)
        if link is None or link.mac is None or not link.up:
            return {}
        return probes.who_has(interface, link.mac, addresses)

    return in_use
