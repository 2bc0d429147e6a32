"""One change at a time: a lock that a killed process cannot leave behind."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import Refused


@contextmanager
def locked(path: Path, doing: str, since: str) -> Iterator[None]:
    """Hold the lock file while the body runs; raises Refused, naming who holds it.

    The kernel drops the lock when the process ends, however it ends.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise Refused.of(
                "change.locked",
                f"Another change is being made: {_holder(descriptor)}.",
                "Wait until it has ended, then try again.",
            ) from problem
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps([doing, os.getpid(), since]).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    with contextlib.suppress(ValueError, TypeError):
        doing, pid, since = json.loads(os.pread(descriptor, 4096, 0))
        return f"{doing} (process {pid}, since {since})"
    return "it does not say which"
