"""Our part of the DHCP server's configuration: one include file, and the lines that lead to it. Pure.

What is already there is kept byte for byte; dhcpd.conf gets one line at its end. The include file
answers known standby heads only. Its subnet is declared here when nobody else does, without a
range, so that a machine without a host entry gets no answer from us.

IP assignment methods: ``static`` and ``replicant`` keep the host entry too, because firmware that
stays network-first must be told to boot from disk; the installed system does not ask. With
``static_dhcp`` it does ask, and gets the same address. With ``dynamic_dhcp`` the host entry has no
fixed address: the address comes from the range of the subnet that exists, or, when the subnet is
ours, from a pool of exactly the addresses of such standbys, lent to known machines only.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.distribution import Family
from backend.model.names import HostName, InterfaceName
from backend.model.site import IpAssignment, Site, Standby
from backend.netboot.entries import boot_url
from backend.rendering import render
from backend.reports import Place, Report, error

CONFIG = "/etc/dhcp/dhcpd.conf"
INCLUDE = "/etc/dhcp/haoscar/haoscar.conf"
DEFAULTS = "/etc/default/isc-dhcp-server"  # Debian and Ubuntu
DROP_IN = "/etc/systemd/system/dhcpd.service.d/haoscar.conf"  # RHEL
INCLUDE_LINE = f'include "{INCLUDE}";  # HA-OSCAR: its standby heads'

_INCLUDED = re.compile(
    rb'^[ \t]*include[ \t]+"' + re.escape(INCLUDE.encode()) + rb'"[ \t]*;[^\n]*(?:\n|\Z)',
    re.MULTILINE,
)
_ASSIGNMENT = re.compile(
    rb"^[ \t]*(?P<name>INTERFACES(?:v4)?)=(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s#;]*)[ \t]*(?:#.*)?$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class DeclaredSubnet:
    """A subnet that the existing configuration declares."""

    network: IPv4Network
    has_range: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class DeclaredHost:
    """A host entry of the existing configuration."""

    name: str  # as written there: shown, never rendered
    mac: Mac | None = None
    addresses: tuple[IPv4Address, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class DhcpFacts:
    """What the DHCP server of this machine is configured to do, without our own include."""

    family: Family = Family.DEBIAN
    config: bytes | None = None
    defaults: bytes | None = None
    subnets: tuple[DeclaredSubnet, ...] = ()
    hosts: tuple[DeclaredHost, ...] = ()

    def subnet_of(self, network: IPv4Network) -> DeclaredSubnet | None:
        """Return the existing declaration that covers a network, or None."""
        return next((one for one in self.subnets if one.network.overlaps(network)), None)

    def serves_beside(self, network: IPv4Network) -> bool:
        """Whether other networks are served too."""
        return any(not one.network.overlaps(network) for one in self.subnets)

    @property
    def unit(self) -> str:
        """The server's systemd unit."""
        return "dhcpd.service" if self.family is Family.RHEL else "isc-dhcp-server.service"


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One host declaration of the include file."""

    name: HostName
    mac: Mac
    method: IpAssignment
    fixed_address: IPv4Address | None
    gateway: IPv4Address | None


def host_entries(site: Site) -> tuple[HostEntry, ...]:
    """Return an entry for each standby that has a MAC address."""
    return tuple(_host_entry(site, one, one.mac) for one in site.standbys if one.mac is not None)


def _host_entry(site: Site, standby: Standby, mac: Mac) -> HostEntry:
    method = method_of(site, standby)
    fixed = None if method is IpAssignment.DYNAMIC_DHCP else standby.address
    return HostEntry(standby.name, mac, method, fixed, standby.gateway)


def method_of(site: Site, standby: Standby) -> IpAssignment:
    """Return how a standby gets its address: its image says."""
    image = site.image(standby.image)
    return IpAssignment.STATIC if image is None else image.ip_assignment


def render_include(site: Site, *, declare_subnet: bool) -> str:
    """Return the include file; ``declare_subnet`` when the existing configuration does not."""
    pool = tuple(
        one.address
        for one in site.standbys
        if one.mac is not None and method_of(site, one) is IpAssignment.DYNAMIC_DHCP
    )
    return render(
        "dhcp/haoscar.conf.j2",
        network=site.private.network,
        declare_subnet=declare_subnet,
        pool=pool if declare_subnet else (),
        head=site.primary.private_address,
        url=boot_url(site.primary.private_address),
        domain=site.domain,
        hosts=host_entries(site),
    )


def with_include(config: bytes) -> bytes:
    """Return dhcpd.conf with exactly one line that includes our file: at its end, unless moved."""
    if len(_INCLUDED.findall(config)) == 1:
        return config
    return _appended(_INCLUDED.sub(b"", config))


def _appended(config: bytes) -> bytes:
    newline = b"" if not config or config.endswith(b"\n") else b"\n"
    return config + newline + INCLUDE_LINE.encode() + b"\n"


def with_interface(defaults: bytes, interface: InterfaceName, serves_others: bool) -> bytes:
    """Return /etc/default/isc-dhcp-server with the private interface listened on.

    Interfaces listed there stay. An empty list means "all that have a subnet": it is narrowed to
    the private interface, unless other networks are served (``serves_others``).
    """
    found = list(_ASSIGNMENT.finditer(defaults))
    current = [one for one in found if one["name"] == b"INTERFACESv4"]
    listed = _words(current[-1]["value"]) if current else []
    if not listed:  # the old name still counts then
        old = [one for one in found if one["name"] == b"INTERFACES"]
        listed = _words(old[-1]["value"]) if old else []
    if interface in listed or (not listed and serves_others):
        return defaults
    line = f'INTERFACESv4="{" ".join((*listed, interface))}"'.encode()
    if current:
        start, end = current[-1].span()
        return defaults[:start] + line + defaults[end:]
    newline = b"" if not defaults or defaults.endswith(b"\n") else b"\n"
    return defaults + newline + line + b"\n"


def _words(value: bytes) -> list[str]:
    text = value.decode("utf-8", "replace")
    try:
        return [word for part in shlex.split(text) for word in part.split()]
    except ValueError:
        return []


def drop_in(interface: InterfaceName) -> str:
    """Return the systemd drop-in that keeps dhcpd of the RHEL family on the private network."""
    return render("dhcp/dhcpd.service.conf.j2", interface=interface)


def conflicts(site: Site, facts: DhcpFacts) -> list[Report]:
    """Return everything that keeps our entries and the existing configuration apart."""
    problems: list[Report] = []
    for entry in host_entries(site):
        problems.extend(_host_conflicts(entry, facts.hosts))
    declared = facts.subnet_of(site.private.network)
    if declared is not None and declared.network != site.private.network:
        problems.append(_other_mask(site, declared))
    dynamic = [one.name for one in host_entries(site) if one.fixed_address is None]
    if dynamic and declared is not None and not declared.has_range:
        problems.append(
            error(
                "dhcp.no-range",
                f"{', '.join(dynamic)}: dynamic_dhcp needs a range of addresses, and the subnet "
                f"{declared.network} in {CONFIG} has none.",
                "Add a range there, or choose static_dhcp.",
                declared.place,
            )
        )
    return problems


def _host_conflicts(entry: HostEntry, hosts: Sequence[DeclaredHost]) -> list[Report]:
    problems = []
    for host in hosts:
        if host.mac == entry.mac:
            problems.append(
                error(
                    "dhcp.mac-taken",
                    f"{entry.mac} is to be {entry.name}, but {CONFIG} already knows it as "
                    f"{ascii(host.name)[1:-1][:80]}.",
                    "Assign another MAC address, or remove that host entry.",
                    host.place,
                )
            )
        elif entry.fixed_address is not None and entry.fixed_address in host.addresses:
            problems.append(
                error(
                    "dhcp.address-taken",
                    f"{entry.fixed_address} is to be {entry.name}, but {CONFIG} gives it to "
                    f"{ascii(host.name)[1:-1][:80]}.",
                    "Give the standby another address.",
                    host.place,
                )
            )
    return problems


def _other_mask(site: Site, declared: DeclaredSubnet) -> Report:
    return error(
        "dhcp.other-mask",
        f"The private network is {site.private.network} here, but {CONFIG} declares "
        f"{declared.network}.",
        "Correct the mask in one of the two places.",
        declared.place,
    )


def refuse_conflicts(site: Site, facts: DhcpFacts) -> None:
    """Raise Refused with everything that stands against our entries."""
    problems = conflicts(site, facts)
    if problems:
        raise Refused(*problems)
