"""``haoscar install-agent`` and ``remove-agent``: the failover agent on heads and witnesses."""

import argparse
from typing import TypeVar

from backend.actions.action import Action, Prepared
from backend.actions.install_agent import InstallAgentAction, Shown
from backend.actions.remove_agent import RemoveAgentAction
from backend.change.plan import Plan
from backend.change.preview import ChangeKind
from backend.cli.app import App, Subparsers
from backend.cli.carrying import Terminal, prepared, way
from backend.cli.ssh_options import HOST_KEYS, add_ssh_options, decision
from backend.errors import Cancelled
from backend.reports import info
from backend.tasks import TaskContext

T = TypeVar("T")
SKIP = "go on without members that cannot be reached; they are named, and nothing is changed there"
INSTALL_EPILOG = f"""\
Every member is looked at first; all problems are told at once, and then nothing is changed anywhere.
What will change is shown. Members are changed one after another, witnesses first and the active head
last, after a switchover. An agent that does not become well is replaced by what ran before, and the
run stops; the next one goes on there. With nothing to do nothing is done.

{HOST_KEYS}"""


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
    action = InstallAgentAction(app.wiring, tuple(args.members), args.skip_unreachable, way(args))
    made, installed = _carry_out(action, args, app)
    for sentence in installed.sentences:
        app.out.say(sentence)
    sentence = made.tell(installed).sentence
    app.out.say(f"{sentence} Next: haoscar status" if installed.done else sentence)
    app.out.result(_result(installed.shown, installed.done, installed.skipped))
    return 0


def run_remove(args: argparse.Namespace, app: App) -> int:
    """Look, show, ask, remove."""
    action = RemoveAgentAction(app.wiring, tuple(args.members), args.skip_unreachable, way(args))
    made, removed = _carry_out(action, args, app)
    app.out.say(made.tell(removed).sentence)
    app.out.result(_result(removed.shown, removed.done, removed.skipped))
    return 0


def _carry_out(action: Action[T], args: argparse.Namespace, app: App) -> tuple[Prepared[T], T]:
    """Show what will change on every member, ask, do it; raises Cancelled when the answer is no."""
    made = prepared(action, app, Terminal(decision(args, app)))
    app.out.reports(made.reports)
    if made.idle:
        return made, made.run(TaskContext())
    for group in made.groups:
        changes = [one for one in group.changes if one.kind is not ChangeKind.UNCHANGED]
        if changes:
            app.out.changes(Plan(f"{made.title} on {group.title}", ""), changes)
        else:
            app.out.say(f"Nothing changes on {group.title}.")
    if not app.confirm("Make these changes?"):
        raise Cancelled(info("cli.declined", "Nothing was changed."))
    return made, app.run_task(made)


def _result(
    shown: tuple[Shown, ...], done: tuple[str, ...], skipped: tuple[str, ...]
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
