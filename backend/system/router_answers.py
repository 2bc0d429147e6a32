"""Answers the IPv6 router question of booting machines: "here is none".

iPXE waits 16 s for a router before it goes on; an advertisement with lifetime 0 (RFC 4861 section
4.2: not a default router) ends that at once. Only machines whose link-local address was made from a
known MAC address are answered (RFC 4291 appendix A), and only they hear it.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable

log = logging.getLogger(__name__)

SOLICITATION = 133
ADVERTISEMENT = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 0, 0, 0)  # the kernel adds the checksum
ALL_ROUTERS = "ff02::2"


class RouterAnswers:
    """Answers on one interface while it is open; needs CAP_NET_RAW."""

    def __init__(self, interface: str, known: Callable[[str], bool]) -> None:
        self._interface = interface
        self._known = known
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Open the socket and watch it in the running loop; raises OSError."""
        index = socket.if_nametoindex(self._interface)
        raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        try:
            raw.setblocking(False)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode())
            group = socket.inet_pton(socket.AF_INET6, ALL_ROUTERS) + struct.pack("@I", index)
            raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
            raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
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
        try:
            data, source = self._socket.recvfrom(1500)
            if data[:1] != bytes((SOLICITATION,)):
                return
            mac = mac_of(source[0])
            if mac is not None and self._known(mac):
                self._socket.sendto(ADVERTISEMENT, source)
        except OSError as problem:
            log.debug("router question on %s: %s", self._interface, problem)


def mac_of(address: str) -> str | None:
    """Return the MAC address in a link-local address made from it (EUI-64), or None."""
    try:
        raw = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except OSError:
        return None
    if raw[:8] != b"\xfe\x80" + bytes(6) or raw[11:13] != b"\xff\xfe":
        return None
    return bytes((raw[8] ^ 2, raw[9], raw[10], *raw[13:16])).hex(":")
