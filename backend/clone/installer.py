"""The installer image: built on this head with dracut, one for all standbys."""

import hashlib
import importlib.resources
import json
import platform
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.clone.constants import INSTALLER_FILE, INSTALLER_RECORD, KERNEL_FILE
from backend.clone.engine import InstallerImage
from backend.errors import CommandFailed, Refused
from backend.paths import Paths
from backend.reports import Report, error
from backend.system.files import read_if_there, write_atomically
from backend.system.runner import Command, Runner
from backend.tasks import TaskContext

MODULE = "95haoscar"
SCRIPTS = (
    "module-setup.sh", "init.sh", "lib.sh", "network.sh", "inventory.sh", "steps.sh", "dhcp-event.sh",
)  # fmt: skip
# Named modules of dracut: without a list it takes everything that the head happens to use.
DRACUT_MODULES = "bash haoscar"
LEVEL = 19  # of zstd: a machine that boots decompresses, the head compresses once
LIMIT = 900.0  # seconds for dracut
# (program, package on Debian and Ubuntu, on the RHEL family)
NEEDED = (
    ("dracut", "dracut-core", "dracut"),
    ("zstd", "zstd", "zstd"),
    ("rsync", "rsync", "rsync"),
    ("ssh", "openssh-client", "openssh-clients"),
    ("sfdisk", "fdisk", "util-linux"),
    ("mkfs.ext4", "e2fsprogs", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs", "xfsprogs"),
    ("mkfs.vfat", "dosfstools", "dosfstools"),
    ("lvm", "lvm2", "lvm2"),
    ("getfattr", "attr", "attr"),
    ("ip", "iproute2", "iproute"),
)
DHCP_CLIENTS = (
    "busybox",
    "dhclient",
)  # one of them, for machines whose address is not in the entry
# What the finished image must hold, or it is not used.
CONTENT = (
    "init", "haoscar/lib.sh", "haoscar/steps.sh", "usr/bin/bash", "usr/bin/rsync", "usr/bin/ssh",
    "usr/bin/ssh-keygen", "usr/bin/b2sum", "sfdisk", "mke2fs", "mkfs.xfs", "mkfs.vfat", "lvm",
    "mkswap", "wipefs", "getfattr", "mkfifo",
)  # fmt: skip
DRIVERS = ("ext4", "vfat")  # in the image, or built into the kernel
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,80}")


@dataclass(frozen=True, slots=True)
class BuildInstaller:
    """The task that builds the image; ``runner`` works on the machine whose files ``paths`` names."""

    runner: Runner
    paths: Paths
    kernel: str | None = None  # None: the running one, or the newest whose modules are here

    @property
    def title(self) -> str:
        """What it does."""
        return "Build the installer image"

    def run(self, context: TaskContext) -> InstallerImage:
        """Build it unless nothing has changed; raises Refused, CommandFailed, Cancelled, OSError."""
        context.step("Looking at what the installer image is made of")
        kernel = self.kernel or choose_kernel(self.paths)
        problems = self._problems(kernel)
        if problems:
            raise Refused(*problems)
        inputs = self._inputs(kernel)
        current = read_record(self.paths)
        if current is not None and current.get("inputs") == inputs and self._complete():
            context.say("The installer image is up to date.")
            return _image(self.paths, str(current["built"]))
        return self._build(context, kernel, inputs)

    def _build(self, context: TaskContext, kernel: str, inputs: str) -> InstallerImage:
        out = self.paths.installer
        work = out / "build"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            self._prepare(work)
            context.step("Building the installer image with dracut")
            target = work / INSTALLER_FILE
            self._dracut(context, kernel, work, target)
            context.step("Checking the installer image")
            self._check(kernel, target)
            write_atomically(out / KERNEL_FILE, self._kernel_file(kernel).read_bytes())
            write_atomically(out / INSTALLER_FILE, target.read_bytes())
        finally:
            shutil.rmtree(work, ignore_errors=True)
        built = datetime.now(UTC).isoformat(timespec="seconds")
        size = (out / INSTALLER_FILE).stat().st_size
        record = {
            "built": built, "inputs": inputs, "kernel": kernel, "bytes": size,
            "rsync": self._rsync_features(),
        }  # fmt: skip
        write_atomically(out / INSTALLER_RECORD, (json.dumps(record, indent=1) + "\n").encode())
        context.say(f"The installer image has {size / 1e6:.1f} MB (kernel {kernel}).")
        return _image(self.paths, built)

    def _prepare(self, work: Path) -> None:
        """Lay out a module directory of our own, so that nothing is left below /usr."""
        system = self.paths.at("/usr/lib/dracut")
        modules = work / "dracut" / "modules.d"
        modules.mkdir(parents=True)
        for entry in system.iterdir():
            if entry.name != "modules.d":
                (work / "dracut" / entry.name).symlink_to(f"/usr/lib/dracut/{entry.name}")
        for entry in (system / "modules.d").glob("??bash"):
            (modules / entry.name).symlink_to(f"/usr/lib/dracut/modules.d/{entry.name}")
        (work / "dracut" / "none").mkdir()  # no configuration but our own
        ours = modules / MODULE
        ours.mkdir()
        for name, content in scripts().items():
            (ours / name).write_text(content, encoding="utf-8")
            (ours / name).chmod(0o755)

    def _dracut(self, context: TaskContext, kernel: str, work: Path, target: Path) -> None:
        inside = self._inside(work)
        command = Command.of(
            "env", f"dracutbasedir={inside}/dracut", "dracut", "--force", "--no-hostonly",
            "--no-hostonly-cmdline", "--no-early-microcode", "--reproducible", "--strip",
            "--conf", "/dev/null", "--confdir", f"{inside}/dracut/none", "--tmpdir", inside,
            "--modules", DRACUT_MODULES, "--compress", f"zstd -q -T0 -{LEVEL}",
            "--kver", kernel, self._inside(target),
        )  # fmt: skip
        said = self.runner.stream(
            command.within(LIMIT), _ignore, cancelled=lambda: context.cancel.cancelled, check=False
        )
        if not target.is_file():
            raise CommandFailed.of(
                "installer.not-built",
                f"dracut made no image (exit code {said.exit_code}): {said.stdout[-800:]}",
                "Install dracut-core (Debian, Ubuntu) or dracut (RHEL family), and look at the disk's space.",
            )

    def _check(self, kernel: str, image: Path) -> None:
        """Insist that the image holds what an installation needs; dracut only warns."""
        listing = self._listing(image)
        missing = [name for name in CONTENT if not any(_holds(line, name) for line in listing)]
        builtin = read_if_there(self.paths.at(f"/lib/modules/{kernel}/modules.builtin")) or b""
        missing += [
            f"the driver {name}"
            for name in DRIVERS
            if f"/{name}.ko".encode() not in builtin
            and not any(_holds(line, f"{name}.ko") for line in listing)
        ]
        if missing:
            raise CommandFailed.of(
                "installer.incomplete", f"The installer image lacks {', '.join(missing)}.",
                "Install the packages that 'haoscar packages' names, then build it again.",
            )  # fmt: skip

    def _listing(self, image: Path) -> list[str]:
        command = Command.of("lsinitrd", self._inside(image)).within(120.0)
        return [line.split(" -> ")[0] for line in self.runner.run(command).stdout.splitlines()]

    def _problems(self, kernel: str) -> list[Report]:
        found = []
        for program, debian, rhel in NEEDED:
            if not self._has(program):
                found.append(
                    _missing(program, f"{debian} (Debian, Ubuntu) or {rhel} (RHEL family)")
                )
        if not any(self._has(program) for program in DHCP_CLIENTS):
            found.append(
                _missing("a DHCP client", "busybox or isc-dhcp-client (RHEL: dhcp-client)")
            )
        if not self._kernel_file(kernel).is_file():
            found.append(
                error(
                    "installer.no-kernel", f"The kernel {kernel} is not below /boot of this head.",
                    "Install the distribution's kernel package (linux-image-amd64, kernel).",
                )
            )  # fmt: skip
        return found

    def _has(self, program: str) -> bool:
        directories = (
            "/usr/sbin",
            "/usr/bin",
            "/sbin",
            "/bin",
            "/usr/local/sbin",
            "/usr/local/bin",
        )
        return any(self.paths.at(f"{one}/{program}").exists() for one in directories)

    def _kernel_file(self, kernel: str) -> Path:
        standard = self.paths.at(f"/boot/vmlinuz-{kernel}")
        other = self.paths.at(f"/lib/modules/{kernel}/vmlinuz")  # RHEL family
        return standard if standard.is_file() or not other.is_file() else other

    def _inputs(self, kernel: str) -> str:
        """Return the hash of everything that the image depends on."""
        digest = hashlib.sha256(f"{kernel}\n{DRACUT_MODULES}\n{LEVEL}\n".encode())
        for name, content in sorted(scripts().items()):
            digest.update(f"{name}\0{content}\0".encode())
        files = [self._kernel_file(kernel), self.paths.at(f"/lib/modules/{kernel}/modules.dep")]
        for program in (*(one for one, _, _ in NEEDED), *DHCP_CLIENTS, "bash", "kexec", "udevadm"):
            files += [self.paths.at(f"{one}/{program}") for one in ("/usr/sbin", "/usr/bin")]
        for path in files:
            if path.exists():
                status = path.stat()
                digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def _complete(self) -> bool:
        names = (KERNEL_FILE, INSTALLER_FILE)
        return all((self.paths.installer / name).is_file() for name in names)

    def _rsync_features(self) -> list[str]:
        said = self.runner.run(Command.of("rsync", "--version")).stdout
        return [word for word in ("lz4", "zstd") if re.search(rf"\b{word}\b", said)]

    def _inside(self, path: Path) -> Path:
        """Return a path as the runner's programs see it."""
        return Path("/") / path.relative_to(self.paths.root)


def choose_kernel(paths: Paths) -> str:
    """Return the kernel for the installer: the running one if it is installed, else the newest.

    Raises Refused when there is none.
    """
    modules = paths.at("/lib/modules")
    if not modules.is_dir():
        modules = paths.at("/usr/lib/modules")
    names = sorted(path.parent.name for path in modules.glob("*/modules.dep"))
    found = [name for name in names if _VERSION.fullmatch(name)]
    if not found:
        raise Refused.of(
            "installer.no-kernel", "No kernel is installed on this head.",
            "Install the distribution's kernel package (linux-image-amd64, kernel).",
        )  # fmt: skip
    running = platform.release()
    return running if running in found else max(found, key=_numbers)


def copy_options(paths: Paths) -> tuple[str, ...]:
    """Return how the copy is compressed on its way: lz4 where rsync has it, which costs the standby
    less than it saves in decryption and on the wire; the installer's rsync is this head's own.
    """
    record = read_record(paths) or {}
    if "lz4" in record.get("rsync", []):
        return ("--compress", "--compress-choice=lz4")
    return ()


def read_record(paths: Paths) -> dict[str, Any] | None:
    """Return installer.json, or None when there is none or it cannot be read."""
    content = read_if_there(paths.installer / INSTALLER_RECORD)
    try:
        data = json.loads(content or b"null")
    except ValueError:
        return None
    return data if isinstance(data, dict) and "built" in data else None


def scripts() -> dict[str, str]:
    """Return the installer's own scripts by name."""
    directory = importlib.resources.files("templates").joinpath("installer")
    return {name: directory.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS}


def _image(paths: Paths, built: str) -> InstallerImage:
    return InstallerImage(paths.installer / KERNEL_FILE, paths.installer / INSTALLER_FILE, built)


def _missing(what: str, package: str) -> Report:
    return error(
        "installer.missing", f"{what} is not installed on this head.", f"Install {package}."
    )


def _holds(line: str, name: str) -> bool:
    path = line.split(" ")[-1]
    base = path.rsplit("/", 1)[-1]
    return path == name or ("/" not in name and (base == name or base.startswith(f"{name}.")))


def _numbers(name: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]+", name)]


def _ignore(_line: str) -> None:
    """dracut's chatter; its end is kept for the error."""
