"""The members' datagrams: one socket for each network, bound to its interface and address."""

from __future__ import annotations

import errno
import socket

from backend.system.agent.netlink import KernelError

_FREE_BIND = 15  # IP_FREEBIND: the address may come later
_CONTROL_TRAFFIC = 0xC0  # IP_TOS: class selector 6
_PRIORITY = 6  # SO_PRIORITY: ahead of bulk traffic in this machine's own queues
_LONGEST = 2048
_GONE = (errno.ENODEV, errno.ENXIO)


class Endpoint:
    """A socket of one network. It never waits, and outlives its interface and its address."""

    def __init__(self, interface: str, address: str, port: int) -> None:
        """Raises KernelError when the port is taken; a missing interface or address may come
        later."""
        self._interface = interface
        self._where = (address, port)
        self._socket = self._open()
        self.follow()

    def fileno(self) -> int:
        """Return the descriptor, for select; it stays the same."""
        return self._socket.fileno()

    def send(self, address: str, data: bytes, *, heard: bool = False) -> bool:
        """Send a datagram to the same port at ``address``; returns whether the kernel took it.

        ``heard``: something came from there just now. The kernel then need not ask by ARP whether
        the machine is still where it was: three such questions that get lost, one a second, would
        make it unreachable for seconds (MSG_CONFIRM in send(2)).
        """
        flags = socket.MSG_CONFIRM if heard else 0
        try:
            self._socket.sendto(data, flags, (address, self._where[1]))
        except OSError as problem:
            if problem.errno in _GONE:
                self.follow()
            return False
        return True

    def receive(self) -> bytes | None:
        """Return the next datagram, or None when there is none; longer ones are cut at 2048."""
        try:
            return self._socket.recv(_LONGEST)
        except OSError:
            return None  # nothing there, or an old error, which is forgotten by being read

    def follow(self) -> bool:
        """Bind to the interface again: it may have come back under a new number. Returns whether
        that was possible. Call it when the monitor tells of a link, and now and then."""
        try:
            self._socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode() + b"\0"
            )
        except OSError:
            return False  # not there, or not permitted
        return True

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _open(self) -> socket.socket:
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        end = socket.socket(socket.AF_INET, kind)
        try:
            end.setsockopt(socket.SOL_IP, _FREE_BIND, 1)
            end.setsockopt(socket.SOL_IP, socket.IP_TOS, _CONTROL_TRAFFIC)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY)
            end.bind(self._where)
        except OSError as problem:
            end.close()
            address, port = self._where
            raise KernelError(
                problem.errno,
                f"UDP port {port} of {address} cannot be used ({problem.strerror}); "
                "another agent may run here, or the address is not an IPv4 address.",
            ) from problem
        return end
