"""The parts of a captured layout, made from parsed output: volumes, file systems, swap, boot. Pure."""

import re

from backend.clone import probe_outputs as probe
from backend.clone.capture_checks import EFI_SYSTEM, OTHER_ENGINE, leaves
from backend.clone.probe_outputs import Device
from backend.errors import HaoscarError, Refused
from backend.model.disk import Disk
from backend.model.layout import (
    BootFacts,
    BootLoader,
    Family,
    FileSystem,
    FileSystemKind,
    Holder,
    LogicalVolume,
    Mount,
    Swap,
    VolumeGroup,
)
from backend.model.site import Firmware
from backend.reports import Report, error

# What mke2fs can make again; features that only say how the file system was left are not asked for.
EXT_FEATURES = frozenset(
    [
        "has_journal",
        "ext_attr",
        "resize_inode",
        "dir_index",
        "filetype",
        "extent",
        "64bit",
        "flex_bg",
        "sparse_super",
        "large_file",
        "huge_file",
        "dir_nlink",
        "extra_isize",
        "metadata_csum",
        "metadata_csum_seed",
        "orphan_file",
        "uninit_bg",
        "large_dir",
        "ea_inode",
        "inline_data",
        "project",
        "quota",
        "verity",
        "stable_inodes",
        "fast_commit",
        "meta_bg",
        "sparse_super2",
    ]
)
EXT_STATES = frozenset({"needs_recovery", "orphan_present", "test_filesystem", "shared_blocks"})
XFS_SWITCHES = (
    ("m", "crc"), ("m", "finobt"), ("m", "rmapbt"), ("m", "reflink"), ("m", "bigtime"),
    ("m", "inobtcount"), ("i", "sparse"), ("i", "nrext64"),
)  # fmt: skip
XFS_LEAST = 300 << 20  # mkfs.xfs makes nothing smaller since 5.19

_Row = dict[str, str]


def logical_volumes(
    pvs: list[_Row], vgs: list[_Row], lvs: list[_Row], holders: dict[str, Holder]
) -> tuple[tuple[VolumeGroup, ...], tuple[LogicalVolume, ...], list[Report]]:
    """Return groups and volumes on this disk, and a refusal for each that is not plain."""
    reports: list[Report] = []
    groups, volumes = [], []
    for vg in vgs:
        name = vg.get("vg_name", "")
        mine = [pv for pv in pvs if pv.get("vg_name") == name]
        holder = next((holders[pv["pv_name"]] for pv in mine if pv["pv_name"] in holders), None)
        if holder is None:
            continue
        extent = _count(vg, "vg_extent_size")
        volumes += _volumes(name, extent, lvs, reports)
        if vg.get("pv_count") != "1" or len(mine) != 1:
            places = ", ".join(pv["pv_name"] for pv in mine)
            text = f"The volume group {name} lies on several physical volumes: {places}."
            reports.append(
                error("layout.lvm-several", text, "Use a volume group on one partition.")
            )
            continue
        extents = _count(vg, "vg_extent_count")
        uuid = mine[0].get("pv_uuid", "")
        groups.append(VolumeGroup(name, holder.partition, extent, extents, uuid))
    return tuple(groups), tuple(volumes), reports


def _count(row: _Row, key: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", row.get(key, ""), re.ASCII) or not int(row[key]):
        raise probe.unreadable("lvm", f"{key} is {ascii(row.get(key))[:40]}")
    return int(row[key])


def _volumes(
    group: str, extent: int, lvs: list[_Row], reports: list[Report]
) -> list[LogicalVolume]:
    found: dict[str, LogicalVolume] = {}
    for row in lvs:
        if row.get("vg_name") != group:
            continue
        name = row.get("lv_name", "")
        if name.startswith("["):  # a hidden part of another volume, which is judged itself
            continue
        kind = "snapshot" if row.get("origin") else row.get("segtype", "")
        if kind != "linear" or row.get("stripes", "1") != "1":
            text = f"The volume {group}/{name} is of kind {ascii(kind)[1:-1][:40]}"
            if kind == "striped":
                text += f" over {row.get('stripes')} disks"
            reports.append(error(f"layout.lvm-{_word(kind)}", f"{text}, not linear.", OTHER_ENGINE))
            continue
        found[name] = LogicalVolume(group, name, _count(row, "lv_size") // extent)
    return list(found.values())


def _word(kind: str) -> str:
    known = {"thin": "thin", "thin-pool": "thin", "striped": "striped", "snapshot": "snapshot"}
    return known.get(kind, "kind")


def file_systems(device: Device, holder: Holder, said: str) -> FileSystem:
    """Return one file system with its tuning; ``said`` is what dumpe2fs or xfs_info printed.

    Raises InvalidInput and Refused.
    """
    if device.file_system == "xfs":
        return _xfs(device, holder, probe.parse_xfs_info(said))
    if device.file_system == "vfat":
        bits = re.fullmatch(r"FAT(12|16|32)", device.version)
        return FileSystem(
            holder, FileSystemKind.VFAT, device.uuid.upper(), device.label,
            fat_bits=int(bits[1]) if bits else 0,
        )  # fmt: skip
    return _ext(device, holder, probe.parse_dumpe2fs(said))


def _ext(device: Device, holder: Holder, said: dict[str, str]) -> FileSystem:
    features = [one for one in said.get("Filesystem features", "").split() if one not in EXT_STATES]
    strange = [one for one in features if one not in EXT_FEATURES]
    if strange:
        raise _refused("layout.ext-feature", f"it uses {', '.join(strange)[:120]}.")
    blocks, size = int(said["Block count"]), int(said["Block size"])
    inodes = max(1, int(said["Inode count"]))
    errors = said.get("Errors behavior", "").lower()
    return FileSystem(
        holder,
        FileSystemKind(device.file_system),
        device.uuid.lower(),
        device.label,
        features=tuple(features),
        block_size=size,
        inode_size=int(said["Inode size"]),
        inode_ratio=_ratio(blocks * size / inodes, size),
        reserved_percent=round(int(said["Reserved block count"]) * 100 / max(1, blocks), 2),
        errors={"remount read-only": "remount-ro", "panic": "panic"}.get(errors, "continue"),
    )


def _ratio(exact: float, block_size: int) -> int:
    """Return bytes for each inode; mke2fs rounds the number of inodes, so a power of two wins."""
    power = 1 << max(10, round(exact)).bit_length() - 1
    for candidate in (power, power * 2):
        if abs(exact - candidate) <= candidate * 0.06:
            exact = candidate
            break
    return min(max(int(exact), block_size), 1 << 26)


def _xfs(device: Device, holder: Holder, said: dict[str, str]) -> FileSystem:
    if not said.get("log", "").startswith("internal") or said.get("realtime", "none") != "none":
        raise _refused("layout.xfs-external", "its log or a real-time part is on another device.")
    if said.get("naming.ascii-ci", "0") != "0":
        raise _refused("layout.xfs-feature", "its names ignore upper and lower case.")
    if device.size < XFS_LEAST:
        raise _refused("layout.xfs-small", "xfs cannot be made again below 300 MiB.")
    features = [
        f"{section}.{name}={said[f'meta-data.{name}']}"
        for section, name in XFS_SWITCHES
        if f"meta-data.{name}" in said
    ]
    if said.get("naming.ftype") == "0":
        features.append("n.ftype=0")
    return FileSystem(
        holder,
        FileSystemKind.XFS,
        device.uuid.lower(),
        device.label,
        features=tuple(features),
        block_size=int(said["data.bsize"]),
        inode_size=int(said["meta-data.isize"]),
    )


def _refused(code: str, what: str) -> HaoscarError:
    return Refused.of(code, f"The file system cannot be made again: {what}", OTHER_ENGINE)


def swaps(device: Device, holders: dict[str, Holder]) -> tuple[tuple[Swap, ...], list[Report]]:
    """Return the swap space on this disk, and what is wrong with it."""
    found, reports = [], []
    for one in leaves(device):
        if one.file_system != "swap" or one.path not in holders:
            continue
        if one.uuid:
            found.append(Swap(holders[one.path], one.uuid.lower(), one.label))
        else:
            text = f"The swap space on {one.path} has no UUID."
            reports.append(error("layout.swap", text, "Make it again with mkswap."))
    return tuple(found), reports


def boot_facts(
    firmware: Firmware,
    family: Family,
    found: list[str],
    entries: str,
    disk: Disk,
    mounts: tuple[Mount, ...],
) -> tuple[BootFacts, list[Report]]:
    """Return how the golden client starts; ``found`` are the loader files below /boot."""
    reports: list[Report] = []
    label, path = "", ""
    if firmware is Firmware.UEFI:
        esp = next((one for one in disk.partitions if one.type.lower() in EFI_SYSTEM), None)
        if esp is not None and not any(one.holder.partition == esp.number for one in mounts):
            text = f"The EFI system partition {esp.number} of {disk.path} is not mounted."
            reports.append(error("layout.no-esp", text, "Mount it on /boot/efi."))
        label, path = probe.parse_efibootmgr(entries, esp.uuid) if esp is not None else ("", "")
    loader = BootLoader.NONE if "systemd" in path.lower() else _loader(found, family)
    if loader is BootLoader.NONE:
        others = [path, *(one for one in found if one and not one.endswith("grub.cfg"))]
        seen = next((f" ({one} was found)" for one in others if one), "")
        text = f"The boot loader of the golden client is not GRUB{seen}."
        reports.append(error("layout.boot-loader", text, "Start the golden client with GRUB."))
    return BootFacts(firmware, loader, family, efi_loader=path, efi_label=label), reports


def _loader(found: list[str], family: Family) -> BootLoader:
    if "/boot/grub2/grub.cfg" in found:
        return BootLoader.GRUB2
    if "/boot/grub/grub.cfg" in found:
        return BootLoader.GRUB
    on_esp = any(re.fullmatch(r"/boot/efi/EFI/[^/]+/grub\.cfg", path) for path in found)
    return BootLoader.GRUB2 if on_esp and family is Family.REDHAT else BootLoader.NONE
