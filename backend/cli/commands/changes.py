"""``haoscar changes``, ``undo`` and ``uninstall``: what was changed here, and taking it back."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.actions.undo import find
from backend.actions.undo_tickets import take_back, ticket_sentences
from backend.change.records import ChangeRecord
from backend.change.summary import done_sentence, undo_sentences
from backend.cli.app import App, Subparsers
from backend.errors import Cancelled, Refused
from backend.reports import info
from backend.rollout.record import Record
from backend.tasks import TaskContext

T = TypeVar("T")
FORCE = "also when somebody else changed a file since; what is there now is kept in the journal"


def register(commands: Subparsers) -> None:
    """Add the three commands."""
    parser = commands.add_parser(
        "changes",
        help="list what HA-OSCAR changed on this machine",
        description="Every change to this machine is kept in a journal, with what was there before.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser("list", help="all changes, oldest first")
    one.set_defaults(run=run_list)
    one = actions.add_parser("show", help="the steps of one change")
    one.add_argument("id", metavar="ID", help="as 'haoscar changes list' shows it")
    one.set_defaults(run=run_show)
    one = actions.add_parser("recover", help="take back what a killed process left half done")
    one.set_defaults(run=run_recover)
    parser = commands.add_parser(
        "undo",
        help="take one change back",
        description="Take one change back: every file gets the content, mode and owner that it had. "
        "The tickets of cards that it had given to standbys are taken back, too.",
    )
    parser.add_argument("id", metavar="ID", nargs="?", help="the change; without it, the newest")
    parser.add_argument("--force", action="store_true", help=FORCE)
    parser.set_defaults(run=run_undo)
    parser = commands.add_parser(
        "uninstall",
        help="take every change back",
        description="Take every change back, newest first. Images and the journal itself stay.",
    )
    parser.add_argument("--force", action="store_true", help=FORCE)
    parser.set_defaults(run=run_uninstall)


def run_list(_args: argparse.Namespace, app: App) -> int:
    """Show all changes."""
    records = app.wiring.journal().records()
    if records:
        app.out.table(
            ("id", "when (UTC)", "state", "what"),
            [(one.id, one.began.replace("T", " ")[:16], one.state, one.title) for one in records],
        )
    else:
        app.out.say("HA-OSCAR has changed nothing on this machine.")
    app.out.result({"changes": [one.as_dict() for one in records]})
    return 0


def run_show(args: argparse.Namespace, app: App) -> int:
    """Show the steps of one change."""
    record = find(app.wiring.journal().records(), args.id)
    app.out.say(f"{record.id}  {record.title}  ({record.state})")
    if record.sentence:
        app.out.say(record.sentence)
    for step in record.steps:
        app.out.say(f"  {step.state:<8} {done_sentence(step)}")
        if step.why:
            app.out.say(f"           ({step.why})")
    app.out.result(record.as_dict())
    return 0


def run_recover(_args: argparse.Namespace, app: App) -> int:
    """Finish what was interrupted."""
    reports = app.run_task(Work("Recover", lambda context: app.wiring.journal().recover(context)))
    if not reports:
        app.out.say("Nothing was interrupted.")
    app.out.result({"recovered": [one.as_dict() for one in reports]})
    return 0


def run_undo(args: argparse.Namespace, app: App) -> int:
    """Show what undoing one change does, ask, and do it."""
    journal = app.wiring.journal()
    in_force = [one for one in journal.records() if one.undoable]
    if args.id is None and not in_force:
        raise Refused.of("change.nothing-to-undo", "There is no change that could be undone.")
    record = in_force[-1] if args.id is None else find(journal.records(), args.id)
    tickets = ticket_sentences(app.wiring, record)
    ask(app, [record] if record.undoable else [], f"Undo {record.id} ({record.title})?", tickets)
    work = Work(
        f"Undo {record.title}",
        lambda context: take_back(app.wiring, record, context, force=args.force),
    )
    undone = app.run_task(work)
    app.out.say(f"Undone: {undone.title}.")
    app.out.result({"undone": [undone.as_dict()]})
    return 0


def run_uninstall(args: argparse.Namespace, app: App) -> int:
    """Show what undoing everything does, ask, and do it."""
    journal = app.wiring.journal()
    records = [one for one in reversed(journal.records()) if one.undoable]
    members = Record(app.paths).members()
    if members:
        raise Refused.of(
            "uninstall.agents",
            f"The failover agent still runs on {', '.join(members)}.",
            "Remove it first, so that nobody serves the virtual IPs any more: haoscar remove-agent",
        )
    if records:
        ask(app, records, "Take all of this back?")
    work = Work("Uninstall", lambda context: journal.undo_all(context, force=args.force))
    undone = app.run_task(work)
    left = [str(one) for one in (app.paths.state, app.paths.cache) if one.exists()]
    app.out.say(
        f"{len(undone)} changes were taken back." if undone else "There is no change to take back."
    )
    if left:
        app.out.say(f"Left for you to keep or remove (images, journal): {' '.join(left)}")
    app.out.result({"undone": [one.as_dict() for one in undone], "left": left})
    return 0


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """A function as a task."""

    title: str
    function: Callable[[TaskContext], T]

    def run(self, context: TaskContext) -> T:
        """Do it; raises HaoscarError."""
        return self.function(context)


def ask(app: App, records: Sequence[ChangeRecord], question: str, more: Sequence[str] = ()) -> None:
    """Show what will be taken back and ask; raises Cancelled when the answer is no."""
    for record in records:
        app.out.say(f"{record.id}  {record.title}:")
        for sentence in (*undo_sentences(record), *more):
            app.out.say(f"  {sentence}")
    if records and not app.confirm(question):
        raise Cancelled(info("cli.declined", "Nothing was changed."))
