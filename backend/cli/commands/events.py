"""``haoscar events``: what the agent decided and noticed, a sentence each."""

import argparse
import time
from datetime import datetime

from backend.actions.status import read_events
from backend.cli.agent_client import add_socket
from backend.cli.app import App, Subparsers

STEP = 0.5  # seconds between two looks with --follow


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "events",
        help="show what the agent decided, and why",
        description="Show the agent's last decisions, notices and alarms; it keeps 500, the journal keeps all "
        "(journalctl -u haoscar-agent).",
    )  # fmt: skip
    parser.add_argument("--last", type=int, default=50, metavar="N", help="default: %(default)s")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    add_socket(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Print them."""
    seen = 0
    while True:
        found, answer = read_events(app.paths, seen, max(1, args.last), args.socket)
        for entry in found:
            moment = datetime.fromtimestamp(entry.time).astimezone()
            kind = "" if entry.kind == "decision" else f"{entry.kind}: "
            app.out.say(f"{moment:%Y-%m-%d %H:%M:%S.%f}  {kind}{entry.sentence}")
            seen = entry.number
        if app.json and found:
            app.out.result(answer)
        if not args.follow:
            return 0
        time.sleep(STEP)
