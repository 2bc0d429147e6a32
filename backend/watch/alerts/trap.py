"""The alert ``snmp-trap``: what is sent where, under which names. Pure.

The notifications are those of DISMAN-EVENT-MIB (RFC 2981), which every manager knows from snmpd's own
``monitor`` lines; what the monitor said is added as NET-SNMP-EXTEND-MIB tells the output of a command.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from backend.watch.alerts.message import Message, one_line, summary_of
from backend.watch.results import Outcome
from backend.watch.settings import STARTUP, UP, Settings

PORT = 162
LONGEST_TEXT = 255  # bytes of an SnmpAdminString, RFC 3411
LONGEST_FULL = 1000  # bytes of the detail: a datagram should not be cut in pieces
LONGEST_TOKEN = 100  # characters; a name has at most 128 numbers
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")

_DISMAN = "1.3.6.1.2.1.88.2"
FIRED, RISING, FALLING, FAILURE = (f"{_DISMAN}.0.{number}" for number in (1, 2, 3, 4))
TRIGGER, TARGET, CONTEXT, OID, VALUE, REASON = (f"{_DISMAN}.1.{n}.0" for n in range(1, 7))
_EXTEND = "1.3.6.1.4.1.8072.1.3.2.3.1"
FIRST_LINE, FULL, RESULT = (f"{_EXTEND}.{column}" for column in (1, 2, 4))
SYS_NAME = "1.3.6.1.2.1.1.5.0"
_GENERAL_ERROR = 5  # of mteFailedReason


class Target(NamedTuple):
    """Where a notification goes, and how."""

    host: str = ""
    port: int = PORT
    inform: bool = False
    login_file: str = ""  # as the SNMP file of the watch list, for this receiver only


class Notification(NamedTuple):
    """What is sent: a text is an OCTET STRING, a whole number an Integer32, a Name an OID."""

    oid: str
    values: tuple[tuple[str, object], ...]


class Name(str):
    """An object identifier that is a value."""


def problems(words: tuple[str, ...]) -> list[str]:
    """Say what is wrong with the parameters of a trap."""
    return parse(words)[1]


def parse(words: tuple[str, ...]) -> tuple[Target, list[str]]:
    """Return where it goes, and what is wrong with that."""
    found: list[str] = []
    places: list[str] = []
    inform, login_file = False, ""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--inform":
            inform = True
        elif word == "--credentials":
            login_file = rest.pop(0) if rest else ""
            if not (login_file.startswith("/") and login_file.isprintable()):
                found.append("snmp-trap: --credentials needs the path of a file, from the root.")
        elif word.startswith("-"):
            shown = one_line(word, 80)
            found.append(f"snmp-trap: {shown!r} is no option. Known are --inform, --credentials.")
        else:
            places.append(word)
    if len(places) != 1:
        found.append("snmp-trap: give one host, such as manager.example.org or 192.0.2.9:1162.")
        return Target(), found
    try:
        host, port = host_and_port(places[0], PORT)
    except ValueError as problem:
        return Target(), [*found, f"snmp-trap: {problem}"]
    return Target(host, port, inform, login_file), found


def host_and_port(text: str, usual: int) -> tuple[str, int]:
    """Return both; an IPv6 address with a port is in brackets. Raises ValueError."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.lstrip(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    number = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else (0 if port else usual)
    if not 1 <= number <= 65535 or (text.endswith(":") and text.count(":") == 1):
        raise ValueError(f"{one_line(text, 80)!r} has no port from 1 to 65535.")
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise ValueError(f"{one_line(text, 80)!r} is no address.") from None
    elif not _HOST.fullmatch(host):
        raise ValueError(f"{one_line(text, 80)!r} is no host. Write a name or an address.")
    return host, number


def build(settings: Settings, message: Message) -> Notification:
    """Return the notification."""
    ref, result = message.service.ref, message.result
    token = _token(ref)
    kind = _kind(message)
    values: list[tuple[str, object]] = [
        (TRIGGER, _short(ref)),
        (TARGET, _short(" ".join(result.failed_hosts or message.hosts))),
        (CONTEXT, ""),
        (OID, Name(f"{RESULT}.{token}")),
        (REASON, _GENERAL_ERROR) if kind == FAILURE else (VALUE, _int32(result.code)),
        (f"{FIRST_LINE}.{token}", _short(summary_of(message))),
        (f"{RESULT}.{token}", _int32(result.code)),
        (SYS_NAME, _short(settings.me.name)),
    ]
    detail = _cut(one_line(result.detail.replace("\n", " | "), LONGEST_FULL), LONGEST_FULL)
    if detail:
        values.insert(6, (f"{FULL}.{token}", detail))
    return Notification(kind, tuple(values))


def _kind(message: Message) -> str:
    if message.run == STARTUP:
        return FIRED
    if message.run == UP:
        return FALLING
    return FAILURE if message.result.outcome is Outcome.UNKNOWN else RISING


def _token(ref: str) -> str:
    """Return a name as it stands in an OID: its length, then its characters."""
    codes = ref.encode("ascii", "replace")[:LONGEST_TOKEN]
    return ".".join(str(number) for number in (len(codes), *codes))


def _short(text: str) -> str:
    return _cut(one_line(text, LONGEST_TEXT), LONGEST_TEXT)


def _cut(text: str, most: int) -> str:
    return text.encode("utf-8", "backslashreplace")[:most].decode("utf-8", "ignore")


def _int32(number: int) -> int:
    return max(-(1 << 31), min(number, (1 << 31) - 1))
