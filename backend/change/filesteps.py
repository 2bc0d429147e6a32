"""The steps that touch files: what they find, what they do, and how they are taken back."""

import contextlib
import errno
import io
from dataclasses import replace
from pathlib import Path

from backend.change.filestate import (
    ABSENT,
    FileState,
    Kind,
    content_state,
    keep_copy,
    owner_after,
    put,
    put_link,
    remove,
    state_of,
)
from backend.change.places import located, machine_path, missing_parents, place_of
from backend.change.plan import CopyFile, MakeDirectory, RemoveFile, WriteFile
from backend.change.records import StepKind, StepRecord, StepState
from backend.errors import HaoscarError, Refused
from backend.paths import Paths
from backend.reports import Report, info, warning

FileStep = WriteFile | CopyFile | RemoveFile | MakeDirectory
PARENT_MODE = 0o755


def look(step: FileStep, paths: Paths) -> StepRecord:
    """Return the record of a step that is about to begin, or NO_OP; changes nothing.

    Raises Refused when something lies there that the step must not replace, OSError.
    """
    match step:
        case WriteFile() | CopyFile():
            return _look_write(step, paths)
        case RemoveFile():
            return _look_remove(step, paths)
        case MakeDirectory():
            return _look_directory(step, paths)


def _look_write(step: WriteFile | CopyFile, paths: Paths) -> StepRecord:
    real = place_of(paths, step.path, through_link=True)
    before = state_of(real)
    if before.kind not in (Kind.FILE, Kind.ABSENT):
        raise _in_the_way(step.path, before)
    if isinstance(step, WriteFile):
        after = content_state(step.content, step.mode, before)
    else:
        source = source_state(step, paths)
        uid, gid = owner_after(before)
        after = replace(source, mode=step.mode, uid=uid, gid=gid)
    return StepRecord(
        kind=StepKind.WRITE,
        subject=machine_path(paths, real),
        why=step.why,
        state=StepState.NO_OP if before == after else StepState.STARTED,
        before=before,
        after=after,
        made=tuple(machine_path(paths, one) for one in missing_parents(real.parent)),
        ours_to_change=isinstance(step, WriteFile) and step.ours_to_change,
    )


def source_state(step: CopyFile, paths: Paths) -> FileState:
    """Return the state of the file that is to be copied; raises Refused when it is not there."""
    found = state_of(located(paths, step.source).resolve())
    if found.kind is not Kind.FILE:
        raise Refused.of(
            "change.no-source",
            f"{step.source}, which is to be copied to {step.path}, is not a file on this machine.",
            "Install the package that it belongs to.",
        )
    return found


def _look_remove(step: RemoveFile, paths: Paths) -> StepRecord:
    real = place_of(paths, step.path, through_link=False)
    before = state_of(real)
    if before.kind in (Kind.DIRECTORY, Kind.OTHER):
        raise _in_the_way(step.path, before)
    return StepRecord(
        kind=StepKind.REMOVE,
        subject=machine_path(paths, real),
        why=step.why,
        state=StepState.NO_OP if before == ABSENT else StepState.STARTED,
        before=before,
        after=ABSENT,
    )


def _look_directory(step: MakeDirectory, paths: Paths) -> StepRecord:
    real = place_of(paths, step.path, through_link=True)
    before = state_of(real)
    if before.kind not in (Kind.DIRECTORY, Kind.ABSENT):
        raise _in_the_way(step.path, before)
    return StepRecord(
        kind=StepKind.DIRECTORY,
        subject=machine_path(paths, real),
        why=step.why,
        state=StepState.NO_OP if before.kind is Kind.DIRECTORY else StepState.STARTED,
        before=before,
        after=FileState(Kind.DIRECTORY, step.mode),
        made=tuple(machine_path(paths, one) for one in missing_parents(real)),
    )


def _in_the_way(path: Path, found: FileState) -> HaoscarError:
    what = {Kind.DIRECTORY: "a directory", Kind.LINK: "a symbolic link", Kind.FILE: "a file"}
    return Refused.of(
        "change.in-the-way",
        f"{path} is {what.get(found.kind, 'a device, socket or pipe')}, which is not replaced.",
        "Move it away, then try again.",
    )


def back_up(record: StepRecord, paths: Paths, folder: Path, number: int) -> StepRecord:
    """Keep the content from before beside the record; raises OSError."""
    if record.before is None or record.before.kind is not Kind.FILE:
        return record
    name = f"before-{number}"
    keep_copy(paths.at(record.subject), folder / name)
    return replace(record, backup=name)


def do(step: FileStep, record: StepRecord, paths: Paths, temporary: str) -> StepRecord:
    """Execute a step that ``look`` found necessary; raises OSError."""
    real = paths.at(record.subject)
    for directory in record.made:
        _make_directory(paths.at(directory), PARENT_MODE)
    match step:
        case WriteFile():
            assert record.after is not None
            put(real, io.BytesIO(step.content), record.after, real.with_name(temporary))
        case CopyFile():
            assert record.after is not None
            with located(paths, step.source).open("rb") as source:
                put(real, source, record.after, real.with_name(temporary))
        case RemoveFile():
            remove(real)
        case MakeDirectory():
            real.chmod(step.mode)
    return replace(record, state=StepState.DONE, after=state_of(real))


def _make_directory(path: Path, mode: int) -> None:
    with contextlib.suppress(FileExistsError):
        path.mkdir()
        path.chmod(mode)  # whatever the umask


def changed_since(record: StepRecord, now: FileState) -> bool:
    """Whether somebody else changed a file after the step, so that taking it back would lose that."""
    if record.ours_to_change or record.kind is StepKind.DIRECTORY:
        return False
    known = [state for state in (record.before, record.after) if state is not None]
    return not any(state.same(now) for state in known)


def take_back(
    record: StepRecord, paths: Paths, folder: Path, temporary: str, *, force: bool
) -> list[Report]:
    """Restore what was there before the step; harmless when that was done already.

    A file that somebody else changed since is left alone and named, unless ``force`` (then it is
    kept beside the backup). Raises OSError.
    """
    reports: list[Report] = []
    real = paths.at(record.subject)
    if record.kind is not StepKind.DIRECTORY:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            real.with_name(temporary).unlink()
        now = state_of(real)
        assert record.before is not None
        if changed_since(record, now) and not force:
            return [_left_alone(record, folder)]
        if not record.before.same(now):
            _keep_changed(record, real, now, folder, temporary)
            _restore(record, real, folder, temporary)
    for name in reversed(record.made):
        reports.extend(_remove_directory(paths.at(name), name))
    return reports


def _left_alone(record: StepRecord, folder: Path) -> Report:
    kept = f" Its content from before is {folder / record.backup}." if record.backup else ""
    return warning(
        "change.left-alone",
        f"{record.subject} was changed by somebody else since and was left as it is.{kept}",
        "Compare it by hand.",
    )


def _keep_changed(
    record: StepRecord, real: Path, now: FileState, folder: Path, temporary: str
) -> None:
    """Keep what somebody else wrote there since, as it is about to be replaced."""
    foreign = record.after is None or not record.after.same(now)
    if foreign and now.kind is Kind.FILE:
        keep_copy(real, folder / f"replaced{temporary}")


def _restore(record: StepRecord, real: Path, folder: Path, temporary: str) -> None:
    before = record.before
    assert before is not None
    match before.kind:
        case Kind.ABSENT:
            remove(real)
        case Kind.LINK:
            put_link(real, before, real.with_name(temporary))
        case Kind.FILE:
            real.parent.mkdir(parents=True, exist_ok=True)
            with (folder / record.backup).open("rb") as backup:
                put(real, backup, before, real.with_name(temporary))
        case _:
            raise OSError(errno.EINVAL, "cannot be restored", str(real))


def _remove_directory(path: Path, name: str) -> list[Report]:
    try:
        path.rmdir()
    except FileNotFoundError:
        pass
    except OSError as problem:
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.ENOTDIR):
            raise
        return [
            info(
                "change.directory-kept",
                f"The directory {name} was made by this change but is in use, so it stays.",
                "Remove it by hand when its content is not needed.",
            )
        ]
    return []
