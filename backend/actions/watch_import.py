"""A mon.cf becomes the watch list, and the watch list a mon.cf."""

import stat
from dataclasses import dataclass, replace
from pathlib import Path

from backend.actions import watch_list
from backend.actions.action import Person, Prepared
from backend.actions.watch_list import SaveWatchList
from backend.change.records import ChangeRecord
from backend.errors import HaoscarError, InvalidInput
from backend.moncf.convert import Conversion, convert
from backend.moncf.lexer import LARGEST
from backend.moncf.merge import merged
from backend.moncf.write import Export, write
from backend.reports import Place, Report, warning
from backend.site.watch_words import word_problems
from backend.tasks import TaskContext
from backend.wiring import Wiring


@dataclass(frozen=True, slots=True)
class ImportWatchList:
    """Puts the services of a mon.cf into the site file. An Action."""

    wiring: Wiring
    file: Path
    add: bool = False  # to what is there already, instead of taking its place
    allow_missing: bool = False  # programs that are not on this head

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Import {self.file.name}"

    def read(self) -> Conversion:
        """Return the whole watch list as it will be; raises InvalidInput with every mistake."""
        site = self.wiring.store().load()
        paths = self.wiring.paths
        found = convert(
            read_file(self.file), str(self.file), watch_list.machines(site),
            lambda program: _runs(paths.at(program)), word_problems, allow_missing=self.allow_missing,
        )  # fmt: skip
        if self.add:
            return Conversion(merged(site.watch, found.watch), found.reports)
        return found

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord]:
        """See Action.prepare."""
        context.step(f"Reading {self.file}")
        found = self.read()
        before = self.wiring.store().load().watch
        saving = SaveWatchList(self.wiring, before, found.watch).prepare(context, person)
        return replace(saving, reports=(*found.reports, *saving.reports))


def read_file(path: Path) -> bytes:
    """Return what a file holds, as far as it could be a mon.cf; raises InvalidInput."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
        if regular:
            with path.open("rb") as file:
                return file.read(LARGEST + 1)
    except (OSError, ValueError) as problem:
        raise _no_file(path, "read", problem) from problem
    raise InvalidInput.of("moncf.file", f"{path} is no file.", "Give another path.", Place(path))


def _runs(path: Path) -> bool:
    """Whether there is a program; what cannot be a path is none."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o111)


def export(wiring: Wiring) -> Export:
    """Return the stored watch list as a mon.cf; raises InvalidInput for a damaged site file."""
    site = wiring.store().load()
    return write(site.watch, watch_list.machines(site).heads)


def not_in_mon(made: Export) -> tuple[Report, ...]:
    """Return what mon will not do of an export."""
    remedy = "It is in the file as a comment, for HA-OSCAR."
    return tuple(
        warning("moncf.not-exported", what, remedy, Place(where)) for where, what in made.missing
    )


def write_file(path: Path, made: Export) -> None:
    """Write an export, over what is there; raises InvalidInput."""
    try:
        path.write_text(made.text, encoding="utf-8")
    except (OSError, ValueError) as problem:
        raise _no_file(path, "written", problem) from problem


def _no_file(path: Path, done: str, problem: Exception) -> HaoscarError:
    why = problem.strerror if isinstance(problem, OSError) else "its name is none"
    text = f"{path} could not be {done}: {why}."
    return InvalidInput.of("moncf.file", text, "Give another path.", Place(path))
