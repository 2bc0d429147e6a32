"""May a change be undone? What somebody else or a newer change did to its files decides."""

from collections.abc import Sequence

from backend.change.filestate import ABSENT, FileState, state_of
from backend.change.filesteps import changed_since
from backend.change.records import FILE_KINDS, ChangeRecord, StepKind, StepRecord
from backend.paths import Paths
from backend.reports import Report, error


def changed_files(records: Sequence[ChangeRecord], paths: Paths) -> list[Report]:
    """Return an error for each file changed by somebody else since; ``records`` newest first.

    What one undo restores is what the next one finds, so a whole chain is judged in advance.
    Raises OSError.
    """
    reports: list[Report] = []
    world: dict[str, FileState] = {}
    for record in records:
        for step in reversed(_files(record)):
            now = world[step.subject] if step.subject in world else state_of(paths.at(step.subject))
            if changed_since(step, now):
                reports.append(_changed(record, step))
            if step.before is not None:
                world[step.subject] = step.before
            world.update(dict.fromkeys(step.made, ABSENT))
    return reports


def newer_users(record: ChangeRecord, newer: Sequence[ChangeRecord]) -> list[Report]:
    """Return an error for each newer change, still in force, that builds on files of this one."""
    mine = {step.subject for step in _files(record) if step.kind is not StepKind.DIRECTORY}
    made = {name for step in _files(record) for name in step.made}
    reports = []
    for other in newer:
        theirs = {step.subject for step in _files(other)}
        shared = {
            name
            for name in theirs
            if name in mine or any(name.startswith(f"{directory}/") for directory in made)
        }
        if shared:
            reports.append(
                error(
                    "change.newer-builds-on-it",
                    f"Change {record.id} ({record.title}) cannot be undone before {other.id} "
                    f"({other.title}), which touched {', '.join(sorted(shared))} after it.",
                    f"Undo that one first: haoscar undo {other.id}",
                )
            )
    return reports


def _files(record: ChangeRecord) -> list[StepRecord]:
    return [step for step in record.steps if step.touched and step.kind in FILE_KINDS]


def _changed(record: ChangeRecord, step: StepRecord) -> Report:
    return error(
        "change.changed-since",
        f"{step.subject} was changed by somebody else after change {record.id} ({record.title}).",
        "Undo it by hand, or add --force: what is there now is then kept in the journal.",
    )
