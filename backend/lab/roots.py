"""The Debian root all machines of the virtual cluster share: built once, kept in the cache.

A root is named by a digest of everything that goes into it, so a changed package list makes a new
one. Machines never write into it: each has an overlay of its own.
"""

import contextlib
import enum
import fcntl
import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.errors import CommandFailed, HaoscarError
from backend.lab import initramfs, trim
from backend.lab.initramfs import in_root
from backend.lab.state import all_labs
from backend.paths import Paths
from backend.rendering import render
from backend.system.files import make_private
from backend.system.runner import Command, Runner
from backend.tasks import TaskContext

SUITE = "bookworm"
PYTHON = (3, 11)  # what the suite has; the heads of the lab run our code with it
MIRROR = "http://deb.debian.org/debian"
SECURITY_MIRROR = "http://deb.debian.org/debian-security"
RECIPE = 2  # counted up when a change of this module's code changes the tree
BUILD_LIMIT = 1800.0  # seconds

PACKAGES = (
    # the system
    "systemd", "systemd-sysv", "dbus", "udev", "kmod", "mount", "passwd", "login", "procps", "sudo",
    "iproute2", "iputils-ping", "iputils-arping", "nftables",
    "openssh-server", "openssh-client", "rsync", "python3", "libpcap0.8", "curl",
    "zstd", "cpio", "busybox", "attr", "acl", "libcap2-bin", "kexec-tools",
    # disks and boot loaders
    "fdisk", "lvm2", "e2fsprogs", "xfsprogs", "dosfstools",
    "grub-pc-bin", "grub-efi-amd64-bin", "grub2-common", "efibootmgr",
    # what a head needs to install others; never the package dracut, which removes initramfs-tools
    "isc-dhcp-server", "tftpd-hpa", "dracut-core", "dracut-network",
    "pxelinux", "syslinux", "syslinux-common", "isolinux", "ipxe", "mtools", "xorriso",
    "snmpd",  # what the watch list asks
)  # fmt: skip
WINDOW = ("python3-tk", "fonts-dejavu-core")  # what a head shows the wizard with; else left out
DISABLED = (
    "isc-dhcp-server", "isc-dhcp-server6", "tftpd-hpa", "nftables", "kexec", "kexec-load", "snmpd",
)  # fmt: skip
ENABLED = ("systemd-networkd", "ssh", "lab-hostkey")
_TARGETS = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
_PASSED_ON = re.compile(r'(Acquire::(?:https?|Check-[A-Za-z-]+)(?:::[^" ]*)?) "([^"\\]+)";')


class Kernel(enum.StrEnum):
    """Debian's kernels for the root. Measured under emulation: the generic one is packed tighter
    and takes 4 s more at each start; the cloud one knows virtio, but neither SATA nor e1000."""

    CLOUD = "linux-image-cloud-amd64"
    GENERIC = "linux-image-amd64"


@dataclass(frozen=True, slots=True)
class LabRoot:
    """A finished Debian root."""

    path: Path
    kernel_version: str

    @property
    def kernel(self) -> Path:
        """Its kernel."""
        return self.path / "boot" / f"vmlinuz-{self.kernel_version}"

    @property
    def initramfs(self) -> Path:
        """The initramfs that starts a machine from its own disk."""
        return self.path / "boot" / f"initrd.img-{self.kernel_version}"


class RootStore:
    """The roots in the cache of this machine; needs root to build. ``extra`` are more packages."""

    def __init__(
        self,
        paths: Paths,
        runner: Runner,
        kernel: Kernel = Kernel.CLOUD,
        extra: tuple[str, ...] = (),
    ) -> None:
        self._kernel = kernel
        self._packages = (*PACKAGES, *extra)
        self._paths = paths
        self._directory = paths.cache / "lab" / "roots"
        self._runner = runner

    @property
    def current(self) -> Path:
        """Where the root of the present recipe is or will be."""
        return self._directory / recipe_digest(self._kernel, self._packages)

    def find(self) -> LabRoot | None:
        """Return the present root, or None when it has to be built."""
        return _opened(self.current) if self.current.is_dir() else None

    def ensure(self, context: TaskContext) -> LabRoot:
        """Return the present root, building it when it is missing; raises HaoscarError.

        Two callers at once build it once. A build that was killed leaves only a ``.partial``
        directory, which the next one removes.
        """
        make_private(self._directory)
        with _locked(self._directory / ".lock"):
            root = self.find()
            if root is None:
                self._remove_old()
                root = self._build(context)
        return root

    def _build(self, context: TaskContext) -> LabRoot:
        partial = self.current.with_suffix(".partial")
        context.step(f"Building the Debian {SUITE} root of the lab (once)")
        self._runner.stream(
            bootstrap_command(
                partial,
                (*self._packages, self._kernel),
                host_sources(self._runner),
                host_options(self._runner),
            ),
            lambda line: _show(line, context),
            cancelled=lambda: context.cancel.cancelled,
        )
        context.step("Trimming the root and making its initramfs")
        customise(partial, self._runner)
        partial.rename(self.current)
        return _opened(self.current)

    def _remove_old(self) -> None:
        """Remove unfinished and outdated roots, but none that a running lab stands on."""
        kept = {lab.root for lab in all_labs(self._paths) if lab.alive}
        variants = itertools.product(Kernel, (PACKAGES, (*PACKAGES, *WINDOW)))
        kept |= {self._directory / recipe_digest(*one) for one in variants}
        for path in self._directory.iterdir():
            if path.is_dir() and path not in kept:
                _remove_tree(path)


def recipe_digest(kernel: Kernel, packages: tuple[str, ...]) -> str:
    """Return the name of the root: a digest of what goes into it."""
    parts: tuple[object, ...] = (
        RECIPE, SUITE, kernel, packages, DISABLED, ENABLED,
        trim.KEPT_MODULES, trim.REMOVED, trim.MASKED_UNITS, trim.MASKED_GENERATORS,
        initramfs.MODULES, initramfs.PROGRAMS, initramfs.APPLETS,
        render("lab/initramfs-init.sh.j2"), render("lab/hostkey.service.j2"),
    )  # fmt: skip
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def bootstrap_command(
    target: Path, packages: tuple[str, ...], sources: list[str], options: list[str]
) -> Command:
    """Return the mmdebstrap command (mmdebstrap(1)) that fills ``target``."""
    excluded = ("doc", "man", "info", "locale", "i18n", "lintian")
    no_initramfs = 'mkdir -p "$1/etc/initramfs-tools" && echo update_initramfs=no '
    no_initramfs += '>"$1/etc/initramfs-tools/update-initramfs.conf"'
    return Command.of(
        "mmdebstrap", "--mode=root", "--variant=apt", f"--include={','.join(packages)}",
        "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Languages \"none\"",
        *(f"--aptopt={option}" for option in options),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in excluded),
        "--dpkgopt=force-confold", "--dpkgopt=force-unsafe-io",
        f"--essential-hook={no_initramfs}",
        SUITE, target, *sources,
    ).within(BUILD_LIMIT)  # fmt: skip


def host_sources(runner: Runner) -> list[str]:
    """Return apt lines for the suite: this host's own when it has them (it may be behind a mirror)."""
    lines = []
    try:
        said = runner.run(
            Command.of("apt-get", "indextargets", "--format", _TARGETS, "Created-By: Packages")
        ).stdout
    except CommandFailed:  # no apt here, or no package lists yet
        said = ""
    for line in said.splitlines():
        origin, codename, uri, release, component = (*line.split("|"), *[""] * 5)[:5]
        if origin == "Debian" and codename.split("-")[0] == SUITE and component == "main":
            lines.append(f"deb {uri} {release} main")
    if any(line.split()[2] == SUITE for line in lines):
        return list(dict.fromkeys(lines))
    return [
        f"deb {MIRROR} {SUITE} main",
        f"deb {MIRROR} {SUITE}-updates main",
        f"deb {SECURITY_MIRROR} {SUITE}-security main",
    ]


def host_options(runner: Runner) -> list[str]:
    """Return this host's apt options about proxies and date checks, for the bootstrap alone."""
    try:
        dump = runner.run(Command.of("apt-config", "dump")).stdout
    except CommandFailed:
        return []
    return [f'{name} "{value}"' for name, value in _PASSED_ON.findall(dump)]


def customise(tree: Path, runner: Runner) -> None:
    """Turn a fresh Debian into the lab's root: trimmed, quick to start, root by key only."""
    version = kernel_version(tree)
    unit = tree / "etc/systemd/system/lab-hostkey.service"
    unit.write_text(render("lab/hostkey.service.j2"))
    runner.run(in_root(tree, "systemctl", "--quiet", "enable", *ENABLED))
    runner.run(in_root(tree, "systemctl", "--quiet", "disable", *DISABLED), check=False)
    kept = initramfs.modules_with_dependencies(tree, version, trim.KEPT_MODULES, runner)
    trim.drop_modules(tree / "usr/lib/modules" / version, kept)
    runner.run(in_root(tree, "depmod", version))
    trim.remove(tree)
    trim.mask(tree)
    _configure(tree)
    initramfs.build(tree, version, runner)


def kernel_version(tree: Path) -> str:
    """Return the version of the one kernel in a root; raises HaoscarError when there is none."""
    versions = sorted(path.name for path in (tree / "usr/lib/modules").glob("*"))
    if not versions:
        raise HaoscarError.of("lab.root-kernel", f"{tree} has no kernel.", "Build it again.")
    return versions[-1]


def _configure(tree: Path) -> None:
    (tree / "etc/machine-id").write_bytes(b"")
    (tree / "etc/resolv.conf").unlink(missing_ok=True)
    (tree / "etc/hostname").write_text("lab\n")
    drop_in = tree / "etc/ssh/sshd_config.d/lab.conf"
    drop_in.write_text(
        "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n"
    )
    journal = tree / "etc/systemd/journald.conf.d/lab.conf"
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text("[Journal]\nStorage=volatile\nReadKMsg=no\n")
    (tree / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    (tree / "var/log/journal").mkdir(parents=True, exist_ok=True)


def _show(line: str, context: TaskContext) -> None:
    """Pass on what mmdebstrap says it is at; with the hooks' text it says too much."""
    if line.startswith("I: ") and "hook" not in line:
        context.progress(0.0, None, detail=line[3:].rstrip("."))


def _opened(path: Path) -> LabRoot:
    return LabRoot(path, kernel_version(path))


def _remove_tree(path: Path) -> None:
    """Remove a root, through a name that is never taken for a finished one; never crosses mounts."""
    if any(os.path.ismount(path / name) for name in ("proc", "sys", "dev")):
        raise HaoscarError.of(
            "lab.root-busy", f"Something is still mounted below {path}.", "Unmount it, try again."
        )
    doomed = path.with_suffix(".partial")
    path.rename(doomed)
    shutil.rmtree(doomed)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
