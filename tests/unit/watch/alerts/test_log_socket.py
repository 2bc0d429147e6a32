"""The system's log: a datagram socket of our own in place of /dev/log and of journald's."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.system.watch import syslog_socket
from backend.system.watch.not_delivered import NotDelivered
from backend.watch.alerts.courier import Courier, Places
from backend.watch.settings import Alert
from tests.unit.watch.alerts.world import message, settings


@contextlib.contextmanager
def log_at(path: Path, buffer: int = 0) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        if buffer:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        end.bind(str(path))
        end.settimeout(5)
        yield end


async def deliver(tmp_path: Path) -> None:
    places = Places(journal=str(tmp_path / "journal"), log=str(tmp_path / "log"))
    await Courier(settings(), places).deliver(message(Alert("syslog")))


def test_without_journald_it_goes_to_dev_log(tmp_path):
    with log_at(tmp_path / "log") as log:
        asyncio.run(deliver(tmp_path))
        assert log.recv(65536).startswith(b"<27>Nov 22 ")


def test_journald_comes_first(tmp_path):
    with log_at(tmp_path / "log") as log, log_at(tmp_path / "journal") as journal:
        asyncio.run(deliver(tmp_path))
        assert journal.recv(65536).startswith(b"MESSAGE=nodes:web has failed: head2\nPRIORITY=3\n")
        log.setblocking(False)
        with pytest.raises(BlockingIOError):
            log.recv(1)


def test_no_log_at_all_is_a_failure(tmp_path):
    with pytest.raises(NotDelivered, match="took nothing"):
        asyncio.run(deliver(tmp_path))


def test_a_log_that_reads_nothing_does_not_hold_anybody_up(tmp_path):
    with log_at(tmp_path / "log"):
        places = (str(tmp_path / "journal"), str(tmp_path / "log"))

        def flood() -> None:
            for _ in range(10_000):
                syslog_socket.send(b"", b"x" * 100, *places)

        with pytest.raises(NotDelivered, match="nothing at the moment"):
            flood()


def test_what_is_too_long_for_the_log_is_cut(tmp_path):
    with log_at(tmp_path / "log") as log:
        places = (str(tmp_path / "journal"), str(tmp_path / "log"))
        syslog_socket.send(b"", ("ü" * 500_000).encode(), *places)
        assert log.recv(65536).decode() == "ü" * (syslog_socket.SHORT // 2)
