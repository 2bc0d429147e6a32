"""Make the clone start from its own disk, for the firmware that booted it. Pure.

UUIDs are kept, so a captured system's grub.cfg is right as it is; only the parts outside the file
systems (boot sectors, firmware entries) are made again. A standard layout gets a small grub.cfg.
"""

from backend.clone.capture_checks import EFI_SYSTEM
from backend.clone.image_facts import ImageFacts
from backend.clone.steps import Run, Step, Write
from backend.clone.target import TargetDisk
from backend.errors import Refused
from backend.model.layout import Family, Layout, LayoutKind
from backend.model.site import Firmware
from backend.rendering import render
from backend.reports import Report, error

FALLBACK_LOADER = "\\EFI\\BOOT\\BOOTX64.EFI"
REMOVABLE = ("--removable", "--no-nvram")
EFI_ENTRY = ("efibootmgr", "--quiet", "--create", "--disk")
KERNELS = 3  # menu entries of a standard grub.cfg


def boot_problems(layout: Layout, facts: ImageFacts, firmware: Firmware) -> list[Report]:
    """Return why a clone of this image would not start on that firmware; nothing: it will."""
    found = []
    if not facts.kernels:
        text = "The image has no kernel with its initramfs in /boot."
        remedy = "Install a kernel package on the golden client and fetch the image again."
        found.append(error("boot.no-kernel", text, remedy))
    if firmware is Firmware.BIOS and not (_installer(facts) and "i386-pc" in facts.grub_platforms):
        text = "The image has no GRUB for BIOS machines."
        remedy = (
            "Install grub-pc-bin and grub2-common (Debian) or grub2-pc (Red Hat) and fetch again."
        )
        found.append(error("boot.no-grub-bios", text, remedy))
    if firmware is Firmware.UEFI and not _efi_ready(facts):
        text = "The image has no GRUB for UEFI machines."
        remedy = "Install grub-efi-amd64-bin and grub2-common (Debian) or grub2-efi-x64 and shim-x64 (Red Hat)."
        found.append(error("boot.no-grub-uefi", text, remedy))
    if firmware is Firmware.UEFI and layout.disk is not None and _esp(layout) is None:
        text = "The layout has no EFI system partition that is mounted."
        found.append(error("boot.no-esp", text, "Set the standby's firmware to BIOS boot."))
    return found


def loader_steps(
    layout: Layout, disk: TargetDisk, firmware: Firmware, facts: ImageFacts
) -> tuple[Step, ...]:
    """Return the steps for this disk and firmware; raises Refused when it could not start."""
    problems = boot_problems(layout, facts, firmware)
    if problems:
        raise Refused(*problems)
    steps = _initramfs_steps(facts)
    if layout.kind is LayoutKind.STANDARD:
        steps += _configuration(layout, facts)
    if firmware is Firmware.BIOS:
        argv = (_installer(facts), "--target=i386-pc", disk.path)
        steps.append(Run(argv, f"Install GRUB on {disk.path}.", chroot=True))
    else:
        steps += _efi_steps(layout, disk, facts)
    return tuple(steps)


def _installer(facts: ImageFacts) -> str:
    return next((one for one in ("grub-install", "grub2-install") if one in facts.programs), "")


def _signed(facts: ImageFacts) -> bool:
    """Whether the EFI loaders are files of packages, never made by grub-install (Red Hat)."""
    return facts.family is Family.REDHAT


def _efi_ready(facts: ImageFacts) -> bool:
    if _signed(facts):
        return bool(facts.efi_directories)
    return bool(_installer(facts)) and "x86_64-efi" in facts.grub_platforms


def _esp(layout: Layout) -> tuple[int, str] | None:
    """Return number and mount point of the EFI system partition."""
    assert layout.disk is not None
    for one in layout.disk.partitions:
        for mount in layout.mounts:
            if one.type.lower() in EFI_SYSTEM and mount.holder.partition == one.number:
                return one.number, mount.path
    return None


def _initramfs_steps(facts: ImageFacts) -> list[Step]:
    """Return what gives the newest kernel the drivers of other hardware, where it lacks them."""
    version = facts.kernels[0].version
    why = "The initramfs must know the disk controller of this machine."
    if facts.family is Family.REDHAT and "dracut" in facts.programs:
        argv = ("dracut", "--force", "--no-hostonly", "--kver", version)
        return [Run(argv, why, chroot=True)]
    if facts.small_initramfs and "update-initramfs" in facts.programs:
        path = "/etc/initramfs-tools/conf.d/zz-haoscar"
        return [
            Write(path, "MODULES=most\n", why),
            Run(("update-initramfs", "-u", "-k", version), why, chroot=True),
        ]
    return []


def _configuration(layout: Layout, facts: ImageFacts) -> list[Step]:
    """Return grub.cfg for the standard layout, whose UUIDs no other grub.cfg can know."""
    root = layout.root_mount
    assert root is not None
    text = render(
        "identity/grub.cfg.j2",
        root_uuid=layout.file_system(root.holder).uuid,
        kernels=facts.kernels[:KERNELS],
    )
    why = "The standard layout has its own UUIDs."
    folder = "/boot/grub" if _installer(facts) != "grub2-install" else "/boot/grub2"
    steps: list[Step] = [Write(f"{folder}/grub.cfg", text, why)]
    if _signed(facts):
        names = [one for one in facts.efi_directories if one.upper() != "BOOT"]
        steps += [Write(f"/boot/efi/EFI/{name}/grub.cfg", text, why) for name in names]
    return steps


def _efi_steps(layout: Layout, disk: TargetDisk, facts: ImageFacts) -> list[Step]:
    esp = _esp(layout)
    assert esp is not None
    number, path = esp
    steps: list[Step] = []
    if not _signed(facts):
        argv = (_installer(facts), "--target=x86_64-efi", f"--efi-directory={path}", *REMOVABLE)
        why = "Install GRUB where firmware looks without being told."
        steps.append(Run(argv, why, chroot=True))
    if "efibootmgr" in facts.programs:
        loader = layout.boot.efi_loader or _known_loader(facts)
        label = layout.boot.efi_label or "HA-OSCAR clone"
        entry = (*EFI_ENTRY, disk.path, "--part", str(number), "--label", label, "--loader", loader)
        why = "Tell the firmware of the new system; it starts without, by the loader's usual place."
        optional = facts.fallback_loader or not _signed(facts)
        steps.append(Run(entry, why, chroot=True, may_fail=optional))
    return steps


def _known_loader(facts: ImageFacts) -> str:
    names = [one for one in facts.efi_directories if one.upper() != "BOOT"]
    if _signed(facts) and names:
        return f"\\EFI\\{names[0]}\\shimx64.efi"
    return FALLBACK_LOADER
