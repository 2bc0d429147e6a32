"""Inventories of standbys: parsed with suspicion, and the one disk chosen from them."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.clone.inventory import LIMIT, Inventory, parse_inventory, size_text
from backend.clone.target import choose_disk, needed_bytes
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.model.site import Firmware
from tests import clone_site
from tests import recorded_machines as recorded

GIB = 1 << 30


def machine(*disks: str) -> Inventory:
    lines = ["haoscar-inventory 1", "firmware\tbios", *("disk\t" + disk for disk in disks), "end"]
    return parse_inventory("\n".join(lines) + "\n")


def disk(path: str, gib: float = 40, **more: object) -> str:
    fields = {"path": path, "size": int(gib * GIB), "sector": 512, **more}
    return "\t".join(f"{key}={value}" for key, value in fields.items())


def test_an_inventory_is_read() -> None:
    found = clone_site.inventory()
    assert found.firmware is Firmware.UEFI
    assert found.memory_kib == 2034512
    assert [one.path for one in found.disks] == ["/dev/sda"]
    assert found.disks[0].model == "QEMU HARDDISK"
    assert found.disks[0].blank
    assert [(one.mac, one.booted) for one in found.cards] == [
        ("52:54:00:00:00:02", True),
        ("52:54:00:00:00:03", False),
    ]
    assert found.cards[1].predicted == ("enp0s4", "ens4")


@pytest.mark.parametrize("cut", [2, 5, 60, 200])
def test_a_cut_inventory_is_not_a_small_machine(cut: int) -> None:
    with pytest.raises(InvalidInput, match="complete inventory"):
        parse_inventory(clone_site.INVENTORY[:-cut])


def test_all_problems_come_with_their_line() -> None:
    text = clone_site.INVENTORY.replace("size=8589934592", "size=-5")
    text = text.replace("52:54:00:00:00:03", "ff:ff:ff:ff:ff:ff").replace("uefi", "efi?")
    with pytest.raises(InvalidInput) as caught:
        parse_inventory(text)
    assert {one.code for one in caught.value.reports} == {
        "inventory.value", "address.mac-group", "inventory.firmware",
    }  # fmt: skip
    assert "inventory:4" in str(caught.value)
    assert "inventory:6" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/dev/sda", "/dev/sda;reboot"),
        ("/dev/sda", "/dev/../etc/passwd"),
        ("/dev/sda", "-rf"),
        ("sector=512", "sector=0"),
        ("sector=512", "sector=\u0665\u0661\u0662"),
        ("link=1", "link=yes"),
        ("name=eth0", "name=eth0 x"),
        ("52:54:00:00:00:03", "52:54:00:00:00:02"),
    ],
)
def test_hostile_fields_are_refused(old: str, new: str) -> None:
    with pytest.raises(InvalidInput):
        parse_inventory(clone_site.INVENTORY.replace(old, new))


def test_texts_for_people_cannot_carry_control_characters() -> None:
    found = parse_inventory(
        clone_site.INVENTORY.replace("QEMU  HARDDISK", "a\x1b[2J\x07b\x00" * 30)
    )
    assert found.disks[0].model.isprintable()
    assert len(found.disks[0].model) <= 80


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400))
def test_bytes_from_the_wire_never_crash_the_parser(data: bytes) -> None:
    for text in (data, b"haoscar-inventory 1\n" + data + b"\nend\n"):
        with contextlib.suppress(InvalidInput):
            parse_inventory(text)


def test_an_endless_inventory_is_refused() -> None:
    many = "card\tmac=52:54:00:00:00:09\tname=eth9\n" * 3000
    with pytest.raises(InvalidInput):
        parse_inventory("haoscar-inventory 1\nfirmware\tbios\n" + many + "end\n")
    assert len(many) > LIMIT


LAYOUT = recorded.captured("bios-mbr-one")


def test_auto_takes_the_only_disk_that_is_big_enough() -> None:
    found = machine(disk("/dev/sda", 1), disk("/dev/sdb"), disk("/dev/sdc", removable=1),
                    disk("/dev/sdd", transport="usb"))  # fmt: skip
    chosen = choose_disk(found, clone_site.standby(), LAYOUT)
    assert (chosen.path, chosen.wipe) == ("/dev/sdb", False)


def test_two_candidates_are_refused_until_one_is_named() -> None:
    found = machine(disk("/dev/sda", serial="A1"), disk("/dev/sdb", serial="B2"))
    with pytest.raises(Refused, match=r"2 disks.*/dev/sda.*/dev/sdb"):
        choose_disk(found, clone_site.standby(), LAYOUT)
    for name in ("B2", "/dev/sdb"):
        assert choose_disk(found, clone_site.standby(disk=name), LAYOUT).path == "/dev/sdb"
    with pytest.raises(Refused, match="no disk 'C3'"):
        choose_disk(found, clone_site.standby(disk="C3"), LAYOUT)
    with pytest.raises(Refused):
        choose_disk(machine(disk("/dev/sda")), clone_site.standby(disk=""), LAYOUT)


@pytest.mark.parametrize("more", [{"signatures": "gpt,ext4"}, {"partitions": 2}])
def test_data_is_not_touched_unless_the_ticket_says_so(more: dict[str, object]) -> None:
    found = machine(disk("/dev/sda", **more))
    with pytest.raises(Refused, match="not touched"):
        choose_disk(found, clone_site.standby(), LAYOUT)
    with pytest.raises(Refused, match="not touched"):
        choose_disk(found, clone_site.standby(disk="/dev/sda"), LAYOUT)
    assert choose_disk(found, clone_site.standby(wipe=True), LAYOUT).wipe


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"mounted": 1}, "in use"),
        ({"readonly": 1}, "only be read"),
        ({"sector": 520}, "520"),
    ],
)
def test_unusable_disks_are_refused_even_by_name(more: dict[str, object], words: str) -> None:
    found = machine(disk("/dev/sda", **more))
    for standby in (clone_site.standby(wipe=True), clone_site.standby(disk="/dev/sda", wipe=True)):
        with pytest.raises(Refused, match=words):
            choose_disk(found, standby, LAYOUT)


def test_a_small_disk_is_refused_with_numbers() -> None:
    need = needed_bytes(LAYOUT)
    with pytest.raises(Refused) as caught:
        choose_disk(machine(disk("/dev/sda", 19)), clone_site.standby(), LAYOUT)
    assert str(need) in str(caught.value)
    assert str(19 * GIB) in str(caught.value)
    assert size_text(need) in str(caught.value)


def test_the_standard_layout_needs_room_for_the_image() -> None:
    layout = recorded.captured("container-nspawn")
    found = machine(disk("/dev/vda", 1))
    assert (
        choose_disk(found, clone_site.standby(), layout, image_bytes=400 << 20).path == "/dev/vda"
    )
    with pytest.raises(HaoscarError, match="no disk of"):
        choose_disk(found, clone_site.standby(), layout, image_bytes=GIB)


def test_no_disk_at_all() -> None:
    with pytest.raises(Refused, match="no disk"):
        choose_disk(machine(), clone_site.standby(), LAYOUT)
