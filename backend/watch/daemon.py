"""The watch process of a head: checks and alerts while this head is the active one, and otherwise
keeps what the other head's process tells it. One loop, one thread."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from backend.agent.chronicle import Chronicle
from backend.system.agent.keyfile import read_key
from backend.system.agent.process import boottime_us, notify, watchdog_us
from backend.system.watch.control_server import ControlServer
from backend.watch.head import WatchHead
from backend.watch.link import Link
from backend.watch.link_seal import link_key
from backend.watch.monitors.registry import prepare
from backend.watch.role import Role, RoleWatch, agent_asker
from backend.watch.settings import Settings

SOCKET_NAME = "watch"  # in the run directory
LONGEST_WAIT = 1.0  # seconds
CLOSE_LIMIT = 10.0  # seconds


def run(settings: Settings) -> int:
    """Watch until SIGTERM or SIGINT; returns the exit code."""
    chronicle = Chronicle(write_line, time.time, boottime_us)
    try:
        key = link_key(read_key(settings.key_file))
    except OSError as problem:
        why = problem.strerror or problem
        write_line(
            f"{settings.key_file} cannot be used: {why}. It must be its owner's alone (0600)."
        )
        return 1
    return asyncio.run(Daemon(settings, key, chronicle).run())


def write_line(line: str) -> None:
    """Write to standard error; a journal that does not read stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class Daemon:
    """The parts, and the clock that drives them."""

    def __init__(self, settings: Settings, key: bytes, chronicle: Chronicle) -> None:
        self._settings = settings
        self._chronicle = chronicle
        self._failed = False
        self._stop: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._told = 0.0  # when systemd was last told
        self._patience = watchdog_us() / 3e6 or float("inf")
        self.head = WatchHead(settings, chronicle, self._kick, self._look)
        self.link = Link(
            settings, key, chronicle.notice,
            hear=self.head.hear, answer=self.head.asked, met=lambda: self.head.copying.met(),
        )  # fmt: skip
        self.role = RoleWatch(
            agent_asker(settings.agent_socket), self._role_changed, lambda: boottime_us() / 1e6
        )

    async def run(self) -> int:
        """Run until somebody asks to stop, or a part ends that must not."""
        loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        loop.set_exception_handler(self._unexpected)
        self.head.open(self.link)
        path = f"{self._settings.run_directory}/{SOCKET_NAME}"
        server = ControlServer(path, self.head.control.respond)
        try:
            await server.open()
        except OSError as problem:
            self._chronicle.alarm(f"{path} cannot be opened: {problem.strerror or problem}.")
            return 1
        parts = [
            asyncio.ensure_future(one)
            for one in (self.link.run(), self.role.run(), self.head.run())
        ]
        for part in parts:
            part.add_done_callback(self._part_ended)
        notify("READY=1")
        threading.Thread(
            target=prepare, args=(self._settings,), name="prepare", daemon=True
        ).start()
        self._chronicle.notice(f"{self._settings.me.name} watches {len(self._settings.services)} services when it serves")  # fmt: skip
        self._kick()
        try:
            await self._stop.wait()
        finally:
            notify("STOPPING=1")
            if self._timer is not None:
                self._timer.cancel()
            await self._close(server, parts)
        return 1 if self._failed else 0

    async def _close(self, server: ControlServer, parts: Sequence[asyncio.Future[Any]]) -> None:
        async def work() -> None:
            await server.close()
            await self.head.close()
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

        try:
            await asyncio.wait_for(work(), CLOSE_LIMIT)
        except asyncio.TimeoutError:
            self._chronicle.alarm("Something did not end in time, and is left behind.")

    def _role_changed(self, role: Any) -> None:
        self.head.role_changed(role)
        self._kick()

    async def _look(self) -> Role:
        return await self.role.now()

    # the clock

    def _kick(self) -> None:
        """Look at what is due, soon; whoever changes something calls this."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_soon(self._tick)  # type: ignore[assignment]

    def _tick(self) -> None:
        """Do what is due, and come again for the next."""
        try:
            self.head.tick()
        except Exception as problem:  # noqa: BLE001 - whatever it is, it must not be silent
            self._broken(f"a mistake of the watch process: {problem!r}", problem)
            return
        now = boottime_us() / 1e6
        if now - self._told >= min(self._patience, LONGEST_WAIT):
            self._told = now
            notify("WATCHDOG=1")
        wait = min(max(self.head.wake_at() - now, 0.001), LONGEST_WAIT)
        self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    # the end

    def _asked_to_stop(self) -> None:
        self._chronicle.notice("asked to stop")
        assert self._stop is not None
        self._stop.set()

    def _part_ended(self, part: asyncio.Future[Any]) -> None:
        if not part.cancelled() and self._stop is not None and not self._stop.is_set():
            problem = part.exception()
            self._broken(f"a part of the watch process has ended: {problem!r}", problem)

    def _unexpected(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A task or a callback failed that nobody waits for: log, and start anew."""
        problem = context.get("exception")
        if isinstance(problem, OSError):  # of a connection that has gone
            self._chronicle.notice(f"{context.get('message')}: {problem!r}")
            return
        self._broken(
            f"a mistake of the watch process: {context.get('message')}: {problem!r}", problem
        )

    def _broken(self, sentence: str, problem: BaseException | None) -> None:
        """Say it and end with an error: the service manager starts it again with what was kept."""
        import traceback

        self._chronicle.alarm(sentence)
        if problem is not None:
            write_line(
                "".join(traceback.format_exception(type(problem), problem, problem.__traceback__))
            )
        self._failed = True
        if self._stop is not None:
            self._stop.set()
