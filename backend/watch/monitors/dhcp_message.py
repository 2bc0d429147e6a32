"""DHCP questions and answers (RFC 2131, 2132); pure, and never raising, whatever arrives."""

from __future__ import annotations

import struct
from typing import NamedTuple

_COOKIE = b"\x63\x82\x53\x63"
_REQUEST, _REPLY = 1, 2
_DISCOVER, _OFFER, _ACK, _INFORM = 1, 2, 5, 8
_TYPE, _SERVER, _LIST, _END, _PAD = 53, 54, 55, 255, 0
_BROADCAST = 0x8000  # answer so that everybody hears it


class Asked(NamedTuple):
    """Who asks."""

    number: int
    mac: bytes
    address: bytes


def inform(asked: Asked) -> bytes:
    """Return a question that leases nothing: what are the settings of this network?"""
    return _message(asked.number, 0, asked.address, asked.mac, _INFORM)


def discover(asked: Asked, mac: bytes) -> bytes:
    """Return a question for an address; the offer is never taken."""
    return _message(asked.number, _BROADCAST, bytes(4), mac, _DISCOVER)


def stand_in(mac: bytes) -> bytes:
    """Return the address of a card that is not there: always the same one, so that always the same
    address is offered, and marked as locally given, so that it is no other machine's."""
    return bytes(((mac[0] | 2) ^ 0x40,)) + mac[1:6]


def server_of(data: bytes, number: int) -> str | None:
    """Return the address of the server that answers this question; None for anything else."""
    if len(data) < 240 or data[0] != _REPLY or data[236:240] != _COOKIE:
        return None
    if struct.unpack_from("!I", data, 4)[0] != number:
        return None
    told = _options(data[240:])
    server = told.get(_SERVER, b"")
    if told.get(_TYPE) not in (bytes((_OFFER,)), bytes((_ACK,))) or len(server) != 4:
        return None
    return ".".join(str(byte) for byte in server)


def _message(number: int, flags: int, address: bytes, mac: bytes, kind: int) -> bytes:
    head = struct.pack("!BBBBIHH4s12x16s192x", _REQUEST, 1, 6, 0, number, 0, flags, address, mac)
    options = bytes((_TYPE, 1, kind, _LIST, 3, 1, 3, _SERVER, _END))
    return (head + _COOKIE + options).ljust(300, b"\0")


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else 0
        value = data[at + 2 : at + 2 + length]
        if at + 1 >= len(data) or len(value) < length:
            return found
        found.setdefault(data[at], value)
        at += 2 + length
    return found
