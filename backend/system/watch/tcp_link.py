"""TCP between the watch processes of the two heads: frames with their length in front."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

LONGEST_FRAME = 1 << 20  # bytes
CONNECT_LIMIT = 2.0  # seconds
MOST_WAITING = 8 << 20  # bytes that may wait to be sent; then the other end is too slow
MOST_STRANGERS = 8  # connections at a time that have not proved anything
RESERVED = 4  # of them for the other head's addresses


class FrameEnd(Exception):
    """The connection has ended, or what came is no frame; the text says why."""


class FrameStream:
    """One connection; frames of at most 1 MiB go both ways."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int = LONGEST_FRAME
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._most = most
        end = writer.get_extra_info("socket")
        if end is not None:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def address(self) -> str:
        """The other end's address."""
        name = self._writer.get_extra_info("peername")
        return str(name[0]) if name else ""

    async def read(self) -> bytes:
        """Return the next frame; raises FrameEnd."""
        try:
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            if size > self._most:
                raise FrameEnd(f"a frame of {size} bytes is too long")
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError as problem:
            raise FrameEnd("the other end has closed the connection") from problem
        except OSError as problem:
            raise FrameEnd(f"the connection broke: {problem.strerror or problem}") from problem

    def write(self, frame: bytes) -> None:
        """Send a frame as soon as it goes; raises FrameEnd when too much waits already."""
        if self._writer.is_closing():
            raise FrameEnd("the connection is closed")
        if self._writer.transport.get_write_buffer_size() > MOST_WAITING:
            raise FrameEnd("the other end does not read what it is sent")
        self._writer.write(len(frame).to_bytes(4, "big") + frame)

    def close(self) -> None:
        """Close it; what waits to be sent may still go."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.close()

    def abort(self) -> None:
        """Close it at once."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.transport.abort()


async def connect(address: str, port: int) -> FrameStream:
    """Connect; raises OSError (also after 2 s)."""
    try:
        made = await asyncio.wait_for(asyncio.open_connection(address, port), CONNECT_LIMIT)
    except asyncio.TimeoutError as problem:
        raise OSError(f"{address} does not answer") from problem
    return FrameStream(*made)


class Listener:
    """Accepts connections on one address; few strangers at a time, and some places are the other head's."""

    def __init__(
        self,
        session: Callable[[FrameStream], Awaitable[None]],
        expected: tuple[str, ...],
        strangers: Callable[[], int],
    ) -> None:
        """``strangers`` counts the connections that have not proved anything."""
        self._session = session
        self._expected = expected
        self._strangers = strangers
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.AbstractServer] = []

    async def listen(self, address: str, port: int) -> None:
        """Listen on one more address; raises OSError."""
        self._servers.append(await asyncio.start_server(self._accept, address, port, backlog=8))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = FrameStream(reader, writer)
        room = MOST_STRANGERS - (0 if stream.address in self._expected else RESERVED)
        if self._strangers() >= room:
            stream.abort()
            return
        task = asyncio.ensure_future(self._session(stream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop listening, and end what was accepted."""
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
