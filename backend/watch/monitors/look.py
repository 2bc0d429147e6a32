"""What a monitor that is built in is given, and how it goes about several hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Callable, NamedTuple

from backend.system.watch.errors import Busy, CannotLook, Closed, Silent
from backend.system.watch.tools import Tools
from backend.watch.monitors.findings import Finding, cannot, failed, together, unknown
from backend.watch.monitors.parameters import Given
from backend.watch.results import Result
from backend.watch.settings import Head, Service

AT_ONCE = 64  # hosts that are asked at the same time
SHARE = 0.9  # of the time limit: what is left is for saying what was found


class Look(NamedTuple):
    """One check of a service."""

    service: Service
    hosts: tuple[str, ...]
    given: Given
    me: Head
    tools: Tools

    @property
    def seconds(self) -> float:
        """How long one host may take to answer."""
        return min(self.given.span("timeout"), self.service.limit * SHARE)


Ask = Callable[[Look, str, str], Awaitable[Finding]]  # with the host's name and address


async def each(look: Look, ask: Ask) -> Result:
    """Ask every host, many at a time."""
    if len(look.hosts) == 1:
        return together([await _one(look, ask, look.hosts[0])])
    places = asyncio.Semaphore(AT_ONCE)

    async def one(host: str) -> Finding:
        async with places:
            return await _one(look, ask, host)

    return together(await asyncio.gather(*(one(host) for host in look.hosts)))


async def _one(look: Look, ask: Ask, host: str) -> Finding:
    try:
        return await ask(look, host, await look.tools.address(host))
    except CannotLook as error:
        return unknown(host, str(error))
    except Closed as error:
        return failed(host, f"it refuses: {error}")
    except Silent as error:
        if error.strays:
            return unknown(
                host, f"it answers, but with something that is no {look.service.monitor}"
            )
        return failed(host, f"no answer within {look.seconds:.3g} s")
    except Busy as error:
        return unknown(host, f"the last check still hangs, since {error.since:.0f} s")


async def here(look: Look, ask: Ask) -> Result:
    """Look at this head, which is the active one; other hosts cannot be looked at from here."""
    mine = [host for host in look.hosts if host == look.me.name or host in look.me.addresses]
    if look.hosts and not mine:
        return cannot(
            f"{look.service.monitor} looks at the active head, now {look.me.name}, and not at "
            f"{', '.join(look.hosts)}. Use SNMP, or a program that asks there."
        )
    host = mine[0] if mine else look.me.name
    return together([await _here(look, ask, host)])


async def _here(look: Look, ask: Ask, host: str) -> Finding:
    try:
        return await ask(look, host, "127.0.0.1")
    except CannotLook as error:
        return unknown(host, str(error))
    except Busy as error:
        return unknown(host, f"the last check still hangs, since {error.since:.0f} s")
    except Silent:
        return unknown(host, f"no answer within {look.seconds:.3g} s")
