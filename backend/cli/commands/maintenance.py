"""``haoscar maintenance``: no automatic takeover while somebody works on a head."""

import argparse

from backend.actions.maintenance import DEFAULT_MINUTES, MaintenanceAction
from backend.cli.agent_client import add_socket
from backend.cli.app import App, Subparsers
from backend.cli.carrying import prepared


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "maintenance",
        help="forbid or allow automatic takeovers",
        description="While maintenance is on, no head takes over by itself and none gives its role up for its "
        "health; a planned switchover still works. It ends by itself. Set it on the active head: the standby takes it "
        "over, and keeps it for ten minutes when the active head falls silent.",
    )  # fmt: skip
    parser.add_argument("switch", choices=("on", "off"), help="what to do")
    parser.add_argument(
        "--minutes", type=float, default=DEFAULT_MINUTES, help="until it ends by itself (%(default)g)"
    )  # fmt: skip
    add_socket(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Switch it."""
    action = MaintenanceAction(app.wiring, args.switch == "on", args.minutes, args.socket)
    found = app.run_task(prepared(action, app))
    app.out.say(found.sentence)
    app.out.result({"maintenance_seconds": found.seconds})
    return 0
