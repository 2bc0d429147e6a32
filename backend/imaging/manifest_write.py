"""Writing the manifest of a tree, with progress; digests of unchanged shared files are reused."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.errors import InvalidInput
from backend.imaging.manifest import (
    Entry,
    header,
    order,
    raw_path,
    read_manifest,
    shown_path,
    trailer,
)
from backend.imaging.tree import LinkGroups, describe, digest_file, walk
from backend.tasks import TaskContext


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """What a manifest describes."""

    entries: int
    files: int
    size: int  # bytes of all regular files; a hard link group counts once
    digest: str  # BLAKE2b-256 of the manifest file itself
    reused: int  # files whose digest was taken from the previous version


def write_manifest(
    tree: Path, path: Path, context: TaskContext, previous: "tuple[Path, Path] | None" = None
) -> ManifestSummary:
    """Write the manifest of ``tree`` to ``path``; raises OSError, Cancelled.

    ``previous`` is the (tree, manifest) of the version before: a file that is the same inode there
    and has kept size and time is not read again.
    """
    groups = LinkGroups(tree)
    known = _Known(previous)
    writer = _Writer(tree, groups, context)
    whole = hashlib.blake2b(digest_size=32)
    with path.open("wb") as output:

        def put(line: str) -> None:
            data = line.encode("ascii") + b"\n"
            whole.update(data)
            output.write(data)

        put(header())
        for entry in writer.entries(known):
            put(entry.as_line())
        put(trailer(groups.entries))
        output.flush()
        os.fsync(output.fileno())
    return ManifestSummary(
        groups.entries, writer.files, writer.size, whole.hexdigest(), known.reused
    )


class _Writer:
    """Walks one tree and describes what it finds."""

    def __init__(self, tree: Path, groups: LinkGroups, context: TaskContext) -> None:
        self._tree = tree
        self._root = os.fsencode(tree)
        self._groups = groups
        self._context = context
        self._linked: dict[int, str] = {}  # digest of each hard link group seen
        self._done = 0
        self._said = 0
        self.files = 0
        self.size = 0

    def entries(self, known: "_Known") -> Iterator[Entry]:
        for path, status in walk(self._tree):
            link = self._groups.number(status)
            digest = self._digest(path, status, link, known)
            yield describe(self._root, path, status, link, digest)
        self._say()

    def _digest(
        self, path: bytes, status: os.stat_result, link: int | None, known: "_Known"
    ) -> str | None:
        if not stat.S_ISREG(status.st_mode):
            return None
        self.files += 1
        if link is not None and link in self._linked:
            self._count(status.st_size)
            return self._linked[link]
        self.size += status.st_size
        digest = known.digest(path, status)
        if digest is None:
            digest = digest_file(self._root + b"/" + path, self._count)
        else:
            self._count(status.st_size)
        if link is not None:
            self._linked[link] = digest
        return digest

    def _count(self, count: int) -> None:
        self._done += count
        if self._done - self._said >= 16 << 20:
            self._say()

    def _say(self) -> None:
        self._said = self._done
        self._context.progress(self._done, self._groups.size, "bytes", f"{self.files} files")


class _Known:
    """Digests of the previous version, read in step with the walk, for both have one order."""

    def __init__(self, previous: "tuple[Path, Path] | None") -> None:
        self.reused = 0
        self._tree = b""
        self._entries: Iterator[Entry] = iter(())
        if previous is not None:
            self._tree = os.fsencode(previous[0])
            self._entries = read_manifest(previous[1])
        self._current = self._next()

    def digest(self, path: bytes, status: os.stat_result) -> str | None:
        """Return the digest of the same, unchanged inode in the previous version, or None."""
        key = order(shown_path(path))
        while self._current is not None and order(self._current.path) < key:
            self._current = self._next()
        before = self._current
        if before is None or raw_path(before.path) != path or before.kind != "f":
            return None
        if (before.size, before.mtime_ns) != (status.st_size, status.st_mtime_ns):
            return None
        try:
            twin = os.lstat(self._tree + b"/" + path)
        except OSError:
            return None
        if (twin.st_dev, twin.st_ino) != (status.st_dev, status.st_ino):
            return None
        self.reused += 1
        return before.digest

    def _next(self) -> Entry | None:
        try:
            return next(self._entries, None)
        except (InvalidInput, OSError):  # a damaged old manifest only costs reading the files
            self._entries = iter(())
            return None
