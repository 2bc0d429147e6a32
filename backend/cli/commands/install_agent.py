"""``haoscar install-agent`` and ``remove-agent``: the failover agent on heads and witnesses."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from backend.agentfile.build import build
from backend.change.lock import locked
from backend.change.plan import Plan
from backend.change.preview import Change
from backend.cli.app import App, Subparsers
from backend.cli.ssh_options import HOST_KEYS, add_ssh_options, credentials, decision, port
from backend.errors import Cancelled, HaoscarError, Refused
from backend.imaging.client import known_hosts
from backend.reports import Severity, info, warning
from backend.rollout import key, show
from backend.rollout.facts import Facts
from backend.rollout.fleet import Fleet, Login, reach
from backend.rollout.member import Member, Software
from backend.rollout.record import Record
from backend.rollout.source import chosen, interfaces_of, members_of
from backend.rollout.steps import (
    install_order,
    plan_member,
    plan_removal,
    removal_order,
)
from backend.rollout.tasks import InstallAgents, RemoveAgents, Survey
from backend.rollout.waiting import Patience
from backend.system.files import make_private
from backend.system.links import snapshot

SKIP = "go on without members that cannot be reached; they are named, and nothing is changed there"
INSTALL_EPILOG = f"""\
Every member is looked at first; all problems are told at once, and then nothing is changed anywhere.
What will change is shown. Members are changed one after another, witnesses first and the active head
last, after a switchover. An agent that does not become well is replaced by what ran before, and the
run stops; the next one goes on there. With nothing to do nothing is done.

{HOST_KEYS}"""
PATIENCE = Patience()
Shown = tuple[Member, list[Change]]


def register(commands: Subparsers) -> None:
    """Add the two commands."""
    parser = commands.add_parser(
        "install-agent",
        help="step 5: install or upgrade the failover agent on heads and witnesses",
        description="Put the failover agent, its configuration and its service on the members that the site file "
        "names, over SSH (on this machine directly).",
        epilog=INSTALL_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("members", metavar="MEMBER", nargs="*", help="default: all of them")
    parser.add_argument("--skip-unreachable", action="store_true", help=SKIP)
    add_ssh_options(parser)
    parser.set_defaults(run=run_install)
    parser = commands.add_parser(
        "remove-agent",
        help="remove the failover agent from heads and witnesses",
        description="Stop the agent and remove everything of it: service, program, configuration, key, state. With "
        "all members the virtual IPs go away too, as no head serves them any more.",
        epilog=HOST_KEYS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "members", metavar="MEMBER", nargs="*", help="default: all that have the agent"
    )
    parser.add_argument("--skip-unreachable", action="store_true", help=SKIP)
    add_ssh_options(parser)
    parser.set_defaults(run=run_remove)


def run_install(args: argparse.Namespace, app: App) -> int:
    """Look, show, ask, install."""
    site = app.wiring.store().load()
    members, reports = members_of(site)
    wanted = chosen(members, args.members)
    secret, _new = key.cluster_key(app.paths)
    software = Software(build(), secret)
    app.out.reports(reports)
    with _turn(app, "install-agent"), _fleet(args, app) as fleet:
        skipped = _open(fleet, wanted, args, app)
        record = Record(app.paths)
        unseen = record.unseen_heads(members, fleet.runners)
        found = app.run_task(Survey(fleet.runners, software, unseen))
        exact = {one: one for one in members_of(site, interfaces_of(site, found))[0]}
        plans = [plan_member(exact[one], found[one], software) for one in install_order(found)]
        working = [plan for plan in plans if not plan.idle]
        shown = [(plan.member, show.changes(plan)) for plan in plans]
        _say_outage(found, [plan.member for plan in working], app)
        done: tuple[str, ...] = ()
        if working and _agreed(shown, "Install the failover agent", app):
            key.keep(app.paths, secret)
            done = app.run_task(InstallAgents(working, fleet.runners, record.add, PATIENCE))
    _say_rest(members, found, app)
    if done:
        app.out.say(f"The agent is well on: {', '.join(done)}. Next: haoscar status")
    else:
        app.out.say(f"Nothing to do: {_names(found)} have what they should have.")
    app.out.result(_result(shown, done, skipped))
    return 0


def run_remove(args: argparse.Namespace, app: App) -> int:
    """Look, show, ask, remove."""
    record = Record(app.paths)
    known = {**{one.name: one for one in _site_members(app)}, **record.members()}
    wanted = chosen(list(known.values()), args.members or record.members())
    if not wanted:
        raise Refused.of("rollout.none", "No member is known that has the agent.")
    with _turn(app, "remove-agent"), _fleet(args, app) as fleet:
        skipped = _open(fleet, wanted, args, app)
        found = app.run_task(Survey(fleet.runners))
        removals = [plan_removal(one, found[one]) for one in removal_order(found)]
        working = [removal for removal in removals if not removal.idle]
        shown = [(one.member, show.removals(one)) for one in removals]
        record.drop(one.member.name for one in removals if one.idle)
        done: tuple[str, ...] = ()
        if working and _agreed(shown, "Remove the failover agent", app):
            task = RemoveAgents(working, fleet.runners, lambda one: record.drop([one.name]))
            done = app.run_task(task)
    if not record.members() and not skipped:
        key.forget(app.paths)
    if done:
        app.out.say(f"Nothing of the agent is left on: {', '.join(done)}.")
    else:
        app.out.say(f"Nothing to do: {_names(found)} have no agent.")
    app.out.result(_result(shown, done, skipped))
    return 0


@contextmanager
def _turn(app: App, doing: str) -> Iterator[None]:
    """One installer at a time."""
    if not app.paths.state.is_dir():
        make_private(app.paths.state)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    with locked(app.paths.state / "agents.lock", doing, since):
        yield


def _fleet(args: argparse.Namespace, app: App) -> Fleet:
    """Return the members to be opened: this machine by its address, the others over SSH."""
    login = Login(credentials(args), known_hosts(app.paths), decision(args, app), port(args))
    own = {str(address) for address in snapshot().addresses}
    return Fleet(reach(login, lambda member: member.address in own, app.runner))


def _open(fleet: Fleet, wanted: Sequence[Member], args: argparse.Namespace, app: App) -> list[str]:
    """Open members; returns the names of those that are skipped. Raises Refused."""
    unreached = fleet.open(wanted, lambda member: app.out.say(f"Connecting to {member}"))
    if unreached and not args.skip_unreachable:
        raise Refused(
            *unreached,
            info(
                "rollout.untouched",
                "Nothing was changed on any member.",
                "Switch them on, or go on without them: --skip-unreachable",
            ),
        )
    app.out.reports(replace(one, severity=Severity.WARNING) for one in unreached)
    if not fleet.runners:
        raise HaoscarError.of("rollout.nobody", "No member could be reached.")
    return [member.name for member in wanted if member not in fleet.runners]


def _agreed(shown: Sequence[Shown], title: str, app: App) -> bool:
    """Show what will change on every member and ask; raises Cancelled when the answer is no."""
    for member, changes in shown:
        if changes:
            app.out.changes(Plan(f"{title} on {member}", ""), changes)
        else:
            app.out.say(f"Nothing changes on {member}.")
    if not app.confirm("Make these changes?"):
        raise Cancelled(info("cli.declined", "Nothing was changed."))
    return True


def _say_outage(found: dict[Member, Facts], working: Sequence[Member], app: App) -> None:
    """Say beforehand what the upgrade means for the clients of the active head."""
    for member, facts in found.items():
        if not working or facts.said.role != "active":
            continue
        if not facts.said.peer_alive:
            text = (
                f"{member.name} is active and the other head does not answer. Clients may wait for"
            )
            text += " half a second when its agent restarts, and when a witness does that it needs."
            todo = "Start the other head first to avoid it."
            app.out.reports([warning("rollout.outage", text, todo)])
        elif member in working:
            text = f"{member.name} is active: the other head takes over before its agent restarts."
            app.out.reports([info("rollout.active", text)])


def _say_rest(members: Sequence[Member], found: dict[Member, Facts], app: App) -> None:
    """Name who still has an agent but is no member, and who is still to come."""
    names = {one.name for one in members}
    former = [name for name in Record(app.paths).members() if name not in names]
    if former:
        app.out.say(
            f"No members any more, but they have the agent: {', '.join(former)}."
            f" Run: haoscar remove-agent {' '.join(former)}"
        )
    later = [one.name for one in members if one not in found]
    if later:
        app.out.say(f"Not looked at: {', '.join(later)}. Run install-agent again for them.")


def _site_members(app: App) -> list[Member]:
    """Return the members that the site file names; none where it names none, or is damaged."""
    try:
        return members_of(app.wiring.store().load())[0]
    except HaoscarError:
        return []


def _names(found: dict[Member, Facts]) -> str:
    return ", ".join(one.name for one in found)


def _result(
    shown: Sequence[Shown], done: Sequence[str], skipped: Sequence[str]
) -> dict[str, object]:
    members = [
        {
            "name": member.name,
            "role": member.role,
            "address": member.address,
            "changes": [one.as_dict() for one in changes],
            "done": member.name in done,
        }
        for member, changes in shown
    ]
    return {"members": members, "skipped": list(skipped)}
