"""A partitioned disk as data, and the checks that every part of a layout shares. Pure."""

import enum
import re
from dataclasses import dataclass

from backend.errors import InvalidInput

MIB = 1 << 20
MAX_BYTES = 1 << 60
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f\"\\]*")


class Table(enum.StrEnum):
    """The kind of a partition table, as sfdisk calls it."""

    GPT = "gpt"
    DOS = "dos"


def need(condition: bool, what: str) -> None:
    """Raise InvalidInput unless the condition holds."""
    if not condition:
        raise InvalidInput.of(
            "layout.value", f"The disk layout is not valid: {what}.", "Fetch the image again."
        )


def need_match(pattern: str, text: str, what: str) -> None:
    """Raise InvalidInput unless the whole text matches."""
    need(re.fullmatch(pattern, text) is not None, f"{ascii(text)[:60]} is not {what}")


def need_printable(text: str, limit: int, what: str) -> None:
    """Raise InvalidInput unless the text can be shown, has no quote, and fits into ``limit`` bytes."""
    good = _PRINTABLE.fullmatch(text) is not None and text.isprintable()
    need(good and len(text.encode()) <= limit, f"{ascii(text)[:60]} is not {what}")


def need_bytes(value: int, what: str, least: int = 1) -> None:
    """Raise InvalidInput unless the value is a possible number of bytes."""
    need(least <= value <= MAX_BYTES, f"{value} bytes is not {what}")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; ``type`` is a GUID (GPT) or hexadecimal digits (MBR), as sfdisk prints it."""

    number: int
    start: int
    size: int
    type: str
    uuid: str = ""  # GPT only
    name: str = ""  # GPT only
    attributes: str = ""  # GPT only
    bootable: bool = False  # MBR only

    def __post_init__(self) -> None:
        need(1 <= self.number <= 128, f"{self.number} is not a partition number")
        need_bytes(self.start, "the start of a partition", 512)
        need_bytes(self.size, "the size of a partition", 512)
        need_match(r"[0-9A-Fa-f]{1,2}|" + UUID.replace("a-f", "a-fA-F"), self.type, "a type")
        need_match(f"(?:{UUID})?", self.uuid.lower(), "a partition UUID")
        need_printable(self.name, 144, "a partition name")
        need_match(r"[A-Za-z0-9:, ]{0,200}", self.attributes, "a list of partition attributes")

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size

    @property
    def extended(self) -> bool:
        """Whether it is an MBR container for logical partitions."""
        return self.type.lower().lstrip("0") in ("5", "f", "85")


@dataclass(frozen=True, slots=True)
class Disk:
    """A partitioned disk, its partitions in the order of their start."""

    path: str
    size: int
    sector_size: int
    table: Table
    table_id: str
    partitions: tuple[Partition, ...]

    def __post_init__(self) -> None:
        need_match(r"/dev/[A-Za-z0-9!/_-]{1,60}", self.path, "the path of a disk")
        need_bytes(self.size, "the size of a disk", MIB)
        need(self.sector_size in (512, 4096), f"{self.sector_size} is not a sector size")
        kinds = {Table.GPT: UUID.replace("a-f", "A-Fa-f"), Table.DOS: r"0x[0-9A-Fa-f]{1,8}"}
        need_match(kinds[self.table], self.table_id, "the identifier of a partition table")
        self._check_order()

    def _check_order(self) -> None:
        numbers = [one.number for one in self.partitions]
        need(0 < len(numbers) == len(set(numbers)), "partitions are missing or numbered twice")
        end, container = 0, None
        for one in self.partitions:
            need(one.start >= end, f"partition {one.number} overlaps the one before it")
            logical = self.table is Table.DOS and one.number > 4
            if logical:
                inside = container is not None and one.end <= container.end
                need(inside, f"logical partition {one.number} is not inside an extended one")
            if one.extended and self.table is Table.DOS:
                need(container is None and not logical, "there are two extended partitions")
                container, end = one, one.start + 1
            else:
                end = one.end
                if container is not None and not logical:
                    need(one.start >= container.end, f"partition {one.number} overlaps")
        need(all(one.end <= self.size for one in self.partitions), "a partition ends off the disk")

    def partition(self, number: int) -> Partition:
        """Return the partition of that number; raises InvalidInput when there is none."""
        found = next((one for one in self.partitions if one.number == number), None)
        if found is None:
            raise InvalidInput.of("layout.value", f"The disk layout has no partition {number}.")
        return found
