"""One address on its way from a configuration file to the failover agent, as data that is kept."""

import json
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from backend.addressing.live import Live, LiveAddress, Route, Wanted
from backend.clone.image_facts import NetworkSystem
from backend.errors import InvalidInput
from backend.model.names import InterfaceName
from backend.model.site import Network, Site

VERSION = 1
TITLE = "Virtual IP"  # how the records in the journal begin


@dataclass(frozen=True, slots=True)
class Transfer:
    """What changes on one interface, and what was there before."""

    side: str  # "private" or "public"
    interface: InterfaceName
    network: IPv4Network
    virtual: IPv4Address  # what everybody knows this head by
    own: IPv4Address  # what this head gets for itself
    system: NetworkSystem
    renderer: str = ""  # of netplan
    group: tuple[LiveAddress, ...] = ()  # of the network, before
    routes: frozenset[Route] = frozenset()
    neighbours: tuple[IPv4Address, ...] = ()  # who answered before

    @property
    def title(self) -> str:
        """The title of the change in the journal."""
        return f"{TITLE} {self.virtual} on {self.interface}"

    def forward(self) -> Wanted:
        """Return what the interface shall have afterwards."""
        group = tuple(
            replace(one, address=self.own) if one.address == self.virtual else one
            for one in self.group
        )
        return self._wanted(group, frozenset({self.virtual}))

    def back(self) -> Wanted:
        """Return what the interface had before."""
        return self._wanted(self.group, frozenset())

    def _wanted(self, group: tuple[LiveAddress, ...], singles: frozenset[IPv4Address]) -> Wanted:
        # A batch that was cut off may have left any of them as a /32.
        known = frozenset({self.virtual, self.own, *(one.address for one in self.group)})
        return Wanted(self.interface, self.network, group, singles, known, self.routes)

    def to_json(self) -> bytes:
        """Return it as a file's content."""
        values = {"version": VERSION, **asdict(self), "routes": sorted(self.routes)}
        return (json.dumps(values, indent=1, default=str) + "\n").encode()


def from_json(content: bytes) -> Transfer:
    """Read what ``to_json`` wrote; raises InvalidInput."""
    try:
        found = json.loads(content)
        if found["version"] != VERSION:
            raise ValueError(f"its version is {found['version']!r}")
        return Transfer(
            side=str(found["side"]),
            interface=InterfaceName.parse(found["interface"]),
            network=IPv4Network(found["network"]),
            virtual=IPv4Address(found["virtual"]),
            own=IPv4Address(found["own"]),
            system=NetworkSystem(found["system"]),
            renderer=str(found["renderer"]),
            group=tuple(_address(one) for one in found["group"]),
            routes=frozenset(tuple((str(k), str(v)) for k, v in one) for one in found["routes"]),
            neighbours=tuple(IPv4Address(one) for one in found["neighbours"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InvalidInput.of(
            "addressing.damaged",
            f"What was kept of the change of addresses cannot be read ({problem}).",
            "See 'haoscar changes list' and undo it there.",
        ) from problem


def _address(found: dict[str, Any]) -> LiveAddress:
    broadcast = found["broadcast"]
    return LiveAddress(
        IPv4Address(found["address"]),
        int(found["prefix"]),
        None if broadcast is None else IPv4Address(broadcast),
        str(found["label"]),
        str(found["scope"]),
        None if found["metric"] is None else int(found["metric"]),
        bool(found["noprefixroute"]),
        bool(found["dynamic"]),
    )


def group_of(live: Live, network: IPv4Network) -> tuple[LiveAddress, ...]:
    """Return the addresses of an interface that are in a network, with its mask."""
    return tuple(one for one in live.addresses if one.network == network)


def network_of(site: Site, side: str) -> Network | None:
    """Return one of the site's networks by its name."""
    return site.private if side == "private" else site.public


def own_address(site: Site, side: str) -> IPv4Address | None:
    """Return the primary's own address on a network."""
    return site.primary.private_address if side == "private" else site.primary.public_address


def changed_site(site: Site, side: str, virtual: IPv4Address, own: IPv4Address) -> Site:
    """Return the site with the old address as virtual IP and the new one as the primary's."""
    if side == "private":
        network = replace(site.private, virtual_ip=virtual)
        return replace(site, private=network, primary=replace(site.primary, private_address=own))
    assert site.public is not None
    network = replace(site.public, virtual_ip=virtual)
    return replace(site, public=network, primary=replace(site.primary, public_address=own))
