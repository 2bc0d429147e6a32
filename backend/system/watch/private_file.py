"""Files with something secret in them: only their owner may read them."""

from __future__ import annotations

import os
import stat

LARGEST = 8192  # bytes


def read_private(path: str) -> str:
    """Return the text of a file; raises ValueError, which never holds any of it."""
    try:
        # Without O_NONBLOCK the open of a FIFO would wait for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "no such name is possible"
        raise ValueError(f"{path} cannot be read: {reason}") from None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()):
            raise ValueError(f"{path} is no file of root's own; make it one")
        if found.st_mode & 0o077:
            raise ValueError(f"{path} can be read by others; run: chmod 600 {path}")
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise ValueError(f"{path} has more than {LARGEST} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text") from None
