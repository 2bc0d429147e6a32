"""TCP connections, and what a web server says on one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import struct

from backend.system.watch.errors import CannotLook, Closed, Silent
from backend.system.watch.waiting import within, writable

_REFUSED = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.EHOSTDOWN)
_LATE = (errno.ETIMEDOUT,)
_RESET = struct.pack("ii", 1, 0)


async def connect(address: str, port: int, seconds: float) -> socket.socket:
    """Return a connected socket; raises Closed, Silent, CannotLook."""
    deadline = asyncio.get_running_loop().time() + seconds
    kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    end = socket.socket(socket.AF_INET, kind)
    try:
        code = end.connect_ex((address, port))
        if code == errno.EINPROGRESS:
            if not await writable(end.fileno(), deadline):
                raise Silent
            code = end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code in _REFUSED:
            raise Closed(os.strerror(code))
        if code in _LATE:
            raise Silent
        if code:
            raise CannotLook(f"{address} cannot be reached from here: {os.strerror(code)}.")
    except BaseException:
        end.close()
        raise
    return end


async def knock(address: str, port: int, seconds: float) -> None:
    """Connect and hang up at once; raises Closed, Silent, CannotLook."""
    end = await connect(address, port, seconds)
    with contextlib.suppress(OSError):  # a reset, so that nothing piles up in TIME_WAIT
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()


async def converse(
    where: tuple[str, int], said: bytes, *, most: int, seconds: float,
    until: bytes = b"", tls: ssl.SSLContext | None = None, name: str = "",
) -> bytes:  # fmt: skip
    """Say something and return what comes, up to ``most`` bytes, the end, or ``until`` is in it.

    Raises Closed, Silent, CannotLook, ssl.SSLError.
    """
    began = asyncio.get_running_loop().time()
    end = await connect(*where, seconds)
    left = seconds - (asyncio.get_running_loop().time() - began)
    try:
        return await within(left, _talk(end, said, most, until, tls, name))
    except asyncio.TimeoutError:
        raise Silent from None
    except ssl.SSLError:
        raise
    except (OSError, EOFError) as error:
        raise Closed(str(error)) from error
    finally:
        end.close()


async def _talk(
    end: socket.socket, said: bytes, most: int, until: bytes, tls: ssl.SSLContext | None, name: str
) -> bytes:
    reader, writer = await asyncio.open_connection(
        sock=end, ssl=tls, server_hostname=name if tls else None, limit=1 << 16
    )
    try:
        writer.write(said)
        data = b""
        while len(data) < most and not (until and until in data):
            more = await reader.read(min(1 << 16, most - len(data)))
            if not more:
                break
            data += more
        return data
    finally:
        writer.transport.abort()


class Contexts:
    """TLS contexts by their settings: making one takes milliseconds."""

    def __init__(self) -> None:
        self._made: dict[tuple[bool, str, float], ssl.SSLContext] = {}

    def get(self, verify: bool, authorities: str) -> ssl.SSLContext:
        """Return a context; raises CannotLook when the file of authorities cannot be read."""
        try:
            changed = os.stat(authorities).st_mtime if authorities else 0.0  # noqa: PTH116
            key = (verify, authorities, changed)
            if key not in self._made:
                context = ssl.create_default_context(cafile=authorities or None)
                if not verify:
                    context.check_hostname = False
                    context.verify_mode = ssl.CERT_NONE
                self._made[key] = context
            return self._made[key]
        except (OSError, ssl.SSLError) as error:
            raise CannotLook(
                f"The certificates in {authorities} cannot be read: {error}."
            ) from error
