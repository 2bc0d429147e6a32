"""The local log: journald's own socket where there is one, else /dev/log."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from backend.system.watch.not_delivered import NotDelivered

JOURNAL, LOG = "/run/systemd/journal/socket", "/dev/log"
SHORT = 2000  # bytes that every log takes


def send(for_journal: bytes, for_log: bytes, journal: str = JOURNAL, log: str = LOG) -> None:
    """Hand one message to the log; never waits. Raises NotDelivered."""
    if Path(journal).exists():
        _put(journal, for_journal)
        return
    try:
        _put(log, for_log)
    except NotDelivered as problem:
        if problem.code != errno.EMSGSIZE:
            raise
        _put(log, for_log[:SHORT].decode("utf-8", "ignore").encode())


def _put(path: str, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as end:
        try:
            end.connect(path)
            end.send(data)
        except BlockingIOError:
            raise NotDelivered(f"the log at {path} takes nothing at the moment") from None
        except OSError as problem:
            text = f"the log at {path} took nothing: {problem.strerror or problem}"
            raise NotDelivered(text, code=problem.errno or 0) from None
