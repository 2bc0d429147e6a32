"""Asking for DHCP servers on an interface, also for one on this machine.

The question goes out by UDP, so that a server here hears it, too; answers are read from the
interface itself, where those that leave this machine can be seen as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import socket
import struct
from typing import Callable, TypeVar

from backend.system.watch.errors import CannotLook, Silent

T = TypeVar("T")
_ALL = 3  # ETH_P_ALL: only so outgoing packets are seen
_GET_ADDRESS, _GET_MAC = 0x8915, 0x8927  # SIOCGIFADDR, SIOCGIFHWADDR
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER
_SERVER, _CLIENT = 67, 68
_TRIES = 3
# IPv4, UDP, no later fragment, to port 68: as "udp dst port 68" of tcpdump(8).
_FILTER = (
    (0x28, 0, 0, 12), (0x15, 0, 8, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 6, 17),
    (0x28, 0, 0, 20), (0x45, 4, 0, 0x1FFF), (0xB1, 0, 0, 14), (0x48, 0, 0, 16),
    (0x15, 0, 1, _CLIENT), (0x06, 0, 0, 65535), (0x06, 0, 0, 0),
)  # fmt: skip


class Card:
    """An interface: its address and its hardware address."""

    def __init__(self, name: str) -> None:
        """Raises CannotLook."""
        request = struct.pack("256s", name.encode()[:15])
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                mac = fcntl.ioctl(end, _GET_MAC, request)
                self.mac = mac[18:24]
                try:
                    self.address = fcntl.ioctl(end, _GET_ADDRESS, request)[20:24]
                except OSError as error:
                    if error.errno != errno.EADDRNOTAVAIL:
                        raise
                    raise CannotLook(f"{name} has no IPv4 address; give it one.") from error
        except OSError as error:
            raise CannotLook(f"The interface {name} cannot be used: {error.strerror}.") from error
        self.name = name


async def ask(
    card: Card, questions: tuple[bytes, ...], answer: Callable[[bytes], T | None], seconds: float
) -> T:
    """Broadcast the questions and return the first answer; raises Silent, CannotLook."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    ends: list[socket.socket] = []
    timers: list[asyncio.TimerHandle] = []

    def read(end: socket.socket, whole: bool) -> None:
        with contextlib.suppress(OSError):
            data = end.recv(65_535)
            found = answer(_payload(data) if whole else data)
            if found is not None and not future.done():
                future.set_result(found)

    def send(end: socket.socket) -> None:
        try:
            for question in questions:
                end.sendto(question, ("255.255.255.255", _SERVER))
        except OSError as error:
            text = f"Nothing could be sent on {card.name}: {error.strerror}."
            _fail(future, CannotLook(text))

    try:
        ends.append(_listener(card))
        ends.append(_speaker(card))
        for end, whole in zip(ends, (True, False)):
            loop.add_reader(end.fileno(), read, end, whole)
        moments = [seconds * number / _TRIES for number in range(_TRIES)]
        timers.extend([loop.call_later(moment, send, ends[1]) for moment in moments])
        timers.append(loop.call_later(seconds, _fail, future, Silent()))
        return await future
    finally:
        for timer in timers:
            timer.cancel()
        for end in ends:
            loop.remove_reader(end.fileno())
            end.close()


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _listener(card: Card) -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    try:
        end = socket.socket(socket.AF_PACKET, kind, 0)
    except OSError as error:
        raise CannotLook(f"DHCP needs CAP_NET_RAW: {error.strerror}.") from error
    import ctypes  # here only: it takes memory

    code = b"".join(struct.pack("=HBBI", *one) for one in _FILTER)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("@HP", len(_FILTER), ctypes.addressof(buffer))
    end.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
    end.bind((card.name, _ALL))
    return end


def _speaker(card: Card) -> socket.socket:
    end = socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    )
    end.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, card.name.encode())
    own = socket.inet_ntoa(card.address)
    try:
        end.bind((own, _CLIENT))  # an answer to our own address comes here
    except OSError:
        end.bind((own, 0))  # a DHCP client of this machine has the port
    return end


def _payload(frame: bytes) -> bytes:
    """Return what is in an Ethernet frame that the filter has let through."""
    header = (frame[14] & 15) * 4 if len(frame) > 14 else 0
    return frame[14 + header + 8 :]
