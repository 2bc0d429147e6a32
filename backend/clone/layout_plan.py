"""Turn a layout into the steps that make it on one disk: partition, format, mount. Pure.

The programs are those of the installer image; every argument is one word, a label or name is
never part of another one.
"""

from dataclasses import dataclass

from backend.clone.constants import TARGET
from backend.clone.layout_fit import fit
from backend.clone.steps import Run
from backend.clone.target import TargetDisk
from backend.errors import InvalidInput
from backend.model.disk import MIB, Disk, Partition, Table
from backend.model.layout import FileSystem, FileSystemKind, Holder, Layout, Swap
from backend.model.site import Firmware
from backend.reports import Report

FAT32_CLUSTERS = 65600  # FAT32 needs at least 65525, and mkfs.vfat keeps some sectors for itself
LVCREATE = ("lvm", "lvcreate", "-y", "-Wy", "-Zy", "-n")
FAT_OPTIONS = ("fmask=", "dmask=", "umask=", "uid=", "gid=")


@dataclass(frozen=True, slots=True)
class PlannedMount:
    """A file system of the clone and where it belongs; ``path`` as the clone sees it."""

    path: str
    device: str
    file_system: str
    options: str


@dataclass(frozen=True, slots=True)
class DiskPlan:
    """The ordered steps for one disk, and what the booted clone must agree with."""

    layout: Layout
    disk: TargetDisk
    partition: tuple[Run, ...]
    format: tuple[Run, ...]
    mount: tuple[Run, ...]
    unmount: tuple[Run, ...]
    mounts: tuple[PlannedMount, ...]
    root_device: str
    root_uuid: str
    notes: tuple[Report, ...]


def plan(
    layout: Layout, disk: TargetDisk, firmware: Firmware, *, grow: str | None = None
) -> DiskPlan:
    """Return the plan for this disk; raises Refused with numbers when it does not fit."""
    fitted, notes = fit(layout, disk, firmware, grow)
    assert fitted.disk is not None
    mounts = _mounts(fitted, disk)
    root = mounts[0]
    return DiskPlan(
        layout=fitted,
        disk=disk,
        partition=_partition_steps(fitted.disk, disk),
        format=(
            *_lvm_steps(fitted, disk),
            *(_mkfs(one, fitted, disk) for one in fitted.file_systems),
            *(_mkswap(one, disk) for one in fitted.swaps),
        ),
        mount=_mount_steps(mounts),
        unmount=_unmount_steps(mounts, fitted),
        mounts=mounts,
        root_device=root.device,
        root_uuid=next(
            one.uuid for one in fitted.file_systems if device_of(one.holder, disk) == root.device
        ),
        notes=notes,
    )


def device_of(holder: Holder, disk: TargetDisk) -> str:
    """Return the device of a partition or volume; LVM doubles the hyphens of a name."""
    if holder.partition:
        return disk.partition_path(holder.partition)
    group, volume = (name.replace("-", "--") for name in (holder.group, holder.volume))
    return f"/dev/mapper/{group}-{volume}"


def sfdisk_script(disk: Disk) -> str:
    """Return the partition table as input for sfdisk (sfdisk(8), "named-fields format")."""
    lines = [f"label: {disk.table}", f"label-id: {disk.table_id}", "unit: sectors"]
    first = min(one.start for one in disk.partitions)
    if disk.table is Table.GPT and first < MIB:
        lines.append(f"first-lba: {first // disk.sector_size}")
    lines.append("")
    numbered = sorted(disk.partitions, key=lambda one: one.number)
    lines += [_sfdisk_line(one, disk.sector_size) for one in numbered]
    return "\n".join(lines) + "\n"


def _sfdisk_line(one: Partition, sector: int) -> str:
    fields = [f"start={one.start // sector}", f"size={one.size // sector}", f"type={one.type}"]
    if one.uuid:
        fields.append(f"uuid={one.uuid}")
    if one.name:
        fields.append(f'name="{one.name}"')  # the model allows no quote and no backslash
    if one.attributes:
        fields.append(f'attrs="{one.attributes}"')
    if one.bootable:
        fields.append("bootable")
    return f"{one.number} : {', '.join(fields)}"


def _partition_steps(disk: Disk, target: TargetDisk) -> tuple[Run, ...]:
    path = target.path
    settle = Run(("udevadm", "settle", "--timeout=30"), "Wait for the new devices.")
    steps = []
    if target.wipe:
        stop = "Let go of what an earlier system left on the disk."
        steps.append(Run(("lvm", "vgchange", "-an"), stop, may_fail=True))
        steps.append(Run(("mdadm", "--stop", "--scan"), stop, may_fail=True))
    steps += [
        Run(("wipefs", "--all", "--force", "--quiet", path), f"Clear the old table of {path}."),
        Run(
            ("sfdisk", "--quiet", "--wipe=always", "--wipe-partitions=always", path),
            f"Write the {disk.table.upper()} partition table to {path}.",
            stdin=sfdisk_script(disk),
        ),
        settle,
    ]
    for one in disk.partitions:
        if not one.extended:
            device = target.partition_path(one.number)
            why = f"Clear old signatures of {device}."
            steps.append(Run(("wipefs", "--all", "--force", "--quiet", device), why))
    return tuple(steps)


def _lvm_steps(layout: Layout, disk: TargetDisk) -> list[Run]:
    steps: list[Run] = []
    for group in layout.groups:
        device = disk.partition_path(group.partition)
        uuid = ("--uuid", group.pv_uuid, "--norestorefile") if group.pv_uuid else ()
        steps.append(
            Run(
                ("lvm", "pvcreate", "-ff", "-y", "--dataalignment", "1m", *uuid, device),
                f"Make {device} a physical volume.",
            )
        )
        extent = f"{group.extent_size}b"
        steps.append(
            Run(
                ("lvm", "vgcreate", "-y", "-s", extent, group.name, device),
                f"Make the volume group {group.name}.",
            )
        )
        steps += [
            Run(
                (*LVCREATE, one.name, "-l", str(one.extents), group.name),
                f"Make the volume {group.name}/{one.name}.",
            )
            for one in layout.volumes
            if one.group == group.name
        ]
    if steps:
        steps.append(Run(("udevadm", "settle", "--timeout=30"), "Wait for the new volumes."))
    return steps


def _mkfs(system: FileSystem, layout: Layout, disk: TargetDisk) -> Run:
    device = device_of(system.holder, disk)
    why = f"Make the {system.kind} file system on {device}."
    if system.kind is FileSystemKind.XFS:
        return Run(_mkfs_xfs(system, device), why)
    if system.kind is FileSystemKind.VFAT:
        assert layout.disk is not None
        size = layout.disk.partition(system.holder.partition).size if system.holder.partition else 0
        return Run(_mkfs_vfat(system, device, size, disk.sector_size), why)
    return Run(_mke2fs(system, device), why)


def _mke2fs(system: FileSystem, device: str) -> tuple[str, ...]:
    options = [("-b", system.block_size), ("-I", system.inode_size), ("-i", system.inode_ratio)]
    argv = ["mke2fs", "-q", "-F", "-t", system.kind.value]
    for option, value in options:
        argv += [option, str(value)] if value else []
    argv += ["-m", f"{system.reserved_percent:g}"]
    argv += ["-e", system.errors] if system.errors else []
    argv += ["-O", ",".join(("none", *system.features))] if system.features else []
    # what is lazy is finished by the kernel after the first boot; nothing waits for it now
    argv += ["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", "-U", system.uuid]
    argv += ["-L", system.label] if system.label else []
    return (*argv, device)


def _mkfs_xfs(system: FileSystem, device: str) -> tuple[str, ...]:
    sections: dict[str, list[str]] = {"m": [f"uuid={system.uuid}"]}
    if system.inode_size:
        sections["i"] = [f"size={system.inode_size}"]
    for feature in system.features:
        section, dot, switch = feature.partition(".")
        if not dot or section not in ("m", "i", "n"):
            raise InvalidInput.of("layout.value", f"{feature} is not a feature of xfs.")
        sections.setdefault(section, []).append(switch)
    argv = ["mkfs.xfs", "-q", "-f", "-K"]
    argv += ["-b", f"size={system.block_size}"] if system.block_size else []
    for section, switches in sections.items():
        argv += [f"-{section}", ",".join(switches)]
    argv += ["-L", system.label] if system.label else []
    return (*argv, device)


def _mkfs_vfat(system: FileSystem, device: str, size: int, sector: int) -> tuple[str, ...]:
    argv = ["mkfs.vfat"]
    bits = system.fat_bits
    if bits == 32 and size and size // sector < FAT32_CLUSTERS:
        bits = 16  # fewer clusters than FAT32 must have: firmware would read it as FAT16
    if bits == 32 and size and size // (sector * 8) < FAT32_CLUSTERS:
        argv += ["-s", "1"]
    argv += ["-F", str(bits)] if bits else []
    argv += ["-i", system.uuid.replace("-", "")]
    argv += ["-n", system.label] if system.label else []
    return (*argv, device)


def _mkswap(swap: Swap, disk: TargetDisk) -> Run:
    device = device_of(swap.holder, disk)
    label = ("-L", swap.label) if swap.label else ()
    return Run(("mkswap", "-U", swap.uuid, *label, device), f"Make swap space on {device}.")


def _mounts(layout: Layout, disk: TargetDisk) -> tuple[PlannedMount, ...]:
    found = []
    for one in sorted(layout.mounts, key=lambda mount: mount.path.rstrip("/").split("/")):
        kind = layout.file_system(one.holder).kind
        options = "noatime"
        if kind is FileSystemKind.VFAT:
            # vfat stores no modes; with the golden client's own masks they come out the same
            masks = [word for word in one.options.split(",") if word.startswith(FAT_OPTIONS)]
            options = ",".join(("noatime", "quiet", *masks))
        found.append(PlannedMount(one.path, device_of(one.holder, disk), kind.value, options))
    return tuple(found)


def _mount_steps(mounts: tuple[PlannedMount, ...]) -> tuple[Run, ...]:
    steps = []
    for one in mounts:
        where = TARGET + one.path.rstrip("/")
        steps.append(Run(("mkdir", "-p", where), f"Make the mount point {one.path}."))
        argv = ("mount", "-t", one.file_system, "-o", one.options, one.device, where)
        steps.append(Run(argv, f"Mount {one.device} on {one.path}."))
    return tuple(steps)


def _unmount_steps(mounts: tuple[PlannedMount, ...], layout: Layout) -> tuple[Run, ...]:
    steps = [Run(("sync",), "Write everything to the disk.")]
    steps += [
        Run(("umount", TARGET + one.path.rstrip("/")), f"Unmount {one.path}.")
        for one in reversed(mounts)
    ]
    steps += [
        Run(("lvm", "vgchange", "-an", one.name), f"Let go of {one.name}.", may_fail=True)
        for one in layout.groups
    ]
    return tuple(steps)
