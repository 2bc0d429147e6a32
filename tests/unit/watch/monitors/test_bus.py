"""systemd's bus, with somebody else behind the socket: what is sent when, and what if nobody answers."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backend.system.agent.program import How
from backend.system.watch import units
from backend.system.watch.programs import Ran
from backend.system.watch.units import Unit, Units
from tests.unit.watch.monitors import unit_rows

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ROW = ("a.service", "A", "loaded", "active", "running", "", "/a")


class Systemctl:
    """What ``systemctl show`` would say."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def run(self, _name: str, argv: tuple[str, ...], _seconds: float) -> Ran:
        """See Programs.run."""
        self.asked.append(argv)
        said = b"Id=a.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\n"
        return Ran(How.EXITED, 0, said)


def answer(serial: int) -> bytes:
    """Return the answer to ListUnitsByNames."""
    body = unit_rows.body(ROW)
    head = struct.pack("<BB2sI", 5, 1, b"u\0", serial)
    head += b"\x08\x01g\0" + bytes((len("a(ssssssouso)"),)) + b"a(ssssssouso)\0"
    start = struct.pack("<cBBBIII", b"l", 2, 0, 1, len(body), 1, len(head))
    return start + head + b"\0" * (-len(head) % 8) + body


async def asked(path: Path, serve: Serve, programs: Systemctl) -> list[Unit]:
    """Return what is said of a unit while ``serve`` is behind the socket."""
    server = await asyncio.start_unix_server(serve, str(path / "private"))
    made = Units(programs, (str(path / "private"),))  # type: ignore[arg-type]
    try:
        return await made.states(("a.service",), 20.0)
    finally:
        made.close()
        server.close()


def test_no_question_is_read_together_with_the_login(tmp_path: Path) -> None:
    """As systemd does it: what was read together with BEGIN stays unread until more comes."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        login = b""
        while b"BEGIN\r\n" not in login:
            await asyncio.sleep(0.05)  # on a busy machine: everything that is sent has arrived
            login += await reader.read(4096)
            if b"AUTH" in login:
                writer.write(b"OK 0123456789abcdef0123456789abcdef\r\n")
        assert login.endswith(b"BEGIN\r\n")
        await reader.read(4096)
        writer.write(answer(1))

    programs = Systemctl()
    found = asyncio.run(asked(tmp_path, slow, programs))
    assert found == [Unit("a.service", "loaded", "active", "running")]
    assert not programs.asked


def test_systemctl_is_asked_when_the_bus_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"OK 0123456789abcdef0123456789abcdef\r\n")
        while await reader.read(4096):
            pass

    monkeypatch.setattr(units, "ANSWER", 0.2)
    programs = Systemctl()
    found = asyncio.run(asked(tmp_path, silent, programs))
    assert found == [Unit("a.service", "loaded", "failed", "failed")]
    assert len(programs.asked) == 1
