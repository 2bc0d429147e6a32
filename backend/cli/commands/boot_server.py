"""``haoscar boot-server``: the process behind haoscar-boot.service."""

import argparse
import asyncio
import logging

from backend.cli.app import App, Subparsers
from backend.clone.constants import BOOT_PORT, SSH_PORT
from backend.clone.keys import ensure_host_key


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "boot-server",
        help="serve booting machines (started by haoscar-boot.service)",
        description="Serve the installer over HTTP and admit machines that have a ticket, on the "
        f"head's private address only, ports {BOOT_PORT} and {SSH_PORT}. Runs until it is stopped.",
    )
    parser.set_defaults(run=run)


def run(_args: argparse.Namespace, app: App) -> int:
    """Serve until SIGTERM or SIGINT."""
    from backend.netboot.server import BootServer, BootServerPlan

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    key = ensure_host_key(app.paths, app.runner)
    server = BootServer(BootServerPlan(app.paths, key))
    asyncio.run(server.run())
    return 0
