"""Boot media on a real block device: a loop device over a file."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import Refused
from backend.netboot.media import FLOPPY_SIZE, BuildFloppy
from backend.netboot.media_device import Confirmation, WriteMedium, problems, read_device
from backend.paths import Paths
from backend.system.runner import Command, LocalRunner
from backend.tasks import TaskContext

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for loop devices"),
]
SIZE = 8 << 20


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Path]:
    backing = tmp_path / "backing"
    with backing.open("wb") as output:
        output.truncate(SIZE)
    run = LocalRunner().run
    found = run(Command.of("losetup", "--find", "--show", backing), check=False)
    if not found.ok:
        pytest.skip(f"no loop device here: {found.stderr.strip()}")
    path = Path(found.stdout.strip())
    try:
        yield path
    finally:
        run(Command.of("losetup", "--detach", path))


def test_floppy_is_written_to_a_device_and_is_there(tmp_path: Path, device: Path) -> None:
    image = tmp_path / "floppy.img"
    BuildFloppy(Paths(), LocalRunner(), image).run(TaskContext())
    found = read_device(LocalRunner(), device)
    assert found.size == SIZE
    task = WriteMedium(LocalRunner(), image, found, Confirmation(found.identity), internal=True)
    task.run(TaskContext())
    assert (tmp_path / "backing").read_bytes()[:FLOPPY_SIZE] == image.read_bytes()
    assert "vfat" in [one.signature for one in read_device(LocalRunner(), device).contents]


def test_mounted_device_is_refused_and_untouched(tmp_path: Path, device: Path) -> None:
    run = LocalRunner().run
    run(Command.of("mke2fs", "-q", "-L", "PRECIOUS", device))
    found = read_device(LocalRunner(), device)
    assert [one.label for one in found.contents] == ["PRECIOUS"]
    image = tmp_path / "image"
    image.write_bytes(b"x" * 4096)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    run(Command.of("mount", device, mounted))
    try:
        assert [one.code for one in problems(read_device(LocalRunner(), device), 1, internal=True)]
        task = WriteMedium(LocalRunner(), image, found, Confirmation(found.identity), internal=True)
        with pytest.raises(Refused, match="in use"):
            task.run(TaskContext())
    finally:
        run(Command.of("umount", mounted))
    assert read_device(LocalRunner(), device).contents[0].label == "PRECIOUS"
