"""A small HTTP server for machines that boot: a few files, two small questions, hostile clients.

HTTP/1.0 semantics (RFC 1945): one request a connection, then it is closed. Every part has a size
and a time limit, and the number of clients is bounded, altogether and for each address. All of it
runs in one asyncio loop.
"""

import asyncio
import contextlib
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

log = logging.getLogger(__name__)

REASONS = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 413: "Content Too Large", 500: "Internal Server Error",
    503: "Service Unavailable",
}  # fmt: skip
_TARGET = re.compile(r"/[A-Za-z0-9_./-]{0,200}(\?[A-Za-z0-9_.:=&%-]{0,300})?")
_LENGTH = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take."""

    head: int = 8192  # bytes of request line and header
    body: int = 4096  # bytes
    receive: float = 10.0  # seconds for the whole request
    stalled: float = 30.0  # seconds in which a client must take some of a file
    clients: int = 64  # at the same time
    clients_each: int = 8  # of one address
    chunk: int = 1 << 18


@dataclass(frozen=True, slots=True)
class Request:
    """A request that kept to the rules."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    client: str  # IP address


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: text, or a file that is read while it is sent."""

    status: int = 200
    text: str = ""
    file: Path | None = None
    kind: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


class BadRequest(Exception):
    """What a client sent is not a request we understand."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class HttpServer:
    """Serves ``handler`` on one address; its coroutines belong to the running loop."""

    def __init__(self, handler: Handler, limits: Limits | None = None) -> None:
        self._handler = handler
        self._limits = limits or Limits()
        self._clients: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    async def start(self, address: str, port: int) -> None:
        """Listen; raises OSError."""
        self._server = await asyncio.start_server(
            self.serve, address, port, limit=self._limits.head, backlog=64
        )

    @property
    def port(self) -> int:
        """The port it listens on, for those who asked for port 0."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening; connections that are being served end by their limits."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; never raises."""
        peer = writer.get_extra_info("peername")
        client = str(peer[0]) if peer else "?"
        try:
            if self._full(client):
                await self._send(writer, Response(503, "Too many connections.\n"), head_only=False)
                return
            self._clients[client] += 1
            try:
                await self._answer(reader, writer, client)
            finally:
                self._clients[client] -= 1
                self._clients += Counter()  # drops those at zero
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as problem:
            log.debug("http client %s went away: %s", client, problem)
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 5.0)

    def _full(self, client: str) -> bool:
        limits = self._limits
        return (
            self._clients.total() >= limits.clients or self._clients[client] >= limits.clients_each
        )

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str
    ) -> None:
        head_only = False
        try:
            async with asyncio.timeout(self._limits.receive):
                request = await read_request(reader, client, self._limits)
            head_only = request.method == "HEAD"
            response = await self._handler(request)
            log.info("http %s %s %s -> %d", client, request.method, request.path, response.status)
        except BadRequest as problem:
            response = Response(problem.status, f"{problem.text}\n")
        except TimeoutError:
            response = Response(408, "The request did not arrive in time.\n")
        except asyncio.IncompleteReadError:
            response = Response(400, "The request was cut off.\n")
        await self._send(writer, response, head_only=head_only)

    async def _send(
        self, writer: asyncio.StreamWriter, response: Response, *, head_only: bool
    ) -> None:
        if response.file is not None:
            await self._send_file(writer, response, response.file, head_only=head_only)
            return
        body = response.text.encode()
        writer.write(head(response, len(body)) + (b"" if head_only else body))
        await asyncio.wait_for(writer.drain(), self._limits.stalled)

    async def _send_file(
        self, writer: asyncio.StreamWriter, response: Response, path: Path, *, head_only: bool
    ) -> None:
        with path.open("rb") as source:
            size = path.stat().st_size
            writer.write(head(response, size))
            while not head_only and size > 0:
                chunk = await asyncio.to_thread(source.read, min(self._limits.chunk, size))
                if not chunk:
                    return  # the file shrank: the client sees a cut connection, not a wrong length
                size -= len(chunk)
                writer.write(chunk)
                await asyncio.wait_for(writer.drain(), self._limits.stalled)
        await asyncio.wait_for(writer.drain(), self._limits.stalled)


def head(response: Response, length: int) -> bytes:
    """Return the status line and the header."""
    lines = [
        f"HTTP/1.0 {response.status} {REASONS.get(response.status, 'Unknown')}",
        f"Content-Type: {response.kind}",
        f"Content-Length: {length}",
        "Cache-Control: no-store",
        "Connection: close",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


async def read_request(reader: asyncio.StreamReader, client: str, limits: Limits) -> Request:
    """Read one request; raises BadRequest, IncompleteReadError."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequest(413, "The header is too long.") from None
    lines = raw[:-4].decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not re.fullmatch(r"HTTP/1\.[01]", words[2]):
        raise BadRequest(400, "This is not an HTTP request.")
    method, target = words[0], words[1]
    if method not in ("GET", "HEAD", "POST"):
        raise BadRequest(405, "Only GET, HEAD and POST are known here.")
    if not _TARGET.fullmatch(target) or ".." in target:
        raise BadRequest(400, "This is not a path of this server.")
    path, _, query = target.partition("?")
    body = b""
    if method == "POST":
        body = await reader.readexactly(_body_length(lines[1:], limits.body))
    return Request(method, path, dict(parse_qsl(query)[:10]), body, client)


def _body_length(lines: list[str], most: int) -> int:
    found = []
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        if name == "transfer-encoding":
            raise BadRequest(400, "A body needs Content-Length here.")
        if name == "content-length":
            found.append(value.strip())
    if len(found) != 1 or not _LENGTH.fullmatch(found[0]):
        raise BadRequest(400, "A body needs exactly one Content-Length.")
    if int(found[0]) > most:
        raise BadRequest(413, f"The body may have {most} bytes at most.")
    return int(found[0])
