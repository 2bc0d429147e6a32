"""Leaves a head's engine next to no processor time, and everybody else enough."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from backend.lab.failover.machine import Machine
from backend.lab.failover.programs import Program
from backend.system.processes import ProcessId
from backend.system.runner import Command

LOOPS = 4
HUNGRY, CALM = 0, 1  # processors


def possible() -> bool:
    """Whether this machine has a processor for the others."""
    return {HUNGRY, CALM} <= os.sched_getaffinity(0)


@contextlib.contextmanager
def starved(
    machine: Machine, victims: Iterable[ProcessId], others: Iterable[ProcessId], logs: Path
) -> Iterator[None]:
    """Confine ``victims`` to one processor with busy loops of the highest ordinary priority."""
    victims, others = list(victims), list(others)
    loops: list[Program] = []
    everywhere = os.sched_getaffinity(0)
    try:
        _confine(others, {CALM})
        _confine(victims, {HUNGRY})
        for number in range(LOOPS):
            command = Command.of(
                "taskset", "--cpu-list", str(HUNGRY), "nice", "-n", "-20", sys.executable, "-I",
                "-S", "-c", "while True: pass",
            ).within(None)  # fmt: skip
            loop = machine.start(command, logs / f"loop{number}.out")
            loops.append(loop)
            with contextlib.suppress(OSError):  # a kernel without autogroups
                Path(f"/proc/{loop.process.pid}/autogroup").write_text("-20")
        yield
    finally:
        for loop in loops:
            loop.kill()
        _confine([*victims, *others], everywhere)


def _confine(processes: Iterable[ProcessId], processors: set[int]) -> None:
    for one in processes:
        for task in Path(f"/proc/{one.pid}/task").glob("*"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(task.name), processors)
