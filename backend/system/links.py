"""Network interfaces, their addresses and the routes of this machine, as the kernel tells them."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from backend.errors import HaoscarError, InvalidInput
from backend.model.addresses import Mac
from backend.model.names import InterfaceName

log = logging.getLogger(__name__)

_SECONDARY = 0x01  # IFA_F_SECONDARY, linux/if_addr.h
_PERMANENT = 0x80  # IFA_F_PERMANENT
_UP = 0x1  # IFF_UP, linux/if.h
_LOWER_UP = 0x10000  # IFF_LOWER_UP: the driver sees a carrier
_MAIN_TABLE = 254  # RT_TABLE_MAIN, linux/rtnetlink.h
_UNICAST = 1  # RTN_UNICAST
_ETHERNET, _LOOPBACK = 1, 772  # ARPHRD_ETHER, ARPHRD_LOOPBACK, linux/if_arp.h


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """One IPv4 address of an interface with its mask."""

    interface: IPv4Interface
    label: str = ""  # "eth0:1" for an alias made the old way
    secondary: bool = False  # not the first address of its network on this interface
    dynamic: bool = False  # with a limited life, as DHCP clients set it

    @property
    def address(self) -> IPv4Address:
        """The address without its mask."""
        return self.interface.ip

    @property
    def network(self) -> IPv4Network:
        """The network it is in."""
        return self.interface.network

    @property
    def alias(self) -> bool:
        """Whether this is an additional (alias, virtual) address and not the interface's own."""
        return self.secondary or ":" in self.label


@dataclass(frozen=True, slots=True)
class Link:
    """One network interface."""

    name: InterfaceName
    index: int
    kind: str  # "ethernet", "loopback", or the kernel's word: "bridge", "vlan", "bond", "veth" ...
    mac: Mac | None = None
    up: bool = False
    carrier: bool = False
    bridge: InterfaceName | None = None  # the bridge or bond it is a port of
    addresses: tuple[LinkAddress, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One unicast route of the main table."""

    destination: IPv4Network
    interface: InterfaceName
    gateway: IPv4Address | None = None
    metric: int = 0


@dataclass(frozen=True, slots=True)
class NetworkSnapshot:
    """Everything at one moment."""

    links: tuple[Link, ...] = ()
    routes: tuple[Route, ...] = ()

    def link(self, name: str) -> Link | None:
        """Return the interface of that name, or None."""
        return next((one for one in self.links if one.name == name), None)

    @property
    def default_route(self) -> Route | None:
        """The route to everywhere else: the one with the lowest metric, or None."""
        candidates = [one for one in self.routes if one.destination.prefixlen == 0]
        return min(candidates, key=lambda one: one.metric, default=None)

    @property
    def addresses(self) -> frozenset[IPv4Address]:
        """Every IPv4 address of this machine."""
        return frozenset(one.address for link in self.links for one in link.addresses)


def snapshot() -> NetworkSnapshot:
    """Ask the kernel over netlink, in the namespace of the calling process; needs no privilege.

    Raises HaoscarError when the kernel does not answer.
    """
    from pyroute2 import IPRoute

    try:
        with IPRoute() as kernel:
            return read(
                list(kernel.get_links()),
                list(kernel.get_addr(family=2)),
                list(kernel.get_routes(family=2)),
            )
    except OSError as problem:
        raise HaoscarError.of(
            "links.unreadable", f"The kernel did not list the network interfaces: {problem}."
        ) from problem


Message = Mapping[str, Any]


def read(
    links: Iterable[Message], addresses: Iterable[Message], routes: Iterable[Message]
) -> NetworkSnapshot:
    """Turn netlink messages into typed values; what cannot be a typed value is left out. Pure."""
    links = list(links)
    names = {one["index"]: name for one in links if (name := _name(_get(one, "IFLA_IFNAME")))}
    by_index: dict[int, list[LinkAddress]] = {}
    for message in addresses:
        address = _address(message)
        if address is not None:
            by_index.setdefault(message["index"], []).append(address)
    return NetworkSnapshot(
        tuple(_link(one, names, by_index) for one in links if one["index"] in names),
        tuple(filter(None, (_route(one, names) for one in routes))),
    )


def _get(message: Message, name: str) -> Any:
    return next((pair[1] for pair in message.get("attrs", ()) if pair[0] == name), None)


def _name(value: Any) -> InterfaceName | None:
    try:
        return InterfaceName.parse(str(value))
    except InvalidInput:
        log.debug("the interface %r is left out: its name cannot be used", value)
        return None


def _link(
    message: Message, names: Mapping[int, InterfaceName], addresses: Mapping[int, list[LinkAddress]]
) -> Link:
    index, flags = message["index"], message["flags"]
    info = _get(message, "IFLA_LINKINFO")
    kind = _get(info, "IFLA_INFO_KIND") if info else None
    if not kind:
        kind = {_ETHERNET: "ethernet", _LOOPBACK: "loopback"}.get(message["ifi_type"], "other")
    return Link(
        name=names[index],
        index=index,
        kind=str(kind),
        mac=_mac(_get(message, "IFLA_ADDRESS")),
        up=bool(flags & _UP),
        carrier=bool(flags & _LOWER_UP),
        bridge=names.get(_get(message, "IFLA_MASTER") or 0),
        addresses=tuple(addresses.get(index, ())),
    )


def _mac(value: Any) -> Mac | None:
    try:
        return Mac.parse(str(value))
    except InvalidInput:
        return None  # the loopback, a tunnel, InfiniBand's 20 bytes


def _address(message: Message) -> LinkAddress | None:
    text = _get(message, "IFA_LOCAL") or _get(message, "IFA_ADDRESS")
    flags = _get(message, "IFA_FLAGS")
    flags = message["flags"] if flags is None else flags
    try:
        interface = IPv4Interface(f"{text}/{message['prefixlen']}")
    except ValueError:
        return None
    return LinkAddress(
        interface,
        str(_get(message, "IFA_LABEL") or ""),
        secondary=bool(flags & _SECONDARY),
        dynamic=not flags & _PERMANENT,
    )


def _route(message: Message, names: Mapping[int, InterfaceName]) -> Route | None:
    interface = names.get(_get(message, "RTA_OIF") or 0)
    table = _get(message, "RTA_TABLE") or message["table"]
    if interface is None or table != _MAIN_TABLE or message["type"] != _UNICAST:
        return None
    gateway = _get(message, "RTA_GATEWAY")
    try:
        return Route(
            IPv4Network(f"{_get(message, 'RTA_DST') or '0.0.0.0'}/{message['dst_len']}"),  # noqa: S104
            interface,
            IPv4Address(gateway) if gateway else None,
            int(_get(message, "RTA_PRIORITY") or 0),
        )
    except ValueError:
        return None
