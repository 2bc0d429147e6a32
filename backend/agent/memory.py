"""What a head remembers: across a power loss its term and promise, across a restart its lease."""

from __future__ import annotations

from collections.abc import Callable

from backend.agent.chronicle import Chronicle
from backend.agent.settings import Settings
from backend.system.agent.store import Damaged, Store, StoreWriter

STATE_NAME = "head.json"  # in the state directory: survives everything
LEASE_NAME = "lease.json"  # in the run directory: gone with the machine


class Memory:
    """Reads at the start, writes in a thread of its own; used from the agent's one thread."""

    def __init__(
        self,
        settings: Settings,
        chronicle: Chronicle,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """``prepare`` runs first in the thread that writes."""
        self._state = Store(f"{settings.state_directory}/{STATE_NAME}")
        self._lease = Store(f"{settings.run_directory}/{LEASE_NAME}")
        self._chronicle = chronicle
        self._writer = StoreWriter(self._state, prepare)

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    def recall(self) -> tuple[int, int, bool]:
        """Return the highest term, the promise given, and whether there is no memory."""
        try:
            known = self._state.read()
        except (Damaged, OSError) as problem:
            self._chronicle.alarm(str(problem))
            known = None
        if known is None:
            return 0, 0, True
        return _number(known.get("term")), _number(known.get("promised")), False

    def keep(self, term: int, promise: int) -> None:
        """Store them soon."""
        self._writer.submit({"term": term, "promised": promise}, promise)

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``finished`` has something."""
        return self._writer.fileno()

    def finished(self) -> list[int]:
        """Return the promises that are on the disk now; a failure is an alarm."""
        done = []
        for stored in self._writer.finished():
            if stored.problem:
                self._chronicle.alarm(stored.problem)
            elif stored.tag:  # without a promise nobody waits for it
                done.append(int(stored.tag))
        return done

    def note_serving(self, term: int, solo: int = 0) -> bool:
        """Note in the run directory which term this machine serves (0: none) and the promise it
        uses; returns whether that was possible. It is in memory: this does not wait for a disk."""
        try:
            self._lease.write({"term": term, "solo": solo})
        except OSError as problem:
            self._chronicle.alarm(f"{self._lease.path}: {problem.strerror}")
            return False
        return True

    def served(self) -> tuple[int, int]:
        """Return the term and the promise that this machine served with when its agent ended."""
        try:
            known = self._lease.read() or {}
        except (Damaged, OSError):
            return 0, 0
        return _number(known.get("term")), _number(known.get("solo"))

    def stop(self) -> None:
        """Write what is still waiting, for a second at most."""
        self._writer.stop()


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else 0
