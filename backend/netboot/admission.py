"""Assign a card and let its machine in, in one plan: quick enough for a ROM that still asks.

The original called it "Dynamic DHCP update": the DHCP server knows the machine the moment its MAC
address is assigned, so the boot in which it was first heard already installs it.
"""

from dataclasses import replace

from backend.change.plan import Plan, WriteFile
from backend.model.site import Site, Standby
from backend.netboot.dhcp import DhcpFacts
from backend.netboot.plan import configure_dhcp_plan


def admission_plan(site: Site, standby: Standby, site_step: WriteFile, facts: DhcpFacts) -> Plan:
    """Return the plan that writes the site and makes the DHCP server answer this standby.

    ``site`` has the assignment in it already, ``site_step`` writes it. Raises Refused when the
    existing DHCP configuration contradicts the site.
    """
    dhcp = configure_dhcp_plan(site, facts)
    return replace(
        dhcp,
        title=f"Let {standby.name} in",
        sentence=f"{standby.mac} becomes {standby.name}, and the DHCP server answers it.",
        steps=(site_step, *dhcp.steps),
    )
