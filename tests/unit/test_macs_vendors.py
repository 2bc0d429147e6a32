"""Vendors by prefix: the longest registered block wins, and made-up addresses say so."""

from backend.discovery.vendors import LOCAL, NAME_LIMIT, Vendors, ieee_entries, manuf_entries
from backend.model.addresses import Mac
from backend.paths import Paths

MANUF = """\
# a comment
00:16:3E         \tXensource   \tXensource, Inc.
00:1B:C5         \tIEEERegi    \tIEEE Registration Authority
00:1B:C5:01:00:00/36\tSmallOne\tSmall One\x1b[31m GmbH
00:55:DA:10:00:00/28\tMiddle\tMiddle Ltd
garbage
00:11
\t
"""


def test_longest_prefix_wins():
    vendors = Vendors([lambda: manuf_entries(MANUF)])
    assert vendors.name(Mac.parse("00:16:3e:01:02:03")) == "Xensource, Inc."
    assert vendors.name(Mac.parse("00:1b:c5:01:02:03")) == "Small One\\x1b[31m GmbH"
    assert vendors.name(Mac.parse("00:1b:c5:02:02:03")) == "IEEE Registration Authority"
    assert vendors.name(Mac.parse("00:55:da:1f:02:03")) == "Middle Ltd"
    assert vendors.name(Mac.parse("00:55:da:2f:02:03")) == ""


def test_virtual_and_made_up_addresses_are_named_without_any_list():
    vendors = Vendors([])
    assert vendors.name(Mac.parse("52:54:00:12:34:56")) == "QEMU/KVM virtual machine"
    assert vendors.name(Mac.parse("02:42:ac:11:00:02")) == "Docker container"
    assert vendors.name(Mac.parse("9e:00:00:00:00:01")) == LOCAL
    assert vendors.name(Mac.parse("00:00:00:00:00:01")) == ""


def test_second_source_is_read_only_when_the_first_does_not_know():
    asked: list[int] = []

    def second() -> list[tuple[str, str]]:
        asked.append(1)
        return [("001122", "Second"), ("00163e", "never seen")]

    vendors = Vendors([lambda: manuf_entries(MANUF), second])
    assert vendors.name(Mac.parse("00:16:3e:01:02:03")) == "Xensource, Inc."
    assert asked == []
    for _ in range(3):
        assert vendors.name(Mac.parse("00:11:22:01:02:03")) == "Second"
    assert asked == [1]


def test_ieee_lists_are_read_as_far_as_they_are_there(tmp_path):
    (tmp_path / "oui.csv").write_text(
        "Registry,Assignment,Organization Name,Organization Address\n"
        'MA-L,00D0EF,IGT,"9295 PROTOTYPE DRIVE, RENO"\n'
        'MA-L,002272,"Fuel, Device  Corp.",x\n'
        "MA-L,zz2272,Wrong,x\nshort\n"
    )
    (tmp_path / "oui36.csv").write_text("Registry\nMA-S,70B3D5F2F," + "x" * 200 + ",y\n")
    (tmp_path / "mam.csv").write_text('MA-M,"' + "x" * 200_000)  # longer than a field may be
    assert dict(ieee_entries(tmp_path)) == {
        "00d0ef": "IGT",
        "002272": "Fuel, Device Corp.",
        "70b3d5f2f": "x" * (NAME_LIMIT - 3) + "...",
    }


def test_the_list_that_comes_with_scapy_is_enough(tmp_path):
    vendors = Vendors.of_machine(Paths(tmp_path))
    assert "Xen" in vendors.name(Mac.parse("00:16:3e:00:00:01"))
    assert "Intel" in vendors.name(Mac.parse("3c:fd:fe:00:00:01"))
