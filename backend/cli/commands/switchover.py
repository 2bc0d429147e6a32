"""``haoscar switchover``: the other head takes over, planned."""

import argparse
import time

from backend.cli.agent_client import add_socket, ask_agent
from backend.cli.app import App, Subparsers
from backend.errors import HaoscarError

PATIENCE = 10.0  # seconds for the role to move when there are no resources to stop
STEP = 0.05


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
    before = ask_agent(app, args.socket, "status")
    active = before["me"] if before["role"] == "active" else before["peer"]["name"]
    if not app.confirm(f"{active} gives its role to the other head. Go on?"):
        return 1
    ask_agent(app, args.socket, "switchover")
    deadline = time.monotonic() + args.limit
    while True:
        now = ask_agent(app, args.socket, "status")
        if now["term"] > before["term"] and (now["role"] == "active") != (
            before["role"] == "active"
        ):
            break
        if time.monotonic() > deadline:
            last = now["last_decision"] or {}
            raise HaoscarError.of(
                "switchover.not-done",
                f"The roles have not been exchanged within {args.limit:g} s: {last.get('sentence', '')}.",
                "See: haoscar status; haoscar events.",
            )
        time.sleep(STEP)
    active = now["me"] if now["role"] == "active" else now["peer"]["name"]
    app.out.say(f"{active} is active now, term {now['term']}.")
    app.out.result({"active": active, "term": now["term"]})
    return 0
