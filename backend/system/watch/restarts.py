"""Runs the programs of a recovery as the failover agent runs those of its resources: by the same
process of its own, in which what a program has left running, a daemon, stays."""

from __future__ import annotations

import asyncio
import contextlib

from backend.system.agent.program import Ended, How, Program
from backend.system.agent.programs import Worker


class Restarts:
    """Programs on this head; the process that runs them is started with the first."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._heard = -1  # the descriptor that the loop listens to
        self._waiting: dict[str, asyncio.Future[Ended]] = {}
        self._number = 0

    async def run(self, program: Program) -> Ended:
        """Run a program and return its end; cancelled, it is stopped."""
        if self._worker is None:
            self._worker = Worker()
        self._number += 1
        job = str(self._number)
        future: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._waiting[job] = future
        try:
            self._worker.submit(job, program)
            self._listen()
            return await future
        except ValueError as problem:
            return Ended(job, How.NOT_STARTED, output=str(problem))
        except asyncio.CancelledError:
            self._worker.cancel(job)
            raise
        finally:
            self._waiting.pop(job, None)

    def close(self) -> None:
        """End; what still runs is stopped."""
        self._deafen()
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _listen(self) -> None:
        """The descriptor is another one when the process has died and was started again."""
        assert self._worker is not None
        number = self._worker.fileno()
        if number != self._heard:
            self._deafen()
            asyncio.get_running_loop().add_reader(number, self._hear)
            self._heard = number

    def _deafen(self) -> None:
        if self._heard >= 0:
            with contextlib.suppress(OSError, ValueError):
                asyncio.get_running_loop().remove_reader(self._heard)
            self._heard = -1

    def _hear(self) -> None:
        if self._worker is None:
            return
        for ended in self._worker.events():
            future = self._waiting.get(ended.job)
            if future is not None and not future.done():
                future.set_result(ended)
        if not self._worker.pid:
            self._deafen()
