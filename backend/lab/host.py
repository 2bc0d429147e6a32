"""What the lab needs of the machine it runs on: programs, firmware, a key."""

import os
import shutil
from pathlib import Path

from backend.errors import Refused
from backend.lab.overlay import LabKey, check_python
from backend.paths import Paths
from backend.system.files import make_private
from backend.system.runner import STANDARD_PATH, Command, Runner

PROGRAMS = {
    "unshare": "util-linux", "nsenter": "util-linux", "mount": "mount", "ip": "iproute2",
    "systemd-nspawn": "systemd-container", "ssh-keygen": "openssh-client",
}  # fmt: skip
BUILDING = {"mmdebstrap": "mmdebstrap"}
QEMU = ("qemu-system-x86_64", "/usr/libexec/qemu-kvm")
# Read-only code of the firmware, and the file its variables start from.
OVMF = (
    (Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),
    (Path("/usr/share/edk2/ovmf/OVMF_CODE.fd"), Path("/usr/share/edk2/ovmf/OVMF_VARS.fd")),
)


def check_host(*, building: bool) -> None:
    """Refuse, with all that is missing, where no lab can be started."""
    wanted = {**PROGRAMS, **BUILDING} if building else PROGRAMS
    missing = sorted({wanted[name] for name in wanted if _find(name) is None})
    if os.geteuid() != 0:
        raise Refused.of("lab.not-root", "The lab needs root.", "Use sudo.")
    if missing:
        raise Refused.of(
            "lab.programs", "The lab needs programs that are not installed here.",
            f"apt-get install {' '.join(missing)}",
        )  # fmt: skip
    check_python()


def lab_key(paths: Paths, runner: Runner) -> LabKey:
    """Return the SSH key of this cache's labs, made when there is none."""
    file = paths.cache / "lab" / "key"
    make_private(file.parent)
    if not file.exists():
        runner.run(
            Command.of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", file)
        )
    return LabKey(file.read_text(), file.with_suffix(".pub").read_text())


def qemu_program() -> str:
    """Return the QEMU of this machine; raises Refused when there is none."""
    for name in QEMU:
        if found := _find(name):
            return found
    raise Refused.of(
        "lab.qemu", "QEMU is not installed.", "apt-get install qemu-system-x86 qemu-utils"
    )


def firmware_files() -> tuple[Path, Path]:
    """Return the UEFI firmware's code and variables; raises Refused when they are missing."""
    for code, variables in OVMF:
        if code.exists() and variables.exists():
            return code, variables
    raise Refused.of("lab.ovmf", "The UEFI firmware OVMF is not installed.", "apt-get install ovmf")


def _find(name: str) -> str | None:
    return shutil.which(name, path=STANDARD_PATH)
