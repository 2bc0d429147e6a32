"""What is proposed so that the user only confirms: a free address, and the first site file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from backend.discovery.cluster import Cluster
from backend.discovery.networks import Side
from backend.discovery.survey import InUse, Survey
from backend.errors import Refused
from backend.model.names import DomainName, HostName
from backend.model.site import Network, Primary, Site
from backend.reports import error
from backend.system.links import NetworkSnapshot

BATCH = 16  # addresses asked for at once
CANDIDATES = 1024  # addresses looked at before giving up
FALLBACK_DOMAIN = DomainName("cluster.internal")  # a name that no public DNS will ever have


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposed value, and why this one."""

    address: IPv4Address
    why: str


def free_address(
    side: Side, cluster: Cluster, avoid: Iterable[IPv4Address], in_use: InUse
) -> Offer | None:
    """Return the highest address of the side's network that nobody has, or None.

    In a network larger than /24 those near this head's own address come first, so that the standby
    is recognised as its neighbour. ``in_use`` asks the wire; raises what it raises.
    """
    known = {side.address, *side.aliases, *avoid}
    batch: list[IPv4Address] = []
    for address in _candidates(side.network, side.address):
        if address not in known and not cluster.reserved(address):
            batch.append(address)
        if len(batch) == BATCH:
            if (offer := _first_free(side, batch, in_use)) is not None:
                return offer
            batch = []
    return _first_free(side, batch, in_use) if batch else None


def _candidates(network: IPv4Network, own: IPv4Address) -> Iterator[IPv4Address]:
    """Yield host addresses from the top: the /24 around ``own`` first, CANDIDATES at most."""
    near = network if network.prefixlen >= 24 else IPv4Network((own, 24), strict=False)
    ends = (network.network_address, network.broadcast_address)
    count = 0
    for block in dict.fromkeys((near, network)):
        for number in range(block.num_addresses - 1, -1, -1):
            address = block[number]
            if address in ends or (block is not near and address in near):
                continue
            if address.packed[-1] in (0, 255):  # legal in a large network, refused by old devices
                continue
            yield address
            count += 1
            if count >= CANDIDATES:
                return


def _first_free(side: Side, batch: list[IPv4Address], in_use: InUse) -> Offer | None:
    used = in_use(side.interface, batch)
    free = next((one for one in batch if one not in used), None)
    if free is None:
        return None
    return Offer(
        free,
        f"the highest address of {side.network} that no file names, DHCP does not hand out and "
        f"nobody on {side.interface} answers for",
    )


def propose_site(survey: Survey) -> Site:
    """Return the first site from what was found; raises Refused with all that is missing."""
    problems = []
    side = survey.sides.private
    if side is None:
        problems.append(error(
            "site.no-private", "No network of this head can be the cluster's private one.",
            "Give an interface a private address, for example 10.0.0.1/24, or name it with --private.",
        ))  # fmt: skip
    name = survey.host.name
    if name is None or name.lower() == "localhost":
        problems.append(error(
            "site.host-name", f"This head's name, {survey.host.raw_name!a}, cannot be used.",
            "Set one: hostnamectl set-hostname NAME",
        ))  # fmt: skip
    if side is None or name is None or problems:
        raise Refused(*problems)
    public = survey.sides.public
    return Site(
        cluster=survey.cluster_name or HostName("cluster"),
        domain=survey.host.domain or FALLBACK_DOMAIN,
        private=_network(side, survey.snapshot),
        primary=Primary(name, side.address, public.address if public else None),
        public=_network(public, survey.snapshot) if public else None,
        nodes=survey.cluster.nodes,
    )


def _network(side: Side, snapshot: NetworkSnapshot) -> Network:
    route = snapshot.default_route
    gateway = route.gateway if route and route.interface == side.interface else None
    if gateway is not None and gateway not in side.network:
        gateway = None
    return Network(side.interface, side.network, gateway, next(iter(side.aliases), None))


def standby_name(primary: str, taken: Iterable[str]) -> HostName:
    """Return a name for the standby that nobody has: ``head-standby``, ``head-standby2`` ..."""
    known = {one.lower() for one in taken}
    stem = primary[: 63 - len("-standby999")].rstrip("-")
    numbers = ("", *map(str, range(2, 1000)))
    return HostName.parse(
        next(
            f"{stem}-standby{one}" for one in numbers if f"{stem}-standby{one}".lower() not in known
        )
    )
