"""A boot medium as an action: what would be lost is shown before, and in-use devices are refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.actions import boot_media
from backend.actions.boot_media import BuildMedium, MediumKind, devices
from backend.change.preview import ChangeKind
from backend.errors import Refused
from backend.netboot.media import FLOPPY_SIZE, Medium
from backend.netboot.media_device import WriteMedium, parse_device
from backend.paths import Paths
from backend.system.runner import Command, Result
from backend.tasks import TaskContext
from backend.wiring import Wiring
from tests.fakes.persons import NOBODY
from tests.unit.test_netboot_media import STICK, lsblk


@dataclass
class Builder:
    """Builds a file without any program."""

    target: Path
    built: list[Path] = field(default_factory=list)

    def run(self, _context: TaskContext) -> Medium:
        self.target.write_bytes(b"x" * 100)
        self.built.append(self.target)
        return Medium(self.target, 100, ("BIOS",))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[WriteMedium]:
    found: list[WriteMedium] = []
    monkeypatch.setattr(boot_media, "builder", lambda _wiring, _kind, target: Builder(target))
    monkeypatch.setattr(WriteMedium, "run", lambda task, _context: found.append(task))
    return found


def prepare(root: Path, *, target: Path | None = None, device: str | None = None) -> BuildMedium:
    found = None if device is None else parse_device(device)
    return BuildMedium(Wiring.rooted_at(root), MediumKind.FLOPPY, target, found)


@pytest.mark.usefixtures("written")
def test_a_file_is_announced_and_built(tmp_path: Path) -> None:
    target = tmp_path / "floppy.img"
    prepared = prepare(tmp_path, target=target).prepare(TaskContext(), NOBODY)
    (change,) = prepared.groups[0].changes
    assert (change.kind, change.path) == (ChangeKind.NEW_FILE, str(target))
    assert not target.exists()
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert target.exists()
    assert outcome.sentence == f"{target} is ready: 100 B, starts under BIOS."
    assert "Put the floppy into the standby" in outcome.next
    again = prepare(tmp_path, target=target).prepare(TaskContext(), NOBODY)
    assert again.groups[0].changes[0].kind is ChangeKind.CHANGED


def test_a_device_is_shown_with_all_that_would_be_lost(
    tmp_path: Path, written: list[WriteMedium]
) -> None:
    prepared = prepare(tmp_path, device=lsblk()).prepare(TaskContext(), NOBODY)
    first, *lost = prepared.groups[0].changes
    assert first.sentence == "Write /dev/sdb (Cruzer, 4000.0 MB): everything on it is lost."
    assert [one.kind for one in lost] == [ChangeKind.REMOVED] * 2
    assert 'vfat "HOLIDAY"' in lost[1].sentence
    assert written == []
    outcome = prepared.tell(prepared.run(TaskContext()))
    (task,) = written
    assert task.confirmation.identity == parse_device(lsblk()).identity
    assert task.image == Paths(tmp_path).cache / "haoscar-floppy.img"
    assert not task.internal
    assert outcome.sentence.startswith("/dev/sdb was written and read back")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size": FLOPPY_SIZE - 1}, "media.too-small"),
        ({"rm": False, "tran": "sata"}, "media.internal"),
        ({"mountpoints": ["/mnt"]}, "media.in-use"),
    ],
)
def test_a_device_that_must_not_be_written_is_refused_before(
    tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        prepare(tmp_path, device=lsblk(**changes)).prepare(TaskContext(), NOBODY)
    assert [one.code for one in caught.value.reports] == [code]


class Machine:
    """A runner that knows some devices."""

    def __init__(self, text: str) -> None:
        self.text = text

    def run(self, command: Command, *, check: bool = True) -> Result:
        del check
        known = command.argv[0] == "lsblk"
        return Result(command, 0 if known else 2, self.text if known else "", "", 0.0)

    def stream(self, command: Command, on_line: Callable[[str], None], **_: object) -> Result:
        raise AssertionError(command)


def test_only_removable_media_that_are_in_are_offered(tmp_path: Path) -> None:
    entries = [
        STICK,
        {**STICK, "path": "/dev/sda", "rm": False, "tran": "sata", "children": []},
        {**STICK, "path": "/dev/fd0", "size": 1_474_560, "tran": None, "children": []},
        {**STICK, "path": "/dev/sdc", "size": 0, "children": []},
        {**STICK, "path": "/dev/sr0", "type": "rom", "children": []},
    ]
    wiring = Wiring(Paths(tmp_path), Machine(json.dumps({"blockdevices": entries})))
    found = devices(wiring, TaskContext())
    assert [str(one.path) for one in found] == ["/dev/sdb", "/dev/fd0"]
    assert [one.label for one in found[0].contents] == ["", "HOLIDAY"]
