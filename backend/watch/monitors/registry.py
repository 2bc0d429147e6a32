"""All monitors behind one question: how is this service?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from typing import Callable

from backend.system.watch.errors import CannotLook
from backend.system.watch.snmp import Snmp
from backend.system.watch.tools import Tools
from backend.system.watch.waiting import within
from backend.watch.monitors import external, machine, snmp_tables, sockets, web
from backend.watch.monitors.findings import cannot
from backend.watch.monitors.kinds import Kind, kind_of
from backend.watch.monitors.look import Look
from backend.watch.monitors.memory import Memory
from backend.watch.monitors.parameters import read
from backend.watch.results import Result
from backend.watch.settings import Service, Settings

# Seconds beyond a service's limit until a monitor is given up that does not keep it: a program gets
# SIGTERM a second before the limit, SIGKILL at it, and a second to be gone.
PATIENCE = 2.0
BUILT_IN: dict[str, Callable[[Look], Awaitable[Result]]] = {
    "netsnmp-proc.monitor": snmp_tables.check,
    "netsnmp-loadaverage.monitor": snmp_tables.check,
    "netsnmp-freespace.monitor": snmp_tables.check,
    "systemd-unit": machine.check_units,
    "tcp": sockets.check_tcp,
    "http": web.check,
    "icmp": sockets.check_icmp,
    "dns": sockets.check_dns,
    "ntp": sockets.check_ntp,
    "nfs": machine.check_nfs,
    "slurm": machine.check_slurm,
    "dhcp": machine.check_dhcp,
    "file-age": machine.check_files,
}


def prepare(settings: Settings) -> None:
    """Import what the first checks need, so that a head that takes over need not; for any thread.

    That takes seconds on a busy machine, in which the loop would stand still.
    """
    asked = (BUILT_IN.get(one.monitor) is snmp_tables.check for one in settings.services)
    if any(asked):
        with contextlib.suppress(CannotLook):  # the check will say so
            Snmp(settings.snmp_file).load()


class Monitors:
    """Checks services."""

    def __init__(self, settings: Settings) -> None:
        heads = (settings.me, settings.other)
        addresses = {head.name: head.addresses[0] for head in heads if head.addresses}
        self._me = settings.me
        self._tools = Tools(settings.snmp_file, addresses)
        self._memory = Memory()

    async def check(self, service: Service, hosts: tuple[str, ...]) -> Result:
        """Return how a service is; raises nothing but CancelledError.

        A monitor that fails itself, or does not end in time, gives UNKNOWN.
        """
        began = time.monotonic()
        try:
            result = await within(service.limit + PATIENCE, self._check(service, hosts))
        except asyncio.TimeoutError:
            result = cannot(f"{service.monitor} did not end within {service.limit:g} s.")
        except Exception as error:  # noqa: BLE001 - whatever it is, the watch goes on
            result = cannot(f"{service.monitor} itself failed: {type(error).__name__}: {error}")
        self._memory.note(service, result, time.time())
        return result._replace(took=round(time.monotonic() - began, 4))

    async def _check(self, service: Service, hosts: tuple[str, ...]) -> Result:
        kind = kind_of(service.monitor)
        wrong = problems(service)
        if wrong or kind is None:
            return cannot(wrong[0])
        if kind is Kind.BUILT_IN:
            given = read(service.monitor, service.words)
            return await BUILT_IN[service.monitor](
                Look(service, hosts, given, self._me, self._tools)
            )
        call = external.Call(service, hosts, self._me, self._tools, self._memory)
        return await external.check(call, kind)

    def hanging(self) -> dict[str, int]:
        """Return how many programs and calls hang in the kernel, for a status."""
        return {"programs": self._tools.programs.stuck, "calls": self._tools.aside.running}

    async def close(self) -> None:
        """Close everything; checks that still run are the caller's to cancel first."""
        await self._tools.close()


def problems(service: Service) -> list[str]:
    """Return what is wrong with a service's monitor and its parameters, before anything runs."""
    kind = kind_of(service.monitor)
    if kind is None:
        return [f"{service.monitor!r} is no monitor; give a path for one of your own."]
    if kind is Kind.BUILT_IN:
        return read(service.monitor, service.words).problems
    return external.problems(service, kind)
