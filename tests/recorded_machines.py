"""The recorded machines of tests/layouts, and a runner that answers as one of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.clone.capture import capture
from backend.errors import CommandFailed
from backend.model.layout import Layout
from backend.reports import error
from backend.system.runner import Command, Result

FOLDER = Path(__file__).parent / "layouts"
BARE = ("lsblk", "findmnt", "pvs", "vgs", "lvs", "uname", "ls", "systemd-detect-virt", "find",
        "efibootmgr")  # fmt: skip


def names(kind: str | None = None) -> list[str]:
    """Return the machines, or those with that expectation."""
    found = sorted(path.stem for path in FOLDER.glob("*.json"))
    return [name for name in found if kind is None or load(name)["expect"]["kind"] == kind]


def load(name: str) -> dict[str, Any]:
    """Return one recorded machine."""
    data: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return data


class RecordedRunner:
    """Answers each command as the recorded machine did; fails where nothing was recorded."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self.outputs = outputs
        self.asked: list[tuple[str, ...]] = []

    def run(self, command: Command, *, check: bool = True) -> Result:
        """Return the recorded output."""
        self.asked.append(command.argv)
        program = command.argv[0]
        key = program if program in BARE else f"{program} {command.argv[-1]}"
        found = self.outputs.get(key)
        if found is None:
            if check:
                raise CommandFailed(error("command.failed", f"{command} is not recorded"))
            return Result(command, 1, "", "", 0.0)
        text = found if isinstance(found, str) else json.dumps(found)
        return Result(command, 0, text, "", 0.0)

    def stream(
        self,
        command: Command,
        on_line: Callable[[str], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        check: bool = True,
    ) -> Result:
        """Not used by a capture."""
        raise AssertionError(command)


def captured(name: str) -> Layout:
    """Return what is captured on a recorded machine."""
    return capture(RecordedRunner(load(name)["outputs"]))
