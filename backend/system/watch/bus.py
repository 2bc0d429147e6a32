"""As much of D-Bus as it takes to ask systemd for the state of units; D-Bus specification 0.41."""

from __future__ import annotations

import asyncio
import os
import struct

LARGEST = 1 << 20  # bytes of a message
_CALL, _RETURN, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _REPLY, _TO, _SIGNATURE = 1, 2, 3, 5, 6, 8
_SYSTEMD = "org.freedesktop.systemd1"
_ROW = "a(ssssssouso)"  # name, description, load, active, sub, following, path, job ...
_TEXTS_BEFORE, _TEXTS_AFTER = 7, 2  # with a number between them


class Garbled(Exception):
    """What came is not what was asked for."""


class Bus:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._serial = 0

    async def units(self, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Return name, description, load state, active state and sub state of each; raises
        OSError, EOFError, Garbled."""
        signature, body = await self._call(
            "/org/freedesktop/systemd1", f"{_SYSTEMD}.Manager", "ListUnitsByNames",
            _SYSTEMD, "as", texts(names),
        )  # fmt: skip
        if signature != _ROW:
            raise Garbled(signature)
        return rows(body)

    async def hello(self) -> None:
        """Say hello, which a bus wants and systemd itself does not."""
        name = "org.freedesktop.DBus"
        await self._call("/org/freedesktop/DBus", name, "Hello", name, "", b"")

    async def login(self) -> None:
        """Authenticate as this user; raises OSError, EOFError, Garbled.

        BEGIN is sent without waiting for OK, as systemd's own programs do: a question that systemd
        reads together with BEGIN lies there until something else comes (seen with version 252).
        """
        user = str(os.geteuid()).encode().hex()
        self._writer.write(f"\0AUTH EXTERNAL {user}\r\nBEGIN\r\n".encode())
        if not (await self._reader.readuntil(b"\r\n")).startswith(b"OK "):
            raise Garbled("no OK")

    async def _call(
        self, path: str, interface: str, member: str, to: str, signature: str, body: bytes
    ) -> tuple[str, bytes]:
        self._serial += 1
        fields = [(_PATH, "o", path), (_INTERFACE, "s", interface), (_MEMBER, "s", member), (_TO, "s", to)]  # fmt: skip
        if signature:
            fields.append((_SIGNATURE, "g", signature))
        self._writer.write(message(_CALL, self._serial, fields, body))
        while True:
            kind, told, answer = await self._receive()
            if told.get(_REPLY) != self._serial:
                continue  # a signal that nobody asked for
            if kind != _RETURN:
                raise Garbled(f"an error: {answer[4:300]!r}")
            return str(told.get(_SIGNATURE, "")), answer

    async def _receive(self) -> tuple[int, dict[int, object], bytes]:
        head = await self._reader.readexactly(16)
        order = {b"l": "<", b"B": ">"}.get(head[:1])
        if order != "<":  # then systemctl is asked
            raise Garbled("an unusual byte order")
        length, _serial, size = struct.unpack_from("<III", head, 4)
        padded = size + (-size % 8)
        if length + padded > LARGEST:
            raise Garbled("a message that is too long")
        rest = await self._reader.readexactly(padded + length)
        return head[1], fields_of(rest[:size]), rest[padded:]

    def close(self) -> None:
        """Hang up."""
        self._writer.transport.abort()


async def connect(path: str, *, hello: bool) -> Bus:
    """Return a connection that is ready; raises OSError, EOFError, Garbled."""
    reader, writer = await asyncio.open_unix_connection(path, limit=LARGEST)
    bus = Bus(reader, writer)
    try:
        await bus.login()
        if hello:
            await bus.hello()
    except BaseException:
        bus.close()
        raise
    return bus


def text(value: str) -> bytes:
    """Return a string as it stands in a message."""
    raw = value.encode()
    return struct.pack("<I", len(raw)) + raw + b"\0"


def texts(values: tuple[str, ...]) -> bytes:
    """Return an array of strings."""
    data = b""
    for value in values:
        data += b"\0" * (-len(data) % 4) + text(value)
    return struct.pack("<I", len(data)) + data


def message(kind: int, serial: int, fields: list[tuple[int, str, str]], body: bytes) -> bytes:
    """Return a message whose header fields are strings, paths and signatures."""
    head = b""
    for code, signature, value in fields:
        head += b"\0" * (-len(head) % 8) + bytes((code, 1)) + signature.encode() + b"\0"
        if signature == "g":
            head += bytes((len(value),)) + value.encode() + b"\0"
        else:
            head += text(value)  # 4 bytes after a multiple of 8: aligned
    start = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(head))
    return start + head + b"\0" * (-len(head) % 8) + body


def fields_of(data: bytes) -> dict[int, object]:
    """Return the header fields; raises Garbled."""
    reader = _Reader(data)
    found: dict[int, object] = {}
    while reader.more():
        reader.align(8)
        code = reader.byte()
        signature = reader.signature()
        if signature in ("s", "o"):
            found[code] = reader.text()
        elif signature == "u":
            found[code] = reader.number()
        elif signature == "g":
            found[code] = reader.signature()
        else:
            raise Garbled(signature)
    return found


def rows(body: bytes) -> list[tuple[str, ...]]:
    """Return the first five texts of each row of ListUnitsByNames; raises Garbled."""
    reader = _Reader(body)
    found: list[tuple[str, ...]] = []
    reader.number()
    reader.align(8)
    while reader.more():
        reader.align(8)
        row = [reader.text() for _ in range(_TEXTS_BEFORE)]
        reader.number()
        for _ in range(_TEXTS_AFTER):
            reader.text()
        found.append(tuple(row[:5]))
    return found


class _Reader:
    """Reads a message from its beginning; raises Garbled at its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def more(self) -> bool:
        return self._at < len(self._data)

    def align(self, size: int) -> None:
        self._at += -self._at % size

    def byte(self) -> int:
        return self._take(1)[0]

    def number(self) -> int:
        self.align(4)
        return int.from_bytes(self._take(4), "little")

    def text(self) -> str:
        return self._text(self.number())

    def signature(self) -> str:
        return self._text(self.byte())

    def _text(self, length: int) -> str:
        return self._take(length + 1)[:-1].decode("utf-8", "backslashreplace")

    def _take(self, length: int) -> bytes:
        data = self._data[self._at : self._at + length]
        if len(data) < length:
            raise Garbled("it ends too early")
        self._at += length
        return data
