"""What the journal remembers of one change: its steps, what was there before, and how far it got."""

import enum
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from backend.change.filestate import FileState, Kind
from backend.errors import InvalidInput
from backend.reports import Place

VERSION = 1
ID = re.compile(r"\d{8}-\d{6}-\d+")


class RecordState(enum.StrEnum):
    """How far a change got."""

    NOTHING = "nothing-to-do"  # never stored
    RUNNING = "running"
    DONE = "done"
    ROLLED_BACK = "rolled-back"
    UNDOING = "undoing"
    UNDONE = "undone"


class StepState(enum.StrEnum):
    """How far a step got."""

    STARTED = "started"
    DONE = "done"
    NO_OP = "no-op"
    UNDONE = "undone"


class StepKind(enum.StrEnum):
    """What a step does."""

    WRITE = "write"
    REMOVE = "remove"
    DIRECTORY = "directory"
    CHECK = "check"
    UNIT = "unit"
    PACKAGES = "packages"


FILE_KINDS = (StepKind.WRITE, StepKind.REMOVE, StepKind.DIRECTORY)


@dataclass(frozen=True, slots=True)
class UnitState:
    """What systemctl said of a unit: the words of is-enabled and is-active."""

    enabled: str
    active: str


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as it was executed; ``subject`` is a path, a unit, package names or a check."""

    kind: StepKind
    subject: str
    why: str
    state: StepState
    before: FileState | None = None
    after: FileState | None = None
    backup: str = ""  # a file beside record.json that holds the content from before
    made: tuple[str, ...] = ()  # directories made on the way, outermost first
    ours_to_change: bool = False
    unit: UnitState | None = None  # before the step
    enabled: bool | None = None  # what the step asked for
    action: str | None = None  # what the step asked for
    packages: tuple[str, ...] = ()  # newly installed by the step

    @property
    def touched(self) -> bool:
        """Whether the step may have changed something that is not taken back yet."""
        return self.state in (StepState.STARTED, StepState.DONE)


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change in the journal; ``id`` sorts by time once split at its hyphens."""

    id: str
    title: str
    sentence: str
    state: RecordState
    began: str  # ISO 8601, UTC
    ended: str | None = None
    steps: tuple[StepRecord, ...] = ()

    @property
    def undoable(self) -> bool:
        """Whether the change is in force."""
        return self.state is RecordState.DONE

    @property
    def interrupted(self) -> bool:
        """Whether a process was killed in the middle of it."""
        return self.state in (RecordState.RUNNING, RecordState.UNDOING)

    def as_dict(self) -> dict[str, object]:
        """Return the record for ``--json`` and for the journal."""
        return {"version": VERSION, **asdict(self)}


def order(record_id: str) -> tuple[str, int]:
    """Return the sort key of a record id such as 20261122-104501-1; raises ValueError."""
    stamp, _, number = record_id.rpartition("-")
    return stamp, int(number)


def to_json(record: ChangeRecord) -> bytes:
    """Return the content of record.json."""
    return (json.dumps(record.as_dict(), indent=1) + "\n").encode()


def from_json(content: bytes, source: Path) -> ChangeRecord:
    """Read record.json; raises InvalidInput when it is damaged or newer than this program."""
    try:
        found = json.loads(content)
        version = found["version"]
        if isinstance(version, int) and version > VERSION:
            raise InvalidInput.of(
                "journal.newer",
                f"The journal was written by a newer HA-OSCAR (format {version}, here {VERSION}).",
                "Use that version of HA-OSCAR to undo its changes.",
                Place(source),
            )
        return _record(found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        if isinstance(problem, InvalidInput):
            raise
        raise InvalidInput.of(
            "journal.damaged",
            f"The record of a change cannot be read ({type(problem).__name__}: {problem}).",
            "Restore it from a backup of /var/lib/haoscar; the files that it describes were not touched.",
            Place(source),
        ) from problem


def _record(found: dict[str, object]) -> ChangeRecord:
    if found["version"] != VERSION:
        raise ValueError("unknown format")
    steps = found["steps"]
    if not isinstance(steps, list):
        raise TypeError("steps is not a list")
    ended = found["ended"]
    if not ID.fullmatch(_text(found, "id")):
        raise ValueError("not the id of a change")
    return ChangeRecord(
        id=_text(found, "id"),
        title=_text(found, "title"),
        sentence=_text(found, "sentence"),
        state=RecordState(_text(found, "state")),
        began=_text(found, "began"),
        ended=None if ended is None else _text(found, "ended"),
        steps=tuple(_step(step) for step in steps),
    )


def _step(found: dict[str, object]) -> StepRecord:
    unit = found["unit"]
    enabled = found["enabled"]
    action = found["action"]
    backup = _text(found, "backup")
    if not isinstance(enabled, bool | None) or Path(backup).name != backup:
        raise ValueError("a value of the wrong kind")
    return StepRecord(
        kind=StepKind(_text(found, "kind")),
        subject=_text(found, "subject"),
        why=_text(found, "why"),
        state=StepState(_text(found, "state")),
        before=_file_state(found["before"]),
        after=_file_state(found["after"]),
        backup=backup,
        made=_texts(found, "made"),
        ours_to_change=found["ours_to_change"] is True,
        unit=UnitState(_text(unit, "enabled"), _text(unit, "active"))
        if isinstance(unit, dict)
        else None,
        enabled=enabled,
        action=None if action is None else _text(found, "action"),
        packages=_texts(found, "packages"),
    )


def _file_state(found: object) -> FileState | None:
    if found is None:
        return None
    if not isinstance(found, dict):
        raise TypeError("a file's state is not a table")
    return FileState(
        kind=Kind(_text(found, "kind")),
        mode=_number(found, "mode"),
        uid=_number(found, "uid"),
        gid=_number(found, "gid"),
        size=_number(found, "size"),
        digest=_text(found, "digest"),
        target=_text(found, "target"),
    )


def _text(found: dict[str, object], name: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not text")
    return value


def _texts(found: dict[str, object], name: str) -> tuple[str, ...]:
    values = found[name]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{name} is not a list of texts")
    return tuple(values)


def _number(found: dict[str, object], name: str) -> int:
    value = found[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{name} is not a number")
    return value
