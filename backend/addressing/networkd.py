"""Where a .network file of systemd-networkd, or a drop-in of one, has an address. Pure."""

import re
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from backend.addressing.ini import Entry, entries
from backend.addressing.text import Found, pattern
from backend.clone.image_facts import NetworkSystem

_VALUE = re.compile(r"(?P<address>[0-9.]+)(?:/(?P<prefix>[0-9]{1,2}))?")


def find(text: str, file: Path, address: IPv4Address) -> list[Found]:
    """Return every place of the file that gives an interface this address."""
    every = list(entries(text))
    names = tuple(word for one in every if _is(one, "Match", "Name") for word in _names(one.value))
    macs = tuple(
        word.lower()
        for one in every
        if _is(one, "Match", "MACAddress")
        for word in one.value.split()
    )
    found = []
    for one in every:
        if not (_is(one, "Network", "Address") or _is(one, "Address", "Address")):
            continue
        for match in pattern(address).finditer(one.value):
            start = one.value_start + match.start()
            new = Found(
                NetworkSystem.NETWORKD, file, start, start + len(str(address)), one.line.number,
                names=names, macs=macs,
            )  # fmt: skip
            found.append(
                _judged(new, one, [other for other in every if other.number == one.number])
            )
    return found


def _is(entry: Entry, section: str, key: str) -> bool:
    return entry.section == section and entry.key == key


def _names(value: str) -> list[str]:
    """Return the patterns of a Name=; a "!" in front excludes all of them."""
    words = value.split()
    if words and words[0].startswith("!"):
        return [f"!{word.removeprefix('!')}" for word in words]
    return words


def _judged(new: Found, entry: Entry, around: list[Entry]) -> Found:
    value = _VALUE.fullmatch(entry.value)
    if entry.continued or value is None:
        remedy = "Write it on one line: Address=ADDRESS/PREFIX"
        return replace(new, problem="the line says more than one address", remedy=remedy)
    own = around if entry.section == "Address" else []
    if any(one.key == "Peer" for one in own):
        remedy = "Give the interface an address without a peer."
        return replace(new, problem="the address has a peer", remedy=remedy)
    if any(one.key == "Label" and ":" in one.value for one in own):
        remedy = "Give the interface itself an address of its own, and remove this section."
        return replace(new, problem="the address is an alias by its label", remedy=remedy)
    return replace(new, prefix=int(value["prefix"]) if value["prefix"] else None)
