"""Looks at this head and returns the plan, with everything that must be known before it is carried out."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from backend.addressing import apply, live
from backend.addressing.checks import address_of, check_own, check_situation, used_by_site
from backend.addressing.owner import UNITS, Owner, find_owner
from backend.addressing.plan import Machine, machine, make_plan, neighbours
from backend.addressing.references import references
from backend.addressing.transfer import (
    Transfer,
    changed_site,
    group_of,
    network_of,
    own_address,
)
from backend.change.plan import Plan
from backend.discovery.cluster import read_sources
from backend.discovery.host import reader
from backend.discovery.networks import Certainty, Side
from backend.discovery.proposal import free_address
from backend.discovery.survey import InUse, Survey
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.model.site import Network, Site
from backend.paths import Paths
from backend.reports import Report, Severity, warning
from backend.site.store import SiteStore
from backend.system.links import Link
from backend.system.runner import Runner
from backend.system.services import services


@dataclass(frozen=True, slots=True)
class Prepared:
    """What will be done, and what the administrator should read first."""

    transfer: Transfer
    plan: Plan
    machine: Machine
    why: str  # this own address
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """This head as it is now."""

    paths: Paths
    runner: Runner
    store: SiteStore
    site: Site
    survey: Survey
    in_use: InUse


def prepare(here: Situation, side: str, wanted: IPv4Address | None) -> Prepared:
    """Return the plan for one network; ``wanted`` is this head's new own address, None: propose one.

    Raises Refused or InvalidInput with everything that speaks against it, all at once.
    """
    _require(check_situation(here.site, side, here.survey), Refused)
    network, virtual = network_of(here.site, side), own_address(here.site, side)
    assert network is not None
    assert virtual is not None
    link = here.survey.snapshot.link(network.interface)
    assert link is not None
    problems: list[Report] = []
    owner, own, why = None, wanted, "you gave it"
    try:
        owner = _owner(here, link, virtual)
    except HaoscarError as problem:
        problems += problem.reports
    try:
        if own is None:
            own, why = _proposed(here, network, virtual)
    except HaoscarError as problem:
        problems += problem.reports
    checked = [] if own is None else list(check_own(own, here.site, side, here.survey, here.in_use))
    known = _require((*problems, *checked), Refused if owner is None else InvalidInput)
    assert owner is not None
    assert own is not None
    return _planned(here, side, owner, own, why, known)


def _require(
    reports: Iterable[Report], kind: type[Refused] | type[InvalidInput]
) -> tuple[Report, ...]:
    """Return the reports that only warn; raises with the errors among them."""
    reports = tuple(reports)
    errors = [one for one in reports if one.severity is Severity.ERROR]
    if errors:
        raise kind(*errors)
    return reports


def _owner(here: Situation, link: Link, virtual: IPv4Address) -> Owner:
    manager = services(here.paths, here.runner)
    mine = address_of(link, virtual)
    assert mine is not None
    units = manager.units(UNITS.values()) if manager.available else None
    return find_owner(here.paths, link, virtual, mine.network.prefixlen, units)


def _proposed(here: Situation, network: Network, virtual: IPv4Address) -> tuple[IPv4Address, str]:
    side = Side(
        network.interface, network.network, virtual, (), "the site file says so", Certainty.CERTAIN
    )
    avoid = (*used_by_site(here.site), *here.survey.snapshot.addresses)
    offer = free_address(side, here.survey.cluster, avoid, here.in_use)
    if offer is None:
        raise Refused.of(
            "addressing.none-free",
            f"No free address was found in {network.network}.",
            "Name one with --address.",
        )
    return offer.address, offer.why


def _planned(
    here: Situation, side: str, owner: Owner, own: IPv4Address, why: str, known: tuple[Report, ...]
) -> Prepared:
    network, virtual = network_of(here.site, side), own_address(here.site, side)
    assert network is not None
    assert virtual is not None
    now = live.look(here.runner, network.interface)
    inside = tuple(
        one.address for one in here.site.nodes
        if one.address is not None and one.address in network.network
    )  # fmt: skip
    asked = neighbours(network.gateway, inside)
    transfer = Transfer(
        side=side,
        interface=network.interface,
        network=network.network,
        virtual=virtual,
        own=own,
        system=owner.found.system,
        renderer=owner.found.renderer,
        group=group_of(now, network.network),
        routes=now.routes,
        neighbours=apply.answering(here.runner, virtual, asked, most=2),
    )
    manager = services(here.paths, here.runner)
    this = machine(here.paths, systemd=manager.available)
    site = here.store.write_step(changed_site(here.site, side, virtual, own))
    plan = make_plan(here.paths, transfer, owner, site, this)
    return Prepared(
        transfer, plan, this, why, (*known, *owner.reports, *_doubts(here, transfer, this))
    )


def _doubts(here: Situation, transfer: Transfer, this: Machine) -> Iterable[Report]:
    read = reader(here.paths)
    yield from references(
        read, read_sources(read), here.survey.listeners, here.site.primary.name,
        transfer.virtual, transfer.own, transfer.network,
    )  # fmt: skip
    for route in transfer.routes:
        if ("prefsrc", f'"{transfer.virtual}"') in route:
            yield warning(
                "addressing.route-source",
                f"A route on {transfer.interface} sends from {transfer.virtual}, which this head will not always have.",
                f"Let it send from {transfer.own}, in the network's configuration.",
            )
    if not this.systemd:
        yield warning(
            "addressing.no-systemd",
            f"systemd does not run here, so nothing brings {transfer.virtual} up when this machine is started anew "
            "before the failover agent is installed.",
            "Install the agent at once: haoscar install-agent",
        )
