"""What is noted of a booting machine before its installer speaks: the first of each, of ours only."""

import dataclasses
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.clone.constants import BootSign
from backend.clone.installs import Installs
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.netboot.signs import BootSigns, tftp_file
from backend.paths import Paths
from tests.clone_site import BOOT_MAC, site, standby
from tests.fakes.dhcp_frames import DISCOVER, bootp, packet
from tests.unit.test_clone_ticket import key

SITE = site().with_standby(standby())
MAC = Mac(BOOT_MAC)
ROM = (60, b"PXEClient:Arch:00000:UNDI:002001")
IPXE = (77, b"iPXE")
SYSTEM = (12, b"oldname")
STANDBY, STRANGER = IPv4Address("10.0.0.2"), IPv4Address("10.0.0.77")


def asked(*options: tuple[int, bytes], mac: str = BOOT_MAC) -> bytes:
    return packet(bootp(Mac(mac).raw, DISCOVER, *options))


def read_request(name: str) -> bytes:
    return packet(b"\0\1" + name.encode() + b"\0octet\0", port=69)


class Head:
    """A boot server's ears, with a clock that the test moves."""

    def __init__(self, root: Path) -> None:
        self.now = 1000.0
        self.site: Site = SITE
        self.installs = Installs(Paths(root), lambda: self.now)
        self.signs = BootSigns(self.installs, lambda: self.site, lambda: self.now)

    def arm(self) -> None:
        self.installs.arm(self.site, self.site.standbys[0], 1)

    def seen(self) -> list[tuple[BootSign, float]]:
        state = self.installs.state(MAC)
        return [] if state is None else list(state.signs)


@pytest.fixture
def head(tmp_path: Path) -> Head:
    return Head(tmp_path)


def test_a_network_boot_is_seen_from_its_first_request(head: Head) -> None:
    head.arm()
    steps: tuple[Callable[[], None], ...] = (
        lambda: head.signs.packet(IPv4Address(0), 67, asked(ROM)),
        lambda: head.signs.packet(STANDBY, 69, read_request("haoscar/pxelinux.0")),
        lambda: head.signs.packet(STANDBY, 69, read_request("haoscar/pxelinux.cfg/01-52-54")),
        lambda: head.signs.packet(STANDBY, 69, read_request("haoscar/linux")),
        lambda: head.signs.packet(STANDBY, 69, read_request("haoscar/installer.img")),
    )
    for step in steps:
        head.now += 2
        step()
    assert head.seen() == [
        (BootSign.ASKED, 1002.0), (BootSign.LOADER, 1004.0), (BootSign.KERNEL, 1008.0),
    ]  # fmt: skip


def test_ipxe_is_seen_by_dhcp_and_http(head: Head) -> None:
    head.arm()
    for _ in range(3):  # it calls itself a PXE client too, and repeats itself without an answer
        head.signs.packet(IPv4Address(0), 67, asked(ROM, IPXE))
        head.now += 2
    head.signs.http("10.0.0.2", "/boot.ipxe", BOOT_MAC.upper())
    head.signs.http("10.0.0.2", "/boot/linux", "")
    assert head.seen() == [
        (BootSign.ASKED, 1000.0), (BootSign.LOADER, 1006.0), (BootSign.KERNEL, 1006.0),
    ]  # fmt: skip


def test_a_machine_that_starts_its_old_system_is_noticed(head: Head) -> None:
    head.arm()
    head.signs.packet(IPv4Address(0), 67, asked(SYSTEM))
    assert head.seen() == [(BootSign.SYSTEM, 1000.0)]


def test_what_repeats_itself_is_noted_once_and_anew_for_a_new_ticket(head: Head) -> None:
    head.arm()
    for _ in range(5):
        head.now += 5
        head.signs.packet(IPv4Address(0), 67, asked(ROM))
    assert [one.kind for one in head.installs.events(MAC)] == ["armed", "asked"]
    head.now += 5
    head.arm()
    head.now += 5
    head.signs.packet(IPv4Address(0), 67, asked(ROM))
    assert head.seen() == [(BootSign.ASKED, head.now)]


def test_only_a_ticket_that_waits_takes_signs(head: Head) -> None:
    head.signs.packet(IPv4Address(0), 67, asked(ROM))
    assert head.seen() == []
    head.arm()
    head.installs.admit(MAC, key())
    head.now += 5
    head.signs.packet(IPv4Address(0), 67, asked(ROM))
    head.signs.http("10.0.0.2", "/boot.ipxe", BOOT_MAC)
    assert head.seen() == []


def test_other_machines_are_not_noted(head: Head) -> None:
    head.arm()
    head.signs.packet(IPv4Address(0), 67, asked(ROM, mac="52:54:00:00:00:99"))
    head.signs.packet(STRANGER, 69, read_request("haoscar/pxelinux.0"))
    head.signs.http(str(STRANGER), "/boot/linux", "")
    head.signs.http(str(STRANGER), "/boot.ipxe", "52:54:00:00:00:99")
    head.signs.http(str(STANDBY), "/etc/shadow", "")
    head.site = dataclasses.replace(SITE, standbys=(standby(mac=None),))
    head.now += 5
    head.signs.packet(STANDBY, 69, read_request("haoscar/pxelinux.0"))
    head.site = SITE
    assert head.seen() == []


def test_a_damaged_ticket_stops_nothing(head: Head) -> None:
    head.arm()
    (head.installs.directory(MAC) / "ticket.json").write_text("{")
    head.signs.packet(IPv4Address(0), 67, asked(ROM))


def test_a_read_request_names_its_file() -> None:
    assert tftp_file(read_request("haoscar/linux")) == "haoscar/linux"
    assert tftp_file(packet(b"\0\2name\0octet\0", port=69)) == ""  # a write request
    assert tftp_file(packet(b"\0\1never ended", port=69)) == ""
    assert tftp_file(read_request("a\x1b[2Jb")).isprintable()


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([67, 69]))
def test_no_packet_breaks_anything(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, port: int
) -> None:
    head = Head(tmp_path_factory.getbasetemp() / "hostile")
    if head.installs.ticket(MAC) is None:
        head.arm()
    for data in (raw, packet(raw, port=port), packet(b"\0\1" + raw, port=port)):
        head.signs.packet(STANDBY, port, data)
        assert tftp_file(data).isprintable()
