"""Executes the steps of a plan one by one, and takes executed steps back in reverse order."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backend.change import filesteps, units
from backend.change.packages import PackageInstaller
from backend.change.plan import Check, InstallPackages, SetUnit, Step
from backend.change.records import FILE_KINDS, ChangeRecord, StepKind, StepRecord, StepState
from backend.errors import HaoscarError, Refused
from backend.paths import Paths
from backend.reports import Report, error, warning
from backend.system.runner import Runner
from backend.tasks import TaskContext

Save = Callable[[int, StepRecord], None]  # keeps the record of the step with that number


@dataclass(frozen=True, slots=True)
class Executor:
    """Does and takes back steps on one machine; everything it knows comes from the records."""

    paths: Paths
    runner: Runner
    packages: PackageInstaller | None = None

    def look(self, step: Step, before: tuple[StepRecord, ...]) -> StepRecord:
        """Return what a step would do now, after the steps ``before``; changes nothing.

        Raises Refused when the step must not be executed.
        """
        working = [one for one in before if one.kind is not StepKind.CHECK]
        unchanged = bool(working) and all(one.state is StepState.NO_OP for one in working)
        match step:
            case Check():
                state = StepState.NO_OP if unchanged else StepState.STARTED
                return StepRecord(StepKind.CHECK, step.what, str(step.command), state)
            case SetUnit():
                return units.look(step, self.runner, unchanged=unchanged)
            case InstallPackages():
                if step.names and self.packages is None:
                    raise _no_installer(step.names)
                state = StepState.STARTED if step.names else StepState.NO_OP
                return StepRecord(StepKind.PACKAGES, " ".join(step.names), step.why, state)
            case _:
                return filesteps.look(step, self.paths)

    def back_up(self, record: StepRecord, folder: Path, number: int) -> StepRecord:
        """Keep beside the record whatever the step is about to replace; raises OSError."""
        if record.kind in FILE_KINDS and record.state is StepState.STARTED:
            return filesteps.back_up(record, self.paths, folder, number)
        return record

    def do(
        self,
        step: Step,
        record: StepRecord,
        before: tuple[StepRecord, ...],
        context: TaskContext,
        temporary: str,
    ) -> StepRecord:
        """Execute a step that ``look`` found necessary; raises HaoscarError, OSError."""
        match step:
            case Check():
                self._check(step)
                return replace(record, state=StepState.DONE)
            case SetUnit():
                return units.do(record, self.runner, read_units=_wrote_unit_file(before))
            case InstallPackages():
                assert self.packages is not None
                new = self.packages.install(step.names, context)
                state = StepState.DONE if new else StepState.NO_OP
                return replace(record, state=state, packages=tuple(new))
            case _:
                return filesteps.do(step, record, self.paths, temporary)

    def _check(self, step: Check) -> None:
        try:
            self.runner.run(step.command)
        except HaoscarError as problem:
            problem.reports = (
                error("change.check-failed", f"The check failed: {step.what}.", step.remedy),
                *problem.reports,
            )
            raise

    def cannot_remove(self, records: Sequence[ChangeRecord]) -> list[Report]:
        """Return an error when packages would have to be removed and nothing here can do it."""
        names = {name for one in records for step in one.steps for name in step.packages}
        if not names or self.packages is not None:
            return []
        return list(_no_installer(tuple(sorted(names))).reports)

    def take_back(
        self,
        steps: tuple[StepRecord, ...],
        folder: Path,
        temporary: Callable[[int], str],
        save: Save,
        *,
        force: bool,
    ) -> list[Report]:
        """Take back every touched step, newest first; returns what went wrong, errors as errors.

        A step that cannot be taken back does not keep the others from it. ``save`` is called with
        each step that was, so that a crash in between is harmless.
        """
        reports: list[Report] = []
        touched = [(number, step) for number, step in enumerate(steps) if step.touched]
        for number, step in reversed(touched):
            try:
                reports += self._take_back_one(step, folder, temporary(number), force=force)
            except OSError as problem:
                reports.append(_not_restored(step, folder, problem))
            else:
                if step.kind is not StepKind.UNIT:
                    save(number, replace(step, state=StepState.UNDONE))
        reports += self._units_late(touched, save)
        return reports

    def _take_back_one(
        self, step: StepRecord, folder: Path, temporary: str, *, force: bool
    ) -> list[Report]:
        match step.kind:
            case StepKind.CHECK:
                return []
            case StepKind.UNIT:
                return _as_warnings(lambda: units.take_back_early(step, self.runner))
            case StepKind.PACKAGES:
                return self._remove_packages(step)
            case _:
                return filesteps.take_back(step, self.paths, folder, temporary, force=force)

    def _remove_packages(self, step: StepRecord) -> list[Report]:
        if step.state is StepState.STARTED:
            return [
                warning(
                    "change.packages-unknown",
                    f"The installation of {step.subject} did not end; what it installed stays.",
                    "Look at the log of the package tool, and remove what is not wanted.",
                )
            ]
        names, installer = step.packages, self.packages
        if installer is None:
            return list(_no_installer(names).reports)
        return _as_warnings(lambda: installer.remove(names))

    def _units_late(self, touched: list[tuple[int, StepRecord]], save: Save) -> list[Report]:
        """Let systemd see the restored files, and bring back what was running with them."""
        reports: list[Report] = []
        those = [(number, step) for number, step in touched if step.kind is StepKind.UNIT]
        if those and _wrote_unit_file(tuple(step for _, step in touched)):
            reports += _as_warnings(lambda: units.reread(self.runner))
        for number, step in those:
            reports += _as_warnings(functools.partial(units.take_back_late, step, self.runner))
            save(number, replace(step, state=StepState.UNDONE))
        return reports


def _wrote_unit_file(steps: tuple[StepRecord, ...]) -> bool:
    return any(
        step.touched and step.kind in FILE_KINDS and units.is_unit_file(step.subject)
        for step in steps
    )


def _as_warnings(action: Callable[[], None]) -> list[Report]:
    """Run what may fail while taking back; a service that does not stop must not stop the rest."""
    try:
        action()
    except HaoscarError as problem:
        return [warning(one.code, one.text, one.remedy, one.place) for one in problem.reports]
    return []


def _not_restored(step: StepRecord, folder: Path, problem: OSError) -> Report:
    kept = f" What was there before is kept as {folder / step.backup}." if step.backup else ""
    return error(
        "change.not-restored",
        f"{step.subject} could not be restored: {problem.strerror or problem}.{kept}",
        "Remove the cause, then run: haoscar changes recover",
    )


def _no_installer(names: tuple[str, ...]) -> HaoscarError:
    return Refused.of(
        "change.no-package-tool",
        f"The packages {' '.join(names)} cannot be installed or removed: no package tool is known here.",
        "Use apt or dnf by hand.",
    )
