"""Fit a captured layout to another disk: what grows, what moves, what cannot be. Pure.

Everything keeps its order. One partition grows: the one with the named volume group, or else the
last one that holds LVM, ext or xfs; what lies behind it moves back by the same whole MiB, so
alignment is kept. In its volume group the named volume grows, or else the one that carries "/".
"""

from dataclasses import replace

from backend.clone.capture_checks import BIOS_BOOT, EFI_SYSTEM
from backend.clone.inventory import size_text
from backend.clone.target import TargetDisk, table_tail
from backend.errors import Refused
from backend.model.disk import MIB, Disk, Partition, Table
from backend.model.layout import FileSystemKind, Holder, Layout, LogicalVolume, VolumeGroup
from backend.model.site import Firmware
from backend.reports import Report, error, info

LVM_HEAD = MIB  # what pvcreate takes at the front with --dataalignment 1m
DOS_SECTORS = 1 << 32
SHRINK_LIMIT = 8  # extents that rounding may cost the growing volume


def fit(
    layout: Layout, target: TargetDisk, firmware: Firmware, grow: str | None
) -> tuple[Layout, tuple[Report, ...]]:
    """Return the layout with its sizes on that disk, and what grew; raises Refused."""
    disk = layout.disk
    if disk is None:
        text = "The standard layout has not been filled in for this machine."
        raise Refused(error("plan.no-disk", text, "Start the installation again."))
    problems = _firmware_problems(disk, target, firmware) + _sector_problems(layout, disk, target)
    usable = _usable(disk, target)
    end = max(one.end for one in disk.partitions)
    if usable < end:
        text = (
            f"{target.path} has {target.size} bytes ({size_text(target.size)}); the layout needs "
            f"{end + target.size - usable} bytes."
        )
        problems.append(
            error("plan.too-small", text, "Use a disk at least as big as the golden one.")
        )
    if problems:
        raise Refused(*problems)
    growing = _growing_partition(layout, disk, grow)
    extra = (usable - end) // MIB * MIB
    partitions = tuple(_moved(one, disk, growing, extra) for one in disk.partitions)
    # the path stays the golden client's: identity looks for that name in its fstab
    fitted = Disk(disk.path, target.size, target.sector_size, disk.table, disk.table_id, partitions)
    groups, volumes, notes = _fit_groups(layout, disk, fitted, grow)
    if extra:
        sizes = f"{size_text(growing.size)} to {size_text(growing.size + extra)}"
        text = f"Partition {growing.number} grows from {sizes}."
        notes.insert(0, info("plan.partition-grows", text))
    return replace(layout, disk=fitted, groups=groups, volumes=volumes), tuple(notes)


def _usable(disk: Disk, target: TargetDisk) -> int:
    if disk.table is Table.GPT:
        whole = target.size // target.sector_size * target.sector_size
        return whole - table_tail(disk.table, target.sector_size)
    return min(target.size, DOS_SECTORS * target.sector_size)


def _firmware_problems(disk: Disk, target: TargetDisk, firmware: Firmware) -> list[Report]:
    types = {one.type.lower() for one in disk.partitions}
    if firmware is Firmware.UEFI and not types & set(EFI_SYSTEM):
        text = "The standby started by UEFI, but the golden client's layout has no EFI partition."
        return [error("plan.firmware", text, "Set the standby's firmware to BIOS (legacy) boot.")]
    if firmware is Firmware.BIOS and disk.table is Table.GPT and BIOS_BOOT not in types:
        text = "The standby started by BIOS, but the golden client's layout is for UEFI only."
        return [error("plan.firmware", text, "Set the standby's firmware to UEFI boot.")]
    if firmware is Firmware.BIOS and target.sector_size != 512:
        text = f"BIOS firmware cannot start from {target.path}: its sectors have 4096 bytes."
        return [error("plan.firmware", text, "Use UEFI, or a disk with sectors of 512 bytes.")]
    return []


def _sector_problems(layout: Layout, disk: Disk, target: TargetDisk) -> list[Report]:
    sector = target.sector_size
    found = [
        error(
            "plan.alignment",
            f"Partition {one.number} is not aligned to the {sector}-byte sectors of {target.path}.",
            "Use a disk with the sector size of the golden client's disk.",
        )
        for one in disk.partitions
        if one.start % sector or one.size % sector
    ]
    for one in layout.file_systems:
        ext = one.kind not in (FileSystemKind.XFS, FileSystemKind.VFAT)
        if ext and 0 < one.block_size < sector:
            text = (
                f"The {one.kind} on {one.holder} has blocks smaller than a sector of {target.path}."
            )
            found.append(error("plan.block-size", text, "Use a disk with sectors of 512 bytes."))
    return found


def _growing_partition(layout: Layout, disk: Disk, grow: str | None) -> Partition:
    if grow is not None:
        group = grow.partition("/")[0]
        known = {f"{one.group}/{one.name}" for one in layout.volumes}
        if grow not in known:
            text = f"There is no volume {ascii(grow)[:80]} that could grow."
            remedy = f"Name one of {', '.join(sorted(known)) or 'none (there is no LVM)'}."
            raise Refused(error("plan.grow", text, remedy))
        return disk.partition(next(one.partition for one in layout.groups if one.name == group))
    numbers = {one.partition for one in layout.groups}
    for system in layout.file_systems:
        if system.kind is not FileSystemKind.VFAT:
            numbers.add(system.holder.partition)
    return [one for one in disk.partitions if one.number in numbers][-1]


def _moved(one: Partition, disk: Disk, growing: Partition, extra: int) -> Partition:
    """Return the partition in its new place, or bigger."""
    if one.number == growing.number:
        return replace(one, size=one.size + extra)
    if one.start > growing.start:
        return replace(one, start=one.start + extra)
    if one.extended and disk.table is Table.DOS and one.end > growing.start:
        return replace(one, size=one.size + extra)
    return one


def _fit_groups(
    layout: Layout, disk: Disk, fitted: Disk, grow: str | None
) -> tuple[tuple[VolumeGroup, ...], tuple[LogicalVolume, ...], list[Report]]:
    groups, volumes, notes = [], list(layout.volumes), list[Report]()
    for group in layout.groups:
        before = disk.partition(group.partition).size
        size = fitted.partition(group.partition).size
        room = (size - LVM_HEAD) // group.extent_size
        extents = min(room, group.extents) if size == before else room
        used = sum(one.extents for one in volumes if one.group == group.name)
        groups.append(replace(group, extents=extents))
        growth = extents - group.extents
        if growth < 0:  # the free space gives first
            growth = min(0, extents - used)
        if not growth or not used:
            continue
        index = _growing_volume(layout, volumes, group.name, grow)
        volume = volumes[index]
        if growth < -SHRINK_LIMIT or volume.extents + growth < 1:
            text = (
                f"The volume group {group.name} does not fit on a disk of {size_text(fitted.size)}."
            )
            raise Refused(error("plan.too-small", text, "Use a bigger disk."))
        volumes[index] = replace(volume, extents=volume.extents + growth)
        notes.append(_note(group, volume, volumes[index]))
    return tuple(groups), tuple(volumes), notes


def _growing_volume(
    layout: Layout, volumes: list[LogicalVolume], group: str, grow: str | None
) -> int:
    """Return the index of the volume that takes what is new."""
    mine = [number for number, one in enumerate(volumes) if one.group == group]
    swaps = {one.holder for one in layout.swaps}
    wanted = grow.partition("/")[2] if grow and grow.startswith(f"{group}/") else None
    root = layout.root_mount
    for number in mine:
        one = volumes[number]
        named = one.name == wanted
        if named or (wanted is None and root and root.holder == Holder(0, group, one.name)):
            return number
    files = [n for n in mine if Holder(0, group, volumes[n].name) not in swaps]
    return (files or mine)[-1]


def _note(group: VolumeGroup, before: LogicalVolume, after: LogicalVolume) -> Report:
    sizes = [size_text(one.extents * group.extent_size) for one in (before, after)]
    text = f"The volume {group.name}/{after.name} changes from {sizes[0]} to {sizes[1]}."
    return info("plan.volume-grows", text)
