"""What a golden client's disks must not be: each refusal names the device, what it is, the way out.

Pure: looks at parsed output only.
"""

from collections.abc import Iterable, Iterator

from backend.clone.probe_outputs import Device, FstabLine, MountEntry
from backend.model.disk import Disk, Table
from backend.model.layout import Family, FileSystemKind
from backend.model.site import Firmware
from backend.reports import Report, error

FILE_SYSTEMS = frozenset(kind.value for kind in FileSystemKind)
BIOS_BOOT = "21686148-6449-6e6f-744e-656564454649"
EFI_SYSTEM = ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "ef", "0xef")
EMPTY_TYPES = (  # partitions that hold no file system by their nature
    BIOS_BOOT,
    "e3c9e316-0b5c-4db8-817d-f92df00215ae",  # Microsoft reserved
    "0x5", "0xf", "0x85", "5", "f", "85",  # extended
)  # fmt: skip
DISKLESS = {
    "overlay": "an overlay", "nfs": "an NFS export", "nfs4": "an NFS export", "tmpfs": "memory",
    "ramfs": "memory", "rootfs": "memory", "squashfs": "a read-only image", "9p": "a host's folder",
    "virtiofs": "a host's folder", "fuse.fuse-overlayfs": "an overlay",
}  # fmt: skip
OTHER_ENGINE = "Use a plain partition or a linear LVM volume with ext4 or xfs for this system."
_DETACH = (
    "Detach it while the image is fetched; its content is not cloned, and the standby needs "
    "its own."
)
_BY_TYPE = {
    "crypt": ("layout.luks", "encrypted (LUKS)"),
    "mpath": ("layout.multipath", "a multipath device"),
    "loop": ("layout.loop", "a loop device"),
    "md": ("layout.mdraid", "software RAID (mdraid)"),
    "dm": ("layout.device-mapper", "a device-mapper device of unknown kind"),
}
_BY_CONTENT = {
    "linux_raid_member": ("layout.mdraid", "part of software RAID (mdraid)"),
    "isw_raid_member": ("layout.mdraid", "part of firmware RAID"),
    "ddf_raid_member": ("layout.mdraid", "part of firmware RAID"),
    "crypto_LUKS": ("layout.luks", "encrypted (LUKS)"),
    "BitLocker": ("layout.luks", "encrypted (BitLocker)"),
    "mpath_member": ("layout.multipath", "a path of a multipath device"),
    "zfs_member": ("layout.zfs", "part of a ZFS pool"),
    "bcache": ("layout.bcache", "a bcache device"),
    "btrfs": ("layout.btrfs", "btrfs, with or without subvolumes"),
    "drbd": ("layout.drbd", "a DRBD device"),
}


def standard_reason(root: MountEntry, container: str, devices: tuple[Device, ...]) -> str:
    """Return why there is no disk to capture, as a sentence, or nothing when there is one."""
    tail = "The clone gets the standard layout: one ext4 root that fills the disk."
    if container and container != "none":
        return f"The golden client is a container and has no disk of its own. {tail}"
    if root.type in DISKLESS:
        return f"The golden client's root is {DISKLESS[root.type]}, not a disk. {tail}"
    if root.root != "/" and root.type in FILE_SYSTEMS:
        return f"The golden client's root is a folder of another system's disk. {tail}"
    whole = [one for one in devices if one.type == "disk" and holds(one, root) and not one.children]
    if whole and whole[0].file_system in FILE_SYSTEMS and not whole[0].table:
        where = f"the golden client's root fills {whole[0].path}, which has no partition table"
        return f"There is nothing to capture: {where} and no boot loader. {tail}"
    return ""


def holds(device: Device, entry: MountEntry) -> bool:
    """Whether the device itself is what is mounted there."""
    return device.number == entry.number or device.path == entry.source.partition("[")[0]


def disks_below(devices: tuple[Device, ...], root: MountEntry) -> tuple[Device, ...]:
    """Return the top-level devices that carry "/"."""
    return tuple(one for one in devices if any(holds(part, root) for part in one.walk()))


def unknown_root(root: MountEntry, disks: tuple[Device, ...]) -> list[Report]:
    """Return a refusal unless "/" lies on exactly one disk."""
    if len(disks) == 1:
        return []
    if not disks:
        text = (
            f"The root file system {ascii(root.source)[:80]} ({root.type}) is not on a known disk."
        )
        return [error("layout.no-disk", text, OTHER_ENGINE)]
    names = ", ".join(one.path for one in disks)
    text = f"The root file system {root.source} lies on {len(disks)} disks: {names}."
    return [error("layout.several-disks", text, OTHER_ENGINE)]


def device_problems(
    devices: tuple[Device, ...], disks: tuple[Device, ...], mounts: tuple[MountEntry, ...]
) -> list[Report]:
    """Return a refusal for each device that is not known, and for each other disk with data."""
    found: dict[tuple[str, str], Report] = {}
    for disk in devices:
        if _ignored(disk, disks, mounts):
            continue
        if disks and disk not in disks and _content(disk):
            text = f"{disk.path} is a second disk and carries data ({_content(disk)})."
            found["layout.second-disk", disk.path] = error("layout.second-disk", text, _DETACH)
        for one in disk.walk():
            report = _unknown(one, top=one is disk)
            if report is not None:
                found.setdefault((report.code, one.path), report)
    return list(found.values())


def _ignored(disk: Device, disks: tuple[Device, ...], mounts: tuple[MountEntry, ...]) -> bool:
    if disk in disks:
        return False
    if disk.type in ("rom", "loop") or not disk.size or disk.name.startswith(("zram", "ram", "fd")):
        return True
    in_use = any(holds(part, entry) for part in disk.walk() for entry in mounts)
    return (disk.removable or disk.transport == "usb") and not in_use


def _content(disk: Device) -> str:
    words = []
    for one in disk.walk():
        if one.file_system or one.table:
            where = "the whole disk" if one is disk else one.path
            what = one.file_system or f"{one.table} partition table"
            words.append(f"{what} on {where}")
    if disk.children and not words:
        words.append(f"{len(disk.children)} partitions")
    return ", ".join(dict.fromkeys(words))


def _unknown(device: Device, *, top: bool) -> Report | None:
    kind = "md" if device.type.startswith(("raid", "linear", "md")) else device.type
    known = _BY_TYPE.get(kind) or _BY_CONTENT.get(device.file_system)
    if known:
        return error(known[0], f"{device.path} is {known[1]}.", OTHER_ENGINE)
    if top and device.file_system == "LVM2_member":
        text = f"{device.path} is an LVM physical volume without a partition table."
        return error("layout.whole-disk-lvm", text, "Put LVM on a partition of the disk.")
    if device.type not in ("disk", "part", "lvm"):
        text = f"{device.path} is a device of unknown kind ({ascii(device.type)[:40]})."
        return error("layout.unknown-device", text, OTHER_ENGINE)
    if device.file_system in FILE_SYSTEMS or device.file_system in ("", "swap", "LVM2_member"):
        return None
    text = (
        f"{device.path} holds {ascii(device.file_system)[1:-1][:40]}, a file system not known here."
    )
    return error("layout.unknown-file-system", text, OTHER_ENGINE)


def other_data(
    devices: tuple[Device, ...], mounts: tuple[MountEntry, ...], container: str
) -> list[Report]:
    """Return refusals for local disks mounted beside a root that is not on a disk."""
    if container and container != "none":
        return []  # a container may see its host's disks; they are not its own
    root = next(one for one in reversed(mounts) if one.path == "/")
    found: dict[str, Report] = {}
    for disk in devices:
        if _ignored(disk, (), mounts) or disk.removable or disk.transport == "usb":
            continue
        for one in disk.walk():
            used = [entry.path for entry in mounts if holds(one, entry) and not holds(one, root)]
            if used:
                text = f"{one.path} is mounted on {ascii(used[0])[1:-1][:80]}, beside a root without a disk."
                found[one.path] = error("layout.second-disk", text, _DETACH)
    return list(found.values())


def architecture(machine: str) -> Report:
    """Return the refusal of a processor that no boot loader is known for."""
    text = f"The golden client is a {ascii(machine)[1:-1][:40]} machine."
    return error("layout.architecture", text, "Only x86_64 machines can be cloned.")


def family(words: Iterable[str]) -> Family:
    """Return the family from the words of ID and ID_LIKE in os-release."""
    known = set(words)
    if known & {"debian", "ubuntu"}:
        return Family.DEBIAN
    if known & {"rhel", "fedora", "centos", "rocky", "almalinux"}:
        return Family.REDHAT
    return Family.OTHER


def leaves(device: Device) -> Iterator[Device]:
    """Yield each device below that carries nothing else, once."""
    seen = set()
    for one in device.walk():
        if not one.children and one is not device and one.path not in seen:
            seen.add(one.path)
            yield one


def mount_of(
    device: Device, mounts: tuple[MountEntry, ...], fstab: tuple[FstabLine, ...]
) -> MountEntry | None:
    """Return where the whole file system is mounted; fstab decides between several places."""
    found = [one for one in mounts if holds(device, one) and one.root == "/"]
    listed = {line.path for line in fstab}
    return next((one for one in found if one.path in listed or one.path == "/"), None) or (
        found[0] if found else None
    )


def not_mounted(device: Device) -> Report:
    """Return the refusal of a file system whose content would not be in the image."""
    text = (
        f"{device.path} holds {device.file_system} but is not mounted; its content would be lost."
    )
    return error("layout.not-mounted", text, "Mount it (and add it to /etc/fstab), or wipe it.")


def plain_options(text: str) -> str:
    """Return mount options without those that carry labels or quotes."""
    plain = "=.,:/+@%-_"
    kept = [
        word
        for word in text.split(",")
        if all(c.isascii() and (c.isalnum() or c in plain) for c in word)
    ]
    return ",".join(kept)[:1000]


def on_device(device: Device, reports: Iterable[Report]) -> list[Report]:
    """Return the reports with the device in front."""
    return [error(one.code, f"{device.path}: {one.text}", one.remedy) for one in reports]


def table_problems(disk: Disk, device: Device, firmware: Firmware) -> list[Report]:
    """Return refusals of a table that does not fit the disk, or cannot start this firmware."""
    found = []
    if disk.sector_size != device.sector_size:
        text = (
            f"{disk.path} has sectors of {device.sector_size} bytes, but its partition table "
            f"counts in {disk.sector_size}."
        )
        found.append(error("layout.sectors", text, "Partition the disk for its own sector size."))
    types = {one.type.lower() for one in disk.partitions}
    if firmware is Firmware.BIOS and disk.table is Table.GPT and BIOS_BOOT not in types:
        text = (
            f"{disk.path} has a GPT but no BIOS boot partition, so GRUB cannot be installed again."
        )
        found.append(error("layout.bios-boot", text, "Add a partition of 1 MiB, type bios_grub."))
    if firmware is Firmware.UEFI and not types & set(EFI_SYSTEM):
        text = f"{disk.path} has no EFI system partition although this machine started by UEFI."
        found.append(error("layout.no-esp", text, "Boot the golden client from its own disk."))
    return found


def empty_partitions(device: Device, disk: Disk) -> list[Report]:
    """Return refusals of partitions and volumes whose content nobody recognises."""
    types = {one.number: one.type.lower() for one in disk.partitions}
    found = []
    for one in leaves(device):
        digits = one.path[len(device.path) :].lstrip("p")
        kind = types.get(int(digits), "") if digits.isdigit() else ""
        if not one.file_system and kind not in EMPTY_TYPES and one.part_type not in EMPTY_TYPES:
            text = f"{one.path} holds nothing that is recognised."
            found.append(error("layout.unknown-content", text, "Remove it, or make a file system."))
        elif one.file_system == "LVM2_member":
            text = f"{one.path} is an LVM physical volume without any volume."
            found.append(error("layout.unknown-content", text, "Remove it (pvremove), or use it."))
    return found
