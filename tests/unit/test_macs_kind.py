"""Who sent a request: the requests recorded from real ROMs, firmware, installers and systems."""

from collections import Counter

import pytest

from backend.discovery.dhcp_packet import parse_frame
from backend.discovery.machine_kind import ARCHITECTURES, Kind, Sender, identify
from backend.model.site import Firmware
from tests.fakes.dhcp_frames import DISCOVER, frame

MAC = bytes.fromhex("525400123456")
ARCH_0, ARCH_7, ARCH_16 = (93, b"\x00\x00"), (93, b"\x00\x07"), (93, b"\x00\x10")
CARD_ID = (61, b"\x01" + MAC)
PLAIN = (55, b"\x01\x03\x06")


def sender(*options: tuple[int, bytes]) -> Sender:
    request = parse_frame(frame(MAC, DISCOVER, *options), Counter())
    assert request is not None
    return identify(request)


def vendor(text: str) -> tuple[int, bytes]:
    return 60, text.encode()


@pytest.mark.parametrize(
    ("options", "kind", "firmware"),
    [
        # iPXE calls itself PXEClient too: user class and option 175 are looked at first
        (
            (vendor("PXEClient:Arch:00000:UNDI:002001"), ARCH_0, (77, b"iPXE"), (175, b"x"), CARD_ID),
            Kind.IPXE, Firmware.BIOS,
        ),
        ((vendor("PXEClient:Arch:00007:UNDI:003010"), ARCH_7, (77, b"\x04iPXE")), Kind.IPXE, Firmware.UEFI),
        ((vendor("PXEClient:Arch:00007:UNDI:003010"), ARCH_7, (175, b"")), Kind.IPXE, Firmware.UEFI),
        ((vendor("PXEClient:Arch:00007:UNDI:003000"), ARCH_7), Kind.ROM, Firmware.UEFI),
        ((vendor("PXEClient:Arch:00000:UNDI:002001"), ARCH_0), Kind.ROM, Firmware.BIOS),
        ((vendor("PXEClient:Arch:00009:UNDI:003016"),), Kind.ROM, Firmware.UEFI),
        ((vendor("PXEClient"),), Kind.ROM, None),
        ((vendor("HTTPClient:Arch:00016:UNDI:003000"), ARCH_16), Kind.HTTP_BOOT, Firmware.UEFI),
        ((vendor("haoscar-installer"), CARD_ID), Kind.INSTALLER, None),
        ((vendor("d-i"),), Kind.OTHER_INSTALLER, None),
        ((vendor("anaconda-Linux 5.14.0 x86_64"),), Kind.OTHER_INSTALLER, None),
        ((vendor("udhcp 1.36.1"), CARD_ID), Kind.OTHER_INSTALLER, None),
        ((vendor("MSFT 5.0"), (12, b"PC-7")), Kind.OPERATING_SYSTEM, None),
        (((12, b"standby1"), (61, b"\xff" + bytes(18)), PLAIN), Kind.OPERATING_SYSTEM, None),
        # the firmware's own IP stack: no name, no identifier, and a very short wish list
        ((PLAIN,), Kind.FIRMWARE, None),
        (((55, b"\x01\x06\x03"),), Kind.FIRMWARE, None),
        ((PLAIN, CARD_ID), Kind.OPERATING_SYSTEM, None),
        ((PLAIN, (12, b"x")), Kind.OPERATING_SYSTEM, None),
        (((55, b"\x01\x03\x06\x0f"),), Kind.OPERATING_SYSTEM, None),
        ((), Kind.OPERATING_SYSTEM, None),
    ],
)  # fmt: skip
def test_kind_and_firmware(options, kind, firmware):
    found = sender(*options)
    assert (found.kind, found.firmware) == (kind, firmware)


def test_description_names_program_and_architecture():
    assert sender(vendor("PXEClient"), ARCH_7).description == "network boot ROM, x86-64 UEFI"
    assert sender(vendor("d-i")).description == "Debian or Ubuntu installer"


def test_option_93_wins_over_the_vendor_class():
    assert sender(vendor("PXEClient:Arch:00000:UNDI:002001"), ARCH_7).firmware is Firmware.UEFI


def test_architecture_without_a_name_is_told_by_its_number():
    found = sender(vendor("PXEClient"), (93, b"\x12\x34"))
    assert (found.architecture, found.firmware) == ("architecture 4660", None)


def test_names_of_architectures_agree_with_their_firmware():
    for name, firmware in ARCHITECTURES.values():
        assert ("UEFI" in name or "EFI" in name) == (firmware is Firmware.UEFI), name
        assert ("BIOS" in name) == (firmware is Firmware.BIOS), name
