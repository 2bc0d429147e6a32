"""A head's resources around real programs, in a mount and a network namespace of their own."""

import contextlib
import ctypes
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.agent.resources.conductor import Conductor
from backend.agent.resources.state import PeerOff, Retire, Serve
from backend.agent.resources.validation import problems
from backend.agent.settings import Fencing, Member, Resource, Settings
from backend.system.agent import program_runner, program_start
from backend.system.agent.programs import Worker

CLONE_NEWNS, CLONE_NEWNET, MS_REC_PRIVATE = 0x20000, 0x40000000, 0x44000


@contextlib.contextmanager
def worker_alone() -> Iterator[Worker]:
    """A worker in namespaces that end with it, and in a hurry."""
    ordinary = program_start.be_ordinary

    def be_alone() -> None:
        ordinary()
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.unshare(CLONE_NEWNS | CLONE_NEWNET) == 0
        assert libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None) == 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program_runner, "be_ordinary", be_alone)
        patch.setattr(program_start, "GRACE", 0.2)
        patch.setattr(program_start, "HASTE", 0.2)
        made = Worker()
    try:
        yield made
    finally:
        made.close()
        wait_for(lambda: made.finished, "the end of the worker")


class Head:
    """A head's resources, driven as its loop does."""

    def __init__(self, worker: Worker, *resources: Resource, fencing: Fencing | None = None):
        assert [text for one in resources for text in problems(one)] == []
        members = (Member(1, "a", True, ("",)), Member(2, "b", True, ("",)))
        settings = Settings("c", 1, members, (), (), "", "", "")
        self.said: list[str] = []
        self.resets: list[str] = []
        self.offs = 0
        self.worker = worker
        self.conductor = Conductor(
            settings._replace(resources=resources, fencing=fencing), worker, peer_watchdog=0,
            clock=lambda: time.monotonic_ns() // 1000, say=self.said.append, peer_off=self._off,
            self_fence=self.resets.append,
        )  # fmt: skip
        self.conductor.begin()

    def _off(self) -> None:
        self.offs += 1

    def until(self, done: Callable[[], bool], what: str, limit: float = 30.0) -> None:
        deadline = time.monotonic() + limit
        while not done():
            assert time.monotonic() < deadline, f"{what}: {self.states()}; {self.said}"
            wake = self.conductor.wake_at() / 1e6 - time.monotonic()
            ready, _, _ = select.select([self.conductor], [], [], min(max(wake, 0), 0.2))
            if ready:
                self.conductor.readable()
            if time.monotonic_ns() // 1000 >= self.conductor.wake_at():
                self.conductor.tick()

    def states(self) -> dict[str, str]:
        return {one["name"]: one["state"] for one in self.conductor.states()}

    def all(self, state: str) -> None:
        self.until(lambda: set(self.states().values()) == {state}, f"everything is {state}")

    def tell(self, event: Serve | Retire | PeerOff) -> None:
        self.conductor.tell(event)

    def mounts(self) -> set[str]:
        """What is mounted where the programs run."""
        lines = Path(f"/proc/{self.worker.pid}/mounts").read_text().splitlines()
        return {line.split()[1] for line in lines}


def wait_for(done: Callable[[], bool], what: str, limit: float = 20.0) -> None:
    deadline = time.monotonic() + limit
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        time.sleep(0.01)


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def dummy(name: str, directory: Path, *after: str, check_every: float = 0.5) -> Resource:
    options = (("agent", "ocf:heartbeat:Dummy"), ("state", str(directory / name)))
    return Resource(name, "ocf", options, after, check_every=check_every)
