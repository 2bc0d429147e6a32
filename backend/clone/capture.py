"""Read the golden client's disk layout; refuse, by name, whatever is not known for certain.

Works on this machine or over SSH: only the given runner is used, and it only reads. Needs root.
"""

from dataclasses import dataclass, replace

from backend.clone import capture_checks as checks
from backend.clone import probe_outputs as probe
from backend.clone.capture_parts import boot_facts, file_systems, logical_volumes, swaps
from backend.clone.capture_references import fstab_problems, root_argument_problem
from backend.clone.probe_outputs import Device, FstabLine, MountEntry
from backend.errors import CommandFailed, HaoscarError, InvalidInput, Refused
from backend.model.disk import Disk
from backend.model.layout import (
    BootFacts,
    BootLoader,
    FileSystem,
    Holder,
    Layout,
    LayoutKind,
    LogicalVolume,
    Mount,
    VolumeGroup,
)
from backend.model.site import Firmware
from backend.reports import Report, error
from backend.system.runner import Command, Runner

LSBLK = Command.of(
    "lsblk", "--json", "--bytes", "--output",
    "NAME,PATH,MAJ:MIN,TYPE,SIZE,FSTYPE,FSVER,UUID,LABEL,PTTYPE,PARTTYPE,PARTUUID,PARTLABEL,"
    "LOG-SEC,RM,TRAN",
)  # fmt: skip
FINDMNT = Command.of(
    "findmnt", "--json", "--list", "--output", "TARGET,SOURCE,FSTYPE,OPTIONS,MAJ:MIN,FSROOT"
)
LVM_OPTIONS = ("--reportformat", "json", "--units", "b", "--nosuffix", "-o")
PVS = Command.of("pvs", *LVM_OPTIONS, "pv_name,pv_uuid,vg_name")
VGS = Command.of("vgs", *LVM_OPTIONS, "vg_name,vg_extent_size,vg_extent_count,pv_count")
LVS = Command.of("lvs", "-a", *LVM_OPTIONS, "vg_name,lv_name,lv_size,segtype,stripes,origin")
CONTAINER = Command.of("systemd-detect-virt", "--container")
FIRMWARE = Command.of("ls", "/sys/firmware")
MACHINE = Command.of("uname", "-m")
LOADERS = Command.of(
    "find", "/boot", "/efi", "-maxdepth", "4", "(", "-name", "grub.cfg", "-o", "-name",
    "extlinux.conf", "-o", "-iname", "systemd-boot*.efi", ")",
)  # fmt: skip
EFI_ENTRIES = Command.of("efibootmgr", "-v")
BLKID = ("blkid", "-p", "-o", "export")


@dataclass(frozen=True, slots=True)
class Machine:
    """What was read before anything was judged."""

    devices: tuple[Device, ...]
    mounts: tuple[MountEntry, ...]
    container: str
    firmware: Firmware
    machine: str
    fstab_text: str
    root_argument: str
    os_words: frozenset[str]

    @property
    def fstab(self) -> tuple[FstabLine, ...]:
        """The entries of its fstab."""
        return probe.parse_fstab(self.fstab_text)

    @property
    def root(self) -> MountEntry:
        """What is mounted on "/"; the last one covers the others."""
        found = [one for one in self.mounts if one.path == "/"]
        if not found:
            raise probe.unreadable("findmnt", "nothing is mounted on /")
        return found[-1]


def capture(runner: Runner) -> Layout:
    """Return the layout of the machine behind ``runner``; raises Refused with every reason."""
    machine = _read(runner)
    reason = checks.standard_reason(machine.root, machine.container, machine.devices)
    if reason:
        return _standard(machine, reason)
    disks = checks.disks_below(machine.devices, machine.root)
    reports = checks.unknown_root(machine.root, disks)
    reports += checks.device_problems(machine.devices, disks, machine.mounts)
    if machine.machine != "x86_64":
        reports.append(checks.architecture(machine.machine))
    if reports:
        raise Refused(*reports)
    try:
        return _captured(runner, machine, disks[0])
    except InvalidInput as problem:  # a value that no layout may carry, such as a quote in a name
        remedy = "Change it on the golden client, then fetch the image again."
        raise Refused(*(error(one.code, one.text, remedy) for one in problem.reports)) from problem


def _read(runner: Runner) -> Machine:
    words = probe.parse_os_release(_say(runner, Command.of("cat", "/etc/os-release")))
    efi = "efi" in _say(runner, FIRMWARE).split()
    return Machine(
        devices=tuple(_probed(runner, one) for one in probe.parse_lsblk(runner.run(LSBLK).stdout)),
        mounts=probe.parse_findmnt(runner.run(FINDMNT).stdout),
        container=_say(runner, CONTAINER).strip(),
        firmware=Firmware.UEFI if efi else Firmware.BIOS,
        machine=_say(runner, MACHINE).strip(),
        fstab_text=_say(runner, Command.of("cat", "/etc/fstab")),
        root_argument=probe.parse_root_argument(_say(runner, Command.of("cat", "/proc/cmdline"))),
        os_words=frozenset(words),
    )


def _probed(runner: Runner, device: Device) -> Device:
    """Return the device with what is really on it, where lsblk knows nothing.

    lsblk repeats what udev has noted, and udev notes nothing of a volume that was active before it
    started (an initramfs without udev).
    """
    if device.children:
        return replace(device, children=tuple(_probed(runner, one) for one in device.children))
    if device.file_system or device.type not in ("part", "lvm"):
        return device
    return probe.with_probe(device, _say(runner, Command.of(*BLKID, device.path)))


def _say(runner: Runner, command: Command) -> str:
    """Return what a program says, or nothing when it is not there or fails."""
    try:
        result = runner.run(command, check=False)
    except CommandFailed:
        return ""
    # find fails when one of its directories is missing and still says what it found
    return result.stdout if result.ok or command is LOADERS else ""


def _standard(machine: Machine, reason: str) -> Layout:
    others = checks.other_data(machine.devices, machine.mounts, machine.container)
    if others:
        raise Refused(*others)
    boot = BootFacts(machine.firmware, BootLoader.NONE, checks.family(machine.os_words))
    return Layout(LayoutKind.STANDARD, boot, reason=reason)


@dataclass(frozen=True, slots=True)
class _Parts:
    disk: Disk
    groups: tuple[VolumeGroup, ...]
    volumes: tuple[LogicalVolume, ...]
    holders: dict[str, Holder]  # by device path


def _captured(runner: Runner, machine: Machine, device: Device) -> Layout:
    reports: list[Report] = []
    parts = _parts(runner, device, reports)
    systems, mounts = _file_systems(runner, machine, device, parts, reports)
    spaces, bad = swaps(device, parts.holders)
    reports += bad
    reports += checks.table_problems(parts.disk, device, machine.firmware)
    reports += checks.empty_partitions(device, parts.disk)
    reports += fstab_problems(machine.fstab, device, systems, spaces)
    boot = _boot(runner, machine, parts.disk, mounts, reports)
    reports += root_argument_problem(machine.root_argument, device)
    if reports:
        raise Refused(*reports)
    return Layout(
        LayoutKind.CAPTURED, boot, parts.disk, parts.groups, parts.volumes, systems, spaces, mounts
    )


def _parts(runner: Runner, device: Device, reports: list[Report]) -> _Parts:
    table = runner.run(Command.of("sfdisk", "--json", device.path)).stdout
    disk = probe.parse_sfdisk(table, device.size)
    holders = {
        child.path: Holder(partition=int(child.path[len(device.path) :].lstrip("p")))
        for child in device.children
        if child.type == "part" and child.path[len(device.path) :].lstrip("p").isdigit()
    }
    if not any(one.file_system == "LVM2_member" for one in device.walk()):
        return _Parts(disk, (), (), holders)
    groups, volumes, bad = logical_volumes(
        probe.parse_lvm(runner.run(PVS).stdout, "pv"),
        probe.parse_lvm(runner.run(VGS).stdout, "vg"),
        probe.parse_lvm(runner.run(LVS).stdout, "lv"),
        holders,
    )
    reports += bad
    for volume in volumes:
        names = (volume.group.replace("-", "--"), volume.name.replace("-", "--"))
        path = f"/dev/mapper/{names[0]}-{names[1]}"
        holders[path] = Holder(group=volume.group, volume=volume.name)
    return _Parts(disk, groups, volumes, holders)


def _file_systems(
    runner: Runner, machine: Machine, device: Device, parts: _Parts, reports: list[Report]
) -> tuple[tuple[FileSystem, ...], tuple[Mount, ...]]:
    systems: list[FileSystem] = []
    mounts: list[Mount] = []
    for one in checks.leaves(device):
        if one.file_system not in checks.FILE_SYSTEMS or one.path not in parts.holders:
            continue
        holder = parts.holders[one.path]
        entry = checks.mount_of(one, machine.mounts, machine.fstab)
        if entry is None:
            reports.append(checks.not_mounted(one))
            continue
        try:
            systems.append(file_systems(one, holder, _tuning(runner, one, entry)))
            mounts.append(Mount(entry.path, holder, checks.plain_options(entry.options)))
        except HaoscarError as problem:
            reports.extend(checks.on_device(one, problem.reports))
    return tuple(systems), tuple(mounts)


def _tuning(runner: Runner, device: Device, entry: MountEntry) -> str:
    if device.file_system.startswith("ext"):
        return runner.run(Command.of("dumpe2fs", "-h", device.path)).stdout
    if device.file_system == "xfs":
        return runner.run(Command.of("xfs_info", entry.path)).stdout
    return ""


def _boot(
    runner: Runner,
    machine: Machine,
    disk: Disk,
    mounts: tuple[Mount, ...],
    reports: list[Report],
) -> BootFacts:
    found = _say(runner, LOADERS).split("\n")
    entries = _say(runner, EFI_ENTRIES) if machine.firmware is Firmware.UEFI else ""
    facts, bad = boot_facts(
        machine.firmware, checks.family(machine.os_words), found, entries, disk, mounts
    )
    reports += bad
    return BootFacts(
        facts.firmware,
        facts.loader,
        facts.family,
        machine.root_argument,
        facts.efi_loader,
        facts.efi_label,
        machine.fstab_text,
    )
