"""The agent's control socket and, on request, its metrics port: nonblocking, for a select loop."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable

MOST_CONNECTIONS = 16
LONGEST = 4096  # bytes of a question
PATIENCE = 5_000_000  # microseconds for one connection

Respond = Callable[[bytes], "bytes | None"]


class _Connection:
    """One question and its answer."""

    def __init__(self, end: socket.socket, respond: Respond, since: int) -> None:
        self.end = end
        self.respond = respond
        self.since = since
        self.question = b""
        self.answer = b""

    def advance(self) -> bool:
        """Read and write what is possible now; False when it is over."""
        try:
            if not self.answer:
                data = self.end.recv(LONGEST)
                self.question += data
                answer = self.respond(self.question[:LONGEST])
                if answer is None:
                    return bool(data)
                self.answer = answer
            sent = self.end.send(self.answer)
            self.answer = self.answer[sent:]
            return bool(self.answer)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False


class ControlSocket:
    """Listens on a unix socket that only its owner can open (unix(7)), and on TCP when asked to.

    Raises OSError when an address cannot be had.
    """

    def __init__(
        self,
        path: str,
        respond: Respond,
        *,
        metrics: tuple[str, int] | None = None,
        respond_metrics: Respond | None = None,
    ) -> None:
        self._path = path
        self._listeners: dict[socket.socket, Respond] = {}
        self._connections: dict[socket.socket, _Connection] = {}
        self._listeners[_unix_listener(path)] = respond
        if metrics is not None and respond_metrics is not None:
            self._listeners[_tcp_listener(metrics)] = respond_metrics
        self._listening = list(self._listeners)

    def readers(self) -> list[socket.socket]:
        """Return what to wait for to become readable."""
        if not self._connections:
            return self._listening
        waiting = [one.end for one in self._connections.values() if not one.answer]
        return [*self._listening, *waiting]

    def writers(self) -> list[socket.socket]:
        """Return what to wait for to become writable."""
        return [one.end for one in self._connections.values() if one.answer]

    @property
    def busy(self) -> bool:
        """Whether somebody is connected."""
        return bool(self._connections)

    def serve(self, ready: list[socket.socket], now: int) -> None:
        """Do what is possible; ``now`` in microseconds ends connections that take too long."""
        for one in ready:
            if one in self._listeners:
                self._accept(one, self._listeners[one], now)
            elif one in self._connections and not self._connections[one].advance():
                self._drop(one)
        for end, connection in list(self._connections.items()):
            if now - connection.since > PATIENCE:
                self._drop(end)

    def close(self) -> None:
        """Close everything and remove the socket's file."""
        for end in [*self._listeners, *self._connections]:
            end.close()
        self._listeners.clear()
        self._connections.clear()
        with contextlib.suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108 pathlib is left out of the agent: memory

    def _accept(self, listener: socket.socket, respond: Respond, now: int) -> None:
        try:
            end, _address = listener.accept()
        except OSError:
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            end.close()
            return
        end.setblocking(False)
        self._connections[end] = _Connection(end, respond, now)

    def _drop(self, end: socket.socket) -> None:
        del self._connections[end]
        end.close()


def ask(path: str, question: bytes, limit: float) -> bytes:
    """Ask an agent on this machine, blocking for at most ``limit`` seconds; raises OSError."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as end:
        end.settimeout(limit)
        end.connect(path)
        end.sendall(question + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            data = end.recv(65536)
            if not data:
                break
            answer += data
        return answer


def _unix_listener(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    listener.listen(MOST_CONNECTIONS)
    listener.setblocking(False)
    return listener


def _tcp_listener(address: tuple[str, int]) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(MOST_CONNECTIONS)
    listener.setblocking(False)
    return listener
