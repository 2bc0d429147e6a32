"""Step 3: a value for every field of the standby's definition, so that the user only confirms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from backend.discovery.networks import Certainty, Side, is_private
from backend.discovery.proposal import free_address, standby_name
from backend.discovery.survey import InUse, Survey
from backend.model.requests import AddStandbyRequest
from backend.model.site import Network, Site, Standby
from backend.reports import Place, Report, warning

DEFAULT_IMAGE = "serverimage"  # the original's name for the head's image


@dataclass(frozen=True, slots=True)
class Proposal:
    """Strings for every field of the form, why each one, and what to look at twice."""

    values: Mapping[str, str]
    why: Mapping[str, str]
    reports: tuple[Report, ...] = ()


def propose(site: Site, survey: Survey, images: Sequence[str], in_use: InUse) -> Proposal:
    """Return a value for every field; ``in_use`` asks the wire and its errors are passed on."""
    values = dict.fromkeys(AddStandbyRequest.LABELS, "")
    why: dict[str, str] = {}
    reports: list[Report] = []

    def put(key: str, value: object, reason: str) -> None:
        values[key], why[key] = str(value), reason

    names: list[str] = [site.primary.name, *(one.name for one in site.nodes)]
    names += [one.name for one in site.standbys]
    put("name", standby_name(site.primary.name, names), "the primary's name with -standby")
    known = image_names(site, images)
    put("image", DEFAULT_IMAGE if DEFAULT_IMAGE in known or not known else known[-1],
        "an image that exists" if known else "no image exists yet; fetch one of that name")  # fmt: skip
    offer = free_address(_side(site.private, site.primary.private_address, survey),
                         survey.cluster, site_addresses(site), in_use)  # fmt: skip
    if offer is None:
        reports.append(_no_free(site.private, "local_ip"))
    else:
        put("local_ip", offer.address, offer.why)
    put("netmask", site.private.network.netmask, f"the mask of {site.private.network}")
    put("gateway", site.primary.private_address, "the primary's private address")
    if site.public is not None:
        interface = site.public.interface
        put("primary_public_interface", interface, "the public network of this head")
        put("standby_public_interface", interface, "the same as on the primary")
        reports += _propose_alias(site, site.public, survey, in_use, put)
    return Proposal(values, why, tuple(reports))


def _propose_alias(
    site: Site,
    public: Network,
    survey: Survey,
    in_use: InUse,
    put: Callable[[str, object, str], None],
) -> list[Report]:
    """Propose the address that users connect to; returns what is doubtful about it."""
    if public.virtual_ip is not None:
        put(
            "public_alias",
            public.virtual_ip,
            f"the alias address that {public.interface} has already",
        )
        return []
    if site.primary.public_address is None:
        return []
    side = _side(public, site.primary.public_address, survey)
    offer = free_address(side, survey.cluster, site_addresses(site), in_use)
    if offer is None:
        return [_no_free(public, "public_alias")]
    put("public_alias", offer.address, offer.why)
    if is_private(public.network):
        return []
    return [
        warning(
            "standby.alias-unconfirmed",
            f"{offer.address} seems free, but a public address belongs to whoever runs the network.",
            "Ask them before it is used, or leave the alias empty for now.",
            Place(field="public_alias"),
        )
    ]


def image_names(site: Site, images: Sequence[str]) -> tuple[str, ...]:
    """Return every known image: the site's and the catalogue's."""
    return tuple(dict.fromkeys((*(one.name for one in site.images), *images)))


def site_addresses(site: Site) -> dict[IPv4Address, str]:
    """Return every address the site file names, with its use."""
    found: dict[IPv4Address | None, str] = {}
    for node in site.nodes:
        found[node.address] = f"of the node {node.name}"
    for standby in site.standbys:
        found[standby.address] = found[standby.public_address] = f"of the standby {standby.name}"
        found[standby.public_alias] = f"the public alias of {standby.name}"
    for network in filter(None, (site.private, site.public)):
        found[network.gateway] = f"the gateway of {network.network}"
        found[network.virtual_ip] = f"the virtual address of {network.network}"
    found[site.primary.private_address] = "the primary's own private address"
    found[site.primary.public_address] = "the primary's own public address"
    return {address: use for address, use in found.items() if address is not None}


def _side(network: Network, own: IPv4Address, survey: Survey) -> Side:
    """Return the network of the site file as a side of this head."""
    known = (survey.sides.private, survey.sides.public, *survey.sides.others)
    for one in known:
        if (
            one is not None
            and one.interface == network.interface
            and one.network == network.network
        ):
            return one
    return Side(
        network.interface, network.network, own, (), "the site file says so", Certainty.CERTAIN
    )


def _no_free(network: Network, key: str) -> Report:
    return warning(
        "standby.none-free", f"No free address was found in {network.network}.",
        "Fill one in yourself.", Place(field=key),
    )  # fmt: skip


def values_of(standby: Standby) -> dict[str, str]:
    """Return the form's strings for a standby that is defined already."""
    mask = IPv4Network((0, standby.prefix)).netmask
    found = {
        "name": standby.name, "image": standby.image, "local_ip": standby.address, "netmask": mask,
        "gateway": standby.gateway, "primary_public_interface": standby.primary_public_interface,
        "standby_public_interface": standby.public_interface, "public_alias": standby.public_alias,
    }  # fmt: skip
    return {key: "" if value is None else str(value) for key, value in found.items()}
