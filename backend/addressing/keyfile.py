"""Where a connection of NetworkManager (nm-settings-keyfile(5)) has an address. Pure."""

import re
from collections import Counter
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from backend.addressing.ini import Entry, entries
from backend.addressing.text import Found, pattern
from backend.clone.image_facts import NetworkSystem

_KEY = re.compile(r"address(?:es)?[0-9]*")
_ITEM = re.compile(r"(?P<address>[0-9.]+)/(?P<prefix>[0-9]{1,2})")
_METHODS = ("manual", "auto")  # with "auto", static addresses are added to the DHCP server's


def find(text: str, file: Path, address: IPv4Address) -> list[Found]:
    """Return every place of the file that gives its connection this address."""
    every = list(entries(text))
    values = {(one.section, one.key): one.value for one in every}  # the last one counts
    count = Counter(one.key for one in every if one.section == "ipv4")
    name = values.get(("connection", "interface-name"), "")
    mac = values.get(("ethernet", "mac-address"), "") or values.get(
        ("802-3-ethernet", "mac-address"), ""
    )
    method = values.get(("ipv4", "method"), "")
    found = []
    for one in every:
        if one.section != "ipv4" or not _KEY.fullmatch(one.key):
            continue
        for place in _places(one, file, address):
            new = replace(place, names=(name,) if name else (), macs=(mac.lower(),) if mac else ())
            if count[one.key] > 1:
                remedy = f"Leave only one line {one.key}=."
                new = replace(new, problem=f"{one.key} is there more than once", remedy=remedy)
            elif method not in _METHODS:
                remedy = "Set ipv4.method to manual with nmcli."
                new = replace(new, problem=f"ipv4.method is {method or 'missing'}", remedy=remedy)
            found.append(new)
    return found


def _places(entry: Entry, file: Path, address: IPv4Address) -> list[Found]:
    """Return where a value names the address itself, and not as the gateway after it."""
    found = []
    for match in pattern(address).finditer(entry.value):
        before, after = entry.value[: match.start()], entry.value[match.start() :]
        if _is_gateway(entry.key, before):
            continue
        start = entry.value_start + match.start()
        new = Found(
            NetworkSystem.NETWORK_MANAGER, file, start, start + len(str(address)), entry.line.number
        )
        item = _ITEM.match(after)
        if item is None:
            remedy = "Let NetworkManager write the file anew: nmcli connection modify ID ipv4.addresses ADDRESS/PREFIX"
            new = replace(new, problem="the address has no /PREFIX behind it", remedy=remedy)
        found.append(replace(new, prefix=int(item["prefix"]) if item else None))
    return found


def _is_gateway(key: str, before: str) -> bool:
    """Whether what follows ``before`` is a gateway: address1=ADDRESS/PREFIX,GATEWAY."""
    return not key.startswith("addresses") and "," in before
