"""Running monitors of other projects: a process group each, a time limit, a limit on what is kept.

Forked here and not by ``subprocess``: that waits until the program has been loaded, and a program
on a dead file server never is. What a program leaves behind in its group is killed at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import Callable, NamedTuple, NoReturn

from backend.system.agent.program import How
from backend.system.agent.program_start import ENVIRONMENT, be_ordinary
from backend.system.watch.errors import Busy
from backend.system.watch.waiting import _set

AT_ONCE = 16  # programs
KEPT = 20_000  # bytes of the beginning of each output
GRACE = 1.0  # seconds from SIGTERM to SIGKILL, and from there until it is called stuck
_CHUNK = 1 << 16
_LOOK = 0.02  # seconds between two looks where the kernel has no pidfd


class Ran(NamedTuple):
    """The end of a program."""

    how: How
    code: int = 0  # its exit code, or the number of the signal
    output: bytes = b""
    errors: bytes = b""  # what it said on standard error
    seconds: float = 0.0
    why: str = ""  # it could not be started


class Programs:
    """Runs programs, so many at once; one that hangs in the kernel is left, counted, and named."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._places: asyncio.Semaphore | None = None
        self._stuck: dict[str, _Child] = {}
        self._killed: list[_Child] = []  # to be reaped

    @property
    def stuck(self) -> int:
        """How many programs not even SIGKILL could end."""
        self._forget()
        return len(self._stuck)

    async def run(
        self, key: str, argv: tuple[str, ...], seconds: float,
        environment: tuple[tuple[str, str], ...] = (), child: Callable[[], None] | None = None,
    ) -> Ran:  # fmt: skip
        """Run a program, or a function in a child of its own, and return its end.

        Raises Busy when the last one of this key still hangs. ``seconds`` includes the wait for a
        free place; how it ended is known a second later at most.
        """
        self._forget()
        if key in self._stuck:
            raise Busy(time.monotonic() - self._stuck[key].began)
        began = time.monotonic()
        if (
            self._places is None
        ):  # made here: before Python 3.10 it belongs to the loop of its birth
            self._places = asyncio.Semaphore(self._at_once)
        async with self._places:
            left = seconds - (time.monotonic() - began)
            one = _Child(argv, dict(environment), child)
            try:
                ran = await one.run(max(0.1, left))
            except BaseException:  # cancelled, and killed
                self._killed.append(one)
                raise
            if ran.how is How.STUCK:
                self._stuck[key] = one
            return ran

    def _forget(self) -> None:
        for key in [key for key, one in self._stuck.items() if one.is_gone()]:
            del self._stuck[key]
        self._killed = [one for one in self._killed if not one.is_gone()]

    async def close(self) -> None:
        """Reap what was killed when its check was cancelled."""
        for _ in range(20):
            self._forget()
            if not self._killed:
                return
            await asyncio.sleep(0.02)


class _Child:
    """One program that runs."""

    def __init__(
        self, argv: tuple[str, ...], environment: dict[str, str], child: Callable[[], None] | None
    ) -> None:
        self.began = time.monotonic()
        self._argv = argv
        self._environment = environment
        self._function = child
        self._loop = asyncio.get_running_loop()
        self._pid = 0
        self._pidfd = -1
        self._kept: dict[int, bytearray] = {}  # by descriptor: output, errors, news
        self._ended: asyncio.Future[bool] = self._loop.create_future()

    async def run(self, seconds: float) -> Ran:
        output, errors, news = self._start()
        try:
            how = How.EXITED
            steps = ((seconds, signal.SIGTERM), (GRACE, signal.SIGKILL), (GRACE, 0))
            for patience, number in steps:
                if await self._wait(patience):
                    break
                how = How.TIMED_OUT
                self._signal(number)
            else:
                how = How.STUCK
            return self._report(how, output, errors, news)
        except BaseException:  # cancelled: nobody wants it any more
            self._signal(signal.SIGKILL)
            raise
        finally:
            self._close()

    def _start(self) -> tuple[int, int, int]:
        pipes = [os.pipe() for _ in range(3)]  # closed at exec
        try:
            self._pid = os.fork()
            if self._pid == 0:
                self._become([write for _, write in pipes])
        finally:
            for _, write in pipes:
                os.close(write)
            for read, _ in pipes:
                self._kept[read] = bytearray()
                os.set_blocking(read, False)
                self._loop.add_reader(read, self._listen, read)
        with contextlib.suppress(OSError, AttributeError):
            self._pidfd = os.pidfd_open(self._pid)
            self._loop.add_reader(self._pidfd, self._look)
        if self._pidfd < 0:
            self._look()
        return pipes[0][0], pipes[1][0], pipes[2][0]

    def _become(self, ends: list[int]) -> NoReturn:
        output, errors, news = ends
        try:
            os.setsid()
            for number in range(1, signal.NSIG):
                with contextlib.suppress(OSError, ValueError):
                    signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            nothing = os.open("/dev/null", os.O_RDONLY)
            for target, descriptor in enumerate((nothing, output, errors)):
                os.dup2(descriptor, target)
            be_ordinary()
            with contextlib.suppress(OSError):
                protected = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
                os.write(protected, b"0")
                os.close(protected)
            os.umask(0o022)
            os.chdir("/")
            if self._function is not None:
                _close_all_but(news)
                self._function()
                os._exit(0)
            os.execvpe(self._argv[0], self._argv, {**ENVIRONMENT, **self._environment})  # noqa: S606 - never a shell
        except OSError as error:
            with contextlib.suppress(OSError):
                os.write(news, str(error.strerror or error).encode())
        finally:
            os._exit(127)

    async def _wait(self, seconds: float) -> bool:
        await asyncio.wait({self._ended}, timeout=seconds)
        return self._ended.done()

    def _listen(self, descriptor: int) -> None:
        """Take what it has written; what is more than is kept is read and forgotten."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(descriptor)
        kept = self._kept[descriptor]
        kept += data[: KEPT - len(kept)]

    def _look(self) -> None:
        if self._ended.done():
            return
        if self.has_ended():
            _set(self._ended, True)
        elif self._pidfd < 0:
            self._loop.call_later(_LOOK, self._look)

    def has_ended(self) -> bool:
        """Whether it is a zombie by now; it stays one, so that its group stays its own."""
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def is_gone(self) -> bool:
        """Whether one that was stuck has ended after all; then it is reaped."""
        return not self._pid or os.waitpid(self._pid, os.WNOHANG)[0] == self._pid

    def _signal(self, number: int) -> None:
        if number and self._pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)

    def _report(self, how: How, output: int, errors: int, news: int) -> Ran:
        code, why = 0, ""
        if how is not How.STUCK:
            self._signal(signal.SIGKILL)  # what it has left behind goes with it
            for descriptor in (output, errors, news):
                self._listen(descriptor)
            _, status = os.waitpid(self._pid, 0)
            self._pid = 0
            code = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            if how is How.EXITED and os.WIFSIGNALED(status):
                how = How.SIGNALLED
            if self._kept[news]:
                how, why = How.NOT_STARTED, self._kept[news].decode("utf-8", "replace")
        seconds = time.monotonic() - self.began
        return Ran(how, code, bytes(self._kept[output]), bytes(self._kept[errors]), seconds, why)

    def _close(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        for descriptor in self._kept:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)


def _close_all_but(kept: int) -> None:
    """A child that hangs must not keep the sockets of a process that is started again."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - between fork and exec
        if int(name) > 2 and int(name) != kept:
            with contextlib.suppress(OSError):
                os.close(int(name))
