"""``haoscar installs``: boot tickets and the machines that use them."""

import argparse
from datetime import UTC, datetime

from backend.actions.installs import (
    ArmInstall,
    DisarmInstall,
    FollowInstall,
    as_dict,
    card_of,
    sentence_of,
    standby_of,
)
from backend.cli.app import App, Subparsers
from backend.clone.installs import Installs
from backend.clone.ticket import WINDOW
from backend.model.site import Site, Standby


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "installs",
        help="step 4: arm a standby for its installation, watch it, take it back",
        description="A boot ticket admits one machine, once, to one image, within a window. "
        "Exit codes: 0 installed or done, 1 failed, expired or refused.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    arm = actions.add_parser("arm", help="let a standby install at its next network boot")
    arm.add_argument("standby", help="the standby's name")
    arm.add_argument("--image-version", type=int, metavar="N", help="default: the newest")
    arm.add_argument("--minutes", type=float, default=WINDOW / 60, help="default: %(default)g")
    arm.add_argument(
        "--wipe", action="store_true", help="this once also overwrite a disk that carries data"
    )
    disarm = actions.add_parser("disarm", help="take a ticket back; ends a running installation")
    disarm.add_argument("standby", help="the standby's name")
    follow = actions.add_parser("follow", help="watch until the clone has reported, or failed")
    follow.add_argument("standby", help="the standby's name")
    follow.add_argument("--limit", type=float, metavar="SECONDS", help="give up watching then")
    show = actions.add_parser("show", help="show every standby's last installation")
    show.add_argument("standby", nargs="?", help="only this one, with its events")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Do the wanted action."""
    if args.action == "arm":
        return _arm(args, app)
    site = app.wiring.store().load()
    if args.action == "show" and args.standby is None:
        return _list(app, site)
    standby = standby_of(site, args.standby)
    if args.action == "disarm":
        return _disarm(app, standby)
    if args.action == "follow":
        state = app.run_task(FollowInstall(app.wiring, standby, args.limit))
        app.out.say(sentence_of(standby.name, state))
        app.out.result(as_dict(state))
        return 0 if state is not None and state.succeeded else 1
    return _show(app, standby)


def _arm(args: argparse.Namespace, app: App) -> int:
    action = ArmInstall(app.wiring, args.standby, args.image_version, args.minutes, args.wipe)
    armable = action.check()
    app.out.reports(armable.reports)
    ticket = action.arm(armable)
    app.out.say(
        f"{ticket.standby} ({ticket.mac}) is installed with {armable.version} at its next network "
        f"boot, until {_clock(ticket.expires)} UTC. Switch it on now."
    )
    app.out.result({"standby": ticket.standby, "mac": ticket.mac, "expires": ticket.expires})
    return 0


def _disarm(app: App, standby: Standby) -> int:
    ticket = DisarmInstall(app.wiring, standby.name).disarm()
    app.out.say(f"The ticket of {standby.name} was taken back.")
    app.out.result(as_dict(Installs(app.paths).state(ticket.mac)))
    return 0


def _show(app: App, standby: Standby) -> int:
    installs, mac = Installs(app.paths), card_of(standby)
    state = installs.state(mac)
    app.out.say(sentence_of(standby.name, state))
    rows = [
        (_clock(one.time), one.kind, one.stage or "", one.text)
        for one in installs.events(mac)
        if one.kind != "bytes"
    ]
    app.out.table(("time", "what", "stage", "text"), rows)
    app.out.result(as_dict(state))
    return 0


def _list(app: App, site: Site) -> int:
    installs = Installs(app.paths)
    rows, data = [], []
    for standby in site.standbys:
        state = None if standby.mac is None else installs.state(standby.mac)
        rows.append((standby.name, standby.mac or "-", sentence_of(standby.name, state)))
        data.append({"standby": standby.name, "mac": standby.mac} | as_dict(state))
    app.out.table(("standby", "MAC", "state"), rows)
    refusals = installs.refusals()[-20:]
    if refusals:
        app.out.say("Machines that were turned away:")
        app.out.table(("time", "what"), [(_clock(one.time), one.text) for one in refusals])
    refused = [{"time": one.time, "text": one.text} for one in refusals]
    app.out.result({"standbys": data, "refused": refused})
    return 0


def _clock(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S")
