"""Whether a web server answers."""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple

from backend.system.watch import tcp
from backend.watch.monitors.findings import Finding, failed, ok, unknown
from backend.watch.monitors.look import Look, each
from backend.watch.results import Result

MOST = 256 * 1024  # bytes that are read for a text
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]{0,200})?\r?\n")


class Wanted(NamedTuple):
    """What the answer must be."""

    status: int  # 0: any from 200 to 399
    text: bytes


async def check(look: Look) -> Result:
    """Check the web servers of a service."""
    return await each(look, _ask)


async def _ask(look: Look, host: str, address: str) -> Finding:
    options = look.given.options
    tls = look.given.yes("tls")
    port = int(options["port"] or (443 if tls else 80))
    name = options["name"] or host
    path = look.given.words[0] if look.given.words else "/"
    wanted = Wanted(int(options["status"] or 0), options["text"].encode())
    context = None
    if tls:
        context = look.tools.contexts.get(look.given.yes("verify"), options["authorities"])
    try:
        data = await tcp.converse(
            (address, port), request(name, port, tls, path), tls=context, name=name,
            most=MOST if wanted.text else 16_384, until=wanted.text or b"\n", seconds=look.seconds,
        )  # fmt: skip
    except ssl.SSLCertVerificationError as error:
        return failed(host, f"its certificate is not right: {error.verify_message}")
    except ssl.SSLError as error:
        return failed(host, f"no TLS connection: {error.reason or error}")
    return judge(host, data, wanted)


def request(name: str, port: int, tls: bool, path: str) -> bytes:
    """Return the request; 1.0, so that the answer comes in one piece and ends with the connection."""
    where = name if port == (443 if tls else 80) else f"{name}:{port}"
    path = "".join(
        one if one.isascii() and one.isprintable() and one != " " else "" for one in path
    )
    return f"GET {path} HTTP/1.0\r\nHost: {where}\r\nUser-Agent: haoscar-watch\r\n\r\n".encode()


def judge(host: str, data: bytes, wanted: Wanted) -> Finding:
    """Return what an answer says. Pure."""
    if not data:
        return failed(host, "it closes the connection without an answer")
    found = _STATUS.match(data)
    if not found:
        return unknown(host, "it answers, but not with HTTP. See what listens there.")
    status = int(found[1])
    right = status == wanted.status if wanted.status else 200 <= status < 400
    if not right:
        return failed(host, f"it answers with status {status}")
    if wanted.text and wanted.text not in data:
        return failed(host, f"its page does not hold {wanted.text.decode()!r}")
    return ok(host, f"answers with status {status}")
