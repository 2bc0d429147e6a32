"""Which card belongs to which standby: a change of the site as a plan, for the window and haoscar macs."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from backend.change.plan import Plan, RemoveFile, Step
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.discovery import assignment
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.netboot.admission import assignment_plan
from backend.netboot.dhcp import INCLUDE
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.netboot.entries import entry_name
from backend.netboot.server import tell_boot_server
from backend.netboot.tftp import boot_entry_path, read_tftp_facts
from backend.paths import Paths
from backend.reports import Severity
from backend.system import packets
from backend.wiring import Wiring


@dataclass(frozen=True, slots=True)
class SiteChange:
    """What an assignment comes to, and the plan for it; None when nothing changes."""

    outcome: assignment.Outcome
    plan: Plan | None


def give(site: Site, mac: Mac, standby: str, *, node_is_mine: bool) -> assignment.Outcome:
    """Return what giving a card comes to; raises Refused, with assignment.NEEDS_CONFIRMATION too."""
    outcome = assignment.assign(
        site, mac, standby, node_is_mine=node_is_mine, own=packets.own_cards()
    )
    return _accepted(outcome)


def give_all(site: Site, macs: Iterable[Mac], *, nodes_are_mine: bool) -> assignment.Outcome:
    """Return what giving the oldest cards to the standbys without one comes to; raises Refused."""
    outcome = assignment.assign_all(
        site, macs, nodes_are_mine=nodes_are_mine, own=packets.own_cards()
    )
    return _accepted(outcome)


def take(site: Site, standby: str) -> assignment.Outcome:
    """Return what taking a standby's card comes to; raises Refused."""
    return _accepted(assignment.delete(site, standby))


def _accepted(outcome: assignment.Outcome) -> assignment.Outcome:
    refusals = [one for one in outcome.reports if one.severity is Severity.ERROR]
    if refusals:
        raise Refused(*refusals)
    return outcome


def site_change(
    wiring: Wiring, before: Site, outcome: assignment.Outcome, title: str, *, dhcp: bool
) -> SiteChange:
    """Plan to write the site; with ``dhcp`` a DHCP server that was configured learns it at once.

    Raises Refused: the DHCP configuration says otherwise, or a freed card is being installed.
    """
    if outcome.site == before:
        return SiteChange(outcome, None)
    freed = freed_cards(before, outcome)
    refuse_running(wiring.paths, freed)
    site_step = wiring.store().write_step(outcome.site)
    known = dhcp and wiring.paths.at(INCLUDE).exists()
    facts = read_dhcp_facts(wiring.paths) if known else None
    plan = assignment_plan(title, outcome.site, site_step, facts)
    entries = forget_entries(wiring.paths, freed)
    return SiteChange(outcome, replace(plan, steps=(*plan.steps, *entries)))


def freed_cards(before: Site, outcome: assignment.Outcome) -> tuple[Mac, ...]:
    """Return the returned cards that a standby had. Pure."""
    had = {one.mac for one in before.standbys}
    return tuple(mac for mac in outcome.returned if mac in had)


def refuse_running(paths: Paths, macs: Iterable[Mac]) -> None:
    """Raise Refused when a machine with one of these cards is being installed right now."""
    for mac in macs:
        ticket = Installs(paths).ticket(mac)
        if ticket is not None and ticket.state is TicketState.RUNNING:
            raise Refused.of(
                "install.running",
                f"{ticket.standby} ({mac}) is being installed right now.",
                f"Wait, or give it up first: haoscar installs disarm {ticket.standby}.",
            )


def forget_entries(paths: Paths, macs: Iterable[Mac]) -> tuple[Step, ...]:
    """Return the steps that remove the boot entries of cards that are no standby's any more."""
    facts = read_tftp_facts(paths)
    directory = Path(facts.directory) / "pxelinux.cfg"
    return tuple(
        RemoveFile(directory / entry_name(mac), f"{mac} is no standby's card any more")
        for mac in macs
        if boot_entry_path(paths, facts, mac).exists()
    )


def disarm(paths: Paths, macs: Iterable[Mac]) -> None:
    """Take back the tickets of cards that are no standby's any more; raises OSError."""
    installs = Installs(paths)
    for mac in macs:
        ticket = installs.ticket(mac)
        if ticket is not None and ticket.pending:
            installs.disarm(mac)
            with contextlib.suppress(Refused):  # without a boot server nobody could use it
                tell_boot_server(paths)
