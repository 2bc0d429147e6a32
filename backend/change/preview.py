"""What will change: each step of a plan as data, with the difference as text where there is one."""

import difflib
import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.change.filestate import Kind, state_of
from backend.change.filesteps import FileStep
from backend.change.places import located, machine_path, place_of
from backend.change.plan import (
    Check,
    CopyFile,
    InstallPackages,
    MakeDirectory,
    Plan,
    RemoveFile,
    SetUnit,
    Step,
    WriteFile,
)
from backend.errors import HaoscarError
from backend.paths import Paths

LARGEST_DIFF = 256 * 1024  # bytes of either side; beyond it sizes are shown, not lines


class ChangeKind(enum.StrEnum):
    """What a step means to the machine."""

    NEW_FILE = "new-file"
    CHANGED = "changed"
    REMOVED = "removed"
    MODE = "mode"
    DIRECTORY = "directory"
    CHECK = "check"
    UNIT = "unit"
    PACKAGES = "packages"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """One step as it is shown; ``diff`` are lines of a unified diff, safe to print."""

    kind: ChangeKind
    sentence: str
    path: str = ""  # of a file or directory
    why: str = ""
    diff: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the change for ``--json``."""
        return {
            "kind": self.kind.value,
            "sentence": self.sentence,
            "path": self.path,
            "why": self.why,
            "diff": list(self.diff),
        }


@dataclass(frozen=True, slots=True)
class _File:
    """A file as the plan will find it; the content is there only when it may be shown."""

    mode: int
    size: int
    digest: str
    content: bytes | None


NO_FILE = _File(0, 0, "", b"")


@dataclass(slots=True)
class _World:
    """The files as they are after the steps so far; what no step touched is read from disk."""

    paths: Paths
    files: dict[str, _File | None] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)

    def name(self, path: Path) -> str:
        real = place_of(self.paths, path, through_link=True)
        return machine_path(self.paths, real)

    def file(self, path: Path) -> _File | None:
        name = self.name(path)
        return self.files[name] if name in self.files else _read(self.paths.at(name))

    def is_directory(self, path: Path) -> bool:
        return self.name(path) in self.directories or self.paths.at(self.name(path)).is_dir()


def preview(plan: Plan, paths: Paths) -> list[Change]:
    """Return what each step of a plan will change, in order; reads files, changes nothing.

    Raises HaoscarError when a file cannot be read or a step could not be executed.
    """
    world = _World(paths)
    changes: list[Change] = []
    for step in plan.steps:
        try:
            changes.append(_show(step, world, changes))
        except PermissionError as problem:
            raise HaoscarError.of(
                "preview.unreadable",
                f"{problem.filename} cannot be read, so it is not known what would change.",
                "Run it as root, with sudo.",
            ) from problem
    return changes


def _show(step: Step, world: _World, before: Sequence[Change]) -> Change:
    match step:
        case Check():
            working = [one for one in before if one.kind is not ChangeKind.CHECK]
            idle = bool(working) and all(one.kind is ChangeKind.UNCHANGED for one in working)
            if idle:
                return Change(ChangeKind.UNCHANGED, f"No need to check: {step.what}.")
            return Change(ChangeKind.CHECK, f"Check: {step.what}.", why=str(step.command))
        case SetUnit():
            return _show_unit(step)
        case InstallPackages():
            kind = ChangeKind.PACKAGES if step.names else ChangeKind.UNCHANGED
            names = ", ".join(step.names) or "none"
            return Change(kind, f"Install packages that are missing: {names}.", why=step.why)
        case _:
            return _show_file(step, world)


def _show_unit(step: SetUnit) -> Change:
    words = []
    if step.enabled is not None:
        words.append("start it at boot" if step.enabled else "no longer start it at boot")
    if step.action is not None:
        words.append(f"{step.action} it now")
    if not words:
        return Change(ChangeKind.UNCHANGED, f"Service {step.unit}: nothing to do.", why=step.why)
    return Change(ChangeKind.UNIT, f"Service {step.unit}: {' and '.join(words)}.", why=step.why)


def _show_file(step: FileStep, world: _World) -> Change:
    match step:
        case WriteFile():
            digest = hashlib.sha256(step.content).hexdigest()
            after = _File(step.mode, len(step.content), digest, step.content)
            return _show_write(step, after, world, secret=step.secret)
        case CopyFile():
            source = _read(located(world.paths, step.source))
            if source is None:
                text = f"Copy {step.source}, which is not there yet, to {step.path}."
                return Change(ChangeKind.NEW_FILE, text, str(step.path), step.why)
            return _show_write(step, replace(source, mode=step.mode), world, secret=False)
        case RemoveFile():
            return _show_remove(step, world)
        case MakeDirectory():
            if world.is_directory(step.path):
                return _unchanged(step)
            world.directories.add(world.name(step.path))
            text = f"New directory {step.path} (mode {step.mode:04o})."
            return Change(ChangeKind.DIRECTORY, text, str(step.path), step.why)


def _unchanged(step: FileStep) -> Change:
    text = f"{step.path}: nothing to do."
    return Change(ChangeKind.UNCHANGED, text, str(step.path), step.why)


def _show_write(step: WriteFile | CopyFile, after: _File, world: _World, *, secret: bool) -> Change:
    before = world.file(step.path)
    world.files[world.name(step.path)] = after
    path = str(step.path)
    if before is None:
        text = f"New file {path} (mode {after.mode:04o}, {_size(after.size)})"
        diff, note = _difference(NO_FILE, after, path, secret=secret)
        return Change(ChangeKind.NEW_FILE, f"{text}{note}.", path, step.why, diff)
    mode = f"mode {before.mode:04o} becomes {after.mode:04o}" if before.mode != after.mode else ""
    if before.digest == after.digest:
        if not mode:
            return _unchanged(step)
        return Change(ChangeKind.MODE, f"{path}: {mode}, same content.", path, step.why)
    diff, note = _difference(before, after, path, secret=secret)
    text = f"Change {path}{note}" + (f", {mode}" if mode else "")
    return Change(ChangeKind.CHANGED, f"{text}.", path, step.why, diff)


def _show_remove(step: RemoveFile, world: _World) -> Change:
    name = machine_path(world.paths, place_of(world.paths, step.path, through_link=False))
    if name in world.files:
        there = world.files[name] is not None
    else:
        there = state_of(world.paths.at(name)).kind is not Kind.ABSENT
    world.files[name] = None
    if not there:
        return _unchanged(step)
    return Change(ChangeKind.REMOVED, f"Remove {step.path}.", str(step.path), step.why)


def _read(path: Path) -> _File | None:
    """Return a file, following links; None when there is none."""
    path = path.resolve()
    found = state_of(path)
    if found.kind is Kind.ABSENT:
        return None
    small = found.kind is Kind.FILE and found.size <= LARGEST_DIFF
    return _File(found.mode, found.size, found.digest, path.read_bytes() if small else None)


def _difference(
    before: _File, after: _File, path: str, *, secret: bool
) -> tuple[tuple[str, ...], str]:
    """Return the lines of a unified diff, or none and a note that says why."""
    if secret:
        return (), ": the content is secret and not shown"
    old, new = _text(before), _text(after)
    if old is None or new is None:
        sizes = (
            f"{_size(before.size)} become {_size(after.size)}"
            if before is not NO_FILE
            else "not text"
        )
        return (), f": {sizes}, not shown"
    lines = difflib.unified_diff(
        _lines(old), _lines(new), f"{path} (now)", f"{path} (then)", lineterm=""
    )
    return tuple(lines), ""


def _text(file: _File) -> str | None:
    """Return what can be shown line by line."""
    if file.content is None or len(file.content) > LARGEST_DIFF or b"\0" in file.content:
        return None
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        return None


def _lines(text: str) -> list[str]:
    """Return lines without what a terminal would obey; a missing last newline is said."""
    lines = [_printable(line) for line in text.split("\n")]
    if lines[-1] == "":
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]}  (no newline at the end)"]


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() or character == "\t" else ascii(character)[1:-1]
        for character in line
    )


def _size(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"
