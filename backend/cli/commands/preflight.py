"""``haoscar preflight``: everything that would go wrong later, each with its remedy."""

import argparse

from backend.actions.preflight import findings
from backend.cli.app import App, Subparsers
from backend.cli.commands.discover import add_options, look_around
from backend.reports import Severity


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "preflight",
        help="check this head before anything is set up",
        description="List everything that would go wrong, each with its remedy. Changes nothing. "
        "Ends with 1 when something would.",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Show the reports; 1 when there are errors among them."""
    survey = look_around(args, app)
    reports = findings(app.wiring, survey)
    errors = sum(one.severity is Severity.ERROR for one in reports)
    warnings = sum(one.severity is Severity.WARNING for one in reports)
    if not app.json:
        app.out.reports(reports)
    app.out.say(
        f"{errors} problems to solve, {warnings} to look at."
        if errors or warnings
        else "Everything is ready."
    )
    app.out.result({"ok": not errors, "reports": [one.as_dict() for one in reports]})
    return 1 if errors else 0
