"""Who made a network card: the registered prefix of its MAC address, in words.

Sources, in this order: well-known virtual prefixes, the distribution's IEEE lists (package ieee-data),
then the list that comes with scapy. Both are read once, when first asked; nothing is fetched.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from backend.discovery.dhcp_packet import visible
from backend.model.addresses import Mac
from backend.paths import Paths
from backend.system.packets import vendor_table

IEEE_DATA = "/usr/share/ieee-data"
IEEE_FILES = ("oui.csv", "mam.csv", "oui36.csv", "iab.csv")
LOCAL = "locally administered"  # virtual, or made up to hide the real one
NAME_LIMIT = 48  # characters

# Prefixes that hypervisors and containers made up for themselves, so that no registry has them.
VIRTUAL = {
    "525400": "QEMU/KVM virtual machine",
    "fe5400": "QEMU/KVM host side",
    "0242": "Docker container",
}

Entry = tuple[str, str]  # hexadecimal digits of the prefix, in lower case; the name
Source = Callable[[], Iterable[Entry]]


class Vendors:
    """Looks up vendors; used from one thread."""

    def __init__(self, sources: Iterable[Source]) -> None:
        """Take the sources, best first; each is called when those before it do not know an address."""
        self._waiting = list(sources)
        self._tables: list[dict[str, str]] = []

    @classmethod
    def of_machine(cls, paths: Paths) -> "Vendors":
        """Return the look-up with the sources that this machine has."""
        directory = paths.at(IEEE_DATA)
        return cls((lambda: ieee_entries(directory), lambda: manuf_entries(vendor_table())))

    def name(self, mac: Mac) -> str:
        """Return the vendor, "" when nobody knows it."""
        digits = mac.replace(":", "")
        for prefix, name in VIRTUAL.items():
            if digits.startswith(prefix):
                return name
        if mac.raw[0] & 2:
            return LOCAL
        return next((name for table in self._each() if (name := _longest(table, digits))), "")

    def _each(self) -> Iterator[dict[str, str]]:
        yield from self._tables
        while self._waiting:
            self._tables.append(dict(self._waiting.pop(0)()))
            yield self._tables[-1]


def ieee_entries(directory: Path) -> Iterator[Entry]:
    """Read the IEEE's comma-separated lists; what is not there or broken is left out."""
    for name in IEEE_FILES:
        try:
            with (directory / name).open(encoding="utf-8", errors="replace", newline="") as lines:
                for row in csv.reader(lines):
                    if len(row) >= 3 and _is_prefix(row[1]):
                        yield row[1].lower(), _tidy(row[2])
        except (OSError, csv.Error):
            continue


def manuf_entries(text: str) -> Iterator[Entry]:
    """Read Wireshark's list: ``00:1B:C5:00:00:00/36 <tab> short <tab> long``."""
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) < 2 or line.startswith("#"):
            continue
        address, _, bits = fields[0].strip().partition("/")
        digits = address.replace(":", "").replace("-", "").lower()
        if bits.isdecimal():
            digits = digits[: int(bits) // 4]
        if _is_prefix(digits):
            yield digits, _tidy(fields[-1])


def _longest(table: dict[str, str], digits: str) -> str:
    """Return the name of the longest registered prefix: blocks of 36, 28 and 24 bits."""
    return table.get(digits[:9]) or table.get(digits[:7]) or table.get(digits[:6]) or ""


def _is_prefix(digits: str) -> bool:
    return len(digits) in (6, 7, 9) and all(digit in "0123456789abcdefABCDEF" for digit in digits)


def _tidy(name: str) -> str:
    return visible(" ".join(name.split()).encode("utf-8"), NAME_LIMIT)
