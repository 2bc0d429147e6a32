"""``haoscar setup-network-boot``: everything a standby needs to boot the installer (step 4)."""

import argparse

from backend.actions.network_boot import PlanNetworkBoot
from backend.amounts import size
from backend.cli.app import App, Subparsers


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "setup-network-boot",
        help="step 4: serve the installer to standby heads",
        description="Build the installer image if that is necessary, put the boot loaders and boot "
        "entries where the TFTP server finds them, and start the boot server. A machine without a "
        "ticket boots from its disk.",
    )
    parser.set_defaults(run=run)


def run(_args: argparse.Namespace, app: App) -> int:
    """Prepare, show and make the changes."""
    site = app.wiring.store().load()
    planned = app.run_task(PlanNetworkBoot(app.wiring, site))
    record = app.apply(planned.plan)
    image = planned.installer_bytes
    app.out.say(f"Network boot is set up: {planned.directory}, the installer has {size(image)}.")
    for standby in site.standbys:
        if standby.mac is not None:
            mode = planned.modes[standby.name]
            app.out.say(f"  {standby.name} ({standby.mac}): {mode.value}")
    app.out.result(
        {
            "changed": record is not None,
            "directory": str(planned.directory),
            "installer_bytes": image,
            "modes": {str(name): mode.value for name, mode in planned.modes.items()},
        }
    )
    return 0
