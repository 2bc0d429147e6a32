"""The clone's own network configuration, for the system that its image uses. Pure.

Cards are recognised by their MAC address, so their names do not matter; the virtual addresses are
never configured here, the failover agent alone brings them up.
"""

import uuid
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from backend.clone.image_facts import ImageFacts, NetworkSystem
from backend.clone.inventory import Card, Inventory
from backend.clone.steps import Move, Run, Step, Write
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.names import DomainName, InterfaceName
from backend.model.site import IpAssignment, Site, Standby
from backend.rendering import render
from backend.reports import error

ASIDE = "/var/lib/haoscar/golden-network"
_NAMESPACE = uuid.UUID("6b6e63c4-6d0e-4c1e-9d0a-5a1d3a0f6a55")  # of our connections' UUIDs


@dataclass(frozen=True, slots=True)
class CardSettings:
    """What one card of the clone gets; ``method`` is static, dhcp or none (up, no address)."""

    role: str  # "private" or "public"
    mac: Mac
    name: InterfaceName  # used where a configuration needs a name
    method: str
    domain: DomainName
    address: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    dns: tuple[IPv4Address, ...] = ()

    @property
    def uuid(self) -> str:
        """A UUID that is the same each time for this card and role."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.role} {self.mac}"))


def cards_of(
    site: Site, standby: Standby, inventory: Inventory, facts: ImageFacts
) -> tuple[CardSettings, ...]:
    """Return the settings of the private and, if there is one, the public card; raises Refused."""
    private = private_card(standby, inventory)
    public = _public_card(site, standby, inventory, private)
    source = site.image(standby.image)
    method = source.ip_assignment if source is not None else IpAssignment.STATIC
    dynamic = method in (IpAssignment.STATIC_DHCP, IpAssignment.DYNAMIC_DHCP)
    on_private, on_public = _gateways(site, standby)
    found = [
        CardSettings(
            role="private",
            mac=private.mac,
            name=_name(site.private.interface, "private0", private, inventory),
            method="dhcp" if dynamic else "static",
            domain=site.domain,
            address=None if dynamic else IPv4Interface((standby.address, standby.prefix)),
            gateway=None if dynamic else on_private,
            dns=() if dynamic else facts.dns,
        )
    ]
    if public is not None and site.public is not None:
        address = standby.public_address
        wanted = standby.public_interface or site.public.interface
        found.append(
            CardSettings(
                role="public",
                mac=public.mac,
                name=_name(wanted, "public0", public, inventory, taken=found[0].name),
                method="static" if address else "none",
                domain=site.domain,
                address=IPv4Interface((address, site.public.network.prefixlen))
                if address
                else None,
                gateway=on_public if address else None,
                dns=facts.dns if address else (),
            )
        )
    return tuple(found)


def private_card(standby: Standby, inventory: Inventory) -> Card:
    """Return the card that the standby booted from; raises Refused when it is not there."""
    for card in inventory.cards:
        if card.mac == standby.mac or (standby.mac is None and card.booted):
            return card
    seen = ", ".join(one.mac for one in inventory.cards) or "none"
    text = f"{standby.name} has no network card {standby.mac or 'it booted from'}; it shows {seen}."
    raise Refused(error("identity.card", text, "Assign the MAC address of the right machine."))


def _public_card(site: Site, standby: Standby, inventory: Inventory, private: Card) -> Card | None:
    if site.public is None:
        return None
    others = [one for one in inventory.cards if one is not private]
    wanted = standby.public_interface
    named = [one for one in others if wanted in (one.name, *one.predicted)]
    linked = [one for one in others if one.link]
    for choice in (named, others, linked):
        if len(choice) == 1:
            return choice[0]
    if standby.public_address is None and not others:
        return None
    remedy = "Put one in, or leave the standby's public address empty."
    text = f"{standby.name} has no second network card for the public network."
    if others:
        seen = ", ".join(f"{one.name} ({one.mac})" for one in others)
        text = f"It is not clear which card of {standby.name} is the public one: {seen}."
        remedy = "Name its public interface, or connect only the right one."
    raise Refused(error("identity.public-card", text, remedy))


def _gateways(site: Site, standby: Standby) -> tuple[IPv4Address | None, IPv4Address | None]:
    """Return the default gateway as (on the private card, on the public card); one of them at most."""
    private = IPv4Interface((standby.address, standby.prefix)).network
    public = site.public if standby.public_address is not None else None
    gateway = standby.gateway
    if gateway is None and public is not None:
        gateway = public.gateway
    if gateway is None:
        gateway = site.private.gateway
    if gateway is None:
        return None, None
    if gateway in private:
        return gateway, None
    if public is not None and gateway in public.network:
        return None, gateway
    text = f"The gateway {gateway} of {standby.name} is on none of its networks ({private})."
    raise Refused(error("identity.gateway", text, "Give a gateway on one of its networks."))


def _name(
    wanted: InterfaceName,
    fallback: str,
    card: Card,
    inventory: Inventory,
    taken: InterfaceName | None = None,
) -> InterfaceName:
    """Return the primary's name for this card where it is safe to use on the clone.

    Names that the kernel itself gives (eth0) and names that another card would get are not.
    """
    others = [one for one in inventory.cards if one is not card]
    used = {name for one in others for name in (one.name, *one.predicted)}
    plain = wanted.isalnum() and not wanted.startswith(("eth", "wlan", "lo"))
    if plain and wanted not in used and wanted != taken:
        return wanted
    return InterfaceName.parse(fallback)


def network_steps(cards: tuple[CardSettings, ...], facts: ImageFacts) -> tuple[Step, ...]:
    """Return the steps that set the old configuration aside and write the new; raises Refused."""
    writers = {
        NetworkSystem.IFUPDOWN: _ifupdown,
        NetworkSystem.NETWORK_MANAGER: _network_manager,
        NetworkSystem.NETPLAN: _netplan,
        NetworkSystem.NETWORKD: _networkd,
    }
    if facts.network not in writers:
        text = "It is not known what configures the network in this image."
        remedy = "Use ifupdown, NetworkManager, netplan or systemd-networkd on the golden client."
        raise Refused(error("identity.network-system", text, remedy))
    why = "The golden client's own addresses must not appear twice."
    aside: list[Step] = [Move(path, ASIDE + path, why) for path in facts.network_files]
    return (*aside, *writers[facts.network](cards, facts), *_cloud_init(facts))


def _ifupdown(cards: tuple[CardSettings, ...], _facts: ImageFacts) -> list[Step]:
    steps: list[Step] = [
        Write(
            f"/etc/systemd/network/70-haoscar-{card.role}.link",
            render("identity/link.j2", card=card),
            f"The {card.role} card is called {card.name}, whatever slot it is in.",
        )
        for card in cards
    ]
    text = render("identity/interfaces.j2", cards=cards, aside=ASIDE)
    steps.append(Write("/etc/network/interfaces", text, "The clone has its own addresses."))
    return steps


def _networkd(cards: tuple[CardSettings, ...], _facts: ImageFacts) -> list[Step]:
    return [
        Write(
            f"/etc/systemd/network/05-haoscar-{card.role}.network",
            render("identity/networkd.network.j2", card=card),
            f"The clone has its own address on the {card.role} network.",
        )
        for card in cards
    ]


def _network_manager(cards: tuple[CardSettings, ...], _facts: ImageFacts) -> list[Step]:
    return [
        Write(
            f"/etc/NetworkManager/system-connections/haoscar-{card.role}.nmconnection",
            render("identity/nmconnection.j2", card=card),
            f"The clone has its own address on the {card.role} network.",
            mode=0o600,
        )
        for card in cards
    ]


def _netplan(cards: tuple[CardSettings, ...], facts: ImageFacts) -> list[Step]:
    text = render("identity/netplan.yaml.j2", cards=cards, renderer=facts.renderer, aside=ASIDE)
    why = "The clone has its own addresses."
    steps: list[Step] = [Write("/etc/netplan/90-haoscar.yaml", text, why, mode=0o600)]
    if "netplan" in facts.programs:
        argv = ("netplan", "generate")
        steps.append(Run(argv, "Netplan checks what was written.", chroot=True))
    return steps


def _cloud_init(facts: ImageFacts) -> list[Step]:
    if not facts.cloud_init:
        return []
    text = "network: {config: disabled}\npreserve_hostname: true\nssh_deletekeys: false\n"
    path = "/etc/cloud/cloud.cfg.d/99-haoscar.cfg"
    return [Write(path, text, "cloud-init must not undo name, addresses and keys.")]
