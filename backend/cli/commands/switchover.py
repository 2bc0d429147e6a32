"""``haoscar switchover``: the other head takes over, planned."""

import argparse

from backend.actions.switchover import PATIENCE, SwitchoverAction
from backend.cli.agent_client import add_socket
from backend.cli.app import App, Subparsers
from backend.cli.carrying import prepared


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "switchover",
        help="exchange the roles of the two heads now",
        description="Let the other head take over. Resources are stopped first, in order; the virtual IPs then move "
        "within a few milliseconds. Works on either head. Exit codes: 0 the roles have been exchanged, 1 they have "
        "not, 3 refused.",
    )  # fmt: skip
    parser.add_argument(
        "--limit", type=float, default=PATIENCE, metavar="SECONDS", help="default: %(default)g"
    )
    add_socket(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Ask for it, and wait until it has happened."""
    made = prepared(SwitchoverAction(app.wiring, args.limit, args.socket), app)
    if not app.confirm(f"{made.sentence} Go on?"):
        return 1
    switched = app.run_task(made)
    app.out.say(made.tell(switched).sentence)
    app.out.result({"active": switched.active, "term": switched.term})
    return 0
