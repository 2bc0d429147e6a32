"""``haoscar virtual-ip``: the address that everybody knows becomes a virtual IP, this head gets its own."""

import argparse
import select
import sys
import termios
from typing import Any

from backend.addressing import pending, places
from backend.addressing.apply import LEAST, LIMIT, MOST, Applied, Apply, refuse_open
from backend.addressing.follow import Follow
from backend.addressing.prepare import Prepared, Situation, prepare
from backend.addressing.rollback import RollBack
from backend.addressing.status import status
from backend.addressing.transfer import from_json
from backend.addressing.watcher import Watch
from backend.change.preview import preview
from backend.cli.app import App, Subparsers
from backend.cli.commands.discover import add_options, look_around
from backend.cli.commands.standby import CarefulAsker
from backend.cli.output import duration
from backend.errors import Cancelled, InvalidInput, Refused
from backend.model.addresses import parse_address
from backend.reports import Place, Report, info
from backend.system.files import read_if_there

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


def _prepared(args: argparse.Namespace, app: App) -> Prepared:
    """Look around and return the plan; raises HaoscarError."""
    survey = look_around(args, app, ask_wire=False)
    store = app.wiring.store()
    wanted = parse_address(args.address, Place(field="--address")) if args.address else None
    asker = CarefulAsker(survey, enabled=not args.no_wire)
    here = Situation(app.paths, app.runner, store, store.load(), survey, asker)
    prepared = prepare(here, args.network, wanted)
    app.out.reports((*asker.reports, *prepared.reports))
    return prepared


def run_plan(args: argparse.Namespace, app: App) -> int:
    """Show the plan."""
    prepared = _prepared(args, app)
    changes = preview(prepared.plan, app.paths)
    _say_transfer(app, prepared)
    app.out.changes(prepared.plan, changes)
    app.out.result(
        {
            **_facts(prepared),
            "changes": [one.as_dict() for one in changes],
            "reports": [one.as_dict() for one in prepared.reports],
        }
    )
    return 0


def _say_transfer(app: App, prepared: Prepared) -> None:
    transfer = prepared.transfer
    app.out.say(
        f"{transfer.interface}: {transfer.virtual} becomes the virtual IP; this head's own address will be "
        f"{transfer.own} ({prepared.why}). Configured by: {transfer.system}."
    )


def _facts(prepared: Prepared) -> dict[str, Any]:
    transfer = prepared.transfer
    return {
        "network": transfer.side,
        "interface": transfer.interface,
        "virtual_ip": str(transfer.virtual),
        "own_address": str(transfer.own),
        "system": transfer.system.value,
        "why": prepared.why,
    }


def run_apply(args: argparse.Namespace, app: App) -> int:
    """Show the plan, ask, carry it out, and have it confirmed; raises HaoscarError, Cancelled."""
    if not LEAST <= args.limit <= MOST:
        raise InvalidInput.of("addressing.limit", f"--limit is from {LEAST:g} to {MOST:g} seconds.")
    refuse_open(app.paths)
    prepared = _prepared(args, app)
    _say_transfer(app, prepared)
    app.out.changes(prepared.plan, preview(prepared.plan, app.paths))
    if not app.confirm(
        f"Make these changes? They go back after {args.limit:g} s unless confirmed."
    ):
        raise Cancelled(info("cli.declined", "Nothing was changed."))
    task = Apply(
        app.paths, app.runner, app.wiring.journal(), prepared.plan, prepared.transfer, args.limit,
        prepared.machine.systemd,
    )  # fmt: skip
    applied = app.run_task(task)
    app.out.reports(applied.reports)
    confirmed = _have_confirmed(args, app, prepared, applied)
    app.out.result(
        {
            **_facts(prepared),
            "record": applied.record.id,
            "confirmed": confirmed,
            "seconds_left": 0.0 if confirmed else _left(applied),
        }
    )
    return 0


def _left(applied: Applied) -> float:
    return max(0.0, applied.deadline - pending.boot_clock())


def _have_confirmed(
    args: argparse.Namespace, app: App, prepared: Prepared, applied: Applied
) -> bool:
    """Confirm as the options say; returns whether it is confirmed. Raises Cancelled, Refused."""
    left = duration(_left(applied))
    if args.unconfirmed:
        app.out.say(f"Done. It goes back in {left} unless you say: haoscar virtual-ip confirm")
        return False
    if not app.yes:
        app.out.say(
            f"Done. See that you can still work, best by a new login at {prepared.transfer.own}. Then press Enter "
            f"to keep it; without that it goes back in {left}."
        )
        if not enter_pressed(_left(applied)):
            task = RollBack(app.paths, app.runner, app.wiring.journal(), "it was not confirmed")
            app.out.reports(app.run_task(task))
            raise Cancelled(
                info("addressing.back", "Not confirmed: files and addresses are as before.")
            )
    _confirm(app)
    return True


def enter_pressed(seconds: float) -> bool:
    """Wait for a line on the terminal; False when none came, for Ctrl-C and a terminal that is gone."""
    try:
        termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before the question
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return bool(ready) and sys.stdin.readline().endswith("\n")
    except (KeyboardInterrupt, OSError, termios.error):
        return False


def _confirm(app: App) -> None:
    """Keep the change; raises Refused when there is none to keep."""
    if not pending.confirm(app.paths):
        before = pending.last(app.paths)
        text = "There is no change that waits to be confirmed."
        if before is not None:
            text += f" The last one went back at {before.get('when')}: {before.get('why')}."
        raise Refused.of("addressing.nothing-pending", text, "See: haoscar virtual-ip status")
    app.out.say(
        "Confirmed. Next: haoscar install-agent; until then this head holds the virtual IP."
    )


def run_confirm(_args: argparse.Namespace, app: App) -> int:
    """Keep the change."""
    _confirm(app)
    app.out.result({"confirmed": True})
    return 0


def run_rollback(args: argparse.Namespace, app: App) -> int:
    """Take the change back, confirmed or not; raises Refused when there is none."""
    open_now = any(
        file.exists() for file in (places.pending_file(app.paths), places.back_file(app.paths))
    )
    if not open_now:
        _open_confirmed(args.network, app)
    reports = app.run_task(
        RollBack(app.paths, app.runner, app.wiring.journal(), "it was rolled back by hand")
    )
    app.out.reports(reports)
    app.out.say("Files and addresses are as they were before.")
    app.out.result({"rolled_back": True, "reports": [one.as_dict() for one in reports]})
    return 0


def _open_confirmed(side: str, app: App) -> None:
    """Begin the way back of a confirmed change; raises Refused, Cancelled."""
    content = read_if_there(app.paths.at(places.settings_file(side)))
    if content is None:
        raise Refused.of(
            "addressing.nothing", f"There is no change of the {side} address that could go back.",
            "See: haoscar virtual-ip status",
        )  # fmt: skip
    if app.paths.at(places.AGENT_CONFIG).exists():
        raise Refused.of(
            "addressing.agent", "The failover agent holds the virtual IP.",
            "Remove the agent from both heads first, or take everything back: haoscar uninstall",
        )  # fmt: skip
    transfer = from_json(content)
    question = f"Give {transfer.virtual} back to {transfer.interface}, and drop {transfer.own}?"
    if not app.confirm(question):
        raise Cancelled(info("cli.declined", "Nothing was changed."))
    boot = pending.this_boot(app.paths)
    pending.write(
        app.paths, places.back_file(app.paths),
        pending.Pending(transfer, 0.0, boot, why="it was rolled back by hand", confirmed=True),
    )  # fmt: skip


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
