"""One question by UDP, asked again when nothing comes, and the first answer that is one."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Callable, Generic, TypeVar

from backend.system.watch.errors import CannotLook, Closed, Silent

T = TypeVar("T")
LARGEST = 65_535  # bytes
MOST_STRAYS = 50  # datagrams that are looked at; a flood must not cost more
_NOBODY = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EHOSTDOWN)


async def ask(
    where: tuple[str, int],
    question: bytes,
    answer: Callable[[bytes], T | None],
    *,
    seconds: float,
    tries: int = 3,
) -> T:
    """Return the first answer from there; ``answer`` reads a datagram, None: it is none.

    Raises Closed when that machine says that nobody listens, Silent when time is over,
    CannotLook when it cannot be sent.
    """
    asked = _Question(question, answer)
    try:
        asked.begin(where)
        return await asked.end(seconds, tries)
    finally:
        asked.close()


class _Question(Generic[T]):
    """A question on its way; its socket is connected, so the kernel drops what others send."""

    def __init__(self, question: bytes, answer: Callable[[bytes], T | None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._question = question
        self._answer = answer
        self._future: asyncio.Future[T] = self._loop.create_future()
        self._strays = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._socket = socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        )

    def begin(self, where: tuple[str, int]) -> None:
        try:
            self._socket.connect(where)
        except OSError as error:
            raise CannotLook(f"{where[0]} cannot be reached: {error.strerror}.") from error
        self._loop.add_reader(self._socket.fileno(), self._read)

    async def end(self, seconds: float, tries: int) -> T:
        self._send()
        for number in range(1, tries):
            self._timers.append(self._loop.call_later(seconds * number / tries, self._send))
        self._timers.append(self._loop.call_later(seconds, self._over))
        return await self._future

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _over(self) -> None:
        self._fail(Silent(self._strays))

    def _fail(self, error: Exception) -> None:
        if not self._future.done():
            self._future.set_exception(error)

    def _send(self) -> None:
        try:
            self._socket.send(self._question)
        except BlockingIOError:
            pass
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        if error.errno in _NOBODY:
            self._fail(Closed(error.strerror))
        else:
            self._fail(CannotLook(f"Nothing could be sent: {error.strerror}."))

    def _read(self) -> None:
        try:
            data = self._socket.recv(LARGEST)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(error)
            return
        if self._future.done():
            return
        found = self._answer(data) if self._strays < MOST_STRAYS else None
        if found is None:
            self._strays += 1
        else:
            self._future.set_result(found)
