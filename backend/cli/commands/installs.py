"""``haoscar installs``: boot tickets and the machines that use them."""

import argparse
import time
from datetime import UTC, datetime
from typing import Any

from backend.cli.app import App, Subparsers
from backend.cli.output import size
from backend.clone.answer import bootable
from backend.clone.engine import SENTENCES
from backend.clone.installs import Installs, InstallState
from backend.clone.ticket import WINDOW
from backend.errors import InvalidInput, Refused
from backend.imaging.catalog import Catalog
from backend.model.addresses import Mac
from backend.model.site import PostInstall, Site, Standby


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
    site = app.wiring.store().load()
    installs = Installs(app.paths)
    if args.action == "show" and args.standby is None:
        return _list(app, site, installs)
    standby = _standby(site, args.standby)
    if args.action == "arm":
        return _arm(args, app, site, standby)
    if standby.mac is None:
        raise Refused.of(
            "install.no-mac", f"{standby.name} has no MAC address yet.",
            f"Collect and assign it: haoscar macs collect; haoscar macs assign MAC {standby.name}.",
        )  # fmt: skip
    if args.action == "disarm":
        installs.disarm(standby.mac)
        _tell(app)
        app.out.say(f"The ticket of {standby.name} was taken back.")
        app.out.result(_as_dict(installs.state(standby.mac)))
        return 0
    if args.action == "follow":
        return _follow(args, app, installs, standby, standby.mac)
    state = installs.state(standby.mac)
    app.out.say(_sentence(standby.name, state))
    rows = [
        (_clock(one.time), one.kind, one.stage or "", one.text)
        for one in installs.events(standby.mac)
        if one.kind != "bytes"
    ]
    app.out.table(("time", "what", "stage", "text"), rows)
    app.out.result(_as_dict(state))
    return 0


def _arm(args: argparse.Namespace, app: App, site: Site, standby: Standby) -> int:
    if not 0 < args.minutes <= 7 * 24 * 60:
        raise InvalidInput.of("install.window", "The window must be 1 minute to 7 days.")
    version = Catalog(app.paths).get(standby.image, args.image_version)
    app.out.reports(bootable(version))
    _check_post_install(app, site, standby)
    _tell(app)  # without a boot server a ticket would only wait for its end
    ticket = Installs(app.paths).arm(site, standby, version.number, args.minutes * 60)
    _tell(app)
    app.out.say(
        f"{standby.name} ({ticket.mac}) is installed with {version} at its next network boot, "
        f"until {_clock(ticket.expires)} UTC. Switch it on now."
    )
    app.out.result({"standby": standby.name, "mac": ticket.mac, "expires": ticket.expires})
    return 0


def _check_post_install(app: App, site: Site, standby: Standby) -> None:
    image = site.image(standby.image)
    kexec = any(app.paths.at(f"{one}/kexec").exists() for one in ("/usr/sbin", "/sbin"))
    if image is not None and image.post_install is PostInstall.KEXEC and not kexec:
        raise Refused.of(
            "install.no-kexec", "The installer image has no kexec, which this image asks for.",
            "Install kexec-tools on this head, then: haoscar installer build.",
        )  # fmt: skip


def _tell(app: App) -> None:
    from backend.netboot.server import tell_boot_server

    tell_boot_server(app.paths)


def _follow(
    args: argparse.Namespace, app: App, installs: Installs, standby: Standby, mac: Mac
) -> int:
    follower = _Follower(installs, standby, mac, args.limit)
    state = app.run_task(follower)
    app.out.say(_sentence(standby.name, state))
    app.out.result(_as_dict(state))
    return 0 if state is not None and state.succeeded else 1


class _Follower:
    """The task that watches one installation."""

    def __init__(self, installs: Installs, standby: Standby, mac: Mac, limit: float | None) -> None:
        self._installs = installs
        self._standby = standby
        self._mac = mac
        self._limit = limit

    @property
    def title(self) -> str:
        """What it does."""
        return f"Installing {self._standby.name}"

    def run(self, context: Any) -> InstallState | None:
        """Watch until it has ended; raises Refused, Cancelled."""
        stage = None
        state = None
        context.step(f"Waiting for {self._standby.name} to boot from the network")
        for state in self._installs.follow(self._mac, context.cancel.wait, self._limit):
            if state.stage is not None and state.stage != stage:
                stage = state.stage
                context.step(SENTENCES[stage])
            if state.done and state.total:
                context.progress(min(state.done, state.total), state.total, "bytes")
        context.check_cancelled()
        return state


def _list(app: App, site: Site, installs: Installs) -> int:
    rows, data = [], []
    for standby in site.standbys:
        state = None if standby.mac is None else installs.state(standby.mac)
        rows.append((standby.name, standby.mac or "-", _sentence(standby.name, state)))
        data.append({"standby": standby.name, "mac": standby.mac} | _as_dict(state))
    app.out.table(("standby", "MAC", "state"), rows)
    refusals = installs.refusals()[-20:]
    if refusals:
        app.out.say("Machines that were turned away:")
        app.out.table(("time", "what"), [(_clock(one.time), one.text) for one in refusals])
    refused = [{"time": one.time, "text": one.text} for one in refusals]
    app.out.result({"standbys": data, "refused": refused})
    return 0


def _standby(site: Site, name: str) -> Standby:
    standby = site.standby(name)
    if standby is None:
        have = ", ".join(one.name for one in site.standbys) or "none"
        raise Refused.of(
            "standby.unknown", f"There is no standby {ascii(name)[:60]}.", f"There are: {have}."
        )
    return standby


def _sentence(name: str, state: InstallState | None) -> str:
    if state is None:
        return f"{name} has never had a ticket."
    ticket = state.ticket
    if state.succeeded:
        return f"{name} runs from its own disk (image {ticket.image} v{ticket.version})."
    if state.failure or ticket.reason:
        return f"{name} failed: {state.failure or ticket.reason}"
    at = "" if state.stage is None else f" Last stage: {SENTENCES[state.stage]}"
    copied = f" {size(state.done)} of {size(state.total)}." if state.done and state.total else ""
    return f"{name}: ticket {ticket.state}.{at}{copied}"


def _as_dict(state: InstallState | None) -> dict[str, Any]:
    if state is None:
        return {"state": None}
    return {
        "state": state.ticket.state.value,
        "image": f"{state.ticket.image} v{state.ticket.version}",
        "stage": state.stage,
        "stages": [{"name": stage, "time": when} for stage, when in state.stages],
        "bytes": state.done,
        "total": state.total,
        "failure": state.failure or state.ticket.reason,
        "facts": state.facts,
        "now": time.time(),
    }


def _clock(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S")
