"""A small process around the board: it runs monitors and alerts as programs, and nothing else."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from backend.watch.core import events
from backend.watch.core.actions import Action, Cancel, Run, Tell
from backend.watch.core.board import Board
from backend.watch.results import Moment, Outcome, Result, harmless
from backend.watch.settings import STARTUP, UP, Settings


def moment() -> Moment:
    """Return now."""
    return Moment(time.clock_gettime(time.CLOCK_BOOTTIME), time.time())


class Driver:
    """Runs a board until it is told to stop."""

    def __init__(self, settings: Settings, monitors: Path, alerts: Path) -> None:
        self.board = Board(settings)
        self.settings = settings
        self._monitors, self._alerts = monitors, alerts
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._queues: dict[str, asyncio.Queue[Tell]] = {}
        self._senders: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self.latest = 0.0  # by how much the worst step was late, in seconds
        self.problems: list[str] = []

    def put(self, event: events.Event) -> None:
        """Let something happen."""
        self._do(self.board.step(event, moment()).actions)
        self._changed.set()

    async def run(self, finished: Callable[[], bool], limit: float) -> bool:
        """Run until ``finished``, at most ``limit`` seconds; return whether it is."""
        end = time.monotonic() + limit
        self._do(self.board.begin(moment()))
        while not finished() and time.monotonic() < end:
            wait = min(max(self.board.wake_at() - moment().mono, 0.0), 0.1)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)
            self._changed.clear()
            now = moment()
            if self.board.wake_at() <= now.mono:
                self.latest = max(self.latest, now.mono - self.board.wake_at())
                self._do(self.board.step(events.Tick(), now).actions)
        self.put(events.Retire())
        await asyncio.gather(*self._checks.values(), return_exceptions=True)
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        return finished()

    def _do(self, actions: tuple[Action, ...] | list[Action]) -> None:
        for one in actions:
            if isinstance(one, Run):
                if one.ref in self._checks:
                    self.problems.append(f"two checks of {one.ref} at once")
                self._checks[one.ref] = asyncio.create_task(self._check(one))
            elif isinstance(one, Cancel):
                self._checks[one.ref].cancel()
            elif isinstance(one, Tell):
                self._send(one)

    async def _check(self, run: Run) -> None:
        service = self.settings.service(run.ref)
        assert service is not None
        program = self._monitors / service.monitor.rpartition("/")[2]
        process = await asyncio.create_subprocess_exec(
            program, *service.words, *run.hosts, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "MON_GROUP": service.group, "MON_SERVICE": service.name},
        )  # fmt: skip
        try:
            said, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        summary, _, detail = said.decode().partition("\n")
        code = process.returncode or 0
        outcome = Outcome.FAILED if code else Outcome.OK
        result = Result(outcome, code, harmless(summary, 400), harmless(detail, 16_384, lines=True))
        del self._checks[run.ref]
        self.put(events.Finished(run.ref, result))

    def _send(self, tell: Tell) -> None:
        if tell.ref not in self._queues:
            self._queues[tell.ref] = asyncio.Queue()
            self._senders.append(asyncio.create_task(self._sender(self._queues[tell.ref])))
        self._queues[tell.ref].put_nowait(tell)

    async def _sender(self, queue: "asyncio.Queue[Tell]") -> None:
        while True:
            tell = await queue.get()
            await self._alert(tell)

    async def _alert(self, tell: Tell) -> None:
        group, _, service = tell.ref.partition(":")
        kind = {UP: "up", STARTUP: "startup"}.get(tell.run, "failure")
        process = await asyncio.create_subprocess_exec(
            self._alerts / tell.alert.program, "-s", service, "-g", group, "-h", " ".join(tell.hosts),
            "-t", str(int(time.time())), *(["-u"] if tell.run == UP else []), *tell.alert.words,
            stdin=asyncio.subprocess.PIPE,
            env={**os.environ, "MON_ALERTTYPE": kind, "MON_RETVAL": str(tell.result.code)},
        )  # fmt: skip
        await process.communicate(f"{tell.result.summary}\n{tell.result.detail}".encode())
