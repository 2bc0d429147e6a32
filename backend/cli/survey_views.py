"""What discovery found, as text for people and as JSON for programs. Pure."""

from collections.abc import Iterable

from backend.discovery.networks import Side
from backend.discovery.survey import Survey
from backend.system.links import Link, NetworkSnapshot
from backend.system.probes import DhcpServer

LINK_HEADERS = ("interface", "kind", "MAC address", "link", "addresses")
SHOWN_NODES = 20


def link_rows(snapshot: NetworkSnapshot) -> Iterable[tuple[str, ...]]:
    """Yield a row for each interface."""
    for link in snapshot.links:
        state = "up" if link.carrier else "no carrier" if link.up else "down"
        yield link.name, link.kind, link.mac or "", state, ", ".join(_addresses(link))


def lines(survey: Survey) -> Iterable[str]:
    """Yield sentences about everything but the interfaces."""
    host = survey.host
    yield f"This head is {host.raw_name}: {host.distribution.title}, {host.architecture}, {host.firmware.value}."
    yield from _sides(survey)
    route = survey.snapshot.default_route
    if route is not None:
        via = f" through {route.gateway}" if route.gateway else ""
        yield f"The default route leaves over {route.interface}{via}."
    for what, found in (("DHCP", host.dhcp), ("TFTP", host.tftp)):
        states = [f"{one.unit} ({'running' if one.active else 'not running'})" for one in found]
        yield f"{what} servers on this head: {', '.join(states) or 'none'}."
    yield _wire(survey)
    nodes = survey.cluster.nodes
    if nodes:
        names = [f"{one.name} {one.address or ''}".strip() for one in nodes[:SHOWN_NODES]]
        more = f" and {len(nodes) - SHOWN_NODES} more" if len(nodes) > SHOWN_NODES else ""
        yield f"{len(nodes)} machines of the cluster: {', '.join(names)}{more}."
    else:
        yield "No machines of the cluster are known."


def as_facts(survey: Survey) -> dict[str, object]:
    """Return everything for ``--json``."""
    host, sides = survey.host, survey.sides
    route = survey.snapshot.default_route
    return {
        "host": {
            "name": host.raw_name, "domain": host.domain, "distribution": host.distribution.id,
            "version": host.distribution.version, "family": host.distribution.family.value,
            "architecture": host.architecture, "firmware": host.firmware.value,
            "network_configuration": host.network_configuration, "selinux": host.selinux,
            "tftp_root": str(host.tftp_root) if host.tftp_root else None,
            "free_bytes": host.free_bytes, "clock_synchronized": host.clock_synchronized,
        },
        "interfaces": [
            {
                "name": link.name, "kind": link.kind, "mac": link.mac, "up": link.up,
                "carrier": link.carrier,
                "addresses": [
                    {"address": str(one.interface), "label": one.label, "alias": one.alias}
                    for one in link.addresses
                ],
            }
            for link in survey.snapshot.links
        ],
        "default_route": {
            "interface": route.interface, "gateway": str(route.gateway) if route.gateway else None
        } if route else None,
        "private": _side_facts(sides.private),
        "public": _side_facts(sides.public),
        "others": [_side_facts(one) for one in sides.others],
        "services": {
            "dhcp": [one.unit for one in host.dhcp if one.active],
            "tftp": [one.unit for one in host.tftp if one.active],
        },
        "dhcp_files": list(survey.dhcp_files),
        "dhcp_servers": None if survey.dhcp_servers is None else [
            _server_facts(one) for one in survey.dhcp_servers
        ],
        "nodes": [
            {"name": one.name, "address": str(one.address) if one.address else None, "mac": one.mac}
            for one in survey.cluster.nodes
        ],
        "reports": [
            one.as_dict() for one in (*sides.reports, *survey.cluster.reports, *survey.reports)
        ],
    }  # fmt: skip


def _addresses(link: Link) -> Iterable[str]:
    for one in link.addresses:
        yield f"{one.interface}" + (" (alias)" if one.alias else "")


def _sides(survey: Survey) -> Iterable[str]:
    for side in (survey.sides.private, survey.sides.public, *survey.sides.others):
        if side is not None:
            yield f"{side.why} ({side.certainty.value})"
    if survey.sides.private is None:
        yield "No private network was found."


def _wire(survey: Survey) -> str:
    if survey.dhcp_servers is None:
        return "The private wire was not searched for other DHCP servers."
    found = [f"{one.identifier} ({one.mac})" for one in survey.foreign_dhcp_servers]
    return f"Other DHCP servers that answered on the private wire: {', '.join(found) or 'none'}."


def _side_facts(side: Side | None) -> dict[str, object] | None:
    if side is None:
        return None
    return {
        "interface": side.interface, "network": str(side.network), "address": str(side.address),
        "aliases": [str(one) for one in side.aliases], "why": side.why,
        "certainty": side.certainty.value,
    }  # fmt: skip


def _server_facts(server: DhcpServer) -> dict[str, object]:
    return {
        "server": str(server.identifier), "mac": server.mac, "offered": str(server.offered),
        "local": server.local,
    }  # fmt: skip
