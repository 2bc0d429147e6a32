"""Questions to the wire: is this address taken (ARP), and which DHCP servers answer here?

Raw packet sockets of the process's own namespace; root's right. Everything that comes back is
hostile: the parsers return None for what is not exactly what was waited for, and never raise.
"""

import contextlib
import ctypes
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from backend.errors import HaoscarError, InvalidInput
from backend.model.addresses import Mac
from backend.model.names import InterfaceName

_ARP, _IP = 0x0806, 0x0800  # EtherTypes
_BROADCAST = b"\xff" * 6
_OUTGOING = 4  # PACKET_OUTGOING: our own frame, seen on its way out (packet(7))
_COOKIE = b"\x63\x82\x53\x63"  # RFC 2131 section 3
_BROADCAST_FLAG = 0x8000  # RFC 2131 section 2: answer to everybody, the card does not know us
_DISCOVER, _OFFER = 1, 2
_MESSAGE_TYPE, _SERVER_ID = 53, 54
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, asm-generic/socket.h
# Classic BPF "udp dst port 68": a busy wire must not bury the few frames that matter.
_TO_DHCP_CLIENTS = (
    (0x28, 0, 0, 12), (0x15, 0, 6, _IP), (0x30, 0, 0, 23), (0x15, 0, 4, 17),
    (0xB1, 0, 0, 14), (0x48, 0, 0, 16), (0x15, 0, 1, 68), (0x06, 0, 0, 65535), (0x06, 0, 0, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DhcpServer:
    """A DHCP server that answered a question nobody's machine asked."""

    identifier: IPv4Address  # option 54, or the sender of the packet when it has none
    mac: Mac  # of the frame: the server itself, or the relay in between
    offered: IPv4Address
    local: bool = False  # the answer came out of this machine


def who_has(
    interface: InterfaceName,
    mac: Mac,
    addresses: Iterable[IPv4Address],
    *,
    tries: int = 3,
    wait: float = 0.3,
) -> dict[IPv4Address, Mac]:
    """Return those addresses that somebody on the wire uses, each with a holder's MAC.

    ARP probes as in RFC 5227 section 2.1.1 (sender 0.0.0.0, so nobody's cache is touched), ``tries``
    rounds of ``wait`` seconds. ``mac`` is the interface's own. This machine's own addresses never
    answer: compare with links.snapshot(). Raises HaoscarError when the socket cannot be opened.
    """
    wanted = frozenset(addresses)
    found: dict[IPv4Address, Mac] = {}
    if not wanted:
        return found
    with _packet_socket(interface, _ARP) as wire:
        for _round in range(tries):
            for address in sorted(wanted - found.keys()):
                wire.send(arp_probe(mac, address))
            for frame, _kind in _frames(wire, wait, lambda: wanted <= found.keys()):
                answer = arp_holder(frame, mac)
                if answer is not None and answer[0] in wanted:
                    found.setdefault(*answer)
            if wanted <= found.keys():
                break
    return found


def dhcp_servers(
    interface: InterfaceName,
    mac: Mac,
    *,
    limit: float = 4.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[DhcpServer, ...]:
    """Return every DHCP server that answers a DISCOVER within ``limit`` seconds; takes no lease.

    The DISCOVER carries an invented, locally administered MAC, so a server that answers known
    machines only stays silent and is not found. Sent twice: servers that ping an address first
    (ISC dhcpd: 1 s) need time. Raises HaoscarError when the socket cannot be opened.
    """
    asker = b"\x02" + os.urandom(5)
    transaction = os.urandom(4)
    found: dict[tuple[IPv4Address, Mac], DhcpServer] = {}
    with _packet_socket(interface, _IP, _TO_DHCP_CLIENTS) as wire:
        for _round in range(2):
            wire.send(dhcp_discover(mac, asker, transaction))
            for frame, kind in _frames(wire, limit / 2, cancelled):
                offer = dhcp_offer(frame, asker, transaction, local=kind == _OUTGOING)
                if offer is not None:
                    found.setdefault((offer.identifier, offer.mac), offer)
            if cancelled():
                break
    return tuple(found.values())


def arp_probe(mac: Mac, address: IPv4Address) -> bytes:
    """Return the Ethernet frame of an ARP probe (RFC 5227, RFC 826). Pure."""
    header = _BROADCAST + mac.raw + struct.pack("!H", _ARP)
    return header + struct.pack("!HHBBH", 1, _IP, 6, 4, 1) + mac.raw + bytes(10) + address.packed


def arp_holder(frame: bytes, own: Mac) -> tuple[IPv4Address, Mac] | None:
    """Return the address an ARP frame claims and who claims it; None for anything else. Pure.

    A probe by somebody else counts as a claim too (RFC 5227 section 2.1.1).
    """
    if len(frame) < 42 or frame[12:20] != struct.pack("!HHHBB", _ARP, 1, _IP, 6, 4):
        return None
    operation = int.from_bytes(frame[20:22], "big")
    sender, sender_address, target_address = frame[22:28], frame[28:32], frame[38:42]
    claimed = sender_address if any(sender_address) else target_address
    if operation not in (1, 2) or sender == own.raw or (operation == 2 and not any(sender_address)):
        return None
    try:
        return IPv4Address(claimed), Mac.from_bytes(sender)
    except InvalidInput:
        return None


def dhcp_discover(source: Mac, asker: bytes, transaction: bytes) -> bytes:
    """Return the Ethernet frame of a DHCPDISCOVER (RFC 2131 section 4.4.1). Pure."""
    options = bytes((_MESSAGE_TYPE, 1, _DISCOVER, 61, 7, 1)) + asker + bytes((55, 3, 1, 3, 54, 255))
    message = struct.pack("!BBBB4sHH", 1, 1, 6, 0, transaction, 0, _BROADCAST_FLAG)
    message += bytes(16) + asker.ljust(16, b"\0") + bytes(192) + _COOKIE + options
    message = message.ljust(300, b"\0")  # the BOOTP minimum, which some servers insist on
    length = 8 + len(message)
    udp = struct.pack("!HHHH", 68, 67, length, 0)  # no checksum: allowed for IPv4 (RFC 768)
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0x10, 20 + length, 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4
    )
    ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
    return _BROADCAST + source.raw + struct.pack("!H", _IP) + ip + udp + message


def dhcp_offer(
    frame: bytes, asker: bytes, transaction: bytes, *, local: bool = False
) -> DhcpServer | None:
    """Read an answer to our DISCOVER; None for anything else, however malformed. Pure."""
    if len(frame) < 14 + 20 or frame[12:14] != struct.pack("!H", _IP) or frame[14] >> 4 != 4:
        return None
    start = 14 + (frame[14] & 0x0F) * 4
    fragment = int.from_bytes(frame[20:22], "big") & 0x3FFF
    if start < 34 or frame[23] != 17 or fragment or frame[start + 2 : start + 4] != b"\0\x44":
        return None
    message = frame[start + 8 :]
    if len(message) < 240 or message[0] != 2 or message[236:240] != _COOKIE:
        return None
    if message[4:8] != transaction or message[28:34] != asker:
        return None
    options = _options(message[240:])
    identifier = options.get(_SERVER_ID, frame[26:30])
    if options.get(_MESSAGE_TYPE) != bytes((_OFFER,)) or len(identifier) != 4:
        return None
    try:
        mac = Mac.from_bytes(frame[6:12])
    except InvalidInput:
        return None
    return DhcpServer(IPv4Address(identifier), mac, IPv4Address(message[16:20]), local)


def _options(raw: bytes) -> dict[int, bytes]:
    """Read DHCP options (RFC 2132 section 2) up to the end mark or the first that is cut off."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(raw) and raw[at] != 255:
        if raw[at] == 0:
            at += 1
            continue
        if at + 2 > len(raw) or at + 2 + raw[at + 1] > len(raw):
            break
        found.setdefault(raw[at], raw[at + 2 : at + 2 + raw[at + 1]])
        at += 2 + raw[at + 1]
    return found


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


@contextlib.contextmanager
def _packet_socket(
    interface: InterfaceName, protocol: int, bpf: Sequence[tuple[int, int, int, int]] = ()
) -> Iterator[socket.socket]:
    """Open a packet socket bound to one interface; raises HaoscarError, also when it goes away."""
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
            if bpf:
                _attach(wire, bpf)
            # Bound last: before that, protocol 0 receives nothing, so no frame escapes the filter.
            wire.bind((interface, protocol))
            wire.setblocking(False)
            yield wire
    except OSError as problem:
        remedy = "Run it as root." if isinstance(problem, PermissionError) else ""
        raise HaoscarError.of(
            "probe.failed",
            f"The network behind {interface} could not be asked: {problem.strerror or problem}.",
            remedy or f"Check that the interface is up: ip link set {interface} up",
        ) from problem


def _attach(wire: socket.socket, bpf: Sequence[tuple[int, int, int, int]]) -> None:
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in bpf))
    described = struct.pack("HL", len(bpf), ctypes.addressof(program))  # struct sock_fprog
    wire.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, described)


def _frames(
    wire: socket.socket, seconds: float, enough: Callable[[], bool]
) -> Iterator[tuple[bytes, int]]:
    """Yield (frame, packet type) until the time is over or ``enough`` says so."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(wire, selectors.EVENT_READ)
        while not enough() and (left := deadline - time.monotonic()) > 0:
            if not selector.select(min(left, 0.1)):
                continue
            with contextlib.suppress(BlockingIOError):
                frame, sender = wire.recvfrom(65535)
                yield frame, sender[2]
