"""Processes known by pid and start time, so that a reused pid is never mistaken for the old one."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_START_FIELD = 19  # of what follows the command name in /proc/PID/stat (proc(5))
_PARENT_FIELD = 1


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process of this boot."""

    pid: int
    start: int  # clock ticks since the machine started

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """Return the identity of a running process, or None when there is none (or a zombie)."""
        fields = _stat(pid)
        return None if fields is None else cls(pid, int(fields[_START_FIELD]))

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs."""
        return ProcessId.of(self.pid) == self

    def send(self, number: int) -> bool:
        """Send a signal to exactly this process; returns False when it has gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive:
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until it has gone; returns whether it has."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def cpu_seconds(self) -> float:
        """Return the processor time it has used so far, 0.0 when it has gone."""
        fields = _stat(self.pid)
        if fields is None:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run_seconds(self) -> float:
        """Return its threads' processor time to the nanosecond, without threads that have ended."""
        total = 0
        for task in (PROC / str(self.pid) / "task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(task.read_text().split()[0])
        return total / 1e9

    def memory_bytes(self) -> int:
        """Return its resident memory, 0 when it has gone."""
        try:
            pages = int((PROC / str(self.pid) / "statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """Return the pids of a process's children, oldest first."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and int(fields[_PARENT_FIELD]) == pid:
                found.append((int(fields[_START_FIELD]), int(entry.name)))
    return [child for _start, child in sorted(found)]


def namespace_pid(pid: int) -> list[int]:
    """Return a process's pid in each PID namespace it is in, outermost first; empty when gone."""
    try:
        text = (PROC / str(pid) / "status").read_text()
    except OSError:
        return []
    for line in text.splitlines():
        if line.startswith("NSpid:"):
            return [int(word) for word in line.split()[1:]]
    return []


def in_pid_namespace_of(pid: int) -> list[int]:
    """Return the other processes that share the PID namespace of a process."""
    found = []
    try:
        wanted = (PROC / str(pid) / "ns/pid").readlink()
    except OSError:
        return []
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != pid:
            try:
                if (entry / "ns/pid").readlink() == wanted:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _stat(pid: int) -> list[str] | None:
    """Return the fields after the command name, which may itself hold spaces; None for zombies."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (OSError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if not fields or fields[0] in ("Z", "X") else fields
