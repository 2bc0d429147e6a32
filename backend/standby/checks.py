"""Step 3: what is wrong or doubtful about a standby's definition, each with its field."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address

from backend.discovery.hosts_file import HostsFile, names_elsewhere
from backend.discovery.survey import InUse, Survey
from backend.errors import InvalidInput
from backend.model.requests import AddStandbyRequest
from backend.model.site import Network, Site
from backend.reports import Place, Report, Severity, error, warning
from backend.standby.proposal import image_names, site_addresses


def check(
    request: AddStandbyRequest,
    site: Site,
    survey: Survey,
    images: Sequence[str],
    in_use: InUse,
    hosts: HostsFile | None = None,
) -> tuple[Report, ...]:
    """Return everything that is wrong or doubtful about a request, each with its field."""
    return (
        *_check_names(request, site, images, hosts or HostsFile()),
        *_check_local(request, site, survey, in_use),
        *_check_public(request, site, survey, in_use),
    )


def require_ok(reports: Iterable[Report]) -> tuple[Report, ...]:
    """Return the reports that only warn; raises InvalidInput with all errors."""
    reports = tuple(reports)
    errors = [one for one in reports if one.severity is Severity.ERROR]
    if errors:
        raise InvalidInput(*errors)
    return reports


def _check_names(
    request: AddStandbyRequest, site: Site, images: Sequence[str], hosts: HostsFile
) -> Iterable[Report]:
    name = request.name.lower()
    if name == "localhost" or name == site.primary.name.lower():
        yield error(
            "standby.name-primary", f"{request.name} is the primary's own name.",
            "Give the standby another name.", Place(field="name"),
        )  # fmt: skip
    if any(name == node.name.lower() for node in site.nodes):
        yield error(
            "standby.name-node", f"{request.name} is the name of a compute node.",
            "Give the standby another name.", Place(field="name"),
        )  # fmt: skip
    names = (request.name, f"{request.name}.{site.domain}")
    for entry in names_elsewhere(hosts, names, request.local_ip):
        yield warning(
            "standby.name-elsewhere",
            f"{entry.place} gives the name {request.name} to {entry.address}.",
            "Remove that line if it is an old one: the first line wins.", Place(field="name"),
        )  # fmt: skip
    known = image_names(site, images)
    if request.image not in known:
        there = f"There are: {', '.join(known)}." if known else ""
        yield error(
            "standby.image-unknown", f"There is no image {request.image}.",
            f"{there} Fetch it first: haoscar fetch-image".strip(), Place(field="image"),
        )  # fmt: skip


def _check_local(
    request: AddStandbyRequest, site: Site, survey: Survey, in_use: InUse
) -> Iterable[Report]:
    place = Place(field="local_ip")
    network = site.private.network
    if request.network != network:
        inside = request.local_ip in network
        yield error(
            "standby.mask-differs" if inside else "standby.outside",
            f"{request.network} is not the private network {network}."
            if inside
            else f"{request.local_ip} is not in the private network {network}.",
            f"Use the mask {network.netmask}." if inside else f"Choose an address of {network}.",
            Place(field="netmask") if inside else place,
        )
        if not inside:
            return
    if request.local_ip in _kept(request, site):
        return
    use = _other_use(request.local_ip, site, survey)
    if use:
        yield error(
            "standby.taken", f"{request.local_ip} is taken: {use}.", "Choose another.", place
        )
    else:
        yield from _answers(request.local_ip, site.private, place, in_use)


def _check_public(
    request: AddStandbyRequest, site: Site, survey: Survey, in_use: InUse
) -> Iterable[Report]:
    alias, place = request.public_alias, Place(field="public_alias")
    interface = request.primary_public_interface
    if interface is not None and survey.snapshot.links and survey.snapshot.link(interface) is None:
        yield error(
            "standby.no-interface", f"This head has no interface {interface}.",
            f"There are: {', '.join(one.name for one in survey.snapshot.links)}.",
            Place(field="primary_public_interface"),
        )  # fmt: skip
    if alias is None:
        return
    if site.public is None:
        yield error(
            "standby.no-public", "The site has no public network, so there can be no public alias.",
            "Leave it empty, or add the public network to the site file.", place,
        )  # fmt: skip
        return
    network = site.public.network
    if alias not in network or alias in (network.network_address, network.broadcast_address):
        yield error(
            "standby.alias-outside", f"{alias} is no address of the public network {network}.",
            "The alias must be reachable where the users are.", place,
        )  # fmt: skip
        return
    if alias == site.public.virtual_ip or alias in {*_own_aliases(survey), *_kept(request, site)}:
        return  # the address users know already: it is meant to move
    use = _other_use(alias, site, survey)
    if use:
        yield error("standby.taken", f"{alias} is taken: {use}.", "Choose another.", place)
    else:
        yield from _answers(alias, site.public, place, in_use)


def _kept(request: AddStandbyRequest, site: Site) -> frozenset[IPv4Address]:
    """Return the addresses that a standby which is only changed has already, and may answer for."""
    before = site.standby(request.name)
    known = (before.address, before.public_alias) if before else ()
    return frozenset(one for one in known if one is not None)


def _other_use(address: IPv4Address, site: Site, survey: Survey) -> str:
    """Return what else an address is used for, by the site, this head or the cluster's files."""
    named = site_addresses(site).get(address)
    if named:
        return f"it is {named}" if named.startswith("the ") else f"it is the address {named}"
    if address in survey.snapshot.addresses:
        return "it is one of this head's own addresses"
    return survey.cluster.reserved(address)


def _own_aliases(survey: Survey) -> frozenset[IPv4Address]:
    public = survey.sides.public
    return frozenset(public.aliases if public else ())


def _answers(
    address: IPv4Address, network: Network, place: Place, in_use: InUse
) -> Iterable[Report]:
    holder = in_use(network.interface, [address]).get(address)
    if holder is not None:
        yield error(
            "standby.answers", f"{address} is in use: the card {holder} answers for it.",
            "Choose another address, or switch that machine off for good.", place,
        )  # fmt: skip
