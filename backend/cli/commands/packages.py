"""``haoscar packages``: what a head needs, what is missing, and installing it (step 1)."""

import argparse

from backend.actions.packages import look, missing
from backend.cli.app import App, Subparsers
from backend.packages.catalog import install_plan


def register(commands: Subparsers) -> None:
    """Add the command and its own commands."""
    parser = commands.add_parser(
        "packages",
        help="step 1: list or install the packages a head needs",
        description="List the packages a head needs, each with its purpose, and install what is missing.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser("list", help="show every package, its state and its purpose")
    one.add_argument("--missing", action="store_true", help="only those that are not installed")
    one.set_defaults(run=run_list)
    one = actions.add_parser("install", help="install what is missing; starts no service")
    one.set_defaults(run=run_install)


def run_list(args: argparse.Namespace, app: App) -> int:
    """Show the packages; 0 also when some are missing."""
    found = look(app.wiring)
    lacking = missing(found)
    app.out.table(
        ("package", "state", "purpose"),
        [
            (one.name, "installed" if one.installed else "missing", one.purpose)
            for one in (lacking if args.missing else found)
        ],
    )
    app.out.say(
        f"{len(lacking)} of {len(found)} are missing. Install them: haoscar packages install"
        if lacking
        else "Nothing is missing."
    )
    app.out.result({
        "missing": [one.name for one in lacking],
        "packages": [
            {"name": one.name, "installed": one.installed, "purpose": one.purpose} for one in found
        ],
    })  # fmt: skip
    return 0


def run_install(_args: argparse.Namespace, app: App) -> int:
    """Install what is missing, through the journal."""
    names = tuple(one.name for one in missing(look(app.wiring)))
    if not names:
        app.out.say("Nothing is missing.")
        app.out.result({"installed": []})
        return 0
    app.apply(install_plan(names))
    app.out.say(f"Installed: {', '.join(names)}.")
    app.out.result({"installed": list(names)})
    return 0
