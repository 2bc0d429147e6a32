"""Files that monitors look at, and the write that shows whether an export works."""

from __future__ import annotations

import os
import time


def changed(path: str) -> float:
    """Return when a file was changed last; raises OSError. May hang on a dead file server."""
    return os.stat(path).st_mtime  # noqa: PTH116 - cheaper


def write_and_read(directory: str, name: str, size: int = 4096) -> None:
    """Write a new file, force it to the server, read it back and remove it; raises OSError.

    For a child: on a dead file server none of it comes back.
    """
    path = f"{directory}/{name}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        os.unlink(path)  # noqa: PTH108 - one that was left when this machine failed
    except FileNotFoundError:
        pass
    except OSError:
        pass
    descriptor = os.open(path, flags, 0o600)
    try:
        content = os.urandom(size)
        if os.write(descriptor, content) != size:
            raise OSError(28, os.strerror(28))
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # read it from the server
        if os.pread(descriptor, size + 1, 0) != content:
            raise OSError(5, "what was read is not what was written")
    finally:
        os.close(descriptor)
        os.unlink(path)  # noqa: PTH108


def mounted(directory: str) -> str:
    """Return the type of the file system that is mounted exactly there; "": nothing is."""
    wanted = os.path.normpath(directory)  # without a look at the file system itself
    with open("/proc/self/mountinfo", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123
        lines = file.read().splitlines()
    for line in reversed(lines):  # the last one is on top
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) > 4 and _plain(fields[4]) == wanted and after:
            return after.split()[0]
    return ""


def _plain(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def now() -> float:
    """Return the time of day, with which the age of files is reckoned."""
    return time.time()
