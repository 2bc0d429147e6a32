"""Questions that show whether an address answers: an ICMP echo, or a TCP connection."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct

from backend.system.agent.netlink import KernelError

_REQUEST, _REPLY = 8, 0  # RFC 792
_FILTER, _ONLY_REPLIES = 1, struct.pack("=I", 0xFFFFFFFF & ~(1 << _REPLY))  # ICMP_FILTER
_RAW_LEVEL = 255  # SOL_RAW


class Echo:
    """ICMP echoes to one address; never waits. Needs CAP_NET_RAW."""

    def __init__(self, address: str) -> None:
        """Raises KernelError, and OSError for what is not an IPv4 address."""
        socket.inet_aton(address)
        self._address = address
        self._identifier = os.getpid() & 0xFFFF
        self._sequence = 0
        try:
            self._socket = socket.socket(
                socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP
            )
        except OSError as problem:
            raise KernelError(
                problem.errno, f"No ICMP socket could be opened ({problem.strerror}): be root."
            ) from problem
        self._socket.setsockopt(_RAW_LEVEL, _FILTER, _ONLY_REPLIES)

    def fileno(self) -> int:
        """Return the descriptor, for select."""
        return self._socket.fileno()

    def ask(self) -> None:
        """Send one; what the network refuses is an answer that does not come."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        head = struct.pack("!BBHHH", _REQUEST, 0, 0, self._identifier, self._sequence)
        check = _checksum(head)
        packet = head[:2] + struct.pack("!H", check) + head[4:]
        with contextlib.suppress(OSError):
            self._socket.sendto(packet, (self._address, 0))

    def answers(self) -> int:
        """Return how many of this prober's answers have come."""
        found = 0
        try:
            while True:
                data, where = self._socket.recvfrom(128)
                inner = data[(data[0] & 15) * 4 :]
                if where[0] == self._address and len(inner) >= 8:
                    found += struct.unpack_from("!H", inner, 4)[0] == self._identifier
        except BlockingIOError:
            return found
        except OSError:
            return found

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class Connection:
    """TCP connections to one address and port, one after another; never waits."""

    def __init__(self, address: str, port: int) -> None:
        """Raises OSError for what is not an IPv4 address."""
        socket.inet_aton(address)
        self._where = (address, port)
        self._socket: socket.socket | None = None

    def ask(self) -> None:
        """Begin a connection; one that is still on its way is given up."""
        self.close()
        end = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        code = end.connect_ex(self._where)
        if code in (0, errno.EINPROGRESS):
            self._socket = end
        else:
            end.close()

    def answers(self) -> int:
        """Return 1 when the connection has been accepted, once."""
        end = self._socket
        if end is None or not select.select((), (end,), (), 0)[1]:
            return 0
        accepted = end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        self.close()
        return int(accepted)

    def close(self) -> None:
        """Close what is open; the other side hears a reset, so that nothing piles up there."""
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.close()
            self._socket = None


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
