"""The boot loader files: which package has them where, and the one that is made here.

Nothing is downloaded. ``local.efi`` is a small GRUB that starts the disk's own loader; iPXE chains
to it, because firmware cannot be relied on to go on to the disk by itself.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.errors import CommandFailed, Refused
from backend.paths import Paths
from backend.rendering import render
from backend.reports import Report, error
from backend.system.files import write_atomically
from backend.system.runner import Command, Runner

SNPONLY = "snponly.efi"
LOCAL_EFI = "local.efi"
IPXE_LKRN = "ipxe.lkrn"

_SYSLINUX = ("/usr/lib/syslinux/modules/bios", "/usr/share/syslinux", "/usr/lib/syslinux/bios")
_IPXE = ("/usr/lib/ipxe", "/usr/share/ipxe", "/boot")


@dataclass(frozen=True, slots=True)
class Loader:
    """A boot loader file: its name where it is served, where packages put it, and what for."""

    name: str
    candidates: tuple[str, ...]
    packages: tuple[str, str]  # Debian and Ubuntu; RHEL family
    purpose: str


def _module(name: str, purpose: str) -> Loader:
    found = tuple(f"{directory}/{name}" for directory in _SYSLINUX)
    return Loader(name, found, ("syslinux-common", "syslinux"), purpose)


# syslinux modules must be of the same build as pxelinux.0: they come from packages of one source.
TFTP_LOADERS = (
    Loader(
        "pxelinux.0",
        ("/usr/lib/PXELINUX/pxelinux.0", "/usr/share/syslinux/pxelinux.0", "/tftpboot/pxelinux.0"),
        ("pxelinux", "syslinux-tftpboot"),
        "network boot of BIOS machines",
    ),
    _module("ldlinux.c32", "the core of pxelinux"),
    _module("chain.c32", "starting a BIOS machine from its disk"),
    _module("libcom32.c32", "needed by chain.c32"),
    _module("libutil.c32", "needed by chain.c32"),
    Loader(
        SNPONLY,
        (
            *(f"{one}/{SNPONLY}" for one in _IPXE),
            "/usr/share/ipxe/ipxe-snponly-x86_64.efi",
            "/usr/share/ipxe/snponly-x86_64.efi",
        ),
        ("ipxe", "ipxe-bootimgs-x86"),
        "network boot of UEFI machines",
    ),
)
FLOPPY_LOADER = Loader(
    IPXE_LKRN,
    tuple(f"{one}/{IPXE_LKRN}" for one in _IPXE),
    ("ipxe", "ipxe-bootimgs-x86"),
    "booting from a floppy disk",
)


@dataclass(frozen=True, slots=True)
class FoundLoader:
    """A boot loader file on this machine."""

    loader: Loader
    path: Path


def find_loaders(paths: Paths, wanted: Sequence[Loader] = TFTP_LOADERS) -> tuple[FoundLoader, ...]:
    """Return where each file is; raises Refused that names every missing one with its package."""
    found, missing = [], []
    for loader in wanted:
        path = next((p for p in map(paths.at, loader.candidates) if p.is_file()), None)
        if path is None:
            missing.append(_missing(loader))
        else:
            found.append(FoundLoader(loader, path))
    if missing:
        raise Refused(*missing)
    return tuple(found)


def _missing(loader: Loader) -> Report:
    debian, rhel = loader.packages
    return error(
        "netboot.loader-missing",
        f"{loader.name} ({loader.purpose}) is not on this machine.",
        f"Install the package {debian} (Debian, Ubuntu) or {rhel} (RHEL family).",
    )


LOCAL_EFI_MODULES = (
    "normal", "minicmd", "part_gpt", "part_msdos", "fat", "search", "search_fs_file", "chain", "boot",
)  # fmt: skip


def build_local_efi(paths: Paths, runner: Runner) -> Path:
    """Make local.efi in paths.installer with grub-mkimage; returns its path.

    Needs grub-efi-amd64-bin (RHEL: grub2-efi-x64-modules). Raises Refused without it, CommandFailed.
    """
    target = paths.installer / LOCAL_EFI
    with tempfile.TemporaryDirectory(prefix="haoscar-") as name:
        config, image = Path(name, "local.cfg"), Path(name, LOCAL_EFI)
        config.write_text(render("boot/local_grub.cfg.j2"), encoding="ascii")
        _mkimage(runner, "-O", "x86_64-efi", "-p", "/", "-c", config, "-o", image)
        write_atomically(target, image.read_bytes())
    return target


def _mkimage(runner: Runner, *arguments: str | Path) -> None:
    for program in ("grub-mkimage", "grub2-mkimage"):  # Debian; RHEL
        try:
            runner.run(Command.of(program, *arguments, *LOCAL_EFI_MODULES))
        except CommandFailed as problem:
            if problem.reports[0].code != "command.not-started":
                raise
        else:
            return
    raise Refused.of(
        "netboot.no-grub-mkimage",
        "grub-mkimage, which makes the loader that starts a UEFI machine's disk, is not here.",
        "Install grub-common and grub-efi-amd64-bin (RHEL: grub2-tools and grub2-efi-x64-modules).",
    )
