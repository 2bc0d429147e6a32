"""The one door to other programs: argument lists, a clean environment, typed results.

No shell is ever started here. Secrets may be given on standard input only, never as an argument.
Everything here may be called from any thread.
"""

import contextlib
import logging
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Protocol

from backend.errors import Cancelled, CommandFailed
from backend.model.secrets import Secret
from backend.reports import error, info

log = logging.getLogger(__name__)

# What a program needs of our environment; everything else (LD_PRELOAD, PYTHONPATH ...) stays out.
PASSED_ON = (
    "HAOSCAR_RUN", "HOME", "PATH", "TERM", "DISPLAY", "XAUTHORITY", "TMPDIR",
    "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL",
)  # fmt: skip
STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TAIL = 4000  # characters of a failed program's output that reach the report


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, and what it is given."""

    argv: tuple[str, ...]
    stdin: bytes | Secret | None = None
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = 60.0  # seconds; None only for what the user can cancel
    open_until: Callable[[], bool] | None = None  # see held_until

    @classmethod
    def of(cls, *words: str | Path) -> "Command":
        """Return a command from its words."""
        return cls(tuple(str(word) for word in words))

    def within(self, seconds: float | None) -> "Command":
        """Return the same command with another time limit."""
        return replace(self, timeout=seconds)

    def given(self, stdin: bytes | Secret) -> "Command":
        """Return the same command with standard input."""
        return replace(self, stdin=stdin)

    def held_until(self, over: Callable[[], bool]) -> "Command":
        """Return it with a standard input that ends only when ``over`` says so (stream only).

        It ends as well when this process does, or the connection: a program that watches it ends
        with us, however we end.
        """
        return replace(self, stdin=self.stdin or b"", open_until=over)

    def after(self, *prefix: str | Path) -> "Command":
        """Return the command run by another one, as in ``ip netns exec NAME ...``."""
        return replace(self, argv=(*(str(word) for word in prefix), *self.argv))

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended."""

    command: Command
    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.exit_code == 0


class Runner(Protocol):
    """Runs commands somewhere: on this machine, in a namespace, on another host over SSH."""

    def run(self, command: Command, *, check: bool = True) -> Result:
        """Run to the end; raises CommandFailed when it cannot start, times out or (check) fails."""

    def stream(
        self,
        command: Command,
        on_line: Callable[[str], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        check: bool = True,
    ) -> Result:
        """Run, passing on each output line (stdout and stderr, also at CR); raises Cancelled too."""


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment every program gets: C.UTF-8, a full PATH, and no surprises."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    path = kept.get("PATH", "")
    kept["PATH"] = f"{path}:{STANDARD_PATH}" if path else STANDARD_PATH
    return {**kept, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", **extra}


def failure(result: Result) -> CommandFailed:
    """Return the error for a program that ended badly, with the end of what it said."""
    said = (result.stderr.strip() or result.stdout.strip())[-TAIL:]
    name = result.command.argv[0]
    return CommandFailed(
        error(
            "command.failed",
            f"{name} failed with exit code {result.exit_code}" + (f": {said}" if said else "."),
            f"The command was: {result.command}",
        )
    )


class LocalRunner:
    """Runs programs on this machine; in tests a prefix puts them into a namespace or container."""

    def __init__(self, prefix: tuple[str, ...] = ()) -> None:
        self._prefix = prefix

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        full = command.after(*self._prefix)
        began = time.monotonic()
        process = _start(full, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(_input(full), timeout=full.timeout)
        except subprocess.TimeoutExpired:
            end_group(process)
            raise _timed_out(full) from None
        except BaseException:
            end_group(process)
            raise
        result = Result(full, process.returncode, _text(out), _text(err), time.monotonic() - began)
        log.debug("%s -> %d in %.2f s", full, result.exit_code, result.seconds)
        if check and not result.ok:
            raise failure(result)
        return result

    def stream(
        self,
        command: Command,
        on_line: Callable[[str], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        check: bool = True,
    ) -> Result:
        """See Runner.stream."""
        full = command.after(*self._prefix)
        began = time.monotonic()
        process = _start(full, stderr=subprocess.STDOUT)
        try:
            _feed(process, full)
            lines = _read_lines(process, full, on_line, cancelled)
        except BaseException:
            end_group(process)
            raise
        result = Result(full, process.wait(), "\n".join(lines), "", time.monotonic() - began)
        log.debug("%s -> %d in %.2f s", full, result.exit_code, result.seconds)
        if check and not result.ok:
            raise failure(result)
        return result


@dataclass(slots=True)
class Daemon:
    """A program left running by us, stopped by its own process group, never by name."""

    process: subprocess.Popen[bytes]
    name: str

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def stop(self, grace: float = 5.0) -> None:
        """End it and everything it started: SIGTERM, then SIGKILL after ``grace`` seconds."""
        end_group(self.process, grace)


def spawn(command: Command, log_file: Path) -> Daemon:
    """Start a program that goes on running, its output appended to a file; raises CommandFailed."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as output:
        process = _start(command, stdout=output, stderr=subprocess.STDOUT)
    return Daemon(process, Path(command.argv[0]).name)


def end_group(process: subprocess.Popen[bytes], grace: float = 2.0) -> None:
    """End a process started here together with its process group, and reap it."""
    for signal_number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
            break
    with contextlib.suppress(ProcessLookupError):  # what it started and did not end itself
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _start(
    command: Command, *, stderr: int, stdout: "int | IO[bytes]" = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            cwd=command.cwd,
            env=clean_environment(command.env),
            start_new_session=True,
        )
    except OSError as problem:
        raise CommandFailed.of(
            "command.not-started",
            f"{command.argv[0]} could not be started: {problem.strerror}.",
            "Install the package it belongs to." if isinstance(problem, FileNotFoundError) else "",
        ) from problem


def _input(command: Command) -> bytes | None:
    if isinstance(command.stdin, Secret):
        return command.stdin.reveal().encode()
    return command.stdin


def _feed(process: subprocess.Popen[bytes], command: Command) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(_input(command) or b"")
            process.stdin.flush()
        if command.open_until is None:
            _close_input(process)


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")


def _timed_out(command: Command) -> CommandFailed:
    return CommandFailed(
        error(
            "command.timeout",
            f"{command.argv[0]} did not end within {command.timeout:g} s and was stopped.",
            f"The command was: {command}",
        )
    )


def _read_lines(
    process: subprocess.Popen[bytes],
    command: Command,
    on_line: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> list[str]:
    """Pass on lines until the program closes its output; returns the last 200 of them."""
    assert process.stdout is not None
    deadline = None if command.timeout is None else time.monotonic() + command.timeout
    kept: list[str] = []
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if cancelled():
                raise Cancelled(info("task.cancelled", "Cancelled on your request."))
            if deadline is not None and time.monotonic() > deadline:
                raise _timed_out(command)
            if command.open_until is not None and command.open_until():
                _close_input(process)
            if not selector.select(timeout=0.1):
                continue
            chunk = os.read(process.stdout.fileno(), 65536)
            pending += chunk
            *whole, pending = pending.replace(b"\r", b"\n").split(b"\n")
            if not chunk and pending:
                whole.append(pending)
            for line in filter(None, whole):
                kept.append(_text(line))
                on_line(kept[-1])
            del kept[:-200]
            if not chunk:
                break
    _close_input(process)
    return kept
