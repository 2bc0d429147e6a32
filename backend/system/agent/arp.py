"""ARP by hand: says where the virtual IPs are, asks whether it was understood, and notices others.

One packet socket for each interface, whose filter in the kernel lets through only what concerns a
virtual IP. While the gate is closed the kernel drops what is sent here (ENOBUFS): no error.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple, Union

from backend.system.agent.neighbours import Neighbour
from backend.system.agent.netlink import KernelError, VirtualIPs, four_bytes

_ARP = 0x0806
_REQUEST, _REPLY = 1, 2
_EVERYBODY, _NOBODY = b"\xff" * 6, b"\0" * 6
_FRAME = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER
_OUTGOING = 4  # PACKET_OUTGOING: what this machine sends is heard, too
_LONGEST = 128
_MOST = 64  # frames read at once
_SOL_PACKET, _IGNORE_OUTGOING = 263, 23


class Sighting(NamedTuple):
    """A machine with another MAC address says that it has a virtual IP."""

    interface: str
    address: str
    mac: str


class Confirmation(NamedTuple):
    """A neighbour has answered this machine, at a virtual IP: it knows where that is now."""

    interface: str
    address: str
    neighbour: str


Heard = Union[Sighting, Confirmation]


class Arp:
    """ARP for the virtual IPs on all interfaces. For one thread."""

    def __init__(self, vips: VirtualIPs) -> None:
        """``vips`` are (interface, IPv4 address); raises ValueError, and KernelError when an
        interface is missing or CAP_NET_RAW is."""
        self._vips: dict[str, list[bytes]] = {}
        for interface, address in vips:
            self._vips.setdefault(interface, []).append(four_bytes(address))
        self._sockets: dict[str, socket.socket] = {}
        self._confirmed: set[Confirmation] = set()
        try:
            for interface in self._vips:
                self._sockets[interface] = _open(interface, self._vips[interface])
        except BaseException:
            self.close()
            raise
        self._numbers = self._numbered()

    def filenos(self) -> tuple[int, ...]:
        """Return the descriptors for select; they change when an interface was made anew."""
        return self._numbers

    def _numbered(self) -> tuple[int, ...]:
        return tuple(one.fileno() for one in self._sockets.values())

    def macs(self) -> set[str]:
        """Return this machine's MAC addresses on the interfaces, as they are now."""
        return {_spelled(_mac(one)) for one in self._sockets.values()}

    def announce(self) -> int:
        """Tell everybody where each virtual IP is, as a request and as a reply, because some
        listen to one of them only; returns how many frames the kernel took."""
        self._confirmed.clear()
        taken = 0
        for interface, addresses in self._vips.items():
            mac = self._current_mac(interface)
            for one in addresses:
                taken += self._put(interface, frame(_REQUEST, mac, one, _NOBODY, one))
                taken += self._put(interface, frame(_REPLY, mac, one, _EVERYBODY, one))
        return taken

    def probe(self, neighbours: Iterable[tuple[str, str]]) -> int:
        """Ask (interface, address) neighbours for their MAC address in the name of each virtual
        IP; who answers has learnt where it is. Returns how many frames the kernel took."""
        taken = 0
        for interface, address in neighbours:
            target = four_bytes(address)
            mac = self._current_mac(interface)
            for one in self._vips.get(interface, ()):
                taken += self._put(interface, frame(_REQUEST, mac, one, _NOBODY, target))
        return taken

    def refresh(self, interface: str, neighbour: Neighbour) -> None:
        """Keep what this machine and a neighbour know of each other from running out.

        A reply to it alone confirms a virtual IP there (one to everybody does not, RFC 826 as
        Linux has it); its answer to the question confirms the neighbour here.
        """
        mac, (target, there) = self._current_mac(interface), neighbour
        for one in self._vips.get(interface, ()) if there else ():
            self._put(interface, frame(_REPLY, mac, one, there, target, there))
        for one in self._vips.get(interface, ())[:1]:
            asked = there or _EVERYBODY
            self._put(interface, frame(_REQUEST, mac, one, _NOBODY, target, asked))

    def confirmed(self) -> frozenset[Confirmation]:
        """Return who has answered since the last announcement."""
        return frozenset(self._confirmed)

    def receive(self) -> list[Heard]:
        """Return what was heard, without waiting; each thing once."""
        found: dict[Heard, None] = {}
        own = {_mac(one) for one in self._sockets.values()}
        for interface, end in self._sockets.items():
            for data in _frames(end):
                one = understood(data, interface, self._vips[interface], own)
                if one is not None:
                    found[one] = None
                if isinstance(one, Confirmation):
                    self._confirmed.add(one)
        return list(found)

    def follow(self) -> None:
        """Open a socket anew whose interface went away and may be there again under a new number.
        Call it when the monitor tells of a link."""
        for interface, end in list(self._sockets.items()):
            if end.getsockname()[0] == interface:
                continue
            with contextlib.suppress(OSError):  # not there yet
                self._sockets[interface] = _open(interface, self._vips[interface])
                end.close()
        self._numbers = self._numbered()

    def close(self) -> None:
        """Close the sockets."""
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()
        self._numbers = ()

    def _current_mac(self, interface: str) -> bytes:
        end = self._sockets.get(interface)
        return _mac(end) if end is not None else _NOBODY

    def _put(self, interface: str, data: bytes) -> bool:
        end = self._sockets.get(interface)
        if end is None:
            return False
        try:
            return end.send(data) == len(data)
        except OSError as problem:
            if problem.errno in (errno.ENODEV, errno.ENXIO):
                self.follow()
            return False


def frame(
    kind: int, mac: bytes, sender: bytes, target_mac: bytes, target: bytes, to: bytes = _EVERYBODY
) -> bytes:
    """Return an Ethernet frame, to everybody or to one machine: 1 asks, 2 answers."""
    return _FRAME.pack(to, mac, _ARP, 1, 0x0800, 6, 4, kind, mac, sender, target_mac, target)


def understood(data: bytes, interface: str, vips: list[bytes], own: set[bytes]) -> Heard | None:
    """Return what a frame means for this machine; None: nothing, or not a whole ARP frame."""
    if len(data) < _FRAME.size:
        return None
    (
        _to, _from, ethernet, hardware, protocol, hardware_size, protocol_size, kind, mac, sender,
        target_mac, target,
    ) = _FRAME.unpack_from(data)  # fmt: skip
    if (ethernet, hardware, protocol, hardware_size, protocol_size) != (_ARP, 1, 0x0800, 6, 4):
        return None
    if sender in vips and mac not in own:
        return Sighting(interface, socket.inet_ntoa(sender), _spelled(mac))
    if kind == _REPLY and target in vips and target_mac in own and mac not in own:
        return Confirmation(interface, socket.inet_ntoa(target), socket.inet_ntoa(sender))
    return None


def filter_for(vips: list[bytes]) -> bytes:
    """Return the kernel's filter (classic BPF): ARP whose sender is a virtual IP, or a reply whose
    target is one. At most 100 addresses; jumps are counted in bytes of one byte each."""
    count = len(vips)
    half, word, equal, take = 0x28, 0x20, 0x15, 0x06
    program = [(half, 0, 0, 12), (equal, 0, 2 * count + 4, _ARP), (word, 0, 0, 28)]
    program += [
        (equal, 2 * count + 3 - place, 0, int.from_bytes(one, "big"))
        for place, one in enumerate(vips)
    ]
    program += [(half, 0, 0, 20), (equal, 0, count + 1, _REPLY), (word, 0, 0, 38)]
    program += [
        (equal, count - place, 0, int.from_bytes(one, "big")) for place, one in enumerate(vips)
    ]
    program += [(take, 0, 0, 0), (take, 0, 0, _LONGEST)]
    return b"".join(struct.pack("=HBBI", *one) for one in program)


def _open(interface: str, vips: list[bytes]) -> socket.socket:
    import array

    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    try:
        end = socket.socket(socket.AF_PACKET, kind, 0)
    except OSError as problem:
        raise KernelError(
            problem.errno,
            f"No packet socket could be opened ({problem.strerror}): the agent needs CAP_NET_RAW.",
        ) from problem
    try:
        program = array.array("B", filter_for(vips))
        place, size = program.buffer_info()
        end.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", size // 8, place))
        with contextlib.suppress(OSError):  # saves wake-ups; since Linux 4.20
            end.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        end.bind((interface, _ARP))
    except OSError as problem:
        end.close()
        raise KernelError(
            problem.errno, f"ARP cannot be used on {interface}: {problem.strerror}."
        ) from problem
    return end


def _frames(end: socket.socket) -> list[bytes]:
    frames: list[bytes] = []
    # An error says that the interface is down or has gone; the monitor says that better.
    with contextlib.suppress(OSError):
        while len(frames) < _MOST:
            data, where = end.recvfrom(_LONGEST)
            if where[2] != _OUTGOING:
                frames.append(data)
    return frames


def _mac(end: socket.socket) -> bytes:
    return bytes(end.getsockname()[4]) or _NOBODY


def _spelled(mac: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in mac)
