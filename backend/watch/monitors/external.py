"""Monitors of other projects, unchanged: those of mon, Nagios plugins, OCF agents, any program."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from backend.agent.resources import kinds as resources
from backend.agent.settings import Resource
from backend.system.agent.programs import program_problem
from backend.system.watch.errors import Busy, CannotLook, Silent
from backend.system.watch.programs import Ran
from backend.system.watch.tools import Tools
from backend.watch.monitors import verdicts
from backend.watch.monitors.findings import Finding, cannot, together, unknown
from backend.watch.monitors.kinds import Kind, places
from backend.watch.monitors.memory import Memory
from backend.watch.results import Result
from backend.watch.settings import Head, Service

NO_HOSTS = ";;"  # as the last parameter: no host names follow
PLUGINS_AT_ONCE = 4
LOOK_LIMIT = 5.0  # seconds to find a program
_HOST_WORDS = ("$HOSTADDRESS$", "$HOSTNAME$")
_LEFT = 1.0  # seconds before the end of the limit at which a program is told to stop


class Call(NamedTuple):
    """One check of a service by a program."""

    service: Service
    hosts: tuple[str, ...]
    me: Head
    tools: Tools
    memory: Memory

    @property
    def seconds(self) -> float:
        """How long the program may take: it must have gone when the limit is over."""
        return max(0.5, self.service.limit - _LEFT)


async def check(call: Call, kind: Kind) -> Result:
    """Run the monitor of a service."""
    name = call.service.monitor
    try:
        path = await call.tools.aside.call(
            f"program {name}", LOOK_LIMIT, lambda: _find(places(name, kind))
        )
        if kind is Kind.OCF:
            return await _ocf(call)
        if kind is Kind.PLUGIN:
            return await _plugin(call, path)
        return await _mon(call, path)
    except CannotLook as error:
        return cannot(str(error))
    except Busy as busy:
        return cannot(f"The last run of {name} still hangs, since {busy.since:.0f} s.")
    except Silent:
        return cannot(f"The file system on which {name} is hangs.")


def _find(paths: tuple[str, ...]) -> str:
    """Return the program; raises CannotLook when root should not run it, or when it is not there."""
    there = next((path for path in paths if Path(path).exists()), "")
    if not there:
        where = "" if len(paths) == 1 else f" It was looked for in {', '.join(_folders(paths))}."
        raise CannotLook(f"{Path(paths[0]).name} is not there; install it.{where}")
    problem = program_problem(there)
    if problem:
        raise CannotLook(problem)
    return there


def _folders(paths: tuple[str, ...]) -> list[str]:
    return [str(Path(path).parent) for path in paths]


async def _run(
    call: Call, argv: tuple[str, ...], environment: tuple[tuple[str, str], ...], host: str = ""
) -> Ran:
    key = f"{call.service.ref} {host}"
    own = call.service.environment
    return await call.tools.programs.run(key, argv, call.seconds, (*environment, *own))


async def _mon(call: Call, path: str) -> Result:
    words, hosts = call.service.words, call.hosts
    if words[-1:] == (NO_HOSTS,):
        words, hosts = words[:-1], ()
    ran = await _run(call, (path, *words, *hosts), call.memory.environment(call.service))
    return verdicts.of_mon(call.service.monitor, ran, call.hosts)


async def _plugin(call: Call, path: str) -> Result:
    words = call.service.words
    if not any(one in word for word in words for one in _HOST_WORDS):
        ran = await _run(call, (path, *words), ())
        host = call.me.name if call.me.name in call.hosts or len(call.hosts) != 1 else call.hosts[0]
        return together([verdicts.of_plugin(call.service.monitor, host, ran)])
    at_once = asyncio.Semaphore(PLUGINS_AT_ONCE)

    async def one(host: str) -> Finding:
        async with at_once:
            return await _plugin_at(call, path, host)

    return together(await asyncio.gather(*(one(host) for host in call.hosts)))


async def _plugin_at(call: Call, path: str, host: str) -> Finding:
    try:
        address = await call.tools.address(host)
        words = tuple(
            word.replace("$HOSTADDRESS$", address).replace("$HOSTNAME$", host)
            for word in call.service.words
        )
        ran = await _run(call, (path, *words), (), host)
    except CannotLook as error:
        return unknown(host, str(error))
    except Busy as busy:
        return unknown(host, f"the last run still hangs, since {busy.since:.0f} s")
    return verdicts.of_plugin(call.service.monitor, host, ran)


async def _ocf(call: Call) -> Result:
    """A resource agent looks at the machine that it runs on."""
    host = call.me.name
    if call.hosts and not {host, *call.me.addresses} & set(call.hosts):
        return cannot(
            f"A resource agent looks at the active head, now {host}, and not at "
            f"{', '.join(call.hosts)}."
        )
    options = tuple(tuple(word.split("=", 1)) for word in call.service.words)
    resource = Resource(
        call.service.name, "ocf", (("agent", call.service.monitor), *options),  # type: ignore[arg-type]
        check_every=max(1.0, call.service.interval),
    )  # fmt: skip
    program = resources.program(resource, resources.Verb.CHECK)
    ran = await _run(call, program.argv, program.environment)
    return together([verdicts.of_ocf(host, resource, ran)])


def problems(service: Service, kind: Kind) -> list[str]:
    """Say what is wrong with the parameters of a service with such a monitor. Pure."""
    found = []
    if kind is Kind.OCF:
        found += [
            f"{service.monitor}: {word!r} is not NAME=VALUE, as a resource agent takes it."
            for word in service.words
            if not word.partition("=")[1] or not word.partition("=")[0].isidentifier()
        ]
    if any("\0" in word for word in service.words):
        found.append(f"{service.monitor}: a parameter has a NUL character.")
    return found
