"""``haoscar virtual-ip``: the address that everybody knows becomes a virtual IP, this head gets its own."""

import argparse
import select
import sys
import termios
from dataclasses import dataclass
from typing import Any

from backend.actions.virtual_ip import (
    Found,
    Moved,
    RollBackAction,
    VirtualIpAction,
    go_back,
    keep,
)
from backend.addressing.apply import LIMIT
from backend.addressing.follow import Follow
from backend.addressing.rollback import RollBack
from backend.addressing.status import status
from backend.addressing.transfer import Transfer
from backend.addressing.watcher import Watch
from backend.amounts import duration
from backend.change.plan import Plan
from backend.change.preview import preview
from backend.cli.app import App, Subparsers
from backend.cli.carrying import prepared
from backend.cli.commands.discover import add_options
from backend.errors import Cancelled
from backend.model.addresses import parse_address
from backend.model.names import InterfaceName
from backend.reports import Place, Report, info
from backend.tasks import TaskContext

SIDES = ("private", "public")


def register(commands: Subparsers) -> None:
    """Add the command with its actions; three more are for the units that it makes."""
    parser = commands.add_parser(
        "virtual-ip",
        help="turn this head's known address into a virtual IP",
        description="The address that compute nodes or users know this head by becomes a virtual IP, which follows "
        "the active head, and this head gets an address of its own. Nothing changes on the compute nodes, connections "
        "go on, and everything goes back by itself unless it is confirmed.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser("plan", help="show what would change, and what to look at")
    _add_choice(one)
    add_options(one)
    one.set_defaults(run=run_plan)
    one = actions.add_parser(
        "apply",
        help="change it; goes back by itself unless confirmed",
        description="Show the plan, ask, and carry it out. Then confirm with Enter, or from another login with "
        "'haoscar virtual-ip confirm'; otherwise everything goes back. With --yes it confirms itself when its own "
        "check of the new address succeeds.",
    )
    _add_choice(one)
    add_options(one)
    one.add_argument(
        "--limit", type=float, default=LIMIT, metavar="SECONDS",
        help="time to confirm in (%(default)g)",
    )  # fmt: skip
    one.add_argument(
        "--unconfirmed", action="store_true",
        help="do not wait: it goes back unless 'haoscar virtual-ip confirm' comes in time",
    )  # fmt: skip
    one.set_defaults(run=run_apply)
    one = actions.add_parser("confirm", help="keep the change that was just made")
    one.set_defaults(run=run_confirm)
    one = actions.add_parser("rollback", help="go back to the address from before")
    one.add_argument("--network", choices=SIDES, default="private", help="default: private")
    one.set_defaults(run=run_rollback)
    one = actions.add_parser("status", help="show whether there is such a change, and its state")
    one.set_defaults(run=run_status)
    for name, function in (("watch", run_watch), ("boot", run_boot), ("follow", run_follow)):
        actions.add_parser(name).set_defaults(run=function)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--network", choices=SIDES, default="private", help="default: private")
    parser.add_argument(
        "--address", metavar="IP", help="this head's new own address; without it one is proposed"
    )


def _action(args: argparse.Namespace, app: App) -> VirtualIpAction:
    """Return what the options ask for; raises InvalidInput."""
    return VirtualIpAction(
        app.wiring,
        args.network,
        parse_address(args.address, Place(field="--address")) if args.address else None,
        getattr(args, "limit", LIMIT),
        InterfaceName.parse(args.private, Place(field="--private")) if args.private else None,
        not args.no_wire,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """The look without the change, as a task."""

    action: VirtualIpAction
    title: str = "Looking at this head and its networks"

    def run(self, context: TaskContext) -> Found:
        """See Task.run."""
        return self.action.look(context)


def run_plan(args: argparse.Namespace, app: App) -> int:
    """Show the plan."""
    found = app.run_task(_Look(_action(args, app)))
    app.out.reports(found.reports)
    changes = preview(found.readied.plan, app.paths)
    app.out.say(found.sentence)
    app.out.changes(found.readied.plan, changes)
    app.out.result(
        {
            **_facts(found.transfer, found.readied.why),
            "changes": [one.as_dict() for one in changes],
            "reports": [one.as_dict() for one in found.readied.reports],
        }
    )
    return 0


def _facts(transfer: Transfer, why: str) -> dict[str, Any]:
    return {
        "network": transfer.side,
        "interface": transfer.interface,
        "virtual_ip": str(transfer.virtual),
        "own_address": str(transfer.own),
        "system": transfer.system.value,
        "why": why,
    }


def run_apply(args: argparse.Namespace, app: App) -> int:
    """Show the plan, ask, carry it out, and have it confirmed; raises HaoscarError, Cancelled."""
    made = prepared(_action(args, app), app)
    app.out.reports(made.reports)
    [head] = made.groups
    app.out.changes(Plan(made.title, made.sentence), head.changes)
    if not app.confirm(
        f"Make these changes? They go back after {args.limit:g} s unless confirmed."
    ):
        raise Cancelled(info("cli.declined", "Nothing was changed."))
    moved = app.run_task(made)
    app.out.reports(moved.applied.reports)
    confirmed = _have_confirmed(args, app, moved)
    app.out.result(
        {
            **_facts(moved.transfer, moved.why),
            "record": moved.applied.record.id,
            "confirmed": confirmed,
            "seconds_left": 0.0 if confirmed else moved.seconds_left,
        }
    )
    return 0


def _have_confirmed(args: argparse.Namespace, app: App, moved: Moved) -> bool:
    """Confirm as the options say; returns whether it is confirmed. Raises Cancelled, Refused."""
    left = duration(moved.seconds_left)
    if args.unconfirmed:
        app.out.say(f"Done. It goes back in {left} unless you say: haoscar virtual-ip confirm")
        return False
    if not app.yes:
        app.out.say(
            f"Done. See that you can still work, best by a new login at {moved.transfer.own}. Then press Enter "
            f"to keep it; without that it goes back in {left}."
        )
        if not enter_pressed(moved.seconds_left):
            app.out.reports(app.run_task(go_back(app.wiring, "it was not confirmed")))
            raise Cancelled(
                info("addressing.back", "Not confirmed: files and addresses are as before.")
            )
    app.out.say(keep(app.wiring))
    return True


def enter_pressed(seconds: float) -> bool:
    """Wait for a line on the terminal; False when none came, for Ctrl-C and a terminal that is gone."""
    try:
        termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before the question
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return bool(ready) and sys.stdin.readline().endswith("\n")
    except (KeyboardInterrupt, OSError, termios.error):
        return False


def run_confirm(_args: argparse.Namespace, app: App) -> int:
    """Keep the change."""
    app.out.say(keep(app.wiring))
    app.out.result({"confirmed": True})
    return 0


def run_rollback(args: argparse.Namespace, app: App) -> int:
    """Take the change back, confirmed or not; raises Refused when there is none."""
    action = RollBackAction(app.wiring, args.network)
    undecided = action.undecided
    made = prepared(action, app)
    if not undecided and not app.confirm(f"{made.sentence.removesuffix('.')}?"):
        raise Cancelled(info("cli.declined", "Nothing was changed."))
    back = app.run_task(made)
    app.out.reports(back.reports)
    app.out.say(made.tell(back).sentence)
    app.out.result({"rolled_back": True, "reports": [one.as_dict() for one in back.reports]})
    return 0


def run_status(_args: argparse.Namespace, app: App) -> int:
    """Show what is in force, what waits, and how the last one ended."""
    found = status(app.paths)
    for sentence in found.sentences:
        app.out.say(sentence)
    app.out.result(found.as_dict())
    return 0


def run_watch(_args: argparse.Namespace, app: App) -> int:
    """Be the dead-man's switch; started by ``apply``."""
    return _quietly(app, app.run_task(Watch(app.paths, app.runner, app.wiring.journal())))


def run_boot(_args: argparse.Namespace, app: App) -> int:
    """Take an unconfirmed change back while the machine starts; started by its unit."""
    why = "the machine was started anew before it was confirmed"
    task = RollBack(app.paths, app.runner, app.wiring.journal(), why, network_is_up=False)
    return _quietly(app, app.run_task(task))


def run_follow(_args: argparse.Namespace, app: App) -> int:
    """Let the live addresses follow an undo in the journal; started by its unit."""
    app.run_task(Follow(app.paths, app.runner, app.wiring.journal()))
    return 0


def _quietly(app: App, reports: tuple[Report, ...]) -> int:
    app.out.reports(reports)
    return 0
