"""``haoscar setup-network-boot``: everything a standby needs to boot the installer (step 4)."""

import argparse

from backend.cli.app import App, Subparsers
from backend.cli.output import size
from backend.clone.constants import INSTALLER_FILE, KERNEL_FILE
from backend.clone.installer import BuildInstaller
from backend.netboot.plan import NetworkBoot, boot_unit, network_boot_plan
from backend.netboot.prepare import PrepareNetworkBoot, boot_modes
from backend.netboot.tftp import read_tftp_facts


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
    build = BuildInstaller(app.runner, app.paths)
    prepared = app.run_task(PrepareNetworkBoot(app.paths, app.runner, build.run))
    modes = boot_modes(app.paths, site)
    facts = read_tftp_facts(app.paths)
    boot = NetworkBoot(prepared.key, prepared.loaders, boot_unit(), modes)
    record = app.apply(network_boot_plan(site, facts, boot))
    image = sum((app.paths.installer / one).stat().st_size for one in (KERNEL_FILE, INSTALLER_FILE))
    app.out.say(f"Network boot is set up: {facts.directory}, the installer has {size(image)}.")
    for standby in site.standbys:
        if standby.mac is not None:
            app.out.say(f"  {standby.name} ({standby.mac}): {modes[standby.name].value}")
    app.out.result(
        {
            "changed": record is not None,
            "directory": str(facts.directory),
            "installer_bytes": image,
            "modes": {str(name): mode.value for name, mode in modes.items()},
        }
    )
    return 0
