"""What a file is at one moment, and the few operations that change it so that a crash is harmless."""

import contextlib
import enum
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from backend.system.files import sync_directory

CHUNK = 1 << 20  # bytes


class Kind(enum.StrEnum):
    """What lies at a path."""

    ABSENT = "absent"
    FILE = "file"
    LINK = "link"
    DIRECTORY = "directory"
    OTHER = "other"  # a socket, a device, a pipe


@dataclass(frozen=True, slots=True)
class FileState:
    """What lies at a path, enough to tell whether it is still the same and to put it back."""

    kind: Kind
    mode: int = 0  # permission bits, 0 to 0o7777
    uid: int = 0
    gid: int = 0
    size: int = 0  # bytes
    digest: str = ""  # SHA-256 of a file's content, in hexadecimal
    target: str = ""  # of a symbolic link

    def same(self, other: "FileState") -> bool:
        """Whether both are the same thing; two directories are, whatever is in them."""
        if self.kind is Kind.DIRECTORY:
            return other.kind is Kind.DIRECTORY
        return self == other


ABSENT = FileState(Kind.ABSENT)


def state_of(path: Path) -> FileState:
    """Return what lies at a path, never following a link there; raises OSError."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode):
        return FileState(Kind.LINK, 0, found.st_uid, found.st_gid, target=str(path.readlink()))
    if stat.S_ISDIR(found.st_mode):
        return FileState(Kind.DIRECTORY, mode, found.st_uid, found.st_gid)
    if not stat.S_ISREG(found.st_mode):
        return FileState(Kind.OTHER, mode, found.st_uid, found.st_gid)
    with _opened(path) as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    return FileState(Kind.FILE, mode, found.st_uid, found.st_gid, found.st_size, digest)


def content_state(content: bytes, mode: int, before: FileState) -> FileState:
    """Return the state of a file that will hold ``content``; the owner stays who it was."""
    digest = hashlib.sha256(content).hexdigest()
    uid, gid = owner_after(before)
    return FileState(Kind.FILE, mode, uid, gid, len(content), digest)


def owner_after(before: FileState) -> tuple[int, int]:
    """Return who owns a file after it was written: its owner until then, or else this process."""
    if before.kind is Kind.FILE:
        return before.uid, before.gid
    return os.geteuid(), os.getegid()


def put(path: Path, source: BinaryIO, state: FileState, temporary: Path) -> None:
    """Make ``path`` a file with the content of ``source`` and the mode and owner of ``state``.

    In one step and durable on disk; ``temporary`` lies in the same directory and is what a crash
    may leave. Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o600), "wb") as output:
        while chunk := source.read(CHUNK):
            output.write(chunk)
        output.flush()
        made = os.fstat(output.fileno())
        if (made.st_uid, made.st_gid) != (state.uid, state.gid):
            os.fchown(output.fileno(), state.uid, state.gid)
        os.fchmod(output.fileno(), state.mode)  # after chown, which clears set-user-id
        os.fsync(output.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def put_link(path: Path, state: FileState, temporary: Path) -> None:
    """Make ``path`` a symbolic link again, in one step; raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    temporary.symlink_to(state.target)
    made = temporary.lstat()
    if (made.st_uid, made.st_gid) != (state.uid, state.gid):
        os.chown(temporary, state.uid, state.gid, follow_symlinks=False)
    temporary.replace(path)
    sync_directory(path.parent)


def keep_copy(path: Path, copy: Path) -> None:
    """Copy a file's content to ``copy``, for root only and durable; raises OSError."""
    with _opened(path) as source:
        put(
            copy,
            source,
            FileState(Kind.FILE, 0o600, os.geteuid(), os.getegid()),
            copy.with_suffix(".new"),
        )


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    """Open a regular file for reading without following a link at its end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as source:
        yield source


def remove(path: Path) -> None:
    """Remove a file or link, durable on disk; raises OSError."""
    path.unlink()
    sync_directory(path.parent)
