"""The watch process's files: read with a limit, replaced in one step, appended to, put aside."""

from __future__ import annotations

import contextlib
import os

LARGEST = 64 << 20  # bytes that are read of any of them


def make_directory(path: str) -> None:
    """Make a directory that only its owner may enter; raises OSError."""
    os.makedirs(path, 0o700, exist_ok=True)  # noqa: PTH103 - pathlib costs memory


def read(path: str, most: int = LARGEST) -> bytes | None:
    """Return a file's content, its end when it is longer; None: there is none. Raises OSError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with open(file, "rb") as opened:  # noqa: PTH123
        size = os.fstat(file).st_size
        if size > most:
            opened.seek(size - most)
        return opened.read(most)


def replace(path: str, content: bytes, *, durable: bool = True) -> None:
    """Write a file in one step, for its owner only; raises OSError, and the old one is there still."""
    new = f"{path}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(new, flags, 0o600), "wb") as file:  # noqa: PTH123
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.rename(new, path)  # noqa: PTH104
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)  # noqa: PTH108
        raise


def append(path: str, content: bytes) -> int:
    """Append to a file, and return how large it is then; raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "ab") as file:  # noqa: PTH123
        file.write(content)
        file.flush()
        return os.fstat(file.fileno()).st_size


def rename(old: str, new: str) -> None:
    """Give a file another name, in place of what has it; raises OSError."""
    os.replace(old, new)  # noqa: PTH105


def remove(path: str) -> None:
    """Remove a file if it is there; raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108


def names(directory: str) -> list[str]:
    """Return the names in a directory, none when it cannot be read."""
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208
    except OSError:
        return []
