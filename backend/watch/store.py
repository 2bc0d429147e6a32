"""What the watch process keeps on the disk: the state, the history, the availability.

Writing is done in a thread, one thing after the other. A disk that does not take it is said once;
the process goes on without. What cannot be read is put aside and said.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

from backend.system.watch import disk
from backend.watch.availability import KEPT_DAYS, Day, is_day, read_day
from backend.watch.history import Entry, History, as_line

FORMAT = 1
HISTORY_BYTES = 4 << 20  # of each of two files


class Store:
    """The files below ``<state_directory>/watch``."""

    def __init__(self, directory: str, say: Callable[[str], None]) -> None:
        self._directory = f"{directory}/watch"
        self._days = f"{self._directory}/availability"
        self._history = f"{self._directory}/history.jsonl"
        self._say = say
        self._failed: set[str] = set()
        self._size = 0
        self._pool = ThreadPoolExecutor(1, "watch-store")
        self._waiting: set[asyncio.Future[None]] = set()
        for one in (self._directory, self._days):
            try:
                disk.make_directory(one)
            except OSError as problem:  # noqa: PERF203
                self._trouble(one, problem)

    # reading, when the process begins

    def state(self) -> dict[str, Any]:
        """Return the state that was kept; empty when there is none that can be used."""
        path = f"{self._directory}/state.json"
        value = self._json(path)
        if value is None:
            return {}
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            self._aside(path, "it is no state of this version")
            return {}
        return value

    def history(self, history: History) -> None:
        """Put what is on the disk into the history."""
        bad = 0
        for path in (f"{self._history}.1", self._history):
            data = self._read(path)
            if data is not None:
                bad += history.load(data.splitlines())
                self._size = len(data) if path == self._history else 0
        if bad:
            self._say(
                f"{bad} lines of {self._history} are no entries of the history; they are left out."
            )

    def day(self, name: str) -> Day:
        """Return the availability of a day; empty when there is none that can be used."""
        if not is_day(name):
            return {}
        path = f"{self._days}/{name}.json"
        value = self._json(path)
        day = {} if value is None else read_day(value)
        if day is None:
            self._aside(path, "it is no availability of a day")
            return {}
        return day

    def days(self) -> list[str]:
        """Return the days of which there is something, the oldest first."""
        found = (name.rpartition(".json")[0] for name in disk.names(self._days))
        return [name for name in found if is_day(name)]

    # writing, which nobody waits for

    def keep_state(self, state: dict[str, Any]) -> None:
        """Write the state; it is turned into text at once."""
        content = json.dumps({"format": FORMAT, **state}, separators=(",", ":")).encode()
        self._later(f"{self._directory}/state.json", lambda path: disk.replace(path, content))

    def keep_entries(self, entries: list[Entry]) -> None:
        """Append to the history."""
        content = b"".join(map(as_line, entries))
        self._later(self._history, lambda path: self._append(path, content))

    def keep_day(self, name: str, day: Day) -> None:
        """Write the availability of a day, and forget the days that are too old."""
        content = json.dumps(day, separators=(",", ":")).encode()

        def write(path: str) -> None:
            disk.replace(path, content, durable=False)
            oldest = (date.fromisoformat(name) - timedelta(days=KEPT_DAYS)).isoformat()
            for one in self.days():
                if one < oldest:
                    disk.remove(f"{self._days}/{one}.json")

        if is_day(name):
            self._later(f"{self._days}/{name}.json", write)

    async def flush(self) -> None:
        """Wait until all that was to be kept is written, or could not be."""
        while self._waiting:
            await asyncio.gather(*self._waiting, return_exceptions=True)

    async def close(self) -> None:
        """Write what is left, for some seconds at most: a disk may hang."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self.flush()), 5.0)
        self._pool.shutdown(wait=False)

    def _later(self, path: str, write: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            try:
                write(path)
            except OSError as problem:
                loop.call_soon_threadsafe(self._trouble, path, problem)
            else:
                if path in self._failed:
                    loop.call_soon_threadsafe(self._well, path)

        future = loop.run_in_executor(self._pool, work)
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)

    def _append(self, path: str, content: bytes) -> None:
        if self._size + len(content) > HISTORY_BYTES and self._size:
            disk.rename(path, f"{path}.1")
        self._size = disk.append(path, content)

    # trouble

    def _trouble(self, path: str, problem: OSError) -> None:
        if not self._failed:
            why = problem.strerror or str(problem)
            self._say(
                f"{path} cannot be written: {why}. The watch list goes on; what it finds is not kept over a restart."
            )
        self._failed.add(path)

    def _well(self, path: str) -> None:
        self._failed.discard(path)
        if not self._failed:
            self._say("The files of the watch list can be written again.")

    def _read(self, path: str) -> bytes | None:
        try:
            return disk.read(path)
        except OSError as problem:
            self._say(
                f"{path} cannot be read: {problem.strerror}. The watch list goes on without it."
            )
            return None

    def _json(self, path: str) -> object:
        data = self._read(path)
        if data is None:
            return None
        try:
            found: object = json.loads(data)
        except (ValueError, RecursionError):
            found = None
        if found is None:
            self._aside(path, "it is not JSON")
        return found

    def _aside(self, path: str, why: str) -> None:
        try:
            disk.rename(path, f"{path}.corrupt")
            kept = f"it is kept as {path}.corrupt"
        except OSError as problem:
            kept = f"it could not be put aside ({problem.strerror})"
        self._say(f"{path} cannot be used: {why}; {kept}.")
