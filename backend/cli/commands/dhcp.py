"""``haoscar configure-dhcp``: the DHCP server answers the standby heads (step 4)."""

import argparse

from backend.cli.app import App, Subparsers
from backend.netboot.dhcp import host_entries
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.netboot.plan import configure_dhcp_plan
from backend.reports import warning


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "configure-dhcp",
        help="step 4: let the DHCP server answer the standby heads",
        description="Write HA-OSCAR's part of the DHCP server's configuration, include it by one "
        "line, check it with dhcpd itself, and restart the server. It answers the standbys that "
        "have a MAC address, on the private network, and nobody else.",
    )
    parser.set_defaults(run=run)


def run(_args: argparse.Namespace, app: App) -> int:
    """Show and make the changes."""
    site = app.wiring.store().load()
    entries = host_entries(site)
    if not entries:
        app.out.reports(
            [
                warning(
                    "dhcp.nobody",
                    "No standby has a MAC address yet, so nobody will be answered.",
                    "Collect MAC addresses and assign one: haoscar macs --help",
                )
            ]
        )
    record = app.apply(configure_dhcp_plan(site, read_dhcp_facts(app.paths)))
    for entry in entries:
        address = entry.fixed_address or "an address of the range"
        app.out.say(f"{entry.name} ({entry.mac}) gets {address}.")
    app.out.result(
        {
            "changed": record is not None,
            "interface": site.private.interface,
            "hosts": [
                {
                    "name": entry.name,
                    "mac": entry.mac,
                    "address": entry.fixed_address,
                    "method": entry.method.value,
                }
                for entry in entries
            ],
        }
    )
    return 0
