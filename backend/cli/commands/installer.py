"""``haoscar installer``: the installer image that standbys boot."""

import argparse

from backend.cli.app import App, Subparsers
from backend.clone.installer import BuildInstaller, read_record
from backend.errors import Refused


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "installer",
        help="build or show the installer image",
        description="The installer image is what a blank standby boots: one for all standbys, "
        "built on this head with dracut, built again only when something in it has changed.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser("build", help="build it, if anything has changed")
    build.add_argument("--kernel", help="kernel version; default: the running one, or the newest")
    actions.add_parser("show", help="show what is there")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Do the wanted action."""
    if args.action == "build":
        app.run_task(BuildInstaller(app.runner, app.paths, args.kernel))
    record = read_record(app.paths)
    if record is None:
        raise Refused.of(
            "installer.none", "There is no installer image yet.",
            "Build it: haoscar installer build.",
        )  # fmt: skip
    app.out.say(
        f"Installer image: kernel {record['kernel']}, {record['bytes'] / 1e6:.1f} MB, "
        f"built {record['built']}, in {app.paths.installer}."
    )
    app.out.result(record)
    return 0
