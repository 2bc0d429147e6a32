"""May this address become a virtual IP, and may that one be this head's own? All problems at once."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from backend.addressing.transfer import network_of, own_address
from backend.discovery.survey import InUse, Survey
from backend.model.site import Network, Site
from backend.reports import Place, Report, error, warning
from backend.system.links import Link, LinkAddress

ADDRESS = Place(field="--address")


def check_situation(site: Site, side: str, survey: Survey) -> Iterator[Report]:
    """Yield what speaks against the step as such: site, interface, what is done already."""
    network = network_of(site, side)
    virtual = own_address(site, side)
    if network is None or virtual is None:
        yield error(
            "addressing.no-network", f"The site has no {side} network, or no address of this head there.",
            "Add it to the site file: haoscar site check",
        )  # fmt: skip
        return
    if network.virtual_ip is not None:
        done = network.virtual_ip != virtual
        yield error(
            "addressing.done",
            f"The {side} network has a virtual IP already, {network.virtual_ip}, and this head has "
            f"{virtual if done else 'no other'} for itself.",
            "Nothing is to be done. To go back: haoscar virtual-ip rollback",
        )
        return
    yield from _check_link(network, virtual, survey)


def _check_link(network: Network, virtual: IPv4Address, survey: Survey) -> Iterator[Report]:
    link = survey.snapshot.link(network.interface)
    mine = None if link is None else address_of(link, virtual)
    if link is None or mine is None:
        yield error(
            "addressing.not-here",
            f"This head does not have {virtual} on {network.interface} now.",
            "Correct the site file, or bring the interface up.",
        )
        return
    if link.bridge is not None:
        yield error(
            "addressing.port",
            f"{link.name} is a part of {link.bridge}, which should have the address.",
            f"Configure {virtual} on {link.bridge}, and write that into the site file.",
        )
    if mine.network != network.network:
        yield error(
            "addressing.mask",
            f"{link.name} has {virtual} with the network {mine.network}, but the site file says {network.network}.",
            "Make both the same.",
        )
    same = [one for one in link.addresses if one is not mine and one.network == mine.network]
    first = next((one for one in same if not one.secondary), None)
    if mine.secondary or (first is not None and ":" in mine.label):
        has = f", {first.address}" if first is not None else ""
        yield error(
            "addressing.alias",
            f"{virtual} is an additional address of {link.name} already: this head has one of its own{has}.",
            "Take it out of the network's configuration, and write both into the site file: virtual_ip, and the "
            "address of [primary].",
        )
    for one in (mine, *same):
        if one.dynamic and one.network.prefixlen < 32:
            yield error(
                "addressing.dhcp",
                f"{link.name} has {one.address} for a limited time only, as from a DHCP server.",
                "Configure it as a static address first.",
            )


def address_of(link: Link, address: IPv4Address) -> LinkAddress | None:
    """Return an address as the interface has it, the one with a network before a /32."""
    found = [one for one in link.addresses if one.address == address]
    return min(found, key=lambda one: one.network.prefixlen, default=None)


def check_own(
    own: IPv4Address, site: Site, side: str, survey: Survey, in_use: InUse
) -> Iterator[Report]:
    """Yield what speaks against this head's new own address; asks the wire last."""
    network = network_of(site, side)
    assert network is not None
    if own not in network.network:
        text = f"{own} is not in the {side} network {network.network}."
        yield error("addressing.outside", text, f"Choose one of {network.network}.", ADDRESS)
        return
    if own in (network.network.network_address, network.network.broadcast_address):
        text = (
            f"{own} is the first or last address of {network.network}, which no machine can have."
        )
        yield error("addressing.not-a-host", text, "Choose one between them.", ADDRESS)
        return
    use = used_by_site(site).get(own) or survey.cluster.reserved(own)
    if own in survey.snapshot.addresses:
        use = use or "this head has it already"
    if use:
        yield error("addressing.taken", f"{own} is taken: {use}.", "Choose another.", ADDRESS)
        return
    holder = in_use(network.interface, [own]).get(own)
    if holder is not None:
        text = f"{own} is in use: the card {holder} answers for it."
        yield error("addressing.answers", text, "Choose another.", ADDRESS)
    if own.packed[-1] in (0, 255):
        text = f"{own} ends in {own.packed[-1]}, which old devices refuse."
        yield warning("addressing.unusual", text, "Choose another if you can.", ADDRESS)


def used_by_site(site: Site) -> dict[IPv4Address, str]:
    """Return every address that the site file names, with what it is."""
    found: dict[IPv4Address | None, str] = {}
    for node in site.nodes:
        found[node.address] = f"it is the address of the node {node.name}"
    for standby in site.standbys:
        for one in (standby.address, standby.public_address, standby.public_alias):
            found[one] = f"it is an address of the standby {standby.name}"
    for network in (site.private, site.public):
        if network is not None:
            found[network.gateway] = f"it is the gateway of {network.network}"
            found[network.virtual_ip] = f"it is the virtual IP of {network.network}"
    for address in (site.primary.private_address, site.primary.public_address):
        found[address] = f"{site.primary.name} has it already"
    return {address: use for address, use in found.items() if address is not None}
