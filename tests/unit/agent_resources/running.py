"""Waiting for the ends of real programs."""

import select
import time
from collections.abc import Callable
from pathlib import Path

from backend.system.agent.program import Ended, Program
from backend.system.agent.programs import Worker

LIMIT = 20.0


def wait_for(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {LIMIT:g} s"
        time.sleep(0.005)


def ends(worker: Worker, count: int = 1) -> dict[str, Ended]:
    """Return the next so many ends, by their jobs."""
    found: dict[str, Ended] = {}
    deadline = time.monotonic() + LIMIT
    while len(found) < count:
        assert time.monotonic() < deadline, f"only {sorted(found)} ended"
        select.select([worker], [], [], 0.5)
        found.update((one.job, one) for one in worker.events())
    return found


def run(worker: Worker, *argv: str, **more: object) -> Ended:
    worker.submit("job", Program(argv, **more))  # type: ignore[arg-type]
    return ends(worker)["job"]


def alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def finished(worker: Worker) -> None:
    """Close a worker and wait until its process has gone."""
    worker.close()
    wait_for(lambda: worker.finished, "the end of the worker")
