"""What the kernel says by itself about interfaces and addresses, as typed values.

A physical card's loss of carrier is told at once, unless its link has changed within the last
second: then the kernel waits until that second is over.
"""

from __future__ import annotations

import array
import errno
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple, Union

from backend.system.agent.netlink import (
    ROUTE,
    KernelError,
    Message,
    Netlink,
    VirtualIPs,
    attributes,
    four_bytes,
)

_NEW_LINK, _DELETE_LINK, _GET_LINK, _NEW_ADDRESS, _DELETE_ADDRESS = 16, 17, 18, 20, 21
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER
_LINKS, _IPV4_ADDRESSES = 0x1, 0x10  # RTMGRP_
_UP, _LOWER_UP = 0x1, 0x10000  # IFF_
_LINK_MAC, _LINK_NAME = 1, 3  # IFLA_
_ADDRESS, _LOCAL = 1, 2  # IFA_


class Link(NamedTuple):
    """An interface as it is now; ``number`` changes when it is made anew: follow it then."""

    interface: str
    number: int
    up: bool
    carrier: bool  # never true while it is not up
    mac: str


class LinkGone(NamedTuple):
    """An interface is not there any more."""

    interface: str


class AddressGone(NamedTuple):
    """A virtual IP was removed or has run out: by whomever."""

    interface: str
    address: str


class Missed(NamedTuple):
    """The kernel had more to say than could be kept: ask for the whole state again."""


News = Union[Link, LinkGone, AddressGone, Missed]


class Monitor:
    """Listens for news of some interfaces and of the virtual IPs. For one thread."""

    def __init__(self, interfaces: Iterable[str], vips: VirtualIPs = ()) -> None:
        """Raises ValueError, OSError. An interface that is missing may come later."""
        self._interfaces = set(interfaces)
        self._vips = {four_bytes(address): address for _interface, address in vips}
        self._names: dict[int, str] = {}
        self._kernel = Netlink(ROUTE, _LINKS | _IPV4_ADDRESSES)
        _leave_out_new_addresses(self._kernel)
        self._asking = Netlink(ROUTE)

    def fileno(self) -> int:
        """Return the descriptor, for select."""
        return self._kernel.fileno()

    def state(self) -> dict[str, Link]:
        """Ask how the interfaces are now; one that is missing is not in it. Raises KernelError."""
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)
        found = {}
        for one in self._asking.dump(_GET_LINK, body, "list the interfaces"):
            link = self._link(one)
            if isinstance(link, Link):
                found[link.interface] = link
        return found

    def read(self) -> list[News]:
        """Return the news since the last call, oldest first, without waiting."""
        try:
            messages = self._kernel.receive()
        except KernelError as problem:
            if problem.errno != errno.ENOBUFS:
                raise
            return [Missed()]
        found: list[News] = []
        for one in messages:
            news = self._link(one) or self._address(one)
            if news is not None:
                found.append(news)
        return found

    def close(self) -> None:
        """Close the sockets."""
        self._kernel.close()
        self._asking.close()

    def _link(self, message: Message) -> Link | LinkGone | None:
        if message.kind not in (_NEW_LINK, _DELETE_LINK) or len(message.body) < 16:
            return None
        family, index, flags = struct.unpack_from("=BxxxiI", message.body)
        values = attributes(message.body[16:])
        name = values.get(_LINK_NAME, b"").rstrip(b"\0").decode("utf-8", "replace")
        if family != socket.AF_UNSPEC:
            return None  # a bridge telling about its port
        before = self._names.get(index)
        if before in self._interfaces and (message.kind == _DELETE_LINK or name != before):
            del self._names[index]
            if name not in self._interfaces or message.kind == _DELETE_LINK:
                return LinkGone(str(before))
        if message.kind == _DELETE_LINK or name not in self._interfaces:
            return LinkGone(name) if name in self._interfaces else None
        self._names[index] = name
        up = bool(flags & _UP)
        mac = ":".join(f"{byte:02x}" for byte in values.get(_LINK_MAC, b""))
        return Link(name, index, up, up and bool(flags & _LOWER_UP), mac)

    def _address(self, message: Message) -> AddressGone | None:
        if message.kind != _DELETE_ADDRESS or len(message.body) < 8:
            return None
        values = attributes(message.body[8:])
        address = self._vips.get(values.get(_LOCAL, values.get(_ADDRESS, b"")))
        if address is None:
            return None
        index = struct.unpack_from("=i", message.body, 4)[0]
        interface = self._names.get(index, "")
        if not interface:
            try:
                interface = socket.if_indextoname(index)
            except OSError:
                interface = ""  # it went away with its addresses
        return AddressGone(interface, address)


def _leave_out_new_addresses(kernel: Netlink) -> None:
    """Let the kernel keep to itself that an address was renewed (bpf(4) in socket(7)).

    The agent renews its own several times a second, and each piece of news would wake it.
    """
    steps = (
        (0x28, 0, 0, 4),  # load the half word at 4: nlmsg_type, in this machine's order
        (0x15, 0, 1, socket.htons(_NEW_ADDRESS)),  # a filter reads it in the network's
        (0x06, 0, 0, 0),  # nothing of it
        (0x06, 0, 0, 0xFFFFFFFF),  # all of it
    )
    program = array.array("B", b"".join(struct.pack("=HBBI", *step) for step in steps))
    place, _size = program.buffer_info()
    kernel.socket.setsockopt(
        socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(steps), place)
    )
