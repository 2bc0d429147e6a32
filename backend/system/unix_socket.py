"""The boot server's unix socket: root only, one JSON line first, then a pipe. Standard library only.

The client half is used by the gate, which starts for each session of an installer and has to be
quick; the server half by the boot server.
"""

import asyncio
import json
import logging
import os
import select
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

LONGEST_LINE = 65536
Session = Callable[[dict[str, Any], asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Connection:
    """A blocking connection to the server."""

    def __init__(self, path: Path | str, timeout: float = 120.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._pending = b""
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Send one JSON line and return the line that answers it; raises OSError, ValueError."""
        self._socket.sendall(json.dumps(question).encode() + b"\n")
        while b"\n" not in self._pending:
            data = self._socket.recv(LONGEST_LINE)
            if not data or len(self._pending) > LONGEST_LINE:
                raise OSError("the boot server closed the connection")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("the boot server did not answer with an object")
        return answer

    def pipe(self, source: int, sink: int) -> None:
        """Copy ``source`` to the server and the server to ``sink`` until the server closes."""
        self._socket.settimeout(None)
        os.write(sink, self._pending)
        watched = [source, self._socket.fileno()]
        while True:
            ready, _, _ = select.select(watched, [], [])
            if source in ready:
                data = os.read(source, 1 << 16)
                if data:
                    self._socket.sendall(data)
                else:
                    watched.remove(source)
                    self._socket.shutdown(socket.SHUT_WR)
            if self._socket.fileno() in ready:
                data = self._socket.recv(1 << 16)
                if not data:
                    return
                _write_all(sink, data)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class UnixServer:
    """Serves a session for each connection of root; its coroutines belong to the running loop."""

    def __init__(self, session: Session, most: int = 64) -> None:
        self._session = session
        self._most = most
        self._count = 0
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        """Listen on a socket that only root can open; a stale one is replaced. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, str(path), limit=LONGEST_LINE
            )
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            pid, user = peer(writer)
            if user != os.geteuid() or self._count >= self._most:
                return
            self._count += 1
            try:
                question = await _question(reader)
                if question is not None:
                    await self._session({**question, "pid": pid}, reader, writer)
            finally:
                self._count -= 1
        except (OSError, TimeoutError) as problem:
            log.debug("a session ended early: %s", problem)  # the other side sees it closed
        finally:
            writer.close()


async def _question(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """Return the first line, or None when it is no JSON object; raises OSError, TimeoutError."""
    try:
        line = await asyncio.wait_for(reader.readline(), 10.0)
        question = json.loads(line)
    except ValueError:  # longer than any buffer, or no JSON
        return None
    return question if isinstance(question, dict) else None


def peer(writer: asyncio.StreamWriter) -> tuple[int, int]:
    """Return process id and user id at the other end, as the kernel says (SO_PEERCRED, unix(7))."""
    raw = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    pid, user, _group = struct.unpack("3i", raw)
    return int(pid), int(user)


def _write_all(sink: int, data: bytes) -> None:
    while data:
        data = data[os.write(sink, data) :]


def notify_ready() -> None:
    """Tell systemd that the service is ready (sd_notify(3)); nothing happens outside of a unit."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name:
        return
    address = "\0" + name[1:] if name.startswith("@") else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
        notifier.connect(address)
        notifier.send(b"READY=1")
