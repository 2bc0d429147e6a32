"""Boot media: made by the real tools, and written only where that was confirmed."""

import json
import os
import shutil
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from backend.clone.keys import PublicKey
from backend.errors import Cancelled, HaoscarError, InvalidInput, Refused
from backend.netboot import media_device
from backend.netboot.media import FLOPPY_SIZE, BuildFloppy, BuildUsb
from backend.netboot.media_device import Confirmation, Device, WriteMedium, parse_device, problems
from backend.paths import Paths
from backend.system.runner import Command, LocalRunner, Result
from backend.tasks import CancelToken, Event, Progress, TaskContext

KEY = PublicKey.parse(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)
STICK: dict[str, Any] = {
    "path": "/dev/sdb", "type": "disk", "size": 4_000_000_000, "model": "Cruzer", "serial": "A1",
    "tran": "usb", "rm": True, "ro": False, "mountpoints": [None], "fstype": None, "label": None,
    "pttype": "dos",
    "children": [{
        "path": "/dev/sdb1", "type": "part", "size": 3_999_000_000, "model": None, "serial": None,
        "tran": None, "rm": True, "ro": False, "mountpoints": [None], "fstype": "vfat",
        "label": "HOLIDAY", "pttype": "dos",
    }],
}  # fmt: skip


def lsblk(**changes: object) -> str:
    return json.dumps({"blockdevices": [{**STICK, **changes}]})


class Machine:
    """A runner that knows one device."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    def run(self, command: Command, *, check: bool = True) -> Result:
        if command.argv[0] == "blkid":
            return Result(command, 2, "", "", 0.0)
        assert command.argv[0] == "lsblk"
        return Result(command, 0, self.answers.pop(0), "", 0.0)

    def stream(self, command: Command, on_line: Callable[[str], None], **_: object) -> Result:
        raise AssertionError(command)


def test_device_is_named_with_everything_on_it() -> None:
    device = parse_device(lsblk())
    assert device.description == "/dev/sdb (Cruzer, 4000.0 MB)"
    assert [str(one) for one in device.contents] == [
        "/dev/sdb: dos, 4000.0 MB",
        '/dev/sdb1: vfat "HOLIDAY", 3999.0 MB',
    ]
    assert problems(device, 10**6) == []


def test_label_of_a_device_cannot_draw_on_the_terminal() -> None:
    device = parse_device(lsblk(model="\x1b[2J\nevil", label="\u202e"))
    assert device.description.isprintable()
    assert all(str(one).isprintable() for one in device.contents)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "part"}, "media.not-whole"),
        ({"ro": True}, "media.read-only"),
        ({"size": 1000}, "media.too-small"),
        ({"rm": False, "tran": "sata"}, "media.internal"),
        ({"mountpoints": ["/"]}, "media.in-use"),
        ({"children": [{**STICK["children"][0], "mountpoints": ["[SWAP]"]}]}, "media.in-use"),
        ({"children": [{**STICK["children"][0], "type": "lvm"}]}, "media.in-use"),
    ],
)
def test_device_that_must_not_be_written_is_refused(changes: dict[str, object], code: str) -> None:
    assert [one.code for one in problems(parse_device(lsblk(**changes)), 10**6)] == [code]


def test_built_in_disk_can_be_meant() -> None:
    device = parse_device(lsblk(rm=False, tran="sata"))
    assert problems(device, 10**6, internal=True) == []


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"blockdevices": [{"path": 1}]}', "null"])
def test_answer_that_cannot_be_read_is_an_error_not_a_crash(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_device(text)


def test_device_that_was_exchanged_after_the_confirmation_is_not_written(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"x" * 1000)
    device = parse_device(lsblk())
    task = WriteMedium(Machine(lsblk(serial="B2")), image, device, Confirmation(device.identity))
    with pytest.raises(Refused) as problem:
        task.run(TaskContext())
    assert problem.value.reports[0].code == "media.changed"


def test_device_that_was_mounted_after_the_confirmation_is_not_written(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"x" * 1000)
    device = parse_device(lsblk())
    machine = Machine(lsblk(mountpoints=["/mnt"]))
    with pytest.raises(Refused) as problem:
        WriteMedium(machine, image, device, Confirmation(device.identity)).run(TaskContext())
    assert problem.value.reports[0].code == "media.in-use"


def test_ordinary_file_is_not_written_as_a_device(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"precious")
    device = parse_device(lsblk(path=str(target)))
    with pytest.raises(Refused):
        WriteMedium(
            Machine(lsblk(path=str(target))), Path(__file__), device, Confirmation(device.identity)
        ).run(TaskContext())
    assert target.read_bytes() == b"precious"


def test_image_is_written_and_read_back_with_progress(tmp_path: Path) -> None:
    image, target = tmp_path / "image", tmp_path / "device"
    content = os.urandom((3 << 20) + 17)
    image.write_bytes(content)
    target.write_bytes(b"\xff" * (5 << 20))
    events: list[Event] = []
    media_device.write_and_compare(image, target, TaskContext(events.append))
    assert target.read_bytes()[: len(content)] == content
    assert target.stat().st_size == 5 << 20
    shares = [one.share for one in events if isinstance(one, Progress) and one.total]
    assert shares[-1] == 1.0
    assert len(shares) == 8  # four pieces written, four read


def test_medium_that_forgets_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, target = tmp_path / "image", tmp_path / "device"
    image.write_bytes(b"a" * 5000)
    target.write_bytes(b"\xff" * 6000)
    forget = media_device._forget

    def rot(descriptor: int) -> None:
        os.pwrite(descriptor, b"b", 4000)
        forget(descriptor)

    monkeypatch.setattr(media_device, "_forget", rot)
    with pytest.raises(HaoscarError, match="read back"):
        media_device.write_and_compare(image, target, TaskContext())


def test_writing_can_be_cancelled(tmp_path: Path) -> None:
    image, target = tmp_path / "image", tmp_path / "device"
    image.write_bytes(b"a" * (2 << 20))
    target.write_bytes(b"")
    token = CancelToken()

    def cancel_at_first_progress(event: Event) -> None:
        if isinstance(event, Progress) and event.total:
            token.cancel()

    with pytest.raises(Cancelled):
        media_device.write_and_compare(image, target, TaskContext(cancel_at_first_progress, token))


def machine_with_installer(root: Path) -> Paths:
    paths = Paths(root)
    paths.installer.mkdir(parents=True)
    (paths.installer / "linux").write_bytes(os.urandom(300_000))
    (paths.installer / "installer.img").write_bytes(os.urandom(200_000))
    for name in ("usr/lib/ipxe", "usr/lib/grub", "boot"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"/{name}")
    return paths


@pytest.mark.programs
@pytest.mark.skipif(shutil.which("mformat") is None, reason="mtools is not installed")
def test_floppy_image_has_its_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    paths = machine_with_installer(tmp_path / "root")
    target = tmp_path / "floppy.img"
    medium = BuildFloppy(paths, LocalRunner(), target).run(TaskContext())
    assert medium.size == target.stat().st_size == FLOPPY_SIZE
    listed = LocalRunner().run(Command.of("mdir", "-b", "-i", target, "::")).stdout.split()
    assert {"::/syslinux.cfg", "::/boot.ipx", "::/ipxe.krn"} <= set(listed)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["floppy.img", "root"]


@pytest.mark.programs
@pytest.mark.skipif(shutil.which("mformat") is None, reason="mtools is not installed")
def test_loader_that_does_not_fit_on_a_floppy_is_named(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/ipxe.lkrn").write_bytes(bytes(1_400_000))
    with pytest.raises(Refused) as problem:
        BuildFloppy(paths, LocalRunner(), tmp_path / "f.img").run(TaskContext())
    assert problem.value.reports[0].code == "media.floppy-full"
    assert [one.name for one in tmp_path.iterdir()] == ["boot"]


@pytest.mark.programs
@pytest.mark.skipif(shutil.which("grub-mkrescue") is None, reason="GRUB is not installed")
def test_hybrid_image_carries_the_installer(tmp_path: Path) -> None:
    paths = machine_with_installer(tmp_path / "root")
    target = tmp_path / "usb.iso"
    BuildUsb(paths, LocalRunner(), target, IPv4Address("10.0.0.1"), KEY).run(TaskContext())
    for name in ("linux", "installer.img"):
        copy = tmp_path / name
        LocalRunner().run(
            Command.of(
                "xorriso", "-osirrox", "on", "-indev", f"stdio:{target}",
                "-extract", f"/boot/{name}", copy,
            )
        )  # fmt: skip
        assert copy.read_bytes() == (paths.installer / name).read_bytes()
    assert target.read_bytes()[510:512] == b"\x55\xaa"  # a stick starts by its boot sector


def test_image_without_an_installer_is_refused_with_every_reason(tmp_path: Path) -> None:
    task = BuildUsb(Paths(tmp_path), Machine(), tmp_path / "i.iso", IPv4Address("10.0.0.1"), KEY)
    with pytest.raises(Refused) as problem:
        task.run(TaskContext())
    codes = [one.code for one in problem.value.reports]
    assert codes == ["media.no-installer", "media.no-grub", "media.no-grub"]


def test_image_is_not_written_over_a_device_or_a_link(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/ipxe.lkrn").write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    for target in (link, Path("/dev/null"), tmp_path, tmp_path / "none" / "f.img"):
        with pytest.raises(Refused):
            BuildFloppy(Paths(tmp_path), Machine(), target).run(TaskContext())


def test_device_type_is_a_value() -> None:
    assert isinstance(hash(parse_device(lsblk())), int)
    assert isinstance(parse_device(lsblk()), Device)
