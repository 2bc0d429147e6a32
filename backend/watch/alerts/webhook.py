"""The alert ``webhook``: its parameters, its headers and its JSON. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from backend.watch.alerts.message import (
    Message,
    identity,
    lines,
    one_line,
    sentence,
    utc,
)  # fmt: skip
from backend.watch.results import LONGEST_DETAIL, LONGEST_SUMMARY
from backend.watch.settings import DOWN, Settings

LONGEST_URL = 2000
MOST_HEADERS = 20
VERSION = 1  # of the JSON
OPTIONS = ("--header-file", "--url-file", "--ca-file")
_URL = re.compile(r"[\x21-\x7e]{1,2000}")
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}):[ \t]*([\x20-\x7e\t]{0,4000})")
_OURS = {
    "host", "content-length", "content-type", "transfer-encoding", "connection", "expect",
    "upgrade", "te", "trailer",
}  # fmt: skip


class Address(NamedTuple):
    """A web address in its parts."""

    host: str
    port: int
    path: str
    tls: bool

    @property
    def local(self) -> bool:
        """Whether what is sent there stays on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Hook(NamedTuple):
    """What the parameters say."""

    url: str = ""
    url_file: str = ""
    header_file: str = ""
    ca_file: str = ""


def parse(words: tuple[str, ...]) -> tuple[Hook, list[str]]:
    """Return the parameters, and what is wrong with them."""
    given: dict[str, str] = {}
    found: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            name, value = "url", word
        elif name not in OPTIONS:
            found.append(f"webhook: {one_line(word, 80)!r} is no option. Known are {', '.join(OPTIONS)}.")  # fmt: skip
            continue
        elif not equals:
            value = rest.pop(0) if rest else ""
        if name in given:
            found.append(f"webhook: {'more than one address' if name == 'url' else name + ' twice'}. Write one.")  # fmt: skip
        elif name != "url" and not (value.startswith("/") and value.isprintable()):
            found.append(f"webhook: {name} needs the path of a file, from the root.")
        given[name] = value
    hook = Hook(
        *(given.get(name, "") for name in ("url", "--url-file", "--header-file", "--ca-file"))
    )
    return hook, found


def problems(words: tuple[str, ...]) -> list[str]:
    """Say what is wrong with the parameters of a webhook."""
    hook, found = parse(words)
    if bool(hook.url) == bool(hook.url_file):
        found.append("webhook: give one address, such as https://chat.example.org/hook, or --url-file FILE.")  # fmt: skip
    if hook.url:
        try:
            address = read_url(hook.url)
        except ValueError as problem:
            return [*found, f"webhook: {problem}"]
        if hook.header_file and not (address.tls or address.local):
            found.append("webhook: what is in the header file would cross the network unencrypted. Use https.")  # fmt: skip
    return found


def read_url(text: str) -> Address:
    """Return a web address; raises ValueError with what is wrong, without the address's secrets."""
    if not _URL.fullmatch(text):
        raise ValueError("the address has characters that no web address has, or is too long.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("this is no web address. Write https://host/path.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("this is no web address. Write https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a name or a password may not be in the address, which everybody can read. Use --header-file.")  # fmt: skip
    if port == 0 or not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", parts.hostname):
        raise ValueError("the host or the port in this address cannot be.")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.hostname, port or (443 if tls else 80), path, tls)


def read_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of a header file; raises ValueError, which never holds any of them."""
    found: list[tuple[str, str]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _HEADER.fullmatch(line)
        if not match:
            raise ValueError(f"line {number} is no header. Write Name: value, in ASCII")
        if match[1].lower() in _OURS:
            raise ValueError(f"line {number} has a header that only the program itself may set")
        found.append((match[1], match[2].strip()))
    if len(found) > MOST_HEADERS:
        raise ValueError(f"there are more than {MOST_HEADERS} headers")
    return tuple(found)


def headers(own: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return all headers but those of the connection."""
    ours = [("Content-Type", "application/json; charset=utf-8"), ("Accept", "*/*")]
    if not any(name.lower() == "user-agent" for name, _ in own):
        ours.append(("User-Agent", "haoscar-watch"))
    return (*ours, *own)


def build(settings: Settings, message: Message) -> bytes:
    """Return the JSON; docs/alerts.md explains it."""
    service, result = message.service, message.result
    told = {
        "version": VERSION,
        "id": identity(settings.cluster, message),
        "cluster": settings.cluster,
        "head": settings.me.name,
        "group": service.group,
        "service": service.name,
        "description": one_line(service.description, 1000),
        "event": message.run,
        "outcome": result.outcome.value,
        "code": result.code,
        "summary": one_line(result.summary, LONGEST_SUMMARY),
        "detail": lines(result.detail, LONGEST_DETAIL),
        "previous_summary": one_line(message.previous.split("\n", 1)[0], LONGEST_SUMMARY),
        "hosts": [one_line(host, 255) for host in message.hosts],
        "failed_hosts": [one_line(host, 255) for host in result.failed_hosts],
        "time": utc(message.wall),
        "failed_since": utc(message.first_failed) if message.first_failed > 0 else None,
        "next_alert_seconds": message.every if message.run == DOWN and message.every else None,
        "text": sentence(message),
    }
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace")
