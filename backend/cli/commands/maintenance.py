"""``haoscar maintenance``: no automatic takeover while somebody works on a head."""

import argparse

from backend.cli.agent_client import add_socket, ask_agent
from backend.cli.app import App, Subparsers
from backend.cli.output import duration
from backend.errors import InvalidInput

DEFAULT_MINUTES = 60.0
MOST_MINUTES = 7 * 24 * 60.0


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
    if not 0 < args.minutes <= MOST_MINUTES:
        raise InvalidInput.of(
            "maintenance.minutes", f"Maintenance lasts more than 0 and at most {MOST_MINUTES:g} minutes."
        )  # fmt: skip
    seconds = args.minutes * 60 if args.switch == "on" else 0.0
    answer = ask_agent(app, args.socket, "maintenance", seconds=seconds)
    left = float(answer["maintenance_seconds"])
    app.out.say(
        f"Maintenance is on; it ends by itself in {duration(left)}."
        if left
        else "Maintenance is off."
    )
    app.out.result({"maintenance_seconds": left})
    return 0
