"""Which disk of the standby is written: one, for certain, or none. Pure."""

from dataclasses import dataclass

from backend.clone.inventory import Inventory, InventoryDisk, size_text
from backend.errors import Refused
from backend.model.disk import MIB, Table
from backend.model.layout import Layout, LayoutKind
from backend.model.site import Standby
from backend.reports import Report, error

AUTO = "auto"
STANDARD_ROOT_START = 66 * MIB  # after alignment, BIOS boot partition (1 MiB), EFI (64 MiB)
SPARE = 1.15  # of the image: file system structures and room to start


@dataclass(frozen=True, slots=True)
class TargetDisk:
    """The disk that the clone is written to."""

    path: str
    size: int  # bytes
    sector_size: int  # logical, bytes
    model: str = ""
    serial: str = ""
    wipe: bool = False  # it carries data, and the ticket allows to lose it

    def partition_path(self, number: int) -> str:
        """Return the device of a partition: sda1, vda1, nvme0n1p1, mmcblk0p1."""
        return f"{self.path}{'p' if self.path[-1].isdigit() else ''}{number}"


def needed_bytes(layout: Layout, image_bytes: int = 0) -> int:
    """Return the smallest disk that takes the layout, in bytes."""
    if layout.disk is None or layout.kind is LayoutKind.STANDARD:
        return STANDARD_ROOT_START + standard_root_bytes(image_bytes) + table_tail(Table.GPT, 4096)
    return max(one.end for one in layout.disk.partitions) + table_tail(
        layout.disk.table, layout.disk.sector_size
    )


def standard_root_bytes(image_bytes: int) -> int:
    """Return the least size of a standard root, in whole MiB, as bytes."""
    return -(-int(image_bytes * SPARE) // MIB) * MIB + 64 * MIB


def table_tail(table: Table, sector_size: int) -> int:
    """Return what the backup table takes at the end: 16 KiB of entries and one sector (GPT)."""
    return 16384 + sector_size if table is Table.GPT else 0


def choose_disk(
    inventory: Inventory, standby: Standby, layout: Layout, *, image_bytes: int = 0
) -> TargetDisk:
    """Return the one disk to write; raises Refused with each disk and why it was not taken."""
    need = needed_bytes(layout, image_bytes)
    if standby.disk == AUTO:
        disk = _the_only_one(inventory, standby, need)
    else:
        disk = _the_named_one(inventory, standby)
    problem = _unfit(disk, need)
    if problem:
        raise Refused.of("disk.unfit", f"{standby.name}: {problem}.", "Use another disk.")
    if not disk.blank and not standby.wipe:
        raise Refused.of(
            "disk.has-data",
            f"{standby.name}: {disk} already carries {_content(disk)}; it was not touched.",
            "Allow the ticket to overwrite it (wipe = true for this standby), or use a blank disk.",
        )
    return TargetDisk(
        disk.path, disk.size, disk.sector_size, disk.model, disk.serial, wipe=not disk.blank
    )


def _the_named_one(inventory: Inventory, standby: Standby) -> InventoryDisk:
    wanted = standby.disk
    found = [one for one in inventory.disks if wanted and wanted in (one.path, one.serial, one.wwn)]
    if len(found) == 1:
        return found[0]
    seen = "; ".join(map(str, inventory.disks)) or "none at all"
    if found:
        text = f"{standby.name} has {len(found)} disks with the identity {ascii(wanted)[:80]}."
    else:
        text = f"{standby.name} has no disk {ascii(wanted)[:80]}; it shows {seen}."
    remedy = 'Name one disk of the standby by its serial number or path, or write "auto".'
    raise Refused.of("disk.not-found", text, remedy)


def _the_only_one(inventory: Inventory, standby: Standby, need: int) -> InventoryDisk:
    fit: list[InventoryDisk] = []
    reports: list[Report] = []
    for disk in inventory.disks:
        problem = _unfit(disk, need)
        if not problem and disk.portable:
            problem = f"{disk} is removable or on USB and is never taken unless it is named"
        if problem:
            reports.append(error("disk.unfit", f"{standby.name}: {problem}."))
        else:
            fit.append(disk)
    if len(fit) == 1:
        return fit[0]
    if fit:
        names = "; ".join(map(str, fit))
        text = f"{standby.name} has {len(fit)} disks that the clone would fit on: {names}."
        remedy = "Name one of them by its serial number or path (disk = ... for this standby)."
        raise Refused(error("disk.several", text, remedy))
    text = f"{standby.name} has no disk of {size_text(need)} ({need} bytes) or more."
    raise Refused(error("disk.none", text, "Put a bigger disk in."), *reports)


def _unfit(disk: InventoryDisk, need: int) -> str:
    """Return why a disk cannot be used at all, or nothing."""
    if disk.size < need:
        return f"{disk} has {disk.size} bytes, but {need} bytes ({size_text(need)}) are needed"
    if disk.sector_size not in (512, 4096):
        return f"{disk} has sectors of {disk.sector_size} bytes, which is not known"
    if disk.read_only:
        return f"{disk} can only be read"
    if disk.mounted:
        return f"{disk} is in use by the running installer"
    return ""


def _content(disk: InventoryDisk) -> str:
    parts = [", ".join(disk.signatures)] if disk.signatures else []
    if disk.partitions:
        parts.append(f"{disk.partitions} partition{'s' if disk.partitions > 1 else ''}")
    return " and ".join(parts)
