"""Starting one program: the child between fork and exec, its secrets, its signals."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
import time
from typing import NoReturn

from backend.system.agent.program import LARGEST_INPUT, Ended, How, Program, visible

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}
GRACE = 5.0  # seconds from SIGTERM to SIGKILL when a time limit is over
HASTE = 2.0  # the same for a program that was cancelled
GIVE_UP = 3.0  # from SIGKILL until it is reported as stuck
MOST_OUTPUT = 64_000  # bytes
LONGEST_SECRET = 1024  # bytes
AT_ONCE = 1 << 20  # bytes of output that are read before anything else is looked after
_SECRET = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}=[^\x00-\x1f\x7f]{0,1024}")
_STARS = re.compile(rb"\*{3,}")
_NOT_FROM_A_FILE = ("action", "option", "verbose", "verbose_level", "debug", "debug_file")


class Job:
    """A program that runs."""

    def __init__(self, name: str, program: Program) -> None:
        self.name = name
        self.program = program
        self.began = time.monotonic()
        self.deadline = self.began + program.limit
        self.signal = 0  # the last one that was sent
        self.why = How.EXITED  # or TIMED_OUT, CANCELLED
        self.failure = b""  # why it could not be started
        self.output = bytearray()
        self.cut = False  # the output was longer
        self.hidden: tuple[bytes, ...] = ()
        self.pid = 0
        self.reader = -1  # its output
        self.news = -1  # the error of its start

    def keep(self, data: bytes) -> None:
        """Remember the end of the output."""
        self.output += data
        excess = len(self.output) - min(self.program.keep, MOST_OUTPUT) - LONGEST_SECRET
        if excess > 0:
            self.cut = True
            del self.output[:excess]

    def ended(self, how: How, code: int) -> Ended:
        """Return the report."""
        if self.failure:
            how, code = How.NOT_STARTED, 0
            self.output, self.cut = bytearray(self.failure), False
        raw = bytes(self.output)
        for one in self.hidden:
            raw = raw.replace(one, b"*" * len(one))  # as long: so no part of one slips past the cut
        most = min(self.program.keep, MOST_OUTPUT)
        text = visible(_STARS.sub(b"********", raw[-most:]))
        if self.cut or len(raw) > most:
            text = f"(...) {text}"
        text = text.encode()[-MOST_OUTPUT:].decode("utf-8", "ignore")  # escapes make it longer
        return Ended(self.name, how, code, text, round(time.monotonic() - self.began, 3))

    def start(self) -> None:
        """Start it; a failure is kept and shows at once as its end."""
        program = self.program
        try:
            secrets = read_secrets(program.secrets) if program.secrets else []
            given = "".join(f"{line}\n" for line in secrets).encode() + program.input.encode()
            if len(given) > LARGEST_INPUT:
                raise ValueError("its input is too long")
            self.hidden = _worth_hiding(secrets)
            self.pid, self.reader, self.news = _fork(program, given)
        except (OSError, ValueError) as error:
            self.failure = str(error).encode()

    def listen(self) -> None:
        """Take what it has written, without waiting."""
        if self.news >= 0:
            with contextlib.suppress(BlockingIOError):
                self.failure = os.read(self.news, 4096)
                os.close(self.news)
                self.news = -1
        left = AT_ONCE
        while self.reader >= 0 and left > 0:
            try:
                data = os.read(self.reader, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                os.close(self.reader)
                self.reader = -1
            self.keep(data)
            left -= len(data)

    def cancel(self) -> None:
        """Stop it, because nobody wants it any more."""
        if not self.signal:
            self.why = How.CANCELLED
            self.next_signal(HASTE)

    def expire(self) -> bool:
        """Its time is over: send the next signal; returns False when none is left to send."""
        if self.signal == signal.SIGKILL:
            return False
        if not self.signal:
            self.why = How.TIMED_OUT
        self.next_signal(GRACE)
        return True

    def next_signal(self, grace: float) -> None:
        """Send SIGTERM to its group, or SIGKILL when it has had that."""
        self.signal = signal.SIGKILL if self.signal else signal.SIGTERM
        self.deadline = time.monotonic() + (GIVE_UP if self.signal == signal.SIGKILL else grace)
        self.send(self.signal)

    def send(self, number: int) -> None:
        """Send a signal to its group; it has not been reaped, so the group is still its own."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def has_ended(self) -> bool:
        """Whether it is a zombie by now; it stays one."""
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return not self.pid or os.waitid(os.P_PID, self.pid, flags) is not None

    def reap(self) -> tuple[How, int]:
        """Let a program that has ended go; returns how it ended."""
        if not self.pid:
            return How.NOT_STARTED, 0
        if self.why is not How.EXITED:
            self.send(signal.SIGKILL)  # what it has left behind goes with it
        _, status = os.waitpid(self.pid, 0)
        if self.why is not How.EXITED:
            return self.why, 0
        if os.WIFSIGNALED(status):
            return How.SIGNALLED, os.WTERMSIG(status)
        return How.EXITED, os.WEXITSTATUS(status)

    def close(self) -> None:
        """Give its descriptors back."""
        for descriptor in (self.reader, self.news):
            if descriptor >= 0:
                os.close(descriptor)
        self.reader = self.news = -1


def be_ordinary() -> None:
    """Leave the agent's real-time scheduling, should it have been inherited."""
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    if os.getpriority(os.PRIO_PROCESS, 0) < 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def read_secrets(path: str) -> list[str]:
    """Return the lines of a credentials file; raises ValueError, which never holds any of them."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise ValueError(f"{path} is no file of root's own; make it one")
        if found.st_mode & 0o077:
            raise ValueError(f"{path} can be read by others; give it the mode 0600")
        raw = file.read(4097)
    try:
        lines = [line.strip() for line in raw.decode().splitlines()]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text") from None
    lines = [line for line in lines if line and not line.startswith("#")]
    for line in lines:
        name = line.partition("=")[0].lower().replace("-", "_")
        too_long = len(line.encode()) > LONGEST_SECRET
        if too_long or not _SECRET.fullmatch(line) or name in _NOT_FROM_A_FILE:
            raise ValueError(f"{path} has a line that is not option=value, or not a credential")
    if len(raw) > 4096:
        raise ValueError(f"{path} is too long")
    return lines


def _worth_hiding(lines: list[str]) -> tuple[bytes, ...]:
    """Return the values, the longest first; one of two characters is no secret, and would spoil
    every text."""
    values = {line.partition("=")[2].encode() for line in lines}
    return tuple(sorted((one for one in values if len(one) > 2), key=len, reverse=True))


def _fork(program: Program, given: bytes) -> tuple[int, int, int]:
    """Return the pid, and the descriptors of its output and of the news from its start."""
    read, write = os.pipe()
    news, teller = os.pipe()
    source, feeder = os.pipe()
    try:
        for end in (read, news, feeder):
            os.set_blocking(end, False)
        if given:
            os.write(feeder, given)  # fits: a pipe holds 64 KiB
        pid = os.fork()
        if pid == 0:
            _exec(program, source, write, teller)
    except BaseException:
        os.close(read)
        os.close(news)
        raise
    finally:
        for end in (write, teller, source, feeder):
            os.close(end)
    return pid, read, news


def _exec(program: Program, source: int, output: int, teller: int) -> NoReturn:
    """Become the program. Every other descriptor closes itself."""
    try:
        os.setsid()
        for number in range(1, signal.NSIG):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        for target, descriptor in enumerate((source, output, output)):
            os.dup2(descriptor, target)
        be_ordinary()
        with contextlib.suppress(OSError):
            protected = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(protected, b"0")
            os.close(protected)
        os.umask(0o022)
        os.chdir("/")
        environment = {**ENVIRONMENT, **dict(program.environment)}
        os.execvpe(program.argv[0], program.argv, environment)  # noqa: S606 - never a shell
    except OSError as error:
        os.write(teller, f"{program.argv[0]}: {error.strerror}".encode())
    finally:
        os._exit(127)
