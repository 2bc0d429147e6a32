"""The link between the watch processes of the two heads: one connection, asked and answered on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from backend.system.watch.tcp_link import FrameEnd, FrameStream, Listener, connect
from backend.watch.link_connection import Connection, Message
from backend.watch.link_seal import NONCE, Handshake, LinkRefused, Seal, refusal
from backend.watch.results import harmless
from backend.watch.settings import Settings

HANDSHAKE_LIMIT = 5.0  # seconds
PING_EVERY = 3.0  # seconds
RETRY_FIRST, RETRY_SECOND = 1.0, 4.0  # seconds; the head whose name comes first tries more often
YOUNG = 5.0  # seconds in which two connections may have been made at the same time
LISTEN_AGAIN = 10.0  # seconds


class LinkDown(Exception):
    """The other head's watch process cannot be asked now; the text says why."""


class Link:
    """Keeps the connection; ``run`` until cancelled. Everything happens in one loop."""

    def __init__(
        self,
        settings: Settings,
        key: bytes,
        say: Callable[[str], None],
        *,
        hear: Callable[[Message], None],
        answer: Callable[[Message], Awaitable[Message]],
        met: Callable[[], None],
    ) -> None:
        """``key``: see link_key. ``hear`` gets what was told, ``answer`` what was asked, ``met`` is
        called when a connection is there."""
        self._settings = settings
        self._key = key
        self._say = say
        self._hear, self._answer, self._met = hear, answer, met
        self._first = settings.me.name < settings.other.name
        self._connection: Connection | None = None
        self._strangers = 0
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Future[Any]] = set()
        self._said = ""
        self.refused: Counter[str] = Counter()  # by why
        self.bytes_sent = 0
        self.port = settings.port
        self._listener = Listener(self._accepted, settings.other.addresses, lambda: self._strangers)

    @property
    def connected(self) -> bool:
        """Whether the other head's process is there."""
        return self._connection is not None

    async def run(self) -> None:
        """Listen, connect, and keep one connection."""
        tasks = [
            asyncio.ensure_future(one)
            for one in (*(self._listen(one) for one in self._settings.me.addresses), self._seek(), self._ping())
        ]  # fmt: skip
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in (*tasks, *self._tasks):
                task.cancel()
            await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
            await self._listener.close()
            if self._connection is not None:
                self._connection.close()

    def tell(self, kind: str, **values: Any) -> bool:
        """Send something when there is a connection; returns whether it was sent."""
        connection = self._connection
        if connection is None:
            return False
        try:
            self.bytes_sent += connection.send({"kind": kind, **values})
        except FrameEnd as problem:
            self._lose(connection, str(problem))
            return False
        return True

    async def ask(self, what: str, limit: float, values: Message) -> Message:
        """Ask the other head's process and return its answer; raises LinkDown."""
        number = next(self._numbers)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        other = self._settings.other.name
        try:
            if not self.tell("ask", what=what, number=number, values=values):
                raise LinkDown(f"there is no link to the watch process of {other}")
            return await asyncio.wait_for(future, limit)
        except asyncio.TimeoutError as problem:
            raise LinkDown(
                f"the watch process of {other} gave no answer in {limit:.0f} s"
            ) from problem
        finally:
            self._asked.pop(number, None)

    async def _listen(self, address: str) -> None:
        said = False
        while True:
            try:
                await self._listener.listen(address, self.port)
            except OSError as problem:  # noqa: PERF203
                if not said:
                    why, where = problem.strerror or problem, f"{address}:{self.port}"
                    self._say(f"The watch link cannot listen on {where}: {why}. It goes on trying.")
                said = True
                await asyncio.sleep(LISTEN_AGAIN)
            else:
                return

    async def _seek(self) -> None:
        pause = RETRY_FIRST if self._first else RETRY_SECOND
        if not self._first:  # usually the other one has connected by then
            await asyncio.sleep(RETRY_SECOND)
        while True:
            for address in self._settings.other.addresses:
                if self._connection is not None:
                    break
                with contextlib.suppress(OSError):
                    stream = await connect(address, self.port)
                    await self._session(stream, connecting=True)
            await asyncio.sleep(pause)

    async def _accepted(self, stream: FrameStream) -> None:
        self._strangers += 1
        await self._session(stream, connecting=False)

    async def _session(self, stream: FrameStream, *, connecting: bool) -> None:
        """Let one connection live from its first byte to its last."""
        try:
            try:
                seal = await asyncio.wait_for(self._shake(stream, connecting), HANDSHAKE_LIMIT)
            finally:
                self._strangers -= 0 if connecting else 1
            now = asyncio.get_running_loop().time()
            by_first = connecting == self._first
            connection = Connection(stream, seal, by_first=by_first, now=now)
            if self._take(connection, now):
                await self._converse(connection)
        except LinkRefused as problem:
            self._count(str(problem), stream.address)
        except (FrameEnd, asyncio.TimeoutError):
            pass  # whoever that was, nothing is proved about it
        finally:
            stream.close()

    async def _shake(self, stream: FrameStream, connecting: bool) -> Seal:
        names = self._settings.me.name, self._settings.other.name
        shake = Handshake(
            self._key, self._settings.cluster, names, os.urandom(NONCE), connecting=connecting
        )
        stream.write(shake.hello)
        try:
            stream.write(shake.heard(await stream.read()))
            return shake.proved(await stream.read())
        except LinkRefused as problem:
            with contextlib.suppress(FrameEnd):
                stream.write(refusal(str(problem)))
            raise

    def _take(self, connection: Connection, now: float) -> bool:
        """Use a new connection instead of the old one; of two at once, that of the first head."""
        old = self._connection
        if old is not None:
            if now - old.began < YOUNG and old.by_first and not connection.by_first:
                return False
            self._connection = None
            old.close()
        self._connection = connection
        if self._said != "up":
            self._say(f"The watch process of {self._settings.other.name} is connected.")
            self._said = "up"
        self._met()
        return True

    async def _converse(self, connection: Connection) -> None:
        why = "it was closed"
        try:
            while self._connection is connection:
                self._dispatch(await connection.receive())
        except FrameEnd as problem:
            why = str(problem)
        finally:
            self._lose(connection, why)

    def _lose(self, connection: Connection, why: str) -> None:
        if self._connection is not connection:
            return
        self._connection = None
        connection.close()
        other = self._settings.other.name
        for future in self._asked.values():
            if not future.done():
                future.set_exception(LinkDown(f"the link to the watch process of {other} broke"))
        if self._said != "down":
            self._say(f"The watch process of {other} is not connected any more: {why}.")
            self._said = "down"

    def _dispatch(self, message: Message) -> None:
        kind = message["kind"]
        if kind == "ping":
            return
        if kind == "answer":
            future = self._asked.get(message.get("number", 0))
            if future is not None and not future.done():
                found = message.get("values")
                future.set_result(found if isinstance(found, dict) else {})
        elif kind == "ask":
            task = asyncio.ensure_future(self._reply(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            try:
                self._hear(message)
            except (KeyError, TypeError, ValueError, AttributeError) as problem:
                raise LinkRefused(f"a message {kind[:20]!a} cannot be understood") from problem

    async def _reply(self, message: Message) -> None:
        self.tell("answer", number=message.get("number"), values=await self._answer(message))

    async def _ping(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_EVERY / 2)
            connection = self._connection
            if connection is not None and loop.time() - connection.sent >= PING_EVERY / 2:
                self.tell("ping")

    def _count(self, why: str, address: str) -> None:
        """Count what was refused; the same is said once."""
        why = harmless(why, 300)
        if not self.refused[why] and len(self.refused) < 100:
            self._say(f"The watch link has refused a connection of {address}: {why}.")
        if why in self.refused or len(self.refused) < 100:
            self.refused[why] += 1
