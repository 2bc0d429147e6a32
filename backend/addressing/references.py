"""What else on this head names the address: looked at and reported, never edited silently."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from backend.addressing.text import mentions
from backend.discovery.cluster import SLURM_FILES, Sources
from backend.discovery.host import ReadText
from backend.model.names import HostName
from backend.reports import Place, Report, info, warning
from backend.system.services import Listener

OWN = "on the standby it is not there until that head is active"
# Files with a line for this address, and what that line means once the address moves.
FILES: tuple[tuple[str, str], ...] = (
    ("/etc/ssh/sshd_config",
     "While the other head is active, this one is out of reach: let sshd listen on its own address, too."),
    ("/etc/exports", "If this means the head itself as a client, name its own address, too."),
    ("/etc/named.conf", f"Let it listen on any address: {OWN}."),
    ("/etc/bind/named.conf.options", f"Let it listen on any address: {OWN}."),
    ("/etc/chrony/chrony.conf", f"Let it bind to any address: {OWN}."),
    ("/etc/chrony.conf", f"Let it bind to any address: {OWN}."),
    ("/etc/ntp.conf", f"Let it listen on any interface: {OWN}."),
    ("/etc/ntpsec/ntp.conf", f"Let it listen on any interface: {OWN}."),
    ("/etc/dnsmasq.conf", f"Add bind-dynamic, so that dnsmasq starts without the address: {OWN}."),
    ("/etc/nftables.conf", "Rules that mean this head itself need its own address, too."),
    ("/etc/iptables/rules.v4", "Rules that mean this head itself need its own address, too."),
    ("/etc/sysconfig/iptables", "Rules that mean this head itself need its own address, too."),
    ("/etc/postfix/main.cf", f"Let it listen on all interfaces: {OWN}."),
    ("/etc/slurm/slurmdbd.conf", f"Let it listen on any address: {OWN}."),
)  # fmt: skip


def references(
    read: ReadText,
    sources: Sources,
    listeners: Iterable[Listener],
    head: HostName,
    virtual: IPv4Address,
    own: IPv4Address,
    network: IPv4Network,
) -> Iterator[Report]:
    """Yield a report for everything on this head that the administrator must look at."""
    for name, remedy in FILES:
        for line in mentions(read(Path(name)) or "", virtual):
            yield warning(
                "addressing.named", f"This line names {virtual}.", remedy, Place(Path(name), line)
            )
    yield from _hosts(sources, head, virtual, own)
    yield from _dhcp(read, sources, virtual, own, network)
    yield from _slurm(read, virtual)
    yield from _listeners(listeners, virtual)
    yield from _arp(read)


def _hosts(
    sources: Sources, head: HostName, virtual: IPv4Address, own: IPv4Address
) -> Iterator[Report]:
    for entry in sources.hosts.entries:
        if entry.address == virtual:
            yield warning(
                "addressing.hosts",
                f"The name {entry.names[0]} leads to {virtual}: from now on to whichever head is active.",
                f"Leave it so: the compute nodes find the head by it. For this head itself add, on both heads: "
                f"{own} {head}-own",
                entry.place,
            )


def _dhcp(
    read: ReadText, sources: Sources, virtual: IPv4Address, own: IPv4Address, network: IPv4Network
) -> Iterator[Report]:
    for subnet in sources.dhcp.subnets if sources.dhcp else ():
        text = read(Path(str(subnet.place.source))) or ""
        if subnet.network != network or _says(text, "server-identifier", virtual):
            continue
        yield warning(
            "addressing.dhcp-server",
            f"The DHCP server will call itself {own}, because that is the interface's first address now.",
            f"Write into the subnet: server-identifier {virtual}; next-server {virtual};",
            subnet.place,
        )


def _says(text: str, word: str, address: IPv4Address) -> bool:
    return any(
        word in line and str(address) in line.replace(";", " ").split()
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
    )


def _slurm(read: ReadText, virtual: IPv4Address) -> Iterator[Report]:
    for path in SLURM_FILES:
        for line in mentions(read(path) or "", virtual):
            yield info(
                "addressing.slurm",
                f"Slurm names {virtual}: its daemons will find the controller on the active head.",
                "Leave it so, and let slurmctld be a resource of the agent.",
                Place(path, line),
            )


def _listeners(listeners: Iterable[Listener], virtual: IPv4Address) -> Iterator[Report]:
    bound = {
        (one.program or "a program", one.protocol, one.port)
        for one in listeners
        if one.address == str(virtual)
    }
    for name, protocol, port in sorted(bound):
        yield warning(
            "addressing.bound",
            f"{name} listens on {virtual}, port {port}/{protocol}, and on no other address. It goes on, but "
            "cannot be started where the address is not.",
            "Let it listen on every address, or make it a resource that the agent starts on the active head.",
        )


def _arp(read: ReadText) -> Iterator[Report]:
    value = (read(Path("/proc/sys/net/ipv4/conf/all/arp_ignore")) or "").strip()
    if value.isdigit() and int(value) >= 2:
        yield warning(
            "addressing.arp-ignore",
            f"net.ipv4.conf.all.arp_ignore is {value}: this head does not answer for an address without a network "
            "of its own, as a virtual IP is.",
            "Set it to 0 or 1: sysctl net.ipv4.conf.all.arp_ignore=1, and in /etc/sysctl.d.",
        )
