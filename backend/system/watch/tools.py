"""What monitors look with: made once for all of them, each part when it is used first."""

from __future__ import annotations

import socket
import time

from backend.system.watch.aside import Aside
from backend.system.watch.errors import Busy, CannotLook, Silent
from backend.system.watch.icmp import Pinger
from backend.system.watch.programs import Programs
from backend.system.watch.snmp import Snmp
from backend.system.watch.tcp import Contexts
from backend.system.watch.units import Units

KNOWN = 60.0  # seconds for which a looked-up address is used
PATIENCE = 5.0  # seconds for a look-up


class Tools:
    """The sockets, threads and programs of all monitors."""

    def __init__(self, snmp_file: str = "", addresses: dict[str, str] | None = None) -> None:
        self.aside = Aside()
        self.programs = Programs()
        self.pinger = Pinger()
        self.snmp = Snmp(snmp_file)
        self.contexts = Contexts()
        self.units = Units(self.programs)
        self._addresses = addresses or {}  # of machines that this site names itself
        self._looked_up: dict[str, tuple[float, str]] = {}

    async def address(self, host: str) -> str:
        """Return the IPv4 address of a host; raises CannotLook when it is not known."""
        if host in self._addresses:
            return self._addresses[host]
        try:
            return socket.inet_ntoa(socket.inet_pton(socket.AF_INET, host))
        except OSError:
            pass
        when, known = self._looked_up.get(host, (0.0, ""))
        if known and time.monotonic() - when <= KNOWN:
            return known
        try:
            found = await self.aside.call(f"address of {host}", PATIENCE, lambda: _look_up(host))
        except (OSError, UnicodeError, Silent, Busy) as error:
            if known:
                return known  # an old answer is better than none
            raise CannotLook(
                f"The address of {host} could not be found; enter it in /etc/hosts or the name server."
            ) from error
        self._looked_up[host] = (time.monotonic(), found)
        return found

    async def close(self) -> None:
        """Close everything; call it while the loop still runs."""
        self.pinger.close()
        self.units.close()
        await self.snmp.close()
        await self.programs.close()


def _look_up(host: str) -> str:
    found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    return str(found[0][4][0])
