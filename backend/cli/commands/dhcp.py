"""``haoscar configure-dhcp``: the DHCP server answers the standby heads (step 4)."""

import argparse

from backend.actions.dhcp import answer_line, dhcp_change
from backend.cli.app import App, Subparsers


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
    change = dhcp_change(app.wiring, site)
    app.out.reports(change.doubts)
    record = app.apply(change.plan)
    for entry in change.entries:
        app.out.say(answer_line(entry))
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
                for entry in change.entries
            ],
        }
    )
    return 0
