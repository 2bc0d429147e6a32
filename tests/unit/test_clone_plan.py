"""Layouts on other disks: golden plans, and what must hold for every plan."""

import dataclasses
import itertools
import shlex
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backend.clone.layout_plan import DiskPlan, plan
from backend.clone.standard_layout import StandardIds, new_ids, standard_layout
from backend.clone.target import TargetDisk, needed_bytes
from backend.errors import InvalidInput, Refused
from backend.model.disk import MIB, Table
from backend.model.layout import FileSystemKind, Holder, Layout
from backend.model.site import Firmware
from tests import recorded_machines as recorded

GIB = 1 << 30
GOLDEN = Path(__file__).parent.parent / "golden" / "clone"
IDS = StandardIds(
    *(f"0000000{number}-1111-4222-8333-444444444444" for number in range(1, 6)), "ABCD-0123"
)
SDA8 = TargetDisk("/dev/sda", 8 * GIB, 512)


def layout_of(name: str) -> Layout:
    return standard_layout(recorded.captured(name), IDS, image_bytes=140 * MIB)


def as_text(planned: DiskPlan) -> str:
    """Return a plan as a person would read it."""
    lines = []
    for stage in ("partition", "format", "mount", "unmount"):
        lines.append(f"[{stage}]")
        for run in getattr(planned, stage):
            lines.append(shlex.join(run.argv) + ("   # may fail" if run.may_fail else ""))
            lines += [f"    {line}" for line in (run.stdin or "").splitlines()]
    lines += ["[root]", f"{planned.root_device} {planned.root_uuid}", "[notes]"]
    return "\n".join([*lines, *map(str, planned.notes)]) + "\n"


GOLDEN_PLANS = [
    ("lab-lvm-bios", SDA8, None),
    ("lab-lvm-uefi", SDA8, "vg0/home"),
    ("bios-mbr-one", TargetDisk("/dev/vda", 20 * GIB, 512), None),
    ("debian12-guided-lvm-mbr", TargetDisk("/dev/nvme0n1", 64 * GIB, 512), None),
    ("debian12-guided-mbr", TargetDisk("/dev/sda", 30 * GIB, 512, wipe=True), None),
    ("rhel9-default", TargetDisk("/dev/nvme0n1", 100 * GIB, 512), None),
    ("ubuntu2404-cloud", TargetDisk("/dev/mmcblk0", 32 * GIB, 512), None),
    ("ext4-tuned", TargetDisk("/dev/sdb", 24 * GIB, 512), None),
    ("container-nspawn", TargetDisk("/dev/vda", 2 * GIB, 512), None),
    ("gpt-uefi-ext4", TargetDisk("/dev/nvme0n1", 200 * GIB, 4096), None),
]


@pytest.mark.parametrize(("name", "disk", "grow"), GOLDEN_PLANS)
def test_golden_plans(name: str, disk: TargetDisk, grow: str | None) -> None:
    layout = layout_of(name)
    text = as_text(plan(layout, disk, layout.boot.firmware, grow=grow))
    assert text == (GOLDEN / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", recorded.names("captured"))
def test_the_same_disk_gives_the_same_table(name: str) -> None:
    layout = layout_of(name)
    assert layout.disk is not None
    same = TargetDisk(layout.disk.path, layout.disk.size, layout.disk.sector_size)
    planned = plan(layout, same, layout.boot.firmware)
    assert planned.layout.disk is not None
    grown = planned.layout.disk.partitions
    for before, after in zip(layout.disk.partitions, grown, strict=True):
        assert before.start <= after.start < before.start + 2 * MIB
        assert before.size <= after.size < before.size + 2 * MIB


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(recorded.names("captured") + recorded.names("standard")),
    size=st.integers(1, 5 * (1 << 40)),
    odd=st.integers(0, 4095),
    sector=st.sampled_from([512, 4096]),
    firmware=st.sampled_from(list(Firmware)),
)
def test_every_plan_fits_its_disk(
    name: str, size: int, odd: int, sector: int, firmware: Firmware
) -> None:
    layout = layout_of(name)
    disk = TargetDisk("/dev/sdx", size // 512 * 512 + odd // 512 * 512, sector)
    try:
        planned = plan(layout, disk, firmware)
    except Refused:
        return
    fitted = planned.layout.disk
    assert layout.disk is not None
    assert fitted is not None
    tail = 16384 + sector if fitted.table is Table.GPT else 0
    assert max(one.end for one in fitted.partitions) <= disk.size - tail
    plain = [one for one in fitted.partitions if not one.extended]
    assert all(a.end <= b.start for a, b in itertools.pairwise(plain))
    for before, after in zip(layout.disk.partitions, fitted.partitions, strict=True):
        assert after.size >= before.size
        assert (after.start - before.start) % MIB == 0
        assert after.start % sector == after.size % sector == 0
        assert (before.number, before.type, before.uuid) == (after.number, after.type, after.uuid)
    if fitted.table is Table.DOS:
        assert fitted.partitions[-1].end <= (1 << 32) * sector
    check_volumes(layout, planned)


def check_volumes(layout: Layout, planned: DiskPlan) -> None:
    """Volumes together fit their group, the group its partition; free space stays as big."""
    fitted = planned.layout
    assert fitted.disk is not None
    for before, group in zip(layout.groups, fitted.groups, strict=True):
        used = sum(one.extents for one in fitted.volumes if one.group == group.name)
        was = sum(one.extents for one in layout.volumes if one.group == group.name)
        assert used <= group.extents
        assert (
            group.extents * group.extent_size + MIB <= fitted.disk.partition(group.partition).size
        )
        if group.extents >= before.extents:
            assert group.extents - used == before.extents - was
    roots = [one for one in fitted.file_systems if one.uuid == planned.root_uuid]
    assert len(roots) == 1


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(recorded.names("captured")), less=st.integers(1, 1 << 33))
def test_a_smaller_disk_is_refused_with_numbers(name: str, less: int) -> None:
    layout = layout_of(name)
    assert layout.disk is not None
    size = needed_bytes(layout) - less
    assume(size > 0)
    with pytest.raises(Refused) as caught:
        plan(layout, TargetDisk("/dev/sda", size, layout.disk.sector_size), layout.boot.firmware)
    text = str(caught.value)
    assert "plan.too-small" in {one.code for one in caught.value.reports}
    assert str(size) in text
    assert str(needed_bytes(layout)) in text or layout.disk.table is Table.GPT


@pytest.mark.parametrize("name", recorded.names("captured"))
def test_exactly_the_needed_bytes_are_enough(name: str) -> None:
    layout = layout_of(name)
    assert layout.disk is not None
    disk = TargetDisk("/dev/sda", needed_bytes(layout), layout.disk.sector_size)
    assert plan(layout, disk, layout.boot.firmware).root_uuid


def test_what_lies_behind_the_growing_partition_moves() -> None:
    layout = layout_of("debian12-guided-mbr")
    planned = plan(layout, TargetDisk("/dev/sda", 30 * GIB, 512), Firmware.BIOS).layout.disk
    assert planned is not None
    assert layout.disk is not None
    before, after = layout.disk.partitions, planned.partitions
    extra = after[0].size - before[0].size
    assert extra >= 10 * GIB - 2 * MIB
    assert [b.start - a.start for a, b in zip(before, after, strict=True)] == [0, extra, extra]
    assert [b.size - a.size for a, b in zip(before, after, strict=True)] == [extra, 0, 0]


def test_a_logical_partition_grows_with_its_container() -> None:
    layout = layout_of("debian12-guided-lvm-mbr")
    planned = plan(layout, TargetDisk("/dev/sda", 64 * GIB, 512), Firmware.BIOS).layout.disk
    assert planned is not None
    assert layout.disk is not None
    grown = [
        b.size - a.size for a, b in zip(layout.disk.partitions, planned.partitions, strict=True)
    ]
    assert grown[0] == 0
    assert grown[1] == grown[2] >= 32 * GIB - 2 * MIB


def test_free_space_of_a_group_is_kept_and_the_named_volume_grows() -> None:
    layout = layout_of("lvm-free-space")
    disk = TargetDisk("/dev/sda", 100 * GIB, 512)
    planned = plan(layout, disk, Firmware.BIOS, grow="sys/srv").layout
    sizes = {one.name: one.extents for one in planned.volumes}
    was = {one.name: one.extents for one in layout.volumes}
    assert sizes["srv"] - was["srv"] == planned.groups[0].extents - layout.groups[0].extents > 1500
    assert {k: v for k, v in sizes.items() if k != "srv"} == {
        k: v for k, v in was.items() if k != "srv"
    }
    with pytest.raises(Refused, match="sys/root"):
        plan(layout, disk, Firmware.BIOS, grow="sys/other")


@pytest.mark.parametrize(
    ("name", "disk", "firmware", "words"),
    [
        ("gpt-uefi-ext4", SDA8, Firmware.BIOS, "UEFI only"),
        ("gpt-bios-ext4", SDA8, Firmware.UEFI, "no EFI partition"),
        ("gpt-bios-ext4", TargetDisk("/dev/sda", 1 << 40, 4096), Firmware.BIOS, "4096"),
        ("container-nspawn", TargetDisk("/dev/vda", 100 * MIB, 512), Firmware.BIOS, "bytes"),
        ("ext3-old", TargetDisk("/dev/sda", 1 << 40, 4096), Firmware.BIOS, "not aligned"),
    ],
)
def test_refusals_of_a_plan(name: str, disk: TargetDisk, firmware: Firmware, words: str) -> None:
    with pytest.raises(Refused, match=words):
        plan(layout_of(name), disk, firmware)


def test_small_blocks_do_not_go_on_big_sectors() -> None:
    layout = layout_of("emmc")
    small = tuple(
        dataclasses.replace(one, block_size=1024) if one.kind is FileSystemKind.EXT4 else one
        for one in layout.file_systems
    )
    disk = TargetDisk("/dev/nvme0n1", 64 * GIB, 4096)
    with pytest.raises(Refused, match="blocks smaller"):
        plan(dataclasses.replace(layout, file_systems=small), disk, Firmware.UEFI)


def test_a_standard_layout_without_its_disk_has_no_plan() -> None:
    with pytest.raises(Refused, match="not been filled in"):
        plan(recorded.captured("diskless-nfs"), SDA8, Firmware.BIOS)


def test_standard_identifiers_are_fresh_and_checked() -> None:
    assert new_ids() != new_ids()
    layout = recorded.captured("diskless-nfs")
    assert standard_layout(layout, IDS) == standard_layout(layout, IDS)
    assert Layout.from_json(standard_layout(layout, IDS).to_json()) == standard_layout(layout, IDS)
    with pytest.raises(InvalidInput):
        dataclasses.replace(IDS, esp_volume="x; y")
    with pytest.raises(InvalidInput):
        dataclasses.replace(IDS, root=IDS.esp)


@settings(max_examples=60, deadline=None)
@given(label=st.text(st.sampled_from("ab;$`'&| -#*~{}<>!()"), min_size=1, max_size=11))
def test_shell_characters_of_a_label_stay_in_one_argument(label: str) -> None:
    layout = layout_of("gpt-uefi-ext4")
    systems = tuple(dataclasses.replace(one, label=label) for one in layout.file_systems)
    planned = plan(dataclasses.replace(layout, file_systems=systems), SDA8_NVME, Firmware.UEFI)
    for run in planned.format:
        assert [word for word in run.argv if label in word and word != label] == [
            word for word in run.argv if label in word and word != label and label in (" ", "-")
        ] or len(label) < 3
        assert label in run.argv


SDA8_NVME = TargetDisk("/dev/nvme0n1", 80 * GIB, 512)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/dev/sda", "/dev/sda3"),
        ("/dev/vdb", "/dev/vdb3"),
        ("/dev/nvme0n1", "/dev/nvme0n1p3"),
        ("/dev/mmcblk0", "/dev/mmcblk0p3"),
    ],
)
def test_partition_names(path: str, expected: str) -> None:
    assert TargetDisk(path, GIB, 512).partition_path(3) == expected


def test_hyphens_of_volume_names_are_doubled() -> None:
    planned = plan(
        layout_of("debian12-guided-lvm-mbr"), TargetDisk("/dev/sda", 40 * GIB, 512), Firmware.BIOS
    )
    assert planned.root_device == "/dev/mapper/head--vg-root"
    holder = Holder(group="head-vg", volume="swap_1")
    assert holder in {one.holder for one in planned.layout.swaps}
    assert [one.path for one in planned.mounts] == ["/", "/boot"]


def test_vfat_keeps_the_modes_that_the_golden_client_shows() -> None:
    planned = plan(
        layout_of("ubuntu2404-default"), TargetDisk("/dev/sda", 1 << 40, 512), Firmware.UEFI
    )
    esp = next(one for one in planned.mounts if one.path == "/boot/efi")
    assert esp.options == "noatime,quiet,fmask=0022,dmask=0022"


def test_stages_clear_a_disk_only_when_the_ticket_allows_it() -> None:
    layout = layout_of("bios-mbr-one")
    fresh = plan(layout, TargetDisk("/dev/sda", 40 * GIB, 512), Firmware.BIOS)
    wiped = plan(layout, TargetDisk("/dev/sda", 40 * GIB, 512, wipe=True), Firmware.BIOS)
    assert not any(run.may_fail for run in fresh.partition)
    assert [run.argv[:2] for run in wiped.partition[:2]] == [
        ("lvm", "vgchange"),
        ("mdadm", "--stop"),
    ]
