"""The cluster's machines, merged from what the head's own files say about them. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TypeVar

from backend.discovery.dhcpd_conf import DhcpdConf, parse_dhcpd_conf
from backend.discovery.hosts_file import HostEntry, HostsFile, parse_hosts
from backend.discovery.slurm_conf import SlurmConf, parse_slurm_conf
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import Node
from backend.reports import Place, Report, info, warning

HOSTS_FILE = Path("/etc/hosts")
DHCPD_FILES = (Path("/etc/dhcp/dhcpd.conf"), Path("/etc/dhcpd.conf"))
SLURM_FILES = (Path("/etc/slurm/slurm.conf"), Path("/etc/slurm-llnl/slurm.conf"))

T = TypeVar("T")
OWN_DIRECTORY = Path("/etc/dhcp/haoscar")  # our include: it names standbys, not nodes
ReadText = Callable[[Path], str | None]


@dataclass(frozen=True, slots=True)
class Sources:
    """What the files say, each by itself."""

    hosts: HostsFile = field(default_factory=HostsFile)
    dhcp: DhcpdConf | None = None  # None: no such file
    slurm: SlurmConf | None = None

    @property
    def addresses(self) -> frozenset[IPv4Address]:
        """Addresses of machines that certainly belong to the cluster: DHCP's and Slurm's."""
        found = {one for host in (self.dhcp.hosts if self.dhcp else ()) for one in host.addresses}
        names: list[str] = []
        for host in self.dhcp.hosts if self.dhcp else ():
            names += host.address_names
        for node in self.slurm.nodes if self.slurm else ():
            names.append(node.address_name or node.name)
            if node.address is not None:
                found.add(node.address)
        return frozenset(found | set(filter(None, map(_resolver(self.hosts), names))))

    @property
    def reports(self) -> tuple[Report, ...]:
        """Everything that was skipped while reading."""
        return (
            *self.hosts.reports,
            *(self.dhcp.reports if self.dhcp else ()),
            *(self.slurm.reports if self.slurm else ()),
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    """The merged view."""

    nodes: tuple[Node, ...] = ()
    taken: frozenset[IPv4Address] = frozenset()  # named anywhere, node or not
    ranges: tuple[tuple[IPv4Address, IPv4Address], ...] = ()  # handed out by DHCP
    reports: tuple[Report, ...] = ()

    def reserved(self, address: IPv4Address) -> str:
        """Return what an address is known to be used for, or an empty string."""
        for node in self.nodes:
            if node.address == address:
                return f"it is the address of {node.name}"
        if address in self.taken:
            return f"{HOSTS_FILE} or the DHCP configuration gives it to another machine"
        if any(low <= address <= high for low, high in self.ranges):
            return "the DHCP server hands it out"
        return ""


def read_sources(read: ReadText) -> Sources:
    """Read the files of this head; ``read`` returns a file's text or None. Never raises."""

    def read_others(path: Path) -> str | None:
        return "" if path.is_relative_to(OWN_DIRECTORY) else read(path)

    hosts = read(HOSTS_FILE)
    dhcpd = next((one for one in DHCPD_FILES if read(one) is not None), None)
    slurm = next((one for one in SLURM_FILES if read(one) is not None), None)
    return Sources(
        parse_hosts(hosts, HOSTS_FILE) if hosts is not None else HostsFile(),
        parse_dhcpd_conf(dhcpd, read_others) if dhcpd else None,
        parse_slurm_conf(slurm, read) if slurm else None,
    )


def merge(
    sources: Sources, private: IPv4Network | None, own: Iterable[IPv4Address], own_name: str
) -> Cluster:
    """Merge the sources into nodes; machines with this head's name or addresses are left out.

    Lines of the hosts file become nodes of their own only when neither DHCP nor Slurm knows any:
    switches and service processors are written there, too.
    """
    merging = _Merging(frozenset(own), own_name)
    resolve = _resolver(sources.hosts)
    for host in sources.dhcp.hosts if sources.dhcp else ():
        if host.name is not None:
            found = (*host.addresses, *filter(None, map(resolve, host.address_names)))
            inside = [one for one in found if private is None or one in private] or list(found)
            merging.add(
                host.name, inside[0] if inside else resolve(host.name), host.mac, host.place
            )
    controllers = sources.slurm.controllers if sources.slurm else ()
    for node in sources.slurm.nodes if sources.slurm else ():
        if node.name not in controllers:
            address = node.address or resolve(node.address_name or node.name)
            merging.add(node.name, address, None, node.place)
    named = not merging.nodes
    for entry in sources.hosts.entries:
        if entry.ours:
            continue
        known = _known(merging, entry)
        if known is not None or (named and private is not None and entry.address in private):
            merging.add(known or entry.host, entry.address, None, entry.place)
    if named and merging.nodes:
        merging.reports.append(info(
            "cluster.from-hosts",
            f"The cluster's {len(merging.nodes)} machines were taken from {HOSTS_FILE}: neither DHCP "
            "nor Slurm names any.", "Remove those that are no compute nodes from the site file.",
        ))  # fmt: skip
    return merging.result(sources)


def _resolver(hosts: HostsFile) -> Callable[[str], IPv4Address | None]:
    """Return a look-up by name that costs the same for any size of the file."""
    table: dict[str, IPv4Address] = {}
    for entry in hosts.entries:
        for name in entry.names:
            table.setdefault(name.lower(), entry.address)
    for entry in hosts.entries:
        for name in entry.names:
            table.setdefault(name.partition(".")[0].lower(), entry.address)
    return lambda name: table.get(name.lower())


def _known(merging: "_Merging", entry: HostEntry) -> HostName | None:
    """Return the node whose name one of the line's names is."""
    for name in entry.names:
        node = merging.nodes.get(name.partition(".")[0].lower())
        if node is not None:
            return node.name
    return None


class _Merging:
    """Nodes by lower-case name, and what contradicts."""

    def __init__(self, own: frozenset[IPv4Address], own_name: str) -> None:
        self._own = own
        self._own_name = own_name.lower()
        self.nodes: dict[str, Node] = {}
        self._by_address: dict[IPv4Address, HostName] = {}
        self._by_mac: dict[Mac, HostName] = {}
        self.reports: list[Report] = []

    def add(
        self, name: HostName, address: IPv4Address | None, mac: Mac | None, place: Place
    ) -> None:
        """Add a machine, or what a second source knows about it."""
        key = name.lower()
        if key in (self._own_name, "localhost") or address in self._own:
            return
        if address is not None and (address.is_loopback or address.is_unspecified):
            address = None
        node = self.nodes.setdefault(key, Node(name))
        address = self._first(node, "address", node.address, address, place)
        mac = self._first(node, "MAC address", node.mac, mac, place)
        self._one_owner(self._by_address, address, node.name, place)
        self._one_owner(self._by_mac, mac, node.name, place)
        self.nodes[key] = replace(node, address=address, mac=mac)

    def _first(self, node: Node, what: str, old: T | None, new: T | None, place: Place) -> T | None:
        if old is not None and new is not None and old != new:
            self._conflict(f"{node.name} has the {what} {old} and, here, {new}.", place)
        return new if old is None else old

    def _one_owner(
        self, owners: dict[T, HostName], value: T | None, name: HostName, place: Place
    ) -> None:
        if value is not None and owners.setdefault(value, name) != name:
            self._conflict(f"{value} belongs to {owners[value]} and, here, to {name}.", place)

    def _conflict(self, text: str, place: Place) -> None:
        self.reports.append(
            warning(
                "cluster.conflict", text, "The first one is used; correct the wrong file.", place
            )
        )

    def result(self, sources: Sources) -> Cluster:
        """Return the merged view."""
        dhcp = sources.dhcp
        taken = {one.address for one in sources.hosts.entries} | set(sources.addresses)
        ranges = [one for subnet in (dhcp.subnets if dhcp else ()) for one in subnet.ranges]
        taken |= {one for subnet in (dhcp.subnets if dhcp else ()) for one in subnet.routers}
        nodes = sorted(self.nodes.values(), key=_order)
        return Cluster(
            tuple(nodes), frozenset(taken), tuple(ranges), (*sources.reports, *self.reports)
        )


def _order(node: Node) -> tuple[bool, int, str]:
    return node.address is None, int(node.address or 0), node.name
