"""Boot media for machines whose network card cannot boot: a 1.44 MB floppy and a hybrid USB/CD image.

The floppy carries iPXE and a script: it asks DHCP and then the head, as firmware would. The hybrid
image carries the installer itself and boots under BIOS and UEFI. Both lead to the same ticket.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from backend.clone.constants import BOOT_PORT, INSTALLER_FILE, KERNEL_FILE
from backend.clone.keys import PublicKey
from backend.errors import CommandFailed, Refused
from backend.netboot.entries import kernel_arguments
from backend.netboot.loaders import FLOPPY_LOADER, find_loaders
from backend.paths import Paths
from backend.rendering import render
from backend.reports import Report, error
from backend.system.files import sync_directory
from backend.system.runner import Command, Runner
from backend.tasks import TaskContext

# Seconds since its start that a machine waits to be assigned: it was not heard of before.
WAIT = 300
FLOPPY_SIZE = 80 * 2 * 18 * 512  # bytes: 1,474,560
VOLUME = "HAOSCAR"
CARRIED = (KERNEL_FILE, INSTALLER_FILE)  # by the hybrid image
GRUB_PLATFORMS = {
    "i386-pc": ("grub-pc-bin", "grub2-pc-modules"),
    "x86_64-efi": ("grub-efi-amd64-bin", "grub2-efi-x64-modules"),
}


@dataclass(frozen=True, slots=True)
class Medium:
    """A boot medium as a file."""

    path: Path
    size: int  # bytes
    starts: tuple[str, ...]  # "BIOS", "UEFI"


def floppy_config() -> str:
    """Return the floppy's syslinux.cfg."""
    return render("boot/floppy.cfg.j2")


def floppy_script() -> str:
    """Return the floppy's iPXE script: ask DHCP, then the head that answered, until it works."""
    return render("boot/floppy.ipxe.j2", port=BOOT_PORT)


def media_grub_config(head: IPv4Address, key: PublicKey) -> str:
    """Return the hybrid image's grub.cfg; any machine may use it, so no address and no card."""
    return render(
        "boot/media_grub.cfg.j2",
        kernel=KERNEL_FILE,
        initrd=INSTALLER_FILE,
        arguments=f"{kernel_arguments(head, key)} haoscar.wait={WAIT}",
    )


@dataclass(frozen=True, slots=True)
class BuildFloppy:
    """Makes the floppy image; a task for any thread."""

    paths: Paths
    runner: Runner
    target: Path

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Build the boot floppy"

    def run(self, context: TaskContext) -> Medium:
        """Make it; raises Refused, CommandFailed, Cancelled, OSError."""
        context.step("Looking for iPXE")
        loader = find_loaders(self.paths, (FLOPPY_LOADER,))[0].path
        with _workshop(self.target) as work:
            image, config, script = work / "image", work / "syslinux.cfg", work / "boot.ipx"
            config.write_text(floppy_config(), encoding="ascii")
            script.write_text(floppy_script(), encoding="ascii")
            with image.open("wb") as output:
                output.truncate(FLOPPY_SIZE)
            context.step("Writing the floppy's file system")
            _tool(self.runner, "mformat", "-i", image, "-f", "1440", "-v", VOLUME, "::")
            _tool(self.runner, "syslinux", "--install", image)
            for source, name in ((config, ""), (script, ""), (loader, "ipxe.krn")):
                self._copy(image, source, name)
            context.check_cancelled()
            _into_place(image, self.target)
        return Medium(self.target, FLOPPY_SIZE, ("BIOS",))

    def _copy(self, image: Path, source: Path, name: str) -> None:
        try:
            _tool(self.runner, "mcopy", "-i", image, source, f"::{name}")
        except CommandFailed as problem:
            if "full" not in str(problem).lower():
                raise
            raise Refused.of(
                "media.floppy-full",
                f"{source.name} ({source.stat().st_size} bytes) does not fit on a 1.44 MB floppy.",
                "Use a USB stick instead: haoscar boot-media usb.",
            ) from problem


@dataclass(frozen=True, slots=True)
class BuildUsb:
    """Makes the hybrid image (USB stick or CD, BIOS and UEFI); a task for any thread."""

    paths: Paths
    runner: Runner
    target: Path
    head: IPv4Address
    key: PublicKey

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Build the boot image for USB sticks and CDs"

    def run(self, context: TaskContext) -> Medium:
        """Make it; raises Refused, CommandFailed, Cancelled, OSError."""
        context.step("Looking for the installer and for GRUB")
        self._refuse_missing()
        with _workshop(self.target) as work:
            tree, image = work / "tree", work / "image"
            (tree / "boot" / "grub").mkdir(parents=True)
            for name in CARRIED:
                _link_or_copy(self.paths.installer / name, tree / "boot" / name)
            config = tree / "boot" / "grub" / "grub.cfg"
            config.write_text(media_grub_config(self.head, self.key), encoding="ascii")
            context.step("Writing the image")
            self._mkrescue(image, tree)
            context.step("Checking that it starts under BIOS and UEFI")
            self._check(image)
            context.check_cancelled()
            _into_place(image, self.target)
        return Medium(self.target, self.target.stat().st_size, ("BIOS", "UEFI"))

    def _refuse_missing(self) -> None:
        missing: list[Report] = []
        if not all((self.paths.installer / one).is_file() for one in CARRIED):
            missing.append(
                error(
                    "media.no-installer",
                    "The installer image has not been built yet.",
                    "Run: haoscar setup-network-boot",
                )
            )
        for platform, (debian, rhel) in GRUB_PLATFORMS.items():
            if not self.paths.at(f"/usr/lib/grub/{platform}").is_dir():
                missing.append(
                    error(
                        "media.no-grub",
                        f"GRUB for {platform} is not on this machine.",
                        f"Install the package {debian} (Debian, Ubuntu) or {rhel} (RHEL family).",
                    )
                )
        if missing:
            raise Refused(*missing)

    def _mkrescue(self, image: Path, tree: Path) -> None:
        arguments = ("--fonts=", "--locales=", "--themes=", "-o", image, tree)
        for program in ("grub-mkrescue", "grub2-mkrescue"):  # Debian; RHEL
            try:
                _tool(self.runner, program, *arguments, "--", "-volid", VOLUME)
            except CommandFailed as problem:
                if problem.reports[0].code != "command.not-started":
                    raise
            else:
                return
        raise Refused.of(
            "media.no-mkrescue",
            "grub-mkrescue, which writes the image, is not on this machine.",
            "Install grub-common and xorriso (RHEL: grub2-tools-extra and xorriso).",
        )

    def _check(self, image: Path) -> None:
        said = _tool(
            self.runner, "xorriso", "-indev", f"stdio:{image}", "-report_el_torito", "plain"
        )
        starts = {word for line in said.splitlines() for word in line.split()}
        inside = sum((self.paths.installer / one).stat().st_size for one in CARRIED)
        if not {"BIOS", "UEFI"} <= starts or image.stat().st_size < inside:
            raise Refused.of(
                "media.not-bootable",
                "The image that was written is incomplete: it must carry the installer and start under "
                "BIOS and UEFI.",
                "Install mtools, grub-pc-bin and grub-efi-amd64-bin, then try again.",
            )


def _tool(runner: Runner, *words: str | Path) -> str:
    return runner.run(Command.of(*words).within(300.0)).stdout


@contextlib.contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """Give a private directory beside the target, so that the last step is a rename."""
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise Refused.of(
            "media.target",
            f"{target} is not an ordinary file.",
            "Name a file here; a device is named with --device.",
        )
    if not target.parent.is_dir():
        raise Refused.of(
            "media.target-directory", f"There is no directory {target.parent}.", "Make it first."
        )
    with tempfile.TemporaryDirectory(prefix=".haoscar-", dir=target.parent) as name:
        yield Path(name).absolute()


def _into_place(image: Path, target: Path) -> None:
    with image.open("rb") as written:
        os.fsync(written.fileno())
    image.chmod(0o644)
    image.replace(target)
    sync_directory(target.parent)


def _link_or_copy(source: Path, target: Path) -> None:
    """Put a file into the image's tree; the image writer does not follow symbolic links."""
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
