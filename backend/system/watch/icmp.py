"""ICMP echoes to any number of addresses over one socket: a raw one, or the kernel's ping socket."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time

from backend.system.watch.errors import CannotLook, Silent

_REQUEST, _REPLY = 8, 0  # RFC 792
_RAW_LEVEL, _FILTER = 255, 1  # SOL_RAW, ICMP_FILTER
_ONLY_REPLIES = struct.pack("=I", 0xFFFFFFFF & ~(1 << _REPLY))
_AT_ONCE = 64  # packets that are read before anything else is looked after


class Pinger:
    """One socket for all that is pinged; it is opened when it is needed first."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._raw = True
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._sequence = 0
        self._waiting: dict[tuple[str, int], tuple[bytes, asyncio.Future[float]]] = {}

    async def ping(self, address: str, seconds: float, tries: int) -> float:
        """Return after how many seconds an answer came; raises Silent, CannotLook."""
        loop = asyncio.get_running_loop()
        end = self._open(loop)
        future: asyncio.Future[float] = loop.create_future()
        token = os.urandom(16)  # so that nobody answers who has not seen the question
        keys: list[tuple[str, int]] = []
        began = loop.time()
        timers = [
            loop.call_at(began + seconds * number / tries, self._send, end, address, token, keys, future)
            for number in range(1, tries)
        ]  # fmt: skip
        timers.append(loop.call_at(began + seconds, _give_up, future))
        try:
            self._send(end, address, token, keys, future)
            return await future
        finally:
            for timer in timers:
                timer.cancel()
            for key in keys:
                self._waiting.pop(key, None)

    def _open(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        if self._socket is not None:
            return self._socket
        more = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        try:
            end = socket.socket(socket.AF_INET, socket.SOCK_RAW | more, socket.IPPROTO_ICMP)
            end.setsockopt(_RAW_LEVEL, _FILTER, _ONLY_REPLIES)
        except PermissionError:
            try:
                end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | more, socket.IPPROTO_ICMP)
            except OSError as error:
                raise CannotLook(
                    f"No ICMP socket could be opened ({error.strerror}): it needs CAP_NET_RAW, or "
                    "the group in net.ipv4.ping_group_range."
                ) from error
            self._raw = False
        self._socket = end
        loop.add_reader(end.fileno(), self._read)
        return end

    def _send(
        self, end: socket.socket, address: str, token: bytes,
        keys: list[tuple[str, int]], future: asyncio.Future[float],
    ) -> None:  # fmt: skip
        if future.done():
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        key = (address, self._sequence)
        stamp = struct.pack("!d", time.monotonic())
        packet = request(self._identifier, self._sequence, token + stamp)
        self._waiting[key] = (token, future)
        keys.append(key)
        try:
            end.sendto(packet, (address, 0))
        except BlockingIOError:
            pass
        except OSError as error:
            if not future.done():
                future.set_exception(
                    CannotLook(f"{address} cannot be pinged from here: {error.strerror}.")
                )

    def _read(self) -> None:
        assert self._socket is not None
        for _ in range(_AT_ONCE):
            try:
                data, where = self._socket.recvfrom(2048)
            except OSError:
                return
            identifier = self._identifier if self._raw else None
            found = reply(data, identifier)
            if found is None:
                continue
            sequence, body = found
            token, future = self._waiting.get((where[0], sequence), (b"", None))
            if future is not None and not future.done() and body[:16] == token:
                sent = struct.unpack("!d", body[16:24])[0]
                future.set_result(max(0.0, time.monotonic() - sent))

    def close(self) -> None:
        """Close the socket; call it while the loop still runs."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None


def _give_up(future: asyncio.Future[float]) -> None:
    if not future.done():
        future.set_exception(Silent())


def request(identifier: int, sequence: int, body: bytes) -> bytes:
    """Return an echo request; ``body`` has an even length."""
    packet = struct.pack("!BBHHH", _REQUEST, 0, 0, identifier, sequence) + body
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return packet[:2] + struct.pack("!H", ~total & 0xFFFF) + packet[4:]


def reply(data: bytes, identifier: int | None) -> tuple[int, bytes] | None:
    """Return sequence and body of an echo reply: with an identifier from a raw socket, whose
    packets begin with the IP header, else from a ping socket. None: it is none of ours."""
    inner = data
    if identifier is not None:
        inner = data[(data[0] & 15) * 4 :] if data else b""
    if len(inner) < 8 + 24 or inner[0] != _REPLY:
        return None
    theirs, sequence = struct.unpack_from("!HH", inner, 4)
    if identifier is not None and theirs != identifier:
        return None
    return sequence, inner[8:]
