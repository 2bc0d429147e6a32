"""haoscar install-standby: assign a MAC address, update DHCP and arm the ticket in one go (step 4)."""

import argparse

from backend.actions.installs import LONGEST_MINUTES, Armable, ArmInstall
from backend.actions.macs_assign import give
from backend.cli.app import App, Subparsers
from backend.clone.answer import bootable
from backend.clone.ticket import WINDOW
from backend.errors import InvalidInput, Refused
from backend.imaging.catalog import Catalog
from backend.model.addresses import Mac
from backend.model.site import Site, Standby
from backend.netboot.admission import admission_plan
from backend.netboot.dhcp_facts import read_dhcp_facts


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "install-standby",
        help="step 4: assign a MAC address and install that machine at its present network boot",
        description="Give a heard MAC address to a standby, let the DHCP server answer it, and arm its ticket: "
        "all at once, so that a machine whose ROM still asks is served in the same boot. Set up network boot first. "
        "A machine that is assigned already is armed again.",
    )
    parser.add_argument("standby", help="the standby's name")
    parser.add_argument("--mac", help="the card it boots from; default: the one assigned already")
    parser.add_argument(
        "--yes-node-is-mine",
        action="store_true",
        help="take the card although it belongs to a known compute node: that machine's disk is overwritten",
    )
    parser.add_argument(
        "--minutes", type=float, default=WINDOW / 60, help="how long the ticket is good"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Assign, update DHCP, arm."""
    if not 0 < args.minutes <= LONGEST_MINUTES:
        raise InvalidInput.of("install.window", "The window must be 1 minute to 7 days.")
    store = app.wiring.store()
    site = store.load()
    if args.mac is not None:
        outcome = give(site, Mac.parse(args.mac), args.standby, node_is_mine=args.yes_node_is_mine)
        app.out.reports(outcome.reports)
        site = outcome.site
    standby = _standby(site, args.standby)
    version = Catalog(app.paths).latest(standby.image)
    armable = Armable(site, standby, version, bootable(version))
    app.out.reports(armable.reports)
    app.apply(admission_plan(site, standby, store.write_step(site), read_dhcp_facts(app.paths)))
    ticket = ArmInstall(app.wiring, standby.name, minutes=args.minutes).arm(armable)
    app.out.say(
        f"{standby.name} ({ticket.mac}) is being installed with {version}. Watch it: haoscar installs follow {standby.name}"
    )
    app.out.result({"standby": standby.name, "mac": ticket.mac, "expires": ticket.expires})
    return 0


def _standby(site: Site, name: str) -> Standby:
    standby = site.standby(name)
    if standby is None or standby.mac is None:
        raise Refused.of(
            "install.standby",
            f"There is no standby {ascii(name)[:60]} with a MAC address.",
            "Define it (haoscar add-standby) and give its MAC address with --mac.",
        )
    return standby
