"""Assign a card and let its machine in, in one plan: quick enough for a ROM that still asks.

The original called it "Dynamic DHCP update": the DHCP server knows the machine the moment its MAC
address is assigned, so the boot in which it was first heard already installs it.
"""

from dataclasses import replace

from backend.change.plan import Plan, WriteFile
from backend.model.site import Site, Standby
from backend.netboot.dhcp import DhcpFacts
from backend.netboot.plan import configure_dhcp_plan


def assignment_plan(title: str, site: Site, site_step: WriteFile, facts: DhcpFacts | None) -> Plan:
    """Return the plan that writes the site, and with ``facts`` lets the DHCP server know it too.

    Raises Refused when the existing DHCP configuration contradicts the site.
    """
    if facts is None:
        return Plan(title, "The site file changes; no machine is touched.", (site_step,))
    dhcp = configure_dhcp_plan(site, facts)
    return replace(dhcp, title=title, steps=(site_step, *dhcp.steps))


def admission_plan(site: Site, standby: Standby, site_step: WriteFile, facts: DhcpFacts) -> Plan:
    """Return the plan that writes the site and makes the DHCP server answer this standby.

    ``site`` has the assignment in it already, ``site_step`` writes it. Raises Refused when the
    existing DHCP configuration contradicts the site.
    """
    plan = assignment_plan(f"Let {standby.name} in", site, site_step, facts)
    sentence = f"{standby.mac} becomes {standby.name}, and the DHCP server answers it."
    return replace(plan, sentence=sentence)
