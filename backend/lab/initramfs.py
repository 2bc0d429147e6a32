"""The small initramfs with which a lab machine starts from its own disk, whatever disk that is."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from backend.lab.trim import module_files
from backend.rendering import render
from backend.system.runner import Command, Runner

# Drivers of the disks a machine may have, and the file systems a root may be on; udev loads the
# rest later. The order does not matter: they are loaded by what the hardware says it is.
MODULES = (
    "virtio_pci", "virtio_blk", "virtio_scsi", "ahci", "ata_piix", "nvme", "sd_mod",
    "xhci_pci", "usb-storage", "uas", "ext4", "xfs", "dm_mod", "crc32c_generic", "crc32c-intel",
)  # fmt: skip
PROGRAMS = ("/usr/sbin/blkid", "/usr/sbin/lvm")
APPLETS = (
    "sh", "mount", "mkdir", "cat", "tr", "modprobe", "grep", "sleep", "switch_root", "reboot",
    "insmod", "ls", "echo", "mknod", "dmesg",
)  # fmt: skip
# Below the new root, which nobody else can reach.
_STAGING = PurePosixPath("/var/tmp/initramfs")  # noqa: S108
_ARCHIVE = PurePosixPath("/var/tmp/initramfs.cpio")  # noqa: S108
_LIBRARY = re.compile(r"(?:=>\s+|^\s+)(/\S+)\s+\(0x", re.MULTILINE)


def libraries(ldd_output: str) -> list[str]:
    """Return the files that ``ldd`` names, the loader included."""
    return sorted(set(_LIBRARY.findall(ldd_output)))


def build(tree: Path, version: str, runner: Runner) -> Path:
    """Write ``/boot/initrd.img-<version>`` into a Debian root; raises CommandFailed, OSError.

    Everything runs in a chroot of the tree, so that nothing of the host gets into it.
    """
    staging = tree / _STAGING.relative_to("/")
    shutil.rmtree(staging, ignore_errors=True)
    for name in ("bin", "lib", "lib64", "proc", "sys", "dev", "usr"):
        (staging / name).mkdir(parents=True)
    (staging / "usr/lib").symlink_to("../lib")
    _copy_programs(tree, staging, runner)
    _copy_modules(tree, staging, version, runner)
    init = staging / "init"
    init.write_text(render("lab/initramfs-init.sh.j2"))
    init.chmod(0o755)
    image = PurePosixPath("/boot") / f"initrd.img-{version}"
    _pack(tree, staging, image, runner)
    shutil.rmtree(staging)
    return tree / image.relative_to("/")


def in_root(tree: Path, *words: str | PurePosixPath) -> Command:
    """Return a command that runs inside a Debian root."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    return Command.of("chroot", tree, "/usr/bin/env", f"PATH={path}", *(str(w) for w in words))


def modules_with_dependencies(
    tree: Path, version: str, names: Iterable[str], runner: Runner
) -> set[PurePosixPath]:
    """Return the files of the named modules of a root; one that is built in or absent adds none."""
    found: set[PurePosixPath] = set()
    for name in names:
        command = in_root(tree, "modprobe", "--set-version", version, "--show-depends", name)
        found |= module_files(runner.run(command, check=False).stdout.splitlines())
    return found


def _copy_programs(tree: Path, staging: Path, runner: Runner) -> None:
    shutil.copy2(tree / "usr/bin/busybox", staging / "bin/busybox")
    for applet in APPLETS:
        (staging / "bin" / applet).symlink_to("busybox")
    needed = {"/usr/bin/busybox", *PROGRAMS}
    for program in PROGRAMS:
        shutil.copy2(tree / program.lstrip("/"), staging / "bin" / PurePosixPath(program).name)
    for library in libraries(runner.run(in_root(tree, "ldd", *sorted(needed))).stdout):
        target = staging / library.lstrip("/").removeprefix("usr/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2((tree / library.lstrip("/")).resolve(), target)


def _copy_modules(tree: Path, staging: Path, version: str, runner: Runner) -> None:
    for module in modules_with_dependencies(tree, version, MODULES, runner):
        source = PurePosixPath("/usr") / str(module).lstrip("/").removeprefix("usr/")
        target = staging / str(source).removeprefix("/usr/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree / source.relative_to("/"), target)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy2(
            tree / "usr/lib/modules" / version / name, staging / "lib/modules" / version / name
        )
    runner.run(in_root(tree, "depmod", "-b", _STAGING, version))


def _pack(tree: Path, staging: Path, image: PurePosixPath, runner: Runner) -> None:
    names = [str(path.relative_to(staging)) for path in sorted(staging.rglob("*"))]
    listing = "".join(f"{name}\0" for name in [".", *names]).encode()
    pack = in_root(
        tree, "cpio", "--quiet", "--create", "--null", "--format=newc", "--owner=0:0",
        f"--directory={_STAGING}", f"--file={_ARCHIVE}",
    )  # fmt: skip
    runner.run(pack.given(listing))
    runner.run(in_root(tree, "zstd", "-q", "-10", "-f", "--rm", _ARCHIVE, "-o", image).within(120))
