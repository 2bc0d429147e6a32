"""What systemd says of units: one question on its bus for all, or ``systemctl`` where there is none or
it does not answer."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from backend.system.agent.program import How
from backend.system.watch import bus
from backend.system.watch.errors import Busy, CannotLook
from backend.system.watch.programs import Programs
from backend.system.watch.waiting import within

ANSWER = 5.0  # seconds until systemctl is asked instead
SOCKETS = ("/run/systemd/private", "/run/dbus/system_bus_socket")


class Unit(NamedTuple):
    """A unit as systemd sees it."""

    name: str
    load: str  # "loaded", "not-found", "masked"
    active: str  # "active", "failed", "activating"
    sub: str = ""


class Units:
    """Asks on a connection that is kept; one question at a time."""

    def __init__(self, programs: Programs, sockets: tuple[str, ...] = SOCKETS) -> None:
        self._programs = programs
        self._sockets = sockets
        self._bus: bus.Bus | None = None
        self._lock: asyncio.Lock | None = None

    async def states(self, names: tuple[str, ...], seconds: float) -> list[Unit]:
        """Return the units in the order asked; raises CannotLook."""
        if self._lock is None:
            self._lock = asyncio.Lock()
        deadline = time.monotonic() + seconds
        async with self._lock:
            for _ in range(2):  # again: systemd may have been started again meanwhile
                if self._bus is None:
                    self._bus = await self._connected()
                if self._bus is None:
                    break
                try:
                    left = min(ANSWER, deadline - time.monotonic())
                    rows = await within(left, self._bus.units(names))
                    found = {row[0]: Unit(row[0], row[2], row[3], row[4]) for row in rows}
                    return [found.get(name, Unit(name, "not-found", "")) for name in names]
                except (OSError, EOFError, bus.Garbled):
                    self._drop()
                except asyncio.TimeoutError:
                    self._drop()
                    break
        return await self._by_program(names, max(1.0, deadline - time.monotonic()))

    async def _connected(self) -> bus.Bus | None:
        for path in self._sockets:
            found = await _bus_at(path)
            if found is not None:
                return found
        return None

    async def _by_program(self, names: tuple[str, ...], seconds: float) -> list[Unit]:
        argv = ("systemctl", "show", "--property=Id,LoadState,ActiveState,SubState", "--", *names)
        try:
            ran = await self._programs.run("systemctl show", argv, seconds)
        except Busy as busy:
            raise CannotLook(f"systemctl hangs since {busy.since:.0f} s.") from busy
        if ran.how is not How.EXITED or ran.code:
            said = ran.errors.decode("utf-8", "backslashreplace").strip()
            why = ran.why or said or f"it ended with exit code {ran.code}"
            raise CannotLook(f"systemctl could not tell: {why}.")
        found = parse(ran.output.decode("utf-8", "backslashreplace"))
        if len(found) != len(names):
            raise CannotLook("systemctl told of other units than it was asked for.")
        return [one._replace(name=name) for one, name in zip(found, names)]

    def _drop(self) -> None:
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def close(self) -> None:
        """Hang up."""
        self._drop()


async def _bus_at(path: str) -> bus.Bus | None:
    try:
        return await within(2.0, bus.connect(path, hello=not path.endswith("/private")))
    except (OSError, EOFError, bus.Garbled, asyncio.TimeoutError):
        return None


def parse(text: str) -> list[Unit]:
    """Return the units of ``systemctl show``: lines of NAME=VALUE, an empty one between units."""
    found = []
    for block in text.split("\n\n"):
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in told:
            state = told.get("ActiveState", ""), told.get("SubState", "")
            found.append(Unit(told["Id"], told.get("LoadState", ""), *state))
    return found
