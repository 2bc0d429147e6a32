"""The seam of the clone engine: small, so that a second engine can stand beside the first one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backend.clone.constants import Stage
from backend.model.layout import Layout
from backend.model.site import Standby
from backend.system.runner import Runner
from backend.tasks import TaskContext

SENTENCES = {
    Stage.START: "The installer has started.",
    Stage.NETWORK: "The installer has an address on the private network.",
    Stage.ADMITTED: "The head has admitted this machine.",
    Stage.PARTITION: "The disk is partitioned.",
    Stage.FORMAT: "File systems and swap space are made.",
    Stage.COPY: "The image is copied.",
    Stage.VERIFY: "Every copied file is compared with the manifest.",
    Stage.IDENTITY: "The clone gets its own name, addresses and keys.",
    Stage.BOOTLOADER: "The boot loader is installed.",
    Stage.DONE: "The installation has ended; the machine boots from its own disk next.",
    Stage.BOOTED: "The cloned system runs from its own disk.",
    Stage.FAILED: "The installation failed.",
}


@dataclass(frozen=True, slots=True)
class InstallerImage:
    """The kernel and the initramfs that install a standby, and when they were built (UTC, ISO)."""

    kernel: Path
    initrd: Path
    built: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a standby fetches while it boots, under the name it asks for."""

    name: str
    path: Path
    why: str


class Engine(Protocol):
    """Copies a golden client to a bare machine."""

    @property
    def name(self) -> str:
        """The name of the engine, such as "dracut"."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of an installation, in their order."""

    def capture(self, runner: Runner) -> Layout:
        """Read the golden client's layout; raises Refused with every reason by name."""

    def build(self, context: TaskContext) -> InstallerImage:
        """Build the installer, one for all standbys; raises HaoscarError, Cancelled."""

    def artifacts(self, standby: Standby) -> tuple[Artifact, ...]:
        """Return what has to be served to this standby."""
