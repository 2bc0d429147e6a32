"""Hears what booting machines ask this head for: DHCP and TFTP requests, as they arrive.

A raw IPv4 socket gets a copy of every UDP packet that this machine takes in; servers, ports and
packets are not touched. A filter in the kernel (linux/filter.h) drops all but those two ports.
"""

import asyncio
import ctypes
import logging
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address

log = logging.getLogger(__name__)

DHCP, TFTP = 67, 69
LONGEST = 2048  # bytes of a packet
AT_ONCE = 64  # packets, then the loop's other work has its turn
_SO_ATTACH_FILTER = 26
# Each row is code, jt, jf, k; the packet begins with its IPv4 header.
_FILTER = (
    (0xB1, 0, 0, 0),  # ldxb 4*([0]&0xf): header length
    (0x48, 0, 0, 2),  # ldh [x+2]: target port
    (0x15, 1, 0, DHCP),
    (0x15, 0, 1, TFTP),
    (0x06, 0, 0, LONGEST),  # take it
    (0x06, 0, 0, 0),  # drop it
)

Take = Callable[[IPv4Address, int, bytes], None]  # source, target port, the packet


class BootRequests:
    """Hands over requests on one interface while it is open; needs CAP_NET_RAW."""

    def __init__(self, interface: str, take: Take) -> None:
        self._interface = interface
        self._take = take
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Open the socket and watch it in the running loop; raises OSError."""
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        try:
            raw.setblocking(False)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode())
            _attach(raw)
        except OSError:
            raw.close()
            raise
        self._socket = raw
        asyncio.get_running_loop().add_reader(raw.fileno(), self._readable)

    def stop(self) -> None:
        """Close it; may be called twice."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        assert self._socket is not None
        for _ in range(AT_ONCE):
            try:
                packet = self._socket.recv(LONGEST)
            except BlockingIOError:
                return
            except OSError as problem:  # the interface was taken down
                log.debug("boot requests on %s: %s", self._interface, problem)
                return
            header = 4 * (packet[0] & 0x0F)
            if len(packet) >= header + 8:
                (port,) = struct.unpack_from("!H", packet, header + 2)
                self._take(IPv4Address(packet[12:16]), port, packet)


def _attach(raw: socket.socket) -> None:
    rows = b"".join(struct.pack("HBBI", *row) for row in _FILTER)
    memory = ctypes.create_string_buffer(rows, len(rows))
    program = struct.pack("HP", len(_FILTER), ctypes.addressof(memory))
    raw.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
