"""Recorded machines: what is captured, and what is refused by name."""

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.clone.capture import capture
from backend.errors import InvalidInput, Refused
from backend.model.layout import BootLoader, Family, FileSystemKind, Holder, Layout, LayoutKind
from backend.model.site import Firmware
from tests import recorded_machines as recorded


@pytest.mark.parametrize("name", recorded.names("captured"))
def test_a_known_machine_is_captured_and_survives_its_own_json(name: str) -> None:
    layout = recorded.captured(name)
    assert layout.kind is LayoutKind.CAPTURED
    assert layout.disk is not None
    assert Layout.from_json(layout.to_json()) == layout
    leaves = [one for one in _leaves(recorded.load(name)) if one["fstype"]]
    own = [one for one in leaves if one["path"].startswith((layout.disk.path, "/dev/mapper"))]
    assert {one["uuid"].lower() for one in own if one["fstype"] != "LVM2_member"} == {
        one.uuid.lower() for one in (*layout.file_systems, *layout.swaps)
    }


@pytest.mark.parametrize("name", recorded.names("standard"))
def test_a_root_without_a_disk_gives_the_standard_layout_and_says_why(name: str) -> None:
    layout = recorded.captured(name)
    assert layout.kind is LayoutKind.STANDARD
    assert layout.disk is None
    assert recorded.load(name)["expect"]["reason"] in layout.reason
    assert Layout.from_json(layout.to_json()) == layout


@pytest.mark.parametrize("name", recorded.names("refused"))
def test_what_is_not_known_is_refused_by_name(name: str) -> None:
    expect = recorded.load(name)["expect"]
    with pytest.raises(Refused) as caught:
        recorded.captured(name)
    assert sorted(one.code for one in caught.value.reports) == expect["codes"]
    for word in expect["names"]:
        assert word in str(caught.value)
    assert all(one.remedy for one in caught.value.reports)


def test_a_capture_only_reads() -> None:
    runner = recorded.RecordedRunner(recorded.load("lab-lvm-uefi")["outputs"])
    capture(runner)
    readers = {"lsblk", "findmnt", "cat", "ls", "uname", "find", "systemd-detect-virt", "sfdisk",
               "pvs", "vgs", "lvs", "dumpe2fs", "xfs_info", "efibootmgr", "blkid"}  # fmt: skip
    assert {argv[0] for argv in runner.asked} <= readers
    assert all("--json" in argv for argv in runner.asked if argv[0] == "sfdisk")
    assert all(argv[1] == "-h" for argv in runner.asked if argv[0] == "dumpe2fs")
    assert all(argv[1] == "-p" for argv in runner.asked if argv[0] == "blkid")


def test_a_volume_that_udev_has_not_noted_is_probed() -> None:
    """Seen in QEMU: the root volume was active before udev started."""
    outputs = recorded.load("lab-lvm-bios")["outputs"]
    place = outputs["lsblk"]["blockdevices"][0]["children"][2]["children"][0]
    assert place["path"] == "/dev/mapper/vg0-home"
    found = (
        f"DEVNAME={place['path']}\nUUID={place['uuid']}\nVERSION=1.0\nTYPE=ext4\nLABEL=my\\ home\n"
    )
    place.update(fstype=None, fsver=None, uuid=None, label=None)
    with pytest.raises(Refused):
        capture(recorded.RecordedRunner(outputs))
    layout = capture(recorded.RecordedRunner({**outputs, f"blkid {place['path']}": found}))
    system = layout.file_system(Holder(group="vg0", volume="home"))
    assert system.label == "my home"
    wanted = recorded.captured("lab-lvm-bios").file_system(Holder(group="vg0", volume="home"))
    assert replace(system, label=wanted.label) == wanted


def test_lvm_and_boot_facts_of_the_red_hat_default() -> None:
    layout = recorded.captured("rhel9-default")
    assert [(one.name, one.partition) for one in layout.groups] == [("rl", 3)]
    assert [one.name for one in layout.volumes] == ["home", "root", "swap"]
    assert layout.boot.firmware is Firmware.UEFI
    assert (layout.boot.loader, layout.boot.family) == (BootLoader.GRUB2, Family.REDHAT)
    assert layout.boot.efi_loader == "\\EFI\\rocky\\shimx64.efi"
    assert layout.boot.efi_label == "Rocky Linux"
    assert layout.boot.root_argument == "/dev/mapper/rl-root"
    root = layout.file_system(Holder(group="rl", volume="root"))
    assert "i.nrext64=0" in root.features
    assert "m.reflink=1" in root.features


def test_ext4_tuning_is_read_back() -> None:
    layout = recorded.captured("ext4-tuned")
    boot, spool, root = (layout.file_system(Holder(partition=number)) for number in (2, 3, 4))
    assert (boot.block_size, boot.inode_size, boot.inode_ratio) == (1024, 128, 4096)
    assert "has_journal" not in boot.features
    assert (spool.block_size, spool.inode_size, spool.inode_ratio) == (2048, 512, 8192)
    assert spool.reserved_percent == 0
    assert {"metadata_csum_seed", "large_dir"} <= set(spool.features)
    assert (root.block_size, root.inode_ratio, root.errors) == (4096, 16384, "panic")
    assert root.reserved_percent == pytest.approx(1, abs=0.01)
    assert not {"64bit", "metadata_csum"} & set(root.features)


def test_logical_partitions_keep_their_container() -> None:
    layout = recorded.captured("debian12-guided-lvm-mbr")
    assert layout.disk is not None
    assert [(one.number, one.extended) for one in layout.disk.partitions] == [
        (1, False), (2, True), (5, False),
    ]  # fmt: skip
    assert layout.groups[0].partition == 5
    assert layout.file_system(Holder(partition=1)).kind is FileSystemKind.EXT2


def test_all_reasons_come_at_once() -> None:
    data = recorded.load("second-disk-whole")["outputs"]
    data["lsblk"]["blockdevices"][0]["children"][0]["fstype"] = "zfs_member"
    with pytest.raises(Refused) as caught:
        capture(recorded.RecordedRunner(data))
    assert {one.code for one in caught.value.reports} == {"layout.second-disk", "layout.zfs"}


def test_grub_beside_the_systemd_boot_that_was_started_does_not_count() -> None:
    data = recorded.load("gpt-uefi-ext4")["outputs"]
    data["efibootmgr"] = data["efibootmgr"].replace(
        "\\EFI\\debian\\shimx64.efi", "\\EFI\\systemd\\systemd-bootx64.efi"
    )
    with pytest.raises(Refused, match="systemd-bootx64"):
        capture(recorded.RecordedRunner(data))


def test_a_second_disk_counts_also_when_its_content_is_not_recognised() -> None:
    data = recorded.load("second-disk-partition")["outputs"]
    disk = data["lsblk"]["blockdevices"][1]
    for row in (disk, *disk["children"]):
        row.update(fstype=None, pttype=None)
    with pytest.raises(Refused, match=r"/dev/sdb is a second disk.*1 partitions"):
        capture(recorded.RecordedRunner(data))


def test_a_partition_name_that_no_script_may_carry_is_refused_with_a_remedy() -> None:
    data = recorded.load("gpt-uefi-ext4")["outputs"]
    data["sfdisk /dev/sda"]["partitiontable"]["partitions"][0]["name"] = 'a", type=uefi'
    with pytest.raises(Refused, match="Change it on the golden client"):
        capture(recorded.RecordedRunner(data))


def _leaves(machine: dict) -> list[dict]:
    found = []

    def walk(row: dict) -> None:
        if row.get("children"):
            for child in row["children"]:
                walk(child)
        else:
            found.append(row)

    for row in machine["outputs"]["lsblk"]["blockdevices"]:
        walk(row)
    return found


HOSTILE = st.text(st.sampled_from("a;$`'\"\n\\ -/=|&\t\x00é"), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    text=HOSTILE, where=st.sampled_from(["label", "uuid", "path", "fstype", "partlabel", "size"])
)
def test_hostile_values_are_refused_or_stay_values(text: str, where: str) -> None:
    data = copy.deepcopy(recorded.load("bios-mbr-one"))["outputs"]
    data["lsblk"]["blockdevices"][0]["children"][0][where] = text
    try:
        layout = capture(recorded.RecordedRunner(data))
    except (Refused, InvalidInput):
        return
    for system in layout.file_systems:
        assert system.label.isprintable()
        assert not set('"\\') & set(system.label)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_damaged_layout_file_is_invalid_input(data: st.DataObject) -> None:
    text = recorded.captured("lab-lvm-bios").to_json()
    start = data.draw(st.integers(0, len(text) - 1))
    cut = data.draw(st.integers(0, 30))
    new = text[:start] + data.draw(HOSTILE) + text[start + cut :]
    try:
        layout = Layout.from_json(new)
    except InvalidInput:
        return
    assert Layout.from_json(layout.to_json()) == layout


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 2),
        (("format",), True),
        (("disk", "partitions", 0, "size"), -1),
        (("disk", "partitions", 0, "start"), 1 << 62),
        (("disk", "partitions", 1, "start"), 1 << 20),
        (("file_systems", 0, "label"), "a\nb"),
        (("file_systems", 0, "features"), ["none,bad"]),
        (("file_systems", 0, "holder", "partition"), 9),
        (("volumes", 0, "name"), "../x"),
        (("volumes", 0, "extents"), 1 << 30),
        (("mounts", 0, "path"), "/../etc"),
        (("mounts", 0, "options"), "rw;reboot"),
        (("boot", "firmware"), "openfirmware"),
        (("boot", "efi_loader"), "\\EFI\\$(x).efi"),
        (("disk", "path"), "/dev/sda;reboot"),
        (("disk", "table_id"), "label: dos"),
    ],
)
def test_each_wrong_value_of_a_layout_file_is_named(path: tuple, value: object) -> None:
    data = json.loads(recorded.captured("lab-lvm-bios").to_json())
    place = data
    for step in path[:-1]:
        place = place[step]
    assert path[-1] in place if isinstance(place, dict) else True
    place[path[-1]] = value
    with pytest.raises(InvalidInput):
        Layout.from_json(json.dumps(data))


def test_unknown_and_missing_fields_are_refused() -> None:
    data = json.loads(recorded.captured("bios-mbr-one").to_json())
    with pytest.raises(InvalidInput, match="surprise"):
        Layout.from_json(json.dumps({**data, "surprise": 1}))
    del data["mounts"]
    with pytest.raises(InvalidInput, match="mounts"):
        Layout.from_json(json.dumps(data))
