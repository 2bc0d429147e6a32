"""What a standby says it is made of: disks, network cards, firmware. Hostile until parsed here.

The text is made by the installer (docs/clone-engine.md): one record a line, fields separated by
TAB, the last line ``end`` so that a cut connection cannot pass for a small machine.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from backend.errors import HaoscarError, InvalidInput
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.model.site import Firmware
from backend.reports import Place, Report, error

T = TypeVar("T")
LIMIT = 1 << 16  # bytes
HEADER = "haoscar-inventory 1"
MAX_DISKS = 256
MAX_CARDS = 64
_DEVICE = re.compile(r"/dev/[A-Za-z0-9][A-Za-z0-9_-]{0,30}")


@dataclass(frozen=True, slots=True)
class InventoryDisk:
    """One disk of the standby."""

    path: str
    size: int  # bytes
    sector_size: int  # logical, bytes
    removable: bool = False
    rotational: bool = False
    read_only: bool = False
    mounted: bool = False
    partitions: int = 0
    transport: str = ""
    model: str = ""
    serial: str = ""
    wwn: str = ""
    signatures: tuple[str, ...] = ()

    @property
    def blank(self) -> bool:
        """Whether nothing was found on it."""
        return not self.signatures and not self.partitions and not self.mounted

    @property
    def portable(self) -> bool:
        """Whether it may be the medium that the machine was started from."""
        return self.removable or self.transport == "usb"

    def __str__(self) -> str:
        known = f"{self.model or 'disk'}, {size_text(self.size)}"
        return f"{self.path} ({known}{', serial ' + self.serial if self.serial else ''})"


@dataclass(frozen=True, slots=True)
class Card:
    """One network card; ``predicted`` are the names that udev would give it."""

    mac: Mac
    name: InterfaceName
    driver: str = ""
    link: bool = False
    booted: bool = False
    predicted: tuple[InterfaceName, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """The whole machine."""

    firmware: Firmware
    memory_kib: int
    disks: tuple[InventoryDisk, ...] = ()
    cards: tuple[Card, ...] = ()

    def disk(self, path: str) -> InventoryDisk | None:
        """Return the disk of that path, or None."""
        return next((one for one in self.disks if one.path == path), None)


def size_text(size: int) -> str:
    """Return bytes for a person: GiB with one digit, MiB below."""
    if size >= 1 << 30:
        return f"{size / (1 << 30):.1f} GiB"
    return f"{size / (1 << 20):.1f} MiB"


class _Fields:
    """The fields of one line; remembers what is wrong with them."""

    def __init__(self, words: list[str], place: Place, problems: list[Report]) -> None:
        self._place = place
        self._problems = problems
        self._values = dict(word.partition("=")[::2] for word in words if "=" in word)

    def wrong(self, what: str) -> None:
        """Note a problem of this line."""
        remedy = "Build the installer image again."
        self._problems.append(error("inventory.value", what, remedy, self._place))

    def text(self, key: str) -> str:
        """Return a text for people and comparisons: printable ASCII, 80 characters at most."""
        value = self._values.get(key, "")
        kept = "".join(letter for letter in value if " " <= letter <= "~")
        return " ".join(kept.split())[:80]

    def number(self, key: str, least: int, default: int | None = None) -> int:
        """Return a number; a missing one without a default is a problem."""
        value = self._values.get(key, "" if default is None else str(default))
        if not re.fullmatch(r"[0-9]{1,18}", value, re.ASCII) or int(value) < least:
            self.wrong(f"{key}={ascii(value)[:40]} is not a number from {least} on.")
            return least
        return int(value)

    def flag(self, key: str) -> bool:
        """Return 0 or 1 as a truth value; missing means 0."""
        value = self._values.get(key, "0")
        if value not in ("0", "1"):
            self.wrong(f"{key}={ascii(value)[:40]} is neither 0 nor 1.")
        return value == "1"

    def words(self, key: str) -> tuple[str, ...]:
        """Return a comma-separated list of plain words."""
        found = [word for word in self.text(key).split(",") if word]
        return tuple(word for word in found if re.fullmatch(r"[A-Za-z0-9_.@+-]{1,40}", word))

    def parsed(self, key: str, parse: Callable[[str, Place], T]) -> T | None:
        """Return a typed value, or None after noting the problem."""
        try:
            return parse(self._values.get(key, ""), self._place)
        except InvalidInput as problem:
            self._problems.extend(problem.reports)
            return None


def parse_inventory(text: str | bytes) -> Inventory:
    """Return the inventory; raises InvalidInput with every problem and its line."""
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    lines = raw[: LIMIT + 1].decode("ascii", "replace").rstrip("\n").split("\n")
    if len(raw) > LIMIT or lines[0] != HEADER or lines[-1] != "end":
        raise InvalidInput(
            error(
                "inventory.incomplete",
                "The standby did not send a complete inventory.",
                "Start it again; if this repeats, build the installer image again.",
            )
        )
    problems: list[Report] = []
    records = [
        (line.split("\t"), Place("inventory", number))
        for number, line in enumerate(lines[1:-1], start=2)
    ]
    inventory = Inventory(
        firmware=_firmware(records, problems),
        memory_kib=_memory(records),
        disks=_disks(records, problems),
        cards=_cards(records, problems),
    )
    if problems:
        raise InvalidInput(*problems[:50])
    return inventory


_Records = list[tuple[list[str], Place]]


def _firmware(records: _Records, problems: list[Report]) -> Firmware:
    said = [words[1] for words, _ in records if words[0] == "firmware" and len(words) == 2]
    if len(said) == 1 and said[0] in set(Firmware):
        return Firmware(said[0])
    text = f"The standby names {ascii(said)[:60]} as its firmware."
    problems.append(error("inventory.firmware", text, "Build the installer image again."))
    return Firmware.BIOS


def _memory(records: _Records) -> int:
    said = [words[1] for words, _ in records if words[0] == "memory" and len(words) == 2]
    return int(said[0]) if said and re.fullmatch(r"[0-9]{1,15}", said[0], re.ASCII) else 0


def _disks(records: _Records, problems: list[Report]) -> tuple[InventoryDisk, ...]:
    found: list[InventoryDisk] = []
    for words, place in records:
        if words[0] != "disk":
            continue
        fields = _Fields(words[1:], place, problems)
        path = fields.text("path")
        if not _DEVICE.fullmatch(path) or any(one.path == path for one in found):
            fields.wrong(f"{ascii(path)[:60]} is not the path of one disk.")
            continue
        found.append(
            InventoryDisk(
                path=path,
                size=fields.number("size", 1),
                sector_size=fields.number("sector", 512),
                removable=fields.flag("removable"),
                rotational=fields.flag("rotational"),
                read_only=fields.flag("readonly"),
                mounted=fields.flag("mounted"),
                partitions=fields.number("partitions", 0, 0),
                transport=fields.text("transport"),
                model=fields.text("model"),
                serial=fields.text("serial"),
                wwn=fields.text("wwn"),
                signatures=fields.words("signatures"),
            )
        )
    _limit(len(found), MAX_DISKS, "disks", problems)
    return tuple(found)


def _cards(records: _Records, problems: list[Report]) -> tuple[Card, ...]:
    found: list[Card] = []
    for words, place in records:
        if words[0] != "card":
            continue
        fields = _Fields(words[1:], place, problems)
        mac = fields.parsed("mac", Mac.parse)
        name = fields.parsed("name", InterfaceName.parse)
        if mac is None or name is None:
            continue
        if any(one.mac == mac for one in found):
            fields.wrong(f"The card {mac} is named twice.")
            continue
        predicted = [_name(word) for word in fields.words("predicted")]
        found.append(
            Card(
                mac=mac,
                name=name,
                driver=fields.text("driver"),
                link=fields.flag("link"),
                booted=fields.flag("booted"),
                predicted=tuple(one for one in predicted if one is not None),
            )
        )
    _limit(len(found), MAX_CARDS, "network cards", problems)
    return tuple(found)


def _name(text: str) -> InterfaceName | None:
    try:
        return InterfaceName.parse(text)
    except HaoscarError:
        return None  # udev offers names that are too long for the kernel; they are never used


def _limit(count: int, most: int, what: str, problems: list[Report]) -> None:
    if count > most:
        problems.append(error("inventory.too-many", f"The standby names {count} {what}."))
