"""Step 4: a floppy or USB image for machines whose network card cannot boot, as a file or a device."""

import enum
from dataclasses import dataclass
from pathlib import Path

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.amounts import size
from backend.change.preview import Change, ChangeKind
from backend.clone.keys import ensure_host_key
from backend.errors import Refused
from backend.netboot.media import FLOPPY_SIZE, BuildFloppy, BuildUsb, Medium
from backend.netboot.media_device import (
    Confirmation,
    Device,
    WriteMedium,
    problems,
    removable_devices,
)
from backend.tasks import TaskContext
from backend.wiring import Wiring


class MediumKind(enum.StrEnum):
    """What a machine starts from instead of its network card."""

    FLOPPY = "floppy"
    USB = "usb"

    @property
    def file_name(self) -> str:
        """What its image is called when nobody calls it otherwise."""
        return "haoscar-floppy.img" if self is MediumKind.FLOPPY else "haoscar-boot.iso"


_WORDS = {MediumKind.FLOPPY: "boot floppy", MediumKind.USB: "boot image for USB sticks and CDs"}
_NEXT = {
    MediumKind.FLOPPY: "Put the floppy into the standby, choose it in the BIOS, and switch it on. It may "
    "stay in: after the installation it starts the disk.",
    MediumKind.USB: "Put the stick or CD into the standby and start from it, under BIOS or UEFI. Take it "
    "out when the machine restarts, or put the disk before it in the boot order.",
}  # fmt: skip


def builder(wiring: Wiring, kind: MediumKind, target: Path) -> BuildFloppy | BuildUsb:
    """Return the task that makes an image file; raises InvalidInput, CommandFailed."""
    if kind is MediumKind.FLOPPY:
        return BuildFloppy(wiring.paths, wiring.runner, target)
    site = wiring.store().load()
    key = ensure_host_key(wiring.paths, wiring.runner)
    return BuildUsb(wiring.paths, wiring.runner, target, site.primary.private_address, key)


def writer(wiring: Wiring, medium: Medium, device: Device, *, internal: bool) -> WriteMedium:
    """Return the task that writes a medium to a device that was shown and confirmed.

    Raises Refused with every reason not to write to it.
    """
    found = problems(device, medium.size, internal=internal)
    if found:
        raise Refused(*found)
    confirmation = Confirmation(device.identity)
    return WriteMedium(wiring.runner, medium.path, device, confirmation, internal)


def devices(wiring: Wiring, context: TaskContext) -> tuple[Device, ...]:
    """Return the removable devices of this head, with what they carry; raises HaoscarError."""
    context.step("Looking for floppies and sticks")
    return removable_devices(wiring.runner)


@dataclass(frozen=True, slots=True)
class BuildMedium:
    """Makes a boot medium: a file, or a device whose content was shown to somebody who agreed."""

    wiring: Wiring
    kind: MediumKind
    target: Path | None = None  # the file; for a device it is only in between
    device: Device | None = None

    @property
    def title(self) -> str:
        """See Action.title."""
        where = "" if self.device is None else f" on {self.device.path}"
        return f"Make a {_WORDS[self.kind]}{where}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Medium]:
        """See Action.prepare."""
        del person
        context.step("Looking at what the medium is made of")
        if self.device is not None:
            least = FLOPPY_SIZE if self.kind is MediumKind.FLOPPY else 0
            if found := problems(self.device, least):
                raise Refused(*found)
        sentence = f"A machine that starts from it is installed if it has a ticket: {self._starts}."
        groups = (Group("Medium", self._changes()),)
        return Prepared(self.title, sentence, groups, self._make, self._tell)

    @property
    def _file(self) -> Path:
        """The image file; one for a device can be made again at any time."""
        return self.target or self.wiring.paths.cache / self.kind.file_name

    @property
    def _starts(self) -> str:
        return "BIOS" if self.kind is MediumKind.FLOPPY else "BIOS and UEFI"

    def _changes(self) -> tuple[Change, ...]:
        if self.device is None:
            there = self._file.exists()
            kind = ChangeKind.CHANGED if there else ChangeKind.NEW_FILE
            text = f"{'Write' if there else 'New file'} {self._file}" + (" anew." if there else ".")
            return (Change(kind, text, str(self._file)),)
        lost = tuple(
            Change(ChangeKind.REMOVED, f"Lost: {one}.", one.path) for one in self.device.contents
        )
        text = f"Write {self.device.description}: everything on it is lost."
        return (Change(ChangeKind.CHANGED, text, str(self.device.path)), *lost)

    def _make(self, context: TaskContext) -> Medium:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        medium = builder(self.wiring, self.kind, self._file).run(context)
        if self.device is not None:
            writer(self.wiring, medium, self.device, internal=False).run(context)
        return medium

    def _tell(self, medium: Medium) -> Outcome:
        starts = " and ".join(medium.starts)
        if self.device is None:
            done = f"{medium.path} is ready: {size(medium.size)}, starts under {starts}."
            copy = (
                f"Write it to a medium, or give it to the machine's remote console: {medium.path}"
            )
            return Outcome(done, (copy,), next=_NEXT[self.kind])
        done = f"{self.device.path} was written and read back without a difference."
        return Outcome(done, (f"It starts under {starts}.",), next=_NEXT[self.kind])
