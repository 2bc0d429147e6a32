"""Where the journal keeps its records: one private directory each, with the backups beside."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from backend.change.lock import locked
from backend.change.records import ChangeRecord, RecordState, from_json, order, to_json
from backend.errors import HaoscarError, Refused
from backend.paths import Paths
from backend.system.files import make_private, write_atomically

RECORD = "record.json"
FOLDERS = "*-*-*"


def utc_now() -> datetime:
    """Return the time of day, the default clock of the archive."""
    return datetime.now(UTC)


class Archive:
    """The records below ``paths.journal``; each write is atomic and durable."""

    def __init__(self, paths: Paths, now: Callable[[], datetime] = utc_now) -> None:
        self._paths = paths
        self._now = now

    @property
    def root(self) -> Path:
        """The directory of the journal."""
        return self._paths.journal

    @property
    def empty(self) -> bool:
        """Whether no change was ever begun."""
        return not any(self.root.glob(FOLDERS))

    def records(self) -> tuple[ChangeRecord, ...]:
        """Return all records, oldest first; raises InvalidInput, Refused when not root."""
        try:
            folders = [one for one in self.root.iterdir() if (one / RECORD).is_file()]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except PermissionError as problem:
            raise _not_root(self.root) from problem
        return tuple(sorted(map(self._read, folders), key=lambda record: order(record.id)))

    def read(self, record: ChangeRecord) -> ChangeRecord:
        """Return the record as it is on disk now."""
        return self._read(self.folder(record))

    def _read(self, folder: Path) -> ChangeRecord:
        return from_json((folder / RECORD).read_bytes(), folder / RECORD)

    def begin(self, title: str, sentence: str) -> ChangeRecord:
        """Make a new record in state RUNNING; raises OSError."""
        record = ChangeRecord(self._new_id(), title, sentence, RecordState.RUNNING, self.stamp())
        self.folder(record).mkdir(mode=0o700)
        self.save(record)
        return record

    def save(self, record: ChangeRecord) -> None:
        """Write a record; raises OSError."""
        write_atomically(self.folder(record) / RECORD, to_json(record), 0o600)

    def forget(self, record: ChangeRecord) -> None:
        """Remove a record that changed nothing; raises OSError."""
        shutil.rmtree(self.folder(record))

    def sweep(self) -> None:
        """Remove what a process left that was killed before the first step of its change."""
        for folder in self.root.glob(FOLDERS):
            if folder.is_dir() and not (folder / RECORD).exists():
                shutil.rmtree(folder)

    def folder(self, record: ChangeRecord) -> Path:
        """Return the directory of a record and its backups."""
        return self.root / record.id

    def stamp(self) -> str:
        """Return the time as it is written into a record."""
        return self._now().isoformat(timespec="seconds")

    def _new_id(self) -> str:
        """Return an id that sorts after every other, also when the clock was set back."""
        stamp = self._now().strftime("%Y%m%d-%H%M%S")
        last = max((order(one.id) for one in self.records()), default=("", 0))
        if last[0] >= stamp:
            return f"{last[0]}-{last[1] + 1}"
        return f"{stamp}-1"

    @contextmanager
    def locked(self, doing: str) -> Iterator[None]:
        """Keep every other process from making a change; raises Refused, naming who does."""
        try:
            for directory in (self._paths.state, self.root):
                make_private(directory)
        except PermissionError as problem:
            raise _not_root(self.root) from problem
        with locked(self.root / "lock", doing, self.stamp()):
            yield


def _not_root(path: Path) -> HaoscarError:
    return Refused.of(
        "change.not-root", f"The journal {path} belongs to root.", "Run it as root, with sudo."
    )
