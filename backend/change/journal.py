"""The journal: every change to a machine goes through it, and can be taken back byte for byte."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from backend.change import conflicts
from backend.change.archive import Archive, utc_now
from backend.change.executor import Executor
from backend.change.packages import PackageInstaller
from backend.change.plan import Check, Plan, Step
from backend.change.records import (
    ChangeRecord,
    RecordState,
    StepKind,
    StepRecord,
    StepState,
    order,
)
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.paths import Paths
from backend.reports import Report, Severity, error, info
from backend.system.runner import Runner
from backend.tasks import TaskContext


class Journal:
    """Applies plans and undoes them; one change at a time on a machine, from any thread."""

    def __init__(
        self,
        paths: Paths,
        runner: Runner,
        packages: PackageInstaller | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._paths = paths
        self._archive = Archive(paths, now)
        self._executor = Executor(paths, runner, packages)

    def records(self) -> tuple[ChangeRecord, ...]:
        """Return all changes, oldest first; raises InvalidInput when a record is damaged."""
        return self._archive.records()

    def content_before(self, record: ChangeRecord, path: Path) -> bytes | None:
        """Return what undoing a change puts into a file; None when it does not touch the file, or
        removes it. Raises OSError."""
        for step in record.steps:
            if step.touched and step.backup and step.subject == str(path):
                return (self._archive.folder(record) / step.backup).read_bytes()
        return None

    def apply(self, plan: Plan, context: TaskContext) -> ChangeRecord:
        """Execute a plan; when any step fails or is cancelled, everything is as before.

        Returns a record in state NOTHING, which is not stored, when there was nothing to do.
        Raises HaoscarError (what went wrong, and that nothing is left changed), Cancelled.
        """
        with self._archive.locked(plan.title):
            self._finish_interrupted(context)
            nothing = self._nothing_to_do(plan)
            if nothing is not None:
                return nothing
            record = self._archive.begin(plan.title, plan.sentence)
            try:
                for number, step in enumerate(plan.steps):
                    record = self._execute(record, number, step, context)
                context.check_cancelled()
                return self._close(record)
            except BaseException as problem:
                self._fail(self._archive.read(record), problem)
                raise

    def _nothing_to_do(self, plan: Plan) -> ChangeRecord | None:
        """Return a record when no step would change anything; a plan of checks only runs them."""
        steps: tuple[StepRecord, ...] = ()
        for step in plan.steps:
            found = self._executor.look(step, steps)
            if found.state is not StepState.NO_OP and not isinstance(step, Check):
                return None
            steps = (*steps, found)
        for step, found in zip(plan.steps, steps, strict=True):
            if found.state is not StepState.NO_OP:
                self._executor.do(step, found, steps, TaskContext(), "")
        now = self._archive.stamp()
        return ChangeRecord("", plan.title, plan.sentence, RecordState.NOTHING, now, now, steps)

    def _execute(
        self, record: ChangeRecord, number: int, step: Step, context: TaskContext
    ) -> ChangeRecord:
        before = record.steps
        found = self._executor.look(step, before)
        context.step(f"{found.kind.capitalize()}: {found.subject}")
        found = self._executor.back_up(found, self._archive.folder(record), number)
        record = replace(record, steps=(*before, found))
        self._archive.save(record)
        if found.state is StepState.NO_OP:
            return record
        done = self._executor.do(step, found, before, context, _temporary(record, number))
        record = replace(record, steps=(*before, done))
        self._archive.save(record)
        return record

    def _close(self, record: ChangeRecord) -> ChangeRecord:
        """Mark a change as done, or forget it when its packages were all there already."""
        working = [one for one in record.steps if one.kind is not StepKind.CHECK]
        if all(one.state is StepState.NO_OP for one in working):
            self._archive.forget(record)
            return replace(record, id="", state=RecordState.NOTHING)
        return self._end(record, RecordState.DONE)

    def _fail(self, record: ChangeRecord, problem: BaseException) -> None:
        """Take everything back and say so in the error; any other exception becomes one of ours."""
        record, reports = self._take_back(record, RecordState.ROLLED_BACK, force=False)
        note = _rolled_back(record, reports)
        if isinstance(problem, HaoscarError):
            problem.reports = (*problem.reports, *reports, note)
            problem.args = ("; ".join(str(report) for report in problem.reports),)
        elif isinstance(problem, Exception):
            what = error("change.failed", f"{record.title} failed: {problem}.")
            raise HaoscarError(what, *reports, note) from problem

    def undo(
        self, record_id: str | None, context: TaskContext, *, force: bool = False
    ) -> ChangeRecord:
        """Take one change back, the newest when no id is given.

        Raises InvalidInput for an unknown id; Refused when the change is not in force, when a newer
        one builds on it, or when somebody else changed its files since (unless ``force``).
        """
        with self._archive.locked(f"Undo {record_id or 'the newest change'}"):
            self._finish_interrupted(context)
            records = self.records()
            record = _chosen(records, record_id)
            newer = [one for one in records if order(one.id) > order(record.id) and one.undoable]
            reports = conflicts.newer_users(record, newer)
            if reports:
                raise Refused(*reports)
            return self._undo_each([record], context, force=force)[0]

    def undo_all(self, context: TaskContext, *, force: bool = False) -> tuple[ChangeRecord, ...]:
        """Take back every change that is in force, newest first: the machine is as it was.

        Raises Refused, before anything is done, when somebody else changed files since.
        """
        with self._archive.locked("Undo every change"):
            self._finish_interrupted(context)
            records = [one for one in reversed(self.records()) if one.undoable]
            return tuple(self._undo_each(records, context, force=force))

    def _undo_each(
        self, records: Sequence[ChangeRecord], context: TaskContext, *, force: bool
    ) -> list[ChangeRecord]:
        reports = [] if force else conflicts.changed_files(records, self._paths)
        reports += self._executor.cannot_remove(records)
        if reports:
            raise Refused(*reports)
        done = []
        for record in records:
            context.step(f"Undo {record.id}: {record.title}")
            undoing = replace(record, state=RecordState.UNDOING)
            self._archive.save(undoing)
            after, problems = self._take_back(undoing, RecordState.UNDONE, force=force)
            _say(problems, context)
            if after.interrupted:
                raise HaoscarError(*problems)
            done.append(after)
        return done

    def recover(self, context: TaskContext | None = None) -> tuple[Report, ...]:
        """Finish what a killed process left: roll a half-made change back, end a half-made undo.

        Does nothing while another process makes a change. Returns what was done; raises
        HaoscarError when a file cannot be restored.
        """
        if self._archive.empty:
            return ()
        try:
            with self._archive.locked("Recover"):
                return tuple(self._finish_interrupted(context or TaskContext()))
        except Refused as problem:
            if problem.reports[0].code == "change.locked":
                return ()
            raise

    def _finish_interrupted(self, context: TaskContext) -> list[Report]:
        """Roll back or undo to the end each interrupted change, newest first; needs the lock."""
        self._archive.sweep()
        said: list[Report] = []
        for record in [one for one in reversed(self.records()) if one.interrupted]:
            undoing = record.state is RecordState.UNDOING
            end = RecordState.UNDONE if undoing else RecordState.ROLLED_BACK
            after, reports = self._take_back(record, end, force=False)
            if after.interrupted:
                raise HaoscarError(*reports)
            what = "undone to the end" if undoing else "rolled back"
            text = f"Change {record.id} ({record.title}) had been interrupted and was {what}."
            said += [info("change.recovered", text), *reports]
        _say(said, context)
        return said

    def _take_back(
        self, record: ChangeRecord, end: RecordState, *, force: bool
    ) -> tuple[ChangeRecord, list[Report]]:
        """Take back the touched steps; the record stays interrupted when one could not be.

        A record that cannot be written (a full disk) does not keep the files from being restored.
        """
        steps = list(record.steps)
        unsaved: list[Report] = []

        def save(number: int, step: StepRecord) -> None:
            steps[number] = step
            try:
                self._archive.save(replace(record, steps=tuple(steps)))
            except OSError as problem:
                unsaved[:] = [_unsaved(record, problem)]

        folder = self._archive.folder(record)
        reports = self._executor.take_back(
            record.steps, folder, lambda number: _temporary(record, number), save, force=force
        )
        after = replace(record, steps=tuple(steps))
        if not unsaved and not any(step.touched for step in steps):
            try:
                after = self._end(after, end)
            except OSError as problem:
                unsaved = [_unsaved(record, problem)]
        return after, [*reports, *unsaved]

    def _end(self, record: ChangeRecord, state: RecordState) -> ChangeRecord:
        record = replace(record, state=state, ended=self._archive.stamp())
        self._archive.save(record)
        return record


def _temporary(record: ChangeRecord, number: int) -> str:
    """Return the name under which a step prepares its file, known to whoever cleans up."""
    return f".haoscar-{record.id}-{number}"


def _say(reports: Sequence[Report], context: TaskContext) -> None:
    for report in reports:
        context.say(report)


def _chosen(records: Sequence[ChangeRecord], record_id: str | None) -> ChangeRecord:
    if record_id is None:
        newest = next((one for one in reversed(records) if one.undoable), None)
        if newest is None:
            raise Refused.of("change.nothing-to-undo", "There is no change that could be undone.")
        return newest
    record = next((one for one in records if one.id == record_id), None)
    if record is None:
        raise InvalidInput.of(
            "change.unknown",
            f"There is no change {record_id[:60]!a}.",
            "See them with: haoscar changes list",
        )
    if not record.undoable:
        raise Refused.of(
            "change.not-in-force", f"Change {record.id} is {record.state}: nothing to undo."
        )
    return record


def _rolled_back(record: ChangeRecord, reports: Sequence[Report]) -> Report:
    if record.interrupted:
        return error(
            "change.rollback-incomplete",
            f"{record.title} was not taken back completely; the other lines name what is left.",
            "Remove the cause, then run: haoscar changes recover",
        )
    if any(report.severity is Severity.WARNING for report in reports):
        return info(
            "change.rolled-back", f"{record.title} was taken back, except for what is named above."
        )
    return info("change.rolled-back", "Nothing is left changed: every step was taken back.")


def _unsaved(record: ChangeRecord, problem: OSError) -> Report:
    return error(
        "change.unsaved",
        f"The record of {record.id} could not be written: {problem}.",
        "Make room on the disk, then run: haoscar changes recover",
    )
