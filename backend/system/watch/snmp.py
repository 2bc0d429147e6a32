"""Reading a table of an SNMP agent: v2c with pysnmp's messages over one socket, v3 with its engine.

pysnmp is imported when it is used first. For v2c its high-level interface is not used: measured with
snmpd on this machine, a table of four rows costs a third more CPU time there (2.2 instead of 1.6 ms),
and the engine takes 14 MiB more memory.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from backend.system.watch.credentials import Login, LoginFile
from backend.system.watch.errors import CannotLook
from backend.system.watch.snmp_v2c import Pairs, V2c
from backend.system.watch.snmp_v3 import V3

AT_ONCE = 16  # rows that are asked for in one message when nobody knows how many there are
MOST_ROWS, MOST_QUESTIONS = 1000, 100
# Seconds for which a table that was read serves other services, too; less than the shortest
# interval, or a service would hear of its own last poll.
FRESH = 0.9


class Reading(NamedTuple):
    """A table as it was read, and one number beside it."""

    rows: dict[int, dict[int, object]]  # by index, then by column: text or a number
    beside: int | None = None


class Wanted(NamedTuple):
    """What to read."""

    address: str
    port: int
    entry: tuple[int, ...]  # of the table
    columns: tuple[int, ...]
    beside: tuple[int, ...] = ()  # an instance that is read with it


class Snmp:
    """Reads tables; what several services want within a second is asked once."""

    def __init__(self, path: str) -> None:
        self._file = LoginFile(path)
        self._fresh: dict[Wanted, tuple[float, Reading]] = {}
        self._asking: dict[Wanted, asyncio.Task[Reading]] = {}
        self._lengths: dict[Wanted, int] = {}  # how many rows each table had
        self._v2c = V2c()
        self._v3 = V3()

    def load(self) -> None:
        """Import what questions need: seconds on a busy machine. Raises CannotLook."""
        (self._v3 if self._file.read().user else self._v2c).load()

    async def read(self, wanted: Wanted, seconds: float) -> Reading:
        """Return the table; raises Closed, Silent, CannotLook."""
        when, reading = self._fresh.get(wanted, (0.0, Reading({})))
        if when and time.monotonic() - when <= FRESH:
            return reading
        task = self._asking.get(wanted)
        if task is None:
            login = self._file.read()
            task = asyncio.ensure_future(self._walk(wanted, login, seconds))
            self._asking[wanted] = task
            task.add_done_callback(lambda done: self._finished(wanted, done))
        # Shielded: who gives up must not take the answer from others that wait for it.
        return await asyncio.shield(task)

    def _finished(self, wanted: Wanted, task: asyncio.Task[Reading]) -> None:
        self._asking.pop(wanted, None)
        if not task.cancelled() and task.exception() is None:
            now = time.monotonic()
            for old in [key for key, (when, _) in self._fresh.items() if now - when > FRESH]:
                del self._fresh[old]
            self._fresh[wanted] = (now, task.result())

    async def _walk(self, wanted: Wanted, login: Login, seconds: float) -> Reading:
        deadline = time.monotonic() + seconds
        last = {column: (*wanted.entry, column) for column in wanted.columns}
        rows: dict[int, dict[int, object]] = {}
        beside, first = None, True
        # One more than there are: what comes after the last one shows that it is the last.
        at_once = self._lengths.get(wanted, AT_ONCE - 1) + 1
        for _ in range(MOST_QUESTIONS):
            names = [last[column] for column in wanted.columns if column in last]
            extra = wanted.beside if first else ()
            left = max(0.05, deadline - time.monotonic())
            bulk = self._v3.bulk if login.user else self._v2c.bulk
            pairs = await bulk(
                (wanted.address, wanted.port),
                login,
                _before(extra),
                names,
                min(at_once, AT_ONCE),
                left,
            )
            if extra and pairs:
                name, value = pairs.pop(0)
                beside = value if name == extra and isinstance(value, int) else None
            first = False
            if not _take(wanted, pairs, last, rows):
                self._lengths[wanted] = len(rows)
                return Reading(rows, beside)
            if len(rows) > MOST_ROWS:
                break
        raise CannotLook(f"The table of {wanted.address} does not end: more than {MOST_ROWS} rows.")

    async def close(self) -> None:
        """Stop asking."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        self._v3.close()


def _before(name: tuple[int, ...]) -> tuple[int, ...]:
    """Return a name whose successor can be ``name``: GETBULK asks for what comes next."""
    return name[:-1] if name else ()


def _take(
    wanted: Wanted,
    pairs: Pairs,
    last: dict[int, tuple[int, ...]],
    rows: dict[int, dict[int, object]],
) -> bool:
    """Enter what came; returns whether there is more to ask for. A column that has ended, or that
    does not go on in order, leaves ``last``."""
    asked = [column for column in wanted.columns if column in last]
    gone: set[int] = set()
    new = False
    depth = len(wanted.entry)
    for place, (name, value) in enumerate(pairs):
        column = asked[place % len(asked)]
        if column in gone:
            continue
        if name[: depth + 1] != (*wanted.entry, column) or name <= last[column] or value is None:
            gone.add(column)
            continue
        last[column] = name
        if len(name) == depth + 2:
            rows.setdefault(name[-1], {})[column] = value
            new = True
    for column in gone:
        del last[column]
    return bool(last) and new
