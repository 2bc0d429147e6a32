"""One connection of the watch link after its handshake: messages as signed frames."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from backend.system.watch.tcp_link import FrameEnd, FrameStream
from backend.watch.link_seal import LinkRefused, Seal

SILENCE = 10.0  # seconds
PIECE = 512 * 1024  # bytes
LARGEST_MESSAGE = 32 << 20  # bytes

Message = Mapping[str, Any]


class Connection:
    """A connection whose other end has proved who it is."""

    def __init__(self, stream: FrameStream, seal: Seal, *, by_first: bool, now: float) -> None:
        self._stream = stream
        self._seal = seal
        self.by_first = by_first
        self.began = now
        self.sent = now

    def send(self, message: Message) -> int:
        """Send a message, in pieces when it is large; returns its bytes. Raises FrameEnd."""
        data = json.dumps(message, separators=(",", ":")).encode()
        for start in range(0, len(data), PIECE):
            more = b"\1" if start + PIECE < len(data) else b"\0"
            self._stream.write(self._seal.seal(more + data[start : start + PIECE]))
        self.sent = asyncio.get_running_loop().time()
        return len(data)

    async def receive(self) -> dict[str, Any]:
        """Return the next message; raises FrameEnd, LinkRefused."""
        data = bytearray()
        while True:
            try:
                frame = await asyncio.wait_for(self._stream.read(), SILENCE)
            except asyncio.TimeoutError as problem:
                raise FrameEnd(f"nothing was heard for {SILENCE:.0f} s") from problem
            payload = self._seal.open(frame)
            data += payload[1:]
            if len(data) > LARGEST_MESSAGE:
                raise LinkRefused("a message is too long")
            if payload[:1] == b"\0":
                break
            if payload[:1] != b"\1":
                raise LinkRefused("a frame does not say whether more follows")
        try:
            message = json.loads(bytes(data))
        except (ValueError, RecursionError) as problem:
            raise LinkRefused("a message is not JSON") from problem
        if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
            raise LinkRefused("a message has no kind")
        return message

    def close(self) -> None:
        """Close it."""
        self._stream.close()
