"""Posting something to a web server, over asyncio's streams; HTTP/1.1 as far as that needs it."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import NamedTuple

from backend.system.watch.not_delivered import NotDelivered, reason
from backend.system.watch.waiting import within

LIMIT = 15.0  # seconds, from the name's lookup to the answer
LONGEST_HEAD = 65_536  # bytes of an answer
MOST_LINES = 200
_STATUS = re.compile(r"HTTP/1\.[0-9] ([0-9]{3})(?: (.*))?")


class Place(NamedTuple):
    """Where it goes."""

    host: str
    port: int
    path: str  # with the query
    tls: bool
    ca_file: str = ""  # "": the authorities that this machine trusts


class Answer(NamedTuple):
    """What the server said."""

    status: int
    reason: str


async def post(
    place: Place, headers: tuple[tuple[str, str], ...], body: bytes, limit: float = LIMIT
) -> Answer:
    """Return the server's answer; redirections are not followed. Raises NotDelivered."""
    try:
        return await within(limit, _exchange(place, headers, body))
    except asyncio.TimeoutError:
        raise NotDelivered(f"{place.host} did not answer within {limit:.0f} s") from None
    except ssl.SSLCertVerificationError as problem:
        text = f"the certificate of {place.host} is not accepted: {problem.verify_message}"
        raise NotDelivered(text) from None
    except ssl.SSLError as problem:
        raise NotDelivered(
            f"{place.host}: TLS does not work: {problem.reason or problem}"
        ) from None
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        raise NotDelivered(f"{place.host} closed the connection or spoke no HTTP") from None
    except OSError as problem:
        raise NotDelivered(f"{place.host}: {reason(problem)}") from None


async def _exchange(place: Place, headers: tuple[tuple[str, str], ...], body: bytes) -> Answer:
    context = _context(place)
    reader, writer = await asyncio.open_connection(
        place.host, place.port, limit=LONGEST_HEAD, ssl=context
    )
    try:
        named = f"[{place.host}]" if ":" in place.host else place.host
        usual = 443 if place.tls else 80
        host = named if place.port == usual else f"{named}:{place.port}"
        framing = (("Host", host), ("Content-Length", str(len(body))), ("Connection", "close"))
        lines = [f"POST {place.path} HTTP/1.1", *(f"{a}: {b}" for a, b in (*framing, *headers))]
        writer.write("\r\n".join((*lines, "", "")).encode("ascii") + body)
        await writer.drain()
        return await _answer(reader)
    finally:
        writer.transport.abort()  # the answer is all that we want


def _context(place: Place) -> ssl.SSLContext | None:
    if not place.tls:
        return None
    try:
        return ssl.create_default_context(cafile=place.ca_file or None)
    except OSError as problem:  # ssl.SSLError is one
        text = f"{place.ca_file} is no file with certificates: {problem.strerror or problem}"
        raise NotDelivered(text) from None


async def _answer(reader: asyncio.StreamReader) -> Answer:
    while True:
        raw = await reader.readuntil(b"\r\n")
        found = _STATUS.fullmatch(raw[:-2].decode("latin-1"))
        if not found:
            raise ValueError("no status line")
        for _ in range(MOST_LINES):
            if await reader.readuntil(b"\r\n") == b"\r\n":
                break
        else:
            raise ValueError("too many lines")
        if int(found[1]) >= 200:  # not an interim one such as 103
            return Answer(int(found[1]), found[2] or "")
