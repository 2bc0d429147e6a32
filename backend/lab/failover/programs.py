"""Programs left running inside a world: children of its own first processes, not of ours.

A program whose parent were outside (nsenter) would drag it along: it stops when its child is
stopped, and what is stopped for ever keeps a killed world from ending.
"""

import secrets
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from backend.errors import HaoscarError
from backend.system.namespaces import NamespaceRunner
from backend.system.processes import PROC, ProcessId, children
from backend.system.runner import Command, spawn

START_LIMIT = 10.0  # seconds; 0.02 when idle
GRACE = 0.5
MARK = "HAOSCAR_PROGRAM"


@dataclass(frozen=True, slots=True)
class Program:
    """A running program; signals reach it and all that it started."""

    process: ProcessId

    @classmethod
    def start(
        cls, command: Command, place: NamespaceRunner, parent: ProcessId, log_file: Path
    ) -> "Program":
        """Start a program in the place of ``parent``, the first process there, which adopts it.

        Its output is appended to a file. Raises CommandFailed, HaoscarError.
        """
        mark = secrets.token_hex(8)
        environment: Mapping[str, str] = {**command.env, MARK: mark}
        apart = replace(command, env=environment).after("setsid", "--fork")
        outside = spawn(place.command(apart), log_file)
        deadline = time.monotonic() + START_LIMIT
        while True:
            if not outside.running:  # it must be there; while it changes its image it has no mark
                deadline = min(deadline, time.monotonic() + GRACE)
            for pid in children(parent.pid):
                if _marked(pid, mark) and (found := ProcessId.of(pid)) is not None:
                    outside.process.wait(START_LIMIT)
                    return cls(found)
            if time.monotonic() > deadline:
                outside.stop()
                said = log_file.read_text(errors="replace")[-2000:].strip()
                raise HaoscarError.of(
                    "failover.program",
                    f"{command.argv[0]} did not start: {said or 'it said nothing'}",
                )
            time.sleep(0.002)

    @property
    def running(self) -> bool:
        """Whether the program itself still runs."""
        return self.process.alive

    def family(self) -> list[ProcessId]:
        """Return the program and its descendants, the oldest first."""
        found, waiting = [], [self.process.pid] if self.running else []
        while waiting:
            pid = waiting.pop(0)
            one = ProcessId.of(pid)
            if one is not None:
                found.append(one)
                waiting += children(pid)
        return found

    def kill(self) -> None:
        """End it and all that it started by SIGKILL, at one moment as far as possible."""
        family = self.family()
        for number in (signal.SIGSTOP, signal.SIGKILL):  # none may clean up after another
            for one in family:
                one.send(number)
        for one in family:
            one.wait(5.0)

    def stop(self, limit: float) -> None:
        """Ask it to end in order; SIGKILL after ``limit`` seconds."""
        self.process.send(signal.SIGTERM)
        if not self.process.wait(limit):
            self.kill()


def _marked(pid: int, mark: str) -> bool:
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={mark}".encode() in environment.split(b"\0")
