"""Reads the members' common key."""

from __future__ import annotations

import errno
import os

LONGEST = 4096  # bytes


def read_key(path: str) -> bytes:
    """Return the key without a final line end; raises OSError, also when others may use the file."""
    end = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.fstat(end).st_mode & 0o077:
            raise PermissionError(errno.EACCES, "others than its owner may use it", path)
        return os.read(end, LONGEST).rstrip(b"\r\n")
    finally:
        os.close(end)
