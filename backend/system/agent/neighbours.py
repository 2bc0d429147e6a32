"""The kernel's neighbour table (arp(7)): which machines this one has spoken with, and their MACs."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from backend.system.agent.netlink import ROUTE, KernelError, Message, Netlink, attributes
from backend.system.agent.netlink import interface_index as _index

_NEW, _GET = 28, 30  # RTM_NEWNEIGH, RTM_GETNEIGH
_DESTINATION, _MAC = 1, 2  # NDA_DST, NDA_LLADDR
_SOUGHT = 0x01 | 0x20  # NUD_INCOMPLETE, NUD_FAILED
# NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE: learnt by ARP, and still in use
_LEARNT = 0x02 | 0x04 | 0x08 | 0x10
_HEAD = struct.Struct("=BxxxiHBB")  # ndmsg: family, interface, state, flags, type


class Neighbour(NamedTuple):
    """A machine on the same network."""

    address: bytes  # IPv4
    mac: bytes  # empty: this machine asks for it, or has asked in vain


class Neighbours:
    """Reads the table of some interfaces; a dump of 500 takes about a millisecond."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._kernel = Netlink(ROUTE)

    def of(self, interface: str, most: int) -> list[Neighbour]:
        """Return whom the kernel knows or seeks there by ARP, ``most`` at most; none when it
        refuses."""
        try:
            number = _index(interface)
            body = _HEAD.pack(socket.AF_INET, number, 0, 0, 0)
            answers = self._kernel.dump(_GET, body, "list the neighbours")
        except KernelError:
            return []
        found = (_neighbour(one, number) for one in answers)
        return [one for one in found if one is not None][:most]

    def close(self) -> None:
        """Close the socket."""
        self._kernel.close()


def _neighbour(message: Message, wanted: int) -> Neighbour | None:
    if message.kind != _NEW or len(message.body) < _HEAD.size:
        return None
    family, number, state, _flags, _type = _HEAD.unpack_from(message.body)
    if family != socket.AF_INET or number != wanted or not state & (_LEARNT | _SOUGHT):
        return None
    values = attributes(message.body[_HEAD.size :])
    mac = values.get(_MAC, b"") if state & _LEARNT else b""
    address = values.get(_DESTINATION, b"")
    right = len(address) == 4 and len(mac) in (0, 6)
    return Neighbour(address, mac) if right else None
