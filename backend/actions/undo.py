"""Taking one change back, through the same three views as any other action."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.undo_tickets import take_back, ticket_sentences
from backend.change.preview import Change, ChangeKind
from backend.change.records import ChangeRecord
from backend.change.summary import undo_sentences
from backend.errors import InvalidInput, Refused
from backend.tasks import TaskContext
from backend.wiring import Wiring


@dataclass(frozen=True, slots=True)
class UndoChange:
    """Give every file the content, mode and owner that it had before a change. An Action."""

    wiring: Wiring
    record: str
    title: str = "Undo"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord]:
        """See Action.prepare; raises InvalidInput, Refused when there is nothing to take back."""
        del person
        context.step("Reading the journal of changes")
        found = find(changes_made(self.wiring), self.record)
        if not found.undoable:
            raise Refused.of(
                "change.not-in-force", f"Change {found.id} is {found.state}: nothing to undo."
            )
        changes = tuple(
            Change(_kind(sentence), f"{sentence[:1].upper()}{sentence[1:]}.")
            for sentence in (*undo_sentences(found), *ticket_sentences(self.wiring, found))
        )
        return Prepared(
            title=f"Undo: {found.title}",
            sentence="Everything is put back as it was before this change.",
            groups=(Group("This head", changes),) if changes else (),
            run=lambda task: take_back(self.wiring, found, task),
            tell=lambda record: Outcome(f"Undone: {record.title}."),
        )


def changes_made(wiring: Wiring) -> tuple[ChangeRecord, ...]:
    """Return every change in the journal, oldest first; raises InvalidInput for a damaged one."""
    return wiring.journal().records()


def find(records: Sequence[ChangeRecord], wanted: str) -> ChangeRecord:
    """Return the record of that id; raises InvalidInput."""
    record = next((one for one in records if one.id == wanted), None)
    if record is None:
        raise InvalidInput.of(
            "change.unknown",
            f"There is no change {wanted[:60]!a}.",
            "See them with: haoscar changes list",
        )
    return record


def _kind(sentence: str) -> ChangeKind:
    for begin, kind in (
        ("remove the packages", ChangeKind.PACKAGES),
        ("remove", ChangeKind.REMOVED),
        ("take back the ticket", ChangeKind.REMOVED),
        ("service", ChangeKind.UNIT),
    ):
        if sentence.startswith(begin):
            return kind
    return ChangeKind.CHANGED
