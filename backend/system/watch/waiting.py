"""Waiting for a descriptor or a coroutine with an end, at the cost of a timer and not of a task."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def _set(future: asyncio.Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)


async def writable(descriptor: int, deadline: float) -> bool:
    """Return True as soon as a descriptor can be written, False at the loop's time ``deadline``."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[bool] = loop.create_future()
    timer = loop.call_at(deadline, _set, future, False)
    loop.add_writer(descriptor, _set, future, True)
    try:
        return await future
    finally:
        loop.remove_writer(descriptor)
        timer.cancel()


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; raises TimeoutError of asyncio when its time is over.

    Not ``asyncio.wait_for``: before Python 3.12 that one can swallow a cancellation.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
        raise asyncio.TimeoutError
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await asyncio.wait({task}, timeout=1.0)
