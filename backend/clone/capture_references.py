"""How a golden client names its disks, and whether the clone will have what is named. Pure."""

from collections.abc import Iterable

from backend.clone.probe_outputs import Device, FstabLine
from backend.model.layout import FileSystem, Swap
from backend.reports import Report, error


def references(device: Device, systems: Iterable[FileSystem], swaps: Iterable[Swap]) -> set[str]:
    """Return every way to name what the clone will have, as fstab and root= write it."""
    found = {name for one in systems for name in _by_content(one.uuid, one.label)}
    found |= {name for one in swaps for name in _by_content(one.uuid, one.label)}
    for one in device.walk():
        found.add(one.path)
        if one.part_uuid:
            found |= {f"partuuid={one.part_uuid}", f"/dev/disk/by-partuuid/{one.part_uuid}"}
        if one.part_label:
            found.add(f"PARTLABEL={one.part_label}")
        if one.type == "lvm":
            group, _, volume = one.path[len("/dev/mapper/") :].replace("--", "\0").partition("-")
            found.add(f"/dev/{group}/{volume}".replace("\0", "-"))
    return found


def _by_content(uuid: str, label: str) -> set[str]:
    found = {f"uuid={uuid.lower()}", f"/dev/disk/by-uuid/{uuid.lower()}"}
    return found | {f"LABEL={label}", f"/dev/disk/by-label/{label}"} if label else found


def known_reference(text: str, known: set[str]) -> bool:
    """Whether a device name of fstab or of the kernel command line is one of those."""
    plain = text.replace('"', "")
    return plain in known or plain.lower() in known


def fstab_problems(
    lines: Iterable[FstabLine], device: Device, systems: Iterable[FileSystem], swaps: Iterable[Swap]
) -> list[Report]:
    """Return refusals of entries that the clone would wait for in vain while it starts."""
    known = references(device, systems, swaps)
    found = []
    for line in lines:
        local = line.source.startswith(("/dev/", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="))
        if local and not line.optional and not known_reference(line.source, known):
            text = (
                f"/etc/fstab mounts {ascii(line.source)[1:-1][:80]} on "
                f"{ascii(line.path)[1:-1][:80]}, which the clone will not have."
            )
            remedy = "Remove the entry, add the option nofail, or name the disk by UUID."
            found.append(error("layout.fstab", text, remedy))
    return found


def root_argument_problem(argument: str, device: Device) -> list[Report]:
    """Return a refusal when the kernel command line names the root by a disk that may be renamed."""
    disks = [one.path for one in device.walk() if one.type in ("disk", "part")]
    by_hardware = argument.startswith(("/dev/disk/by-id/", "/dev/disk/by-path/"))
    if argument not in disks and not by_hardware:
        return []
    text = f"The kernel is started with root={argument}, a name that another disk does not have."
    remedy = "Let GRUB use UUIDs: remove GRUB_DISABLE_LINUX_UUID from /etc/default/grub, run update-grub."
    return [error("layout.root-argument", text, remedy)]
