"""The watch process's control socket: unix, its owner's only, one JSON line in and one out."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable

LONGEST_QUESTION = 64 * 1024  # bytes
MOST_CONNECTIONS = 32
PATIENCE = 10.0  # seconds until the question is there
ANSWER_LIMIT = 900.0  # seconds: a test may take as long as its monitor

Respond = Callable[[bytes], Awaitable[bytes]]


class ControlServer:
    """Answers questions, each on a connection of its own."""

    def __init__(self, path: str, respond: Respond) -> None:
        self._path = path
        self._respond = respond
        self._server: asyncio.AbstractServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to listen; what another process has left there is replaced. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)  # noqa: PTH108 - pathlib costs memory
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._accept, self._path, limit=LONGEST_QUESTION
            )
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop, end what is being answered, and remove the socket's file."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= MOST_CONNECTIONS:
            writer.close()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                line = await asyncio.wait_for(reader.readline(), PATIENCE)
            except ValueError:  # longer than the limit
                line = b""
            answer = await asyncio.wait_for(self._respond(line), ANSWER_LIMIT)
            writer.write(answer)
            await asyncio.wait_for(writer.drain(), PATIENCE)
        except (OSError, asyncio.TimeoutError):
            pass  # whoever asked has gone
        finally:
            with contextlib.suppress(OSError):
                writer.close()
