"""The real sfdisk and mkfs accept what the plans tell them, on files instead of disks."""

import json
from pathlib import Path

import pytest

from backend.clone.layout_plan import plan, sfdisk_script
from backend.clone.probe_outputs import parse_dumpe2fs, parse_sfdisk, parse_xfs_info
from backend.clone.standard_layout import standard_layout
from backend.clone.target import TargetDisk
from backend.model.disk import Disk, Partition, Table
from backend.model.layout import FileSystemKind
from backend.system.runner import Command, LocalRunner
from tests import recorded_machines as recorded
from tests.unit.test_clone_plan import IDS, layout_of

pytestmark = pytest.mark.programs
GIB = 1 << 30
TABLES = ["debian12-guided-lvm-mbr", "debian12-guided-mbr", "ext3-old", "rhel9-default",
          "ubuntu2404-cloud", "container-nspawn"]  # fmt: skip
SYSTEMS = ["debian12-lvm-uefi", "ext3-old", "lvm-free-space", "ubuntu2404-cloud",
           "container-nspawn", "uefi-4kn"]  # fmt: skip


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as handle:
        handle.truncate(size)
    return path


def read_back(script: str, image: Path) -> Disk:
    runner = LocalRunner()
    options = ("--no-reread", "--no-tell-kernel", "--wipe=always", "--wipe-partitions=always")
    runner.run(Command.of("sfdisk", "-q", *options, image).given(script.encode()))
    said = runner.run(Command.of("sfdisk", "--json", image)).stdout
    data = json.loads(said.replace(str(image), "/dev/sdx"))
    return parse_sfdisk(json.dumps(data), image.stat().st_size)


@pytest.mark.parametrize("name", TABLES)
def test_sfdisk_makes_the_planned_table(name: str, tmp_path: Path) -> None:
    layout = layout_of(name)
    disk = TargetDisk("/dev/sdx", 150 * GIB, 512)
    planned = plan(layout, disk, layout.boot.firmware)
    assert planned.layout.disk is not None
    script = next(run.stdin for run in planned.partition if run.argv[0] == "sfdisk")
    assert script == sfdisk_script(planned.layout.disk)
    found = read_back(script, sparse(tmp_path / "disk", disk.size))
    wanted = planned.layout.disk
    assert found.table_id == wanted.table_id
    assert found.partitions == wanted.partitions


def test_sfdisk_keeps_odd_names_and_attributes(tmp_path: Path) -> None:
    partitions = (
        Partition(
            1, 1 << 20, 1 << 20, "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
            "9C4E648E-933D-4B79-931E-CD60A76C4AFE", "a, b=c; $(d) 'e' # f", "LegacyBIOSBootable",
        ),
        Partition(
            7, 4 << 20, 1 << 20, "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
            "9C4E648E-933D-4B79-931E-CD60A76C4AFF", "größe", "RequiredPartition GUID:60,63",
        ),
    )  # fmt: skip
    disk = Disk("/dev/sdx", 16 << 20, 512, Table.GPT, IDS.table.upper(), partitions)
    found = read_back(sfdisk_script(disk), sparse(tmp_path / "disk", disk.size))
    assert found.partitions == partitions


@pytest.mark.parametrize("name", SYSTEMS)
def test_mkfs_makes_the_planned_file_systems(name: str, tmp_path: Path) -> None:
    layout = standard_layout(recorded.captured(name), IDS)
    assert layout.disk is not None
    disk = TargetDisk("/dev/sdx", 150 * GIB, layout.disk.sector_size)
    planned = plan(layout, disk, layout.boot.firmware)
    runner = LocalRunner()
    for run in planned.format:
        if run.argv[0] not in ("mke2fs", "mkfs.xfs", "mkfs.vfat", "mkswap"):
            continue
        image = sparse(tmp_path / "file-system", 512 << 20)
        runner.run(Command((*run.argv[:-1], str(image))))
        said = runner.run(Command.of("blkid", "-p", "-o", "export", image)).stdout.split("\n")
        wanted = [one.uuid for one in (*layout.file_systems, *layout.swaps)]
        uuid = next(line[5:] for line in said if line.startswith("UUID="))
        assert uuid in wanted
        image.unlink()


def test_tuning_comes_back_from_the_made_file_systems(tmp_path: Path) -> None:
    layout = layout_of("ext4-tuned")
    planned = plan(layout, TargetDisk("/dev/sdx", 24 * GIB, 512), layout.boot.firmware)
    runner = LocalRunner()
    by_uuid = {one.uuid: one for one in layout.file_systems}
    for run in planned.format:
        image = sparse(tmp_path / "file-system", 4 * GIB)
        runner.run(Command((*run.argv[:-1], str(image))))
        said = parse_dumpe2fs(runner.run(Command.of("dumpe2fs", "-h", image)).stdout)
        system = by_uuid[said["Filesystem UUID"]]
        assert int(said["Block size"]) == system.block_size
        assert int(said["Inode size"]) == system.inode_size
        ratio = int(said["Block count"]) * system.block_size / int(said["Inode count"])
        assert ratio == pytest.approx(system.inode_ratio, rel=0.03)
        assert set(said["Filesystem features"].split()) == set(system.features)
        image.unlink()


def test_xfs_features_come_back(tmp_path: Path) -> None:
    layout = layout_of("rhel9-default")
    planned = plan(layout, TargetDisk("/dev/sdx", 100 * GIB, 512), layout.boot.firmware)
    runner = LocalRunner()
    by_uuid = {one.uuid: one for one in layout.file_systems}
    seen = 0
    for run in planned.format:
        if run.argv[0] != "mkfs.xfs":
            continue
        image = sparse(tmp_path / "file-system", 1 * GIB)
        runner.run(Command((*run.argv[:-1], str(image))))
        said = parse_xfs_info(runner.run(Command.of("xfs_info", image)).stdout)
        uuid = next(word[5:41] for word in run.argv if word.startswith("uuid="))
        system = by_uuid[uuid]
        assert system.kind is FileSystemKind.XFS
        for feature in system.features:
            name, _, value = feature.partition(".")[2].partition("=")
            assert said[f"meta-data.{name}"] == value
        seen += 1
        image.unlink()
    assert seen == 3
