"""Two ends of the watch link on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from backend.watch.link import Link
from backend.watch.link_seal import link_key
from backend.watch.settings import Head, Settings

KEY = link_key(b"k" * 32)
HERE, THERE = "127.0.0.1", "127.0.0.2"


def free_port() -> int:
    """Return a port that nobody uses on the loopback now."""
    with socket.socket() as end:
        end.bind((HERE, 0))
        return int(end.getsockname()[1])


def settings(me: str, port: int, directory: str = "/nonexistent") -> Settings:
    """Return what one of the two heads is told."""
    heads = {"head1": Head("head1", (HERE,)), "head2": Head("head2", (THERE,))}
    other = "head2" if me == "head1" else "head1"
    return Settings(
        "test",
        heads[me],
        heads[other],
        "key",
        directory,
        directory,
        f"{directory}/control",
        (),
        port,
    )


class End:
    """One head's link, with what it heard and said."""

    def __init__(self, me: str, port: int, key: bytes = KEY) -> None:
        self.heard: list[Mapping[str, Any]] = []
        self.said: list[str] = []
        self.met = 0
        self.link = Link(
            settings(me, port), key, self.said.append,
            hear=self.heard.append, answer=self.answer, met=self._meet,
        )  # fmt: skip

    async def answer(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer with the question."""
        return {"echo": message["values"]}

    def _meet(self) -> None:
        self.met += 1


@contextlib.asynccontextmanager
async def running(*ends: End) -> AsyncIterator[None]:
    """Run links, and end them."""
    tasks = [asyncio.ensure_future(one.link.run()) for one in ends]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(done: Callable[[], bool], what: str, limit: float = 10.0) -> None:
    """Wait for a condition."""
    end = asyncio.get_running_loop().time() + limit
    while not done():
        assert asyncio.get_running_loop().time() < end, f"{what} did not come in {limit:g} s"
        await asyncio.sleep(0.005)


def go(work: Callable[[], Awaitable[None]], limit: float = 30.0) -> None:
    """Run a test's coroutine, for some seconds at most."""
    asyncio.run(asyncio.wait_for(work(), limit))  # type: ignore[arg-type]
