"""Calls that may hang in the kernel (a file on a dead file server, a name look-up), in threads.

The threads are daemons: one that hangs for ever keeps nothing from ending, and while it does,
the same question is not put again. Who asks what is being asked waits for the same answer.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from backend.system.watch.errors import Busy, CannotLook, Silent

T = TypeVar("T")
MOST = 32  # threads at once, hanging ones included


class _Call(NamedTuple):
    """A call that has not come back."""

    began: float
    end: asyncio.Future[Any]


class Aside:
    """Runs blocking functions beside the loop."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._running: dict[str, _Call] = {}

    @property
    def running(self) -> int:
        """How many calls have not come back."""
        return len(self._running)

    async def call(self, key: str, seconds: float, function: Callable[[], T]) -> T:
        """Return what the function returns, or raise what it raises.

        Raises Silent when it does not come back in time, Busy when an earlier call of this key
        is overdue, CannotLook when too many hang.
        """
        running = self._running.get(key)
        if running is None:
            running = self._start(key, function)
        elif time.monotonic() - running.began > seconds:
            raise Busy(time.monotonic() - running.began)
        await asyncio.wait({running.end}, timeout=seconds)
        if not running.end.done():
            raise Silent
        return running.end.result()  # type: ignore[no-any-return]

    def _start(self, key: str, function: Callable[[], T]) -> _Call:
        if len(self._running) >= self._most:
            raise CannotLook(
                f"{self._most} calls into the kernel hang; look for a dead file or name server."
            )
        loop = asyncio.get_running_loop()
        call = _Call(time.monotonic(), loop.create_future())
        self._running[key] = call

        def finished(value: Any, error: BaseException | None) -> None:
            self._running.pop(key, None)
            if error is None:
                call.end.set_result(value)
            else:
                call.end.set_exception(error)
                call.end.exception()  # it has been seen, even when nobody waits any more

        def work() -> None:
            value, problem = None, None
            try:
                value = function()
            except Exception as error:  # noqa: BLE001 - raised again where it was called
                problem = error
            try:
                loop.call_soon_threadsafe(finished, value, problem)
            except RuntimeError:
                self._running.pop(key, None)  # the loop has been closed

        threading.Thread(target=work, name="haoscar-aside", daemon=True).start()
        return call
