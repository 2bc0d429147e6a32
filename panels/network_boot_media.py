"""Build Autoinstall Floppy... and Build ISO/USB image...: where to, and then the action."""

from collections.abc import Sequence
from pathlib import Path

from backend.actions.boot_media import BuildMedium, MediumKind, devices
from backend.netboot.media_device import Device
from panels.context import PanelContext

FILE, CANCEL = "Image file...", "Cancel"
QUESTIONS = {
    MediumKind.FLOPPY: "Where shall the boot floppy (1.44 MB) be written?",
    MediumKind.USB: "Where shall the boot image be written?",
}
NO_DEVICE = (
    "No floppy or stick is in this head. To write to one, insert it and press the button again."
)


class MediaBuilder:
    """Asks where a medium shall go: a file, or a device that is named with all that is on it."""

    def __init__(self, context: PanelContext) -> None:
        self._context = context

    def build(self, kind: MediumKind) -> None:
        """Look for devices, ask, and build."""
        wiring = self._context.wiring
        self._context.look(lambda task: devices(wiring, task), lambda found: self._ask(kind, found))

    def _ask(self, kind: MediumKind, found: Sequence[Device]) -> None:
        answers = {f"Overwrite {device.path}": device for device in found}

        def answered(answer: str) -> None:
            if answer in answers:
                self._start(kind, device=answers[answer])
            elif answer == FILE:
                self._context.choose_file(
                    QUESTIONS[kind], lambda path: self._start(kind, target=path),
                    save=True, name=kind.file_name,
                )  # fmt: skip

        detail = "\n\n".join(map(carries, found)) or NO_DEVICE
        self._context.ask(QUESTIONS[kind], (FILE, *answers, CANCEL), answered, detail=detail)

    def _start(
        self, kind: MediumKind, *, target: Path | None = None, device: Device | None = None
    ) -> None:
        self._context.carry_out(BuildMedium(self._context.wiring, kind, target, device))


def carries(device: Device) -> str:
    """Return what would be lost, a line for each thing on the device. Pure."""
    lines = [f"{device.description} carries, and would lose:"]
    return "\n".join([*lines, *(f"    {one}" for one in device.contents)])
