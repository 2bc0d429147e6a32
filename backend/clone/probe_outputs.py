"""What lsblk, findmnt, sfdisk, LVM and the file systems' own tools print, parsed into values. Pure.

Every function raises InvalidInput when the text is not what the tool prints.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from backend.errors import InvalidInput
from backend.model.disk import Disk, Partition, Table
from backend.reports import error


@dataclass(frozen=True, slots=True)
class Device:
    """One block device of lsblk with what lies on it."""

    name: str
    path: str
    number: str  # MAJ:MIN
    type: str
    size: int
    file_system: str = ""
    version: str = ""
    uuid: str = ""
    label: str = ""
    table: str = ""
    part_type: str = ""
    part_uuid: str = ""
    part_label: str = ""
    sector_size: int = 512
    removable: bool = False
    transport: str = ""
    children: tuple["Device", ...] = ()

    def walk(self) -> Iterator["Device"]:
        """Yield the device and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class MountEntry:
    """One mounted file system of findmnt."""

    path: str
    source: str
    type: str
    options: str
    number: str  # MAJ:MIN
    root: str  # the part of the file system that is mounted, "/" for all of it


@dataclass(frozen=True, slots=True)
class FstabLine:
    """One entry of /etc/fstab."""

    source: str
    path: str
    type: str
    options: tuple[str, ...]

    @property
    def optional(self) -> bool:
        """Whether the system starts without it."""
        return not {"noauto", "nofail"}.isdisjoint(self.options)


def unreadable(tool: str, what: str) -> InvalidInput:
    """Return the error for output that cannot be understood."""
    text = f"The output of {tool} is not understood: {what}."
    return InvalidInput(error("layout.probe", text, f"Check {tool} on the golden client."))


def _json(tool: str, text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise unreadable(tool, "it is not JSON") from problem
    if not isinstance(data, dict):
        raise unreadable(tool, "it is not an object")
    return data


def _rows(tool: str, value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise unreadable(tool, "a list is missing")
    return value


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _number(tool: str, row: dict[str, Any], key: str, default: int = 0) -> int:
    """Return a number that may be given as one or as text (older tools)."""
    text = _text(row, key).strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise unreadable(tool, f"{key} is {ascii(text)[:40]}")
    return int(text)


def with_probe(device: Device, text: str) -> Device:
    """Return the device with what ``blkid -p -o export`` found on it, as it was if nothing."""
    try:
        words = dict(word.partition("=")[::2] for word in shlex.split(text))
    except ValueError as problem:
        raise unreadable("blkid", "a quote is not closed") from problem
    names = ("TYPE", "VERSION", "UUID", "LABEL")
    system, version, uuid, label = (words.get(name, "") for name in names)
    if not system:
        return device
    return replace(device, file_system=system, version=version, uuid=uuid, label=label)


def parse_lsblk(text: str) -> tuple[Device, ...]:
    """Return the tree of ``lsblk -J -b``."""
    return tuple(_device(row) for row in _rows("lsblk", _json("lsblk", text).get("blockdevices")))


def _device(row: dict[str, Any], depth: int = 0) -> Device:
    if depth > 20:
        raise unreadable("lsblk", "devices are nested too deeply")
    children = _rows("lsblk", row.get("children", []))
    return Device(
        name=_text(row, "name"),
        path=_text(row, "path"),
        number=_text(row, "maj:min").strip(),
        type=_text(row, "type"),
        size=_number("lsblk", row, "size"),
        file_system=_text(row, "fstype"),
        version=_text(row, "fsver"),
        uuid=_text(row, "uuid"),
        label=_text(row, "label"),
        table=_text(row, "pttype"),
        part_type=_text(row, "parttype").lower(),
        part_uuid=_text(row, "partuuid").lower(),
        part_label=_text(row, "partlabel"),
        sector_size=_number("lsblk", row, "log-sec", 512),
        removable=_text(row, "rm").lower() in ("1", "true"),
        transport=_text(row, "tran"),
        children=tuple(_device(child, depth + 1) for child in children),
    )


def parse_findmnt(text: str) -> tuple[MountEntry, ...]:
    """Return the entries of ``findmnt --json --list``."""
    return tuple(
        MountEntry(
            path=_text(row, "target"),
            source=_text(row, "source"),
            type=_text(row, "fstype"),
            options=_text(row, "options"),
            number=_text(row, "maj:min").strip(),
            root=_text(row, "fsroot") or "/",
        )
        for row in _rows("findmnt", _json("findmnt", text).get("filesystems"))
    )


def parse_sfdisk(text: str, size: int) -> Disk:
    """Return the disk of ``sfdisk --json``; ``size`` in bytes comes from lsblk."""
    table = _json("sfdisk", text).get("partitiontable")
    if not isinstance(table, dict) or table.get("unit") != "sectors":
        raise unreadable("sfdisk", "a partition table in sectors is missing")
    if table.get("label") not in set(Table):
        raise unreadable("sfdisk", f"the table is of kind {ascii(table.get('label'))[:20]}")
    sector = _number("sfdisk", table, "sectorsize", 512)
    rows = _rows("sfdisk", table.get("partitions"))
    partitions = sorted((_partition(row, sector) for row in rows), key=lambda one: one.start)
    return Disk(
        path=_text(table, "device"),
        size=size,
        sector_size=sector,
        table=Table(table["label"]),
        table_id=_text(table, "id"),
        partitions=tuple(partitions),
    )


def _partition(row: dict[str, Any], sector: int) -> Partition:
    digits = re.search(r"[0-9]{1,3}\Z", _text(row, "node"), re.ASCII)
    if digits is None:
        raise unreadable("sfdisk", "a partition has no number")
    return Partition(
        number=int(digits[0]),
        start=_number("sfdisk", row, "start") * sector,
        size=_number("sfdisk", row, "size") * sector,
        type=_text(row, "type"),
        uuid=_text(row, "uuid"),
        name=_text(row, "name"),
        attributes=_text(row, "attrs"),
        bootable=row.get("bootable") is True,
    )


def parse_lvm(text: str, kind: str) -> list[dict[str, str]]:
    """Return the rows of ``pvs``, ``vgs`` or ``lvs``; ``kind`` is pv, vg, lv or seg."""
    reports = _rows(f"{kind}s", _json(f"{kind}s", text).get("report"))
    rows = [row for one in reports for row in _rows(f"{kind}s", one.get(kind, []))]
    return [{key: _text(row, key).strip() for key in row} for row in rows]


def parse_dumpe2fs(text: str) -> dict[str, str]:
    """Return the superblock of ``dumpe2fs -h`` as names and values."""
    found = dict(re.findall(r"^([A-Z][A-Za-z0-9 /_-]*):[ \t]+(.*?)[ \t]*$", text, re.MULTILINE))
    for name in ("Block count", "Block size", "Inode count", "Inode size", "Reserved block count"):
        if not re.fullmatch(r"[0-9]{1,18}", found.get(name, ""), re.ASCII):
            raise unreadable("dumpe2fs", f"{name} is missing")
    return found


def parse_xfs_info(text: str) -> dict[str, str]:
    """Return the geometry of ``xfs_info``, keys with their section: "data.bsize"."""
    found: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        head, equals, rest = line.partition("=")
        if not equals:
            continue
        section = head.strip() or section
        if head.strip():
            found[section] = rest.split("  ")[0].strip()
        for key, value in re.findall(r"([a-z0-9-]+)=([0-9]+)", rest):
            found.setdefault(f"{section}.{key}", value)
    if "data.bsize" not in found or "meta-data.isize" not in found:
        raise unreadable("xfs_info", "the block size is missing")
    return found


def parse_fstab(text: str) -> tuple[FstabLine, ...]:
    """Return the entries of an fstab; comments and incomplete lines are left out."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[0].startswith("#"):
            continue
        options = tuple(words[3].split(",")) if len(words) > 3 else ()
        path = words[1].replace("\\040", " ")
        found.append(FstabLine(words[0].strip('"'), path, words[2], options))
    return tuple(found)


def parse_os_release(text: str) -> set[str]:
    """Return the words of ID and ID_LIKE."""
    found = re.findall(r"^(?:ID|ID_LIKE)=\"?([^\"\n]*)\"?$", text, re.MULTILINE)
    return {word.lower() for line in found for word in line.split()}


def parse_root_argument(text: str) -> str:
    """Return what follows the last root= of a kernel command line, or nothing."""
    values = [word[5:] for word in text.split() if word.startswith("root=")]
    return values[-1].strip('"') if values else ""


def parse_efibootmgr(text: str, part_uuid: str) -> tuple[str, str]:
    """Return label and loader path of the entry on that EFI partition, or two empty texts.

    The entry that was booted wins over the others on the same partition.
    """
    current = re.search(r"^BootCurrent: *([0-9A-Fa-f]{4})", text, re.MULTILINE)
    best = ("", "")
    for line in text.splitlines():
        entry = re.match(r"Boot([0-9A-Fa-f]{4})\*? (.+?)\t?HD\([0-9]+,GPT,([0-9A-Fa-f-]{36})", line)
        loader = re.search(r"/(?:File\()?(\\[^)\t]+?\.[Ee][Ff][Ii])", line)
        if entry is None or loader is None or entry[3].lower() != part_uuid.lower():
            continue
        chosen = (entry[2].strip(), loader[1])
        if current is not None and entry[1].lower() == current[1].lower():
            return chosen
        best = best if best[0] else chosen
    return best
