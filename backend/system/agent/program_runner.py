"""The process that runs the agent's programs: one loop, no threads, nothing real-time.

Each program gets a session and a process group of its own, a clean environment, ``/`` as its
directory and no descriptor but its three. Its end is noticed before it is reaped, so that a signal
to its group never meets another group that got the same number. See programs.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from pathlib import Path

from backend.system.agent.program import Ended, How, Program
from backend.system.agent.program_start import Job, be_ordinary

AT_ONCE = 16  # requests that are taken before anything else is looked after


class Runner:
    """Takes requests from the connection and reports ends on it."""

    def __init__(self, connection: socket.socket, wakeup: int) -> None:
        self._connection = connection
        self._wakeup = wakeup
        self._jobs: dict[str, Job] = {}
        self._stuck: list[Job] = []
        self._reports: list[bytes] = []
        self._orphan = False

    def run(self) -> None:
        """Return when the agent has gone and nothing runs any more."""
        while self._jobs or not self._orphan:
            ready = self._wait()
            if self._wakeup in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wakeup, 4096)
            if not self._orphan and (self._reports or self._connection.fileno() in ready):
                self._converse()
            for job in list(self._jobs.values()):
                job.listen()
                self._look_after(job)
            for job in [one for one in self._stuck if one.has_ended()]:
                job.reap()
                self._stuck.remove(job)

    def _wait(self) -> set[int]:
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        if not self._orphan:
            wanted = select.POLLIN | (select.POLLOUT if self._reports else 0)
            poll.register(self._connection, wanted)
        patience = None
        for job in self._jobs.values():
            for descriptor in (job.reader, job.news):
                if descriptor >= 0:
                    poll.register(descriptor, select.POLLIN)
            left = max(0.0, job.deadline - time.monotonic()) * 1000 + 1
            patience = left if patience is None else min(patience, left)
        return {descriptor for descriptor, _ in poll.poll(patience)}

    def _converse(self) -> None:
        try:
            while self._reports:
                self._connection.send(self._reports[0])
                self._reports.pop(0)
        except BlockingIOError:
            pass
        except OSError:
            return self._end()
        for _ in range(AT_ONCE):
            try:
                message = self._connection.recv(1 << 20)
            except BlockingIOError:
                return None
            except OSError:
                return self._end()
            if not message:
                return self._end()
            self._obey(json.loads(message))
        return None

    def _end(self) -> None:
        """The agent has gone: stop what still runs, except what is to finish."""
        self._orphan = True
        self._connection.close()
        for job in self._jobs.values():
            if not job.program.finish:
                job.cancel()

    def _obey(self, request: dict[str, object]) -> None:
        name = str(request["job"])
        fields = request.get("program")
        if not isinstance(fields, dict):
            if name in self._jobs:
                self._jobs[name].cancel()
            return
        pairs = tuple((key, value) for key, value in fields.pop("environment"))
        argv = tuple(fields.pop("argv"))
        job = Job(name, Program(argv=argv, environment=pairs, **fields))
        self._jobs[name] = job
        job.start()

    def _look_after(self, job: Job) -> None:
        """Report its end, or send the next signal when its time is over."""
        if job.has_ended():
            how, code = job.reap()
            job.listen()
        elif time.monotonic() >= job.deadline and not job.expire():
            self._stuck.append(job)
            how, code = How.STUCK, 0
        else:
            return
        job.close()
        del self._jobs[job.name]
        self._tell(job.ended(how, code))

    def _tell(self, ended: Ended) -> None:
        if not self._orphan:
            self._reports.append(json.dumps(ended, ensure_ascii=False).encode())


def serve(connection: socket.socket) -> None:
    """Be the runner until the agent has gone; for a child that has just been forked."""
    os.setsid()
    _close_all_but(connection.fileno())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # it ends with its agent, and not before
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    be_ordinary()
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text("haoscar-runs")
    Runner(connection, reader).run()


def _close_all_but(kept: int) -> None:
    """Close the agent's descriptors: a socket kept here would be in a restarted agent's way.
    The standard ones stay."""
    for path in list(Path("/proc/self/fd").iterdir()):
        descriptor = int(path.name)
        if descriptor > 2 and descriptor != kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)
