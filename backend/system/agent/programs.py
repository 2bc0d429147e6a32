"""Running programs for the agent without ever waiting for them.

A process of its own runs them (program_runner.py), not a thread: a thread would share Python's
lock with the real-time loop, and starting a program whose file is on a dead file server would
hold that lock for as long as the server is dead. Start the worker before the agent becomes
real-time and locks its memory, and before it opens its sockets.

When the agent ends, in order or not, the process sees its end of the connection closed: it stops
what still runs, except programs that are to ``finish`` (the stop of a resource goes on to its
time limit, because an end is never the wrong direction), and then ends itself. What a program
has left running in a session of its own, a daemon, stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
from collections import deque
from pathlib import Path
from typing import NoReturn

from backend.system.agent.program import LARGEST_INPUT, Ended, How, Program
from backend.system.agent.program_runner import serve
from backend.system.agent.program_start import read_secrets

LARGEST_MESSAGE = 150_000  # bytes, of a request or of a report
_BUFFER = 1 << 20


class Worker:
    """Runs programs; its descriptor becomes readable when one has ended. For one thread."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._busy: dict[str, None] = {}
        self._lost: list[Ended] = []
        self._pid = 0
        self._dead: list[int] = []  # to be reaped
        self._connection = self._start()

    @property
    def pid(self) -> int:
        """The process that runs the programs; 0 when it has died."""
        return self._pid

    @property
    def busy(self) -> tuple[str, ...]:
        """The jobs that have not been reported yet."""
        return tuple(self._busy)

    def fileno(self) -> int:
        """For select; the number changes when the process died and was started again."""
        return self._connection.fileno()

    def submit(self, job: str, program: Program) -> None:
        """Have a program run; returns at once, ``events`` tells its end.

        Raises ValueError for a job that runs already, for more input than LARGEST_INPUT, and for
        arguments or an environment that no program can be given.
        """
        if job in self._busy:
            raise ValueError(f"the job {job} runs already")
        words = (*program.argv, *(word for pair in program.environment for word in pair))
        if not program.argv or any("\0" in word for word in words):
            raise ValueError(f"the job {job} has no program, or a NUL character in its arguments")
        if len(program.input.encode()) > LARGEST_INPUT:
            raise ValueError(f"the job {job} has more input than {LARGEST_INPUT} bytes")
        message = json.dumps({"job": job, "program": program._asdict()}).encode()
        if len(message) > LARGEST_MESSAGE:
            raise ValueError(f"the arguments of the job {job} are too long")
        self._dead = [pid for pid in self._dead if not _reaped(pid)]
        if not self._pid:
            self._connection.close()
            self._connection = self._start()
        self._busy[job] = None
        self._waiting.append(message)
        self._flush()

    def cancel(self, job: str) -> None:
        """Stop a program: SIGTERM, SIGKILL 2 s later; its end is reported as CANCELLED."""
        if job in self._busy and self._pid:
            self._waiting.append(json.dumps({"job": job}).encode())
            self._flush()

    def events(self) -> list[Ended]:
        """Return what has ended since the last call; never waits.

        When the process that runs the programs has died, each of them is reported as LOST, and
        the next ``submit`` starts another one.
        """
        found: list[Ended] = []
        while self._pid:
            try:
                message = self._connection.recv(_BUFFER)
            except BlockingIOError:
                break
            except OSError:
                message = b""
            if not message:
                self._died()
                break
            ended = _read(message)
            self._busy.pop(ended.job, None)
            found.append(ended)
        self._flush()
        lost, self._lost = self._lost, []
        return found + lost

    def close(self) -> None:
        """Give the connection back; what happens to running programs stands above."""
        self._connection.close()
        self._busy.clear()
        self._dead.append(self._pid)
        self._pid = 0

    @property
    def finished(self) -> bool:
        """Whether, after ``close``, nothing runs any more."""
        self._dead = [pid for pid in self._dead if not _reaped(pid)]
        return not self._dead

    def _start(self) -> socket.socket:
        mine, there = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK
        )
        for end in (mine, there):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        pid = os.fork()
        if pid == 0:
            _become_runner(there)
        there.close()
        self._pid = pid
        return mine

    def _died(self) -> None:
        self._dead.append(self._pid)
        self._pid = 0
        self._lost = [Ended(job, How.LOST) for job in self._busy]
        self._busy.clear()
        self._waiting.clear()

    def _flush(self) -> None:
        while self._waiting and self._pid:
            try:
                self._connection.send(self._waiting[0])
            except (BlockingIOError, OSError):
                return  # full, or dead: ``events`` will see
            self._waiting.popleft()


def program_problem(path: str) -> str:
    """Say why root should not run a program; empty when it may: a regular file, executable, and
    nobody but root can change it."""
    try:
        found = Path(path).stat()
    except OSError as error:
        return f"{path} cannot be run: {error.strerror}. Install the package that it belongs to."
    if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o111:
        return f"{path} is not a program."
    if found.st_uid != 0 or found.st_mode & 0o022:
        return f"{path} can be changed by others than root; root does not run it. Correct its owner and mode."
    return ""


def secrets_problem(path: str) -> str:
    """Say why a credentials file is not used; empty when it is. Its contents are never told."""
    try:
        read_secrets(path)
    except ValueError as error:
        return str(error)
    return ""


def _reaped(pid: int) -> bool:
    try:
        return pid == 0 or os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _become_runner(connection: socket.socket) -> NoReturn:
    """Be the child: nothing of the agent's own code may go on in it."""
    try:
        serve(connection)
    except BaseException as error:  # noqa: BLE001 - reported by the end of the connection
        with contextlib.suppress(OSError):
            os.write(2, f"the process that runs the programs died: {error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def _read(message: bytes) -> Ended:
    job, how, code, output, seconds = json.loads(message)
    return Ended(job, How(how), code, output, seconds)
