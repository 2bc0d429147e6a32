"""The gate's nftables tables as netlink messages, so that a machine needs no nft program.

Three tables of the same name. What a virtual IP may do depends on the set ``alive``, whose
elements expire by themselves; while it is empty nothing of a virtual IP passes:

- inet: packets to and from a virtual IP on this machine (input and output, never forward);
- arp: questions for it, and everything that this machine's kernel says about it;
- netdev, the egress hook of each interface: ARP frames that a program sends by itself.

``nft list ruleset`` shows them. Constants: linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from backend.system.agent.netlink import (
    ACK,
    CREATE,
    attribute,
    four_bytes,
    message,
    nested,
    number,
    text,
)

TABLE, VIPS, ALIVE = "haoscar_gate", "vips", "alive"
INET, ARP, NETDEV = 1, 3, 5  # NFPROTO_
FAMILIES = (INET, ARP, NETDEV)
NEW_TABLE, GET_TABLE, DELETE_TABLE, NEW_CHAIN, GET_CHAIN, NEW_RULE = 0, 1, 2, 3, 4, 6
NEW_SET, NEW_ELEMENT, GET_ELEMENTS, DELETE_ELEMENT = 9, 12, 13, 14
OWNED, PERSISTENT = 0x2, 0x4  # table flags; the second since Linux 6.9
TABLE_NAME, TABLE_OWNER = 1, 7  # attributes of a table
CHAIN_TABLE, CHAIN_NAME = 1, 3  # attributes of a chain
ELEMENTS, KEY, TIMEOUT, EXPIRATION = 3, 1, 4, 5  # attributes of a set's elements
LIFETIME = 60_000  # ms of every element; what counts is its expiration

_SUBSYSTEM = 10 << 8
_BATCH_BEGIN, _BATCH_END = 16, 17
_IPV4_ADDRESS = 7  # the type by which nft lists the set
_CONSTANT, _WITH_TIMEOUT = 0x2, 0x10  # set flags
_LOCAL_IN, _LOCAL_OUT, _ARP_IN, _ARP_OUT, _EGRESS = 1, 3, 0, 1, 1  # hooks
_REGISTER, _VERDICT_REGISTER = 1, 0
_NETWORK_HEADER, _EQUAL, _INVERTED, _DROP = 1, 0, 1, 0
_PROTOCOL, _FAMILY = 1, 15  # NFT_META_
_SOURCE, _DESTINATION, _ARP_SENDER, _ARP_TARGET = 12, 16, 14, 24  # offsets in the header


class Part(NamedTuple):
    """One message of a batch."""

    kind: int
    family: int
    body: bytes
    what: str = ""  # for the sentence when the kernel refuses it
    flags: int = CREATE


def batch(parts: Sequence[Part]) -> bytes:
    """Return one transaction; the messages are numbered from 1, the last asks for an answer."""
    last = len(parts)
    inner = b"".join(
        message(
            _SUBSYSTEM | part.kind,
            part.flags | (ACK if place == last else 0),
            struct.pack("!BBH", part.family, 0, 0) + part.body,
            place,
        )
        for place, part in enumerate(parts, 1)
    )
    frame = struct.pack("!BBH", 0, 0, 10)
    return message(_BATCH_BEGIN, 0, frame) + inner + message(_BATCH_END, 0, frame)


def question(kind: int, family: int, *inner: bytes) -> tuple[int, bytes]:
    """Return the type and the body of a message that asks."""
    return _SUBSYSTEM | kind, struct.pack("!BBH", family, 0, 0) + b"".join(inner)


def elements(
    kind: int, family: int, addresses: Iterable[str], expires: int = -1, name: str = ALIVE
) -> Part:
    """Return the change of a set's elements; ``expires`` is in ms, -1: they have no lifetime."""
    times = b""
    if expires >= 0:
        times = attribute(TIMEOUT, struct.pack("!Q", LIFETIME))
        times += attribute(EXPIRATION, struct.pack("!Q", expires))
    each = [
        nested(1, nested(KEY, attribute(1, four_bytes(address))), times) for address in addresses
    ]
    body = text(1, TABLE) + text(2, name) + nested(ELEMENTS, *each)
    flags = CREATE if kind == NEW_ELEMENT else 0
    return Part(kind, family, body, f"change the set {name}", flags)


def delete_table(family: int) -> Part:
    """Return the deletion of a table with everything in it."""
    return Part(DELETE_TABLE, family, text(TABLE_NAME, TABLE), f"delete the table {TABLE}", 0)


def new_set(family: int, name: str, flags: int, number_in_batch: int) -> Part:
    """Return the creation of a set of addresses."""
    body = (
        text(1, TABLE) + text(2, name) + number(3, flags) + number(4, _IPV4_ADDRESS)
        + number(5, 4) + number(10, number_in_batch)
    )  # fmt: skip
    return Part(NEW_SET, family, body, f"create the set {name}")


def tables(
    interfaces: Sequence[str],
    addresses: Sequence[str],
    expires: int,
    flags: int,
    families: Sequence[int] = FAMILIES,
) -> list[Part]:
    """Return everything: closed when ``expires`` is 0, else open for so many ms."""
    parts: list[Part] = []
    for family in families:
        body = text(TABLE_NAME, TABLE) + number(2, flags)
        parts += [
            Part(NEW_TABLE, family, body, f"create the table {TABLE}"),
            new_set(family, VIPS, _CONSTANT, 1),
            new_set(family, ALIVE, _WITH_TIMEOUT, 2),
            elements(NEW_ELEMENT, family, addresses, name=VIPS),
        ]
        if expires > 0:
            parts.append(elements(NEW_ELEMENT, family, addresses, expires))
    ipv4 = _meta(_FAMILY) + _equals(b"\x02")
    parts += _chain(INET, "input", _LOCAL_IN, -300, ipv4, _DESTINATION)
    parts += _chain(INET, "output", _LOCAL_OUT, -300, ipv4, _SOURCE)
    parts += _chain(ARP, "input", _ARP_IN, 0, b"", _ARP_TARGET)
    parts += _chain(ARP, "output", _ARP_OUT, 0, b"", _ARP_SENDER)
    if NETDEV not in families:
        return parts
    is_arp = _meta(_PROTOCOL) + _equals(b"\x08\x06")
    for name, interface in egress_chains(interfaces):
        parts += _chain(NETDEV, name, _EGRESS, 0, is_arp, _ARP_SENDER, interface)
    return parts


def egress_chains(interfaces: Sequence[str]) -> list[tuple[str, str]]:
    """Return the (name of its chain, interface) for each interface."""
    return [(f"egress{place}", interface) for place, interface in enumerate(interfaces)]


def _chain(
    family: int,
    name: str,
    hook: int,
    priority: int,
    condition: bytes,
    offset: int,
    device: str = "",
) -> list[Part]:
    where = number(1, hook) + number(2, priority) + (text(3, device) if device else b"")
    chain = text(1, TABLE) + text(3, name) + nested(4, where) + text(7, "filter")
    what = f"watch {device} (netdev egress)" if device else f"create the chain {name}"
    load = _expression(
        "payload", number(1, _REGISTER) + number(2, _NETWORK_HEADER) + number(3, offset)
        + number(4, 4),
    )  # fmt: skip
    drop = nested(2, nested(2, number(1, _DROP)))
    rule = condition + load + _lookup(VIPS, 0) + load + _lookup(ALIVE, _INVERTED)
    rule += _expression("immediate", number(1, _VERDICT_REGISTER) + drop)
    body = text(1, TABLE) + text(2, name) + nested(4, rule)
    return [
        Part(NEW_CHAIN, family, chain, what),
        Part(NEW_RULE, family, body, f"create the rule of the chain {name}", CREATE | 0x800),
    ]


def _expression(name: str, data: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, data))


def _meta(key: int) -> bytes:
    return _expression("meta", number(2, key) + number(1, _REGISTER))


def _equals(value: bytes) -> bytes:
    data = nested(3, attribute(1, value))
    return _expression("cmp", number(1, _REGISTER) + number(2, _EQUAL) + data)


def _lookup(name: str, flags: int) -> bytes:
    return _expression(
        "lookup", text(1, name) + number(2, _REGISTER) + (number(5, flags) if flags else b"")
    )
