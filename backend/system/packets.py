"""Listening for DHCP requests on one interface: scapy's socket, our loss accounting.

The kernel keeps what we are too slow for in a big buffer and counts what even that cannot hold; the
count is handed over with every batch, so a lost packet is never silent. Frames go to the caller
undecoded: scapy's own dissection would be a hundred times slower than what arrives in a burst.
"""

import contextlib
import ctypes
import errno
import fcntl
import logging
import select
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from backend.errors import CommandFailed, HaoscarError, InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.names import InterfaceName

if TYPE_CHECKING:
    from scapy.supersocket import SuperSocket

log = logging.getLogger(__name__)

FILTER = "udp dst port 67"
# What tcpdump would make of FILTER for IPv4: not a fragment, UDP, target port 67. The kernel has
# taken the VLAN tag off already. Source: linux/filter.h; each row is code, jt, jf, k.
FILTER_PROGRAM = (
    (0x28, 0, 0, 12),  # ldh [12]: ethertype
    (0x15, 0, 8, 0x0800),  # IPv4, else drop
    (0x30, 0, 0, 23),  # ldb [23]: protocol
    (0x15, 0, 6, 17),  # UDP, else drop
    (0x28, 0, 0, 20),  # ldh [20]: fragment offset
    (0x45, 4, 0, 0x1FFF),  # a later fragment has no ports: drop
    (0xB1, 0, 0, 14),  # ldxb 4*([14]&0xf): header length
    (0x48, 0, 0, 16),  # ldh [x+16]: target port
    (0x15, 0, 1, 67),
    (0x06, 0, 0, 0x40000),  # take all of it
    (0x06, 0, 0, 0),  # drop
)
RECEIVE_BUFFER = 64 << 20  # bytes; 10,000 frames weigh about 20 MB in the kernel's accounting
WAITING_LIMIT = 50_000  # frames between the reader and a slow caller; the rest waits in the kernel
FRAME_LIMIT = 16_384  # bytes; a jumbo frame and its tags
HAND_OVER = 0.05  # seconds between batches

_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_SO_RCVBUFFORCE = 33
_SO_ATTACH_FILTER = 26
_SIOCGIFFLAGS = 0x8913
_SIOCGIFHWADDR = 0x8927
_IFF_UP = 1


class Frame(NamedTuple):
    """One frame as it was on the wire, with its VLAN tag."""

    when: float  # seconds since the epoch, by the kernel
    data: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What arrived since the batch before, and how many packets were lost meanwhile."""

    frames: tuple[Frame, ...]
    lost: int = 0


def listen(
    interface: InterfaceName,
    on_batch: Callable[[Batch], None],
    cancelled: Callable[[], bool],
) -> None:
    """Hand over DHCP requests until ``cancelled``; both are called in the calling thread.

    The first batch comes at once and is empty: from then on nothing is missed. The last one holds what
    had arrived when the caller cancelled. Raises InvalidInput (no such interface), Refused (it is
    down, or we are not root) and CommandFailed (the interface was taken away).
    """
    _check_up(interface)
    reader = _Reader(interface, _open(interface))
    reader.start()
    try:
        on_batch(Batch(()))
        pause = threading.Event()
        while not cancelled() and reader.is_alive():
            pause.wait(HAND_OVER)
            _hand_over(reader, on_batch)
    finally:
        reader.stop()
    _hand_over(reader, on_batch)
    if reader.problem is not None:
        raise reader.problem


def own_cards() -> frozenset[Mac]:
    """Return the addresses of this machine's own cards, in the network namespace we run in."""
    cards = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for _index, name in socket.if_nameindex():
            # A card can be taken out at any moment, and some links have no Ethernet address.
            with contextlib.suppress(OSError, InvalidInput):
                answer = fcntl.ioctl(control, _SIOCGIFHWADDR, struct.pack("256s", name.encode()))
                cards.add(Mac.from_bytes(answer[18:24]))
    return frozenset(cards)


def vendor_table() -> str:
    """Return scapy's copy of Wireshark's vendor list: prefix, short and long name, by tabs."""
    from scapy.libs.manuf import DATA

    return str(DATA)


def _hand_over(reader: "_Reader", on_batch: Callable[[Batch], None]) -> None:
    batch = reader.take()
    if batch.frames or batch.lost:
        on_batch(batch)


class _Reader(threading.Thread):
    """Empties the socket into a list; everything but ``take`` and ``stop`` runs in its thread."""

    def __init__(self, interface: InterfaceName, opened: "SuperSocket") -> None:
        super().__init__(name=f"sniffer-{interface}", daemon=True)
        self.problem: HaoscarError | None = None
        self._interface = interface
        self._index = socket.if_nametoindex(interface)
        self._socket = opened
        self._lock = threading.Lock()
        self._frames: list[Frame] = []
        self._lost = 0
        self._ending = threading.Event()

    def take(self) -> Batch:
        """Return what is waiting; from any thread."""
        with self._lock:
            frames, self._frames = self._frames, []
            lost, self._lost = self._lost, 0
        return Batch(tuple(frames), lost)

    def stop(self) -> None:
        """Read what the kernel still holds, then close; from another thread."""
        self._ending.set()
        self.join()

    def run(self) -> None:
        """Read until told to end or until the interface is gone."""
        try:
            poll = select.poll()
            poll.register(self._socket.ins, select.POLLIN)
            while not self._ending.is_set():
                if len(self._frames) >= WAITING_LIMIT:
                    self._ending.wait(0.02)
                elif poll.poll(50):
                    self._drain()
            self._drain()
        except OSError as problem:
            self.problem = CommandFailed.of(
                "sniffer.interface-gone",
                f"Listening on {self._interface} ended: {problem.strerror or problem}.",
                "Look at the interface with 'ip link', then start again.",
            )
        finally:
            self._socket.close()

    def _drain(self) -> None:
        """Read what is there, 500 frames at a time; ends also when ever more of them arrive."""
        for _ in range(100):
            frames: list[Frame] = []
            more = self._read(frames)
            lost = _kernel_drops(self._socket.ins)
            with self._lock:
                self._frames += frames
                self._lost += lost
            if not more:
                return

    def _read(self, frames: list[Frame]) -> bool:
        for _ in range(500):
            try:
                _layer, data, when = self._socket.recv_raw(FRAME_LIMIT)
            except BlockingIOError:
                return False
            except OSError as problem:
                if problem.errno != errno.ENETDOWN or not self._still_there():
                    raise
                return False  # taken down, not away: it may come back
            if data is not None and when is not None:
                frames.append(Frame(float(when), data))
        return True

    def _still_there(self) -> bool:
        with contextlib.suppress(OSError):
            return socket.if_nametoindex(self._interface) == self._index
        return False


def _check_up(interface: InterfaceName) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            answer = fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("256s", interface.encode()))
        except OSError as problem:
            raise InvalidInput.of(
                "sniffer.no-interface",
                f"There is no network interface {interface} here.",
                "Choose one of: " + ", ".join(name for _, name in socket.if_nameindex()) + ".",
            ) from problem
    if not struct.unpack_from("H", answer, 16)[0] & _IFF_UP:
        raise Refused.of(
            "sniffer.interface-down",
            f"{interface} is switched off, so nothing can be heard on it.",
            f"Switch it on: ip link set {interface} up",
        )


def _open(interface: InterfaceName) -> "SuperSocket":
    import scapy.layers.l2  # noqa: F401  without it scapy does not know Ethernet
    from scapy.config import conf
    from scapy.error import Scapy_Exception

    try:
        # Requests are broadcast: no need to make the card deliver other machines' traffic.
        try:
            opened = conf.L2listen(iface=str(interface), filter=FILTER, promisc=False)
        except Scapy_Exception as problem:
            log.info("libpcap does not compile the filter (%s): using our own program", problem)
            opened = conf.L2listen(iface=str(interface), promisc=False)
            _attach_own_filter(opened.ins)
        opened.ins.setblocking(False)
        _enlarge_buffer(opened.ins)
    except PermissionError as problem:
        raise Refused.of(
            "sniffer.not-root",
            f"Only root may listen on {interface}.",
            "Start the command with sudo.",
        ) from problem
    except OSError as problem:
        raise CommandFailed.of(
            "sniffer.not-opened",
            f"Listening on {interface} failed: {problem.strerror or problem}.",
            "Look at the interface with 'ip link', then start again.",
        ) from problem
    return opened


def _attach_own_filter(opened: socket.socket) -> None:
    rows = b"".join(struct.pack("HBBI", *row) for row in FILTER_PROGRAM)
    memory = ctypes.create_string_buffer(rows, len(rows))
    program = struct.pack("HP", len(FILTER_PROGRAM), ctypes.addressof(memory))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _enlarge_buffer(opened: socket.socket) -> None:
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:  # root of a container: as much as the machine allows everybody
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def _kernel_drops(opened: socket.socket) -> int:
    """Return how many packets did not fit since the last call: reading resets the kernel's counter."""
    answer = opened.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
    _delivered, drops = struct.unpack("II", answer)
    return int(drops)
