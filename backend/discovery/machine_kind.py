"""What a DHCP request tells about the machine that sent it: pure rules, the first that fits decides.

The order matters: iPXE calls itself PXEClient too, and the plain IP stack of UEFI firmware looks like
a very modest operating system. Sources: RFC 4578, IANA "Processor Architecture Types", and requests
recorded from ROMs, firmware, installers and operating systems.
"""

import enum
import re
from dataclasses import dataclass

from backend.discovery.dhcp_packet import DhcpRequest
from backend.model.site import Firmware

OUR_VENDOR_CLASS = "haoscar-installer"
PLAIN_STACK_PARAMETERS = frozenset(
    (1, 3, 6)
)  # mask, router, name server; nothing else is asked for


class Kind(enum.StrEnum):
    """Which program of the machine is asking."""

    ROM = "rom"
    HTTP_BOOT = "http-boot"
    IPXE = "ipxe"
    INSTALLER = "installer"
    FIRMWARE = "firmware"
    OTHER_INSTALLER = "other-installer"
    OPERATING_SYSTEM = "os"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asks: the program, the firmware below it when it is known, and both in words."""

    kind: Kind
    firmware: Firmware | None
    architecture: str | None  # "x86-64 UEFI"
    description: str  # "network boot ROM, x86-64 UEFI"


_BIOS = Firmware.BIOS
_UEFI = Firmware.UEFI

# IANA processor architecture types (option 93). 9 is EFI byte code, which PCs send for x86-64.
ARCHITECTURES: dict[int, tuple[str, Firmware | None]] = {
    0: ("x86 BIOS", _BIOS),
    1: ("NEC PC-98", None),
    2: ("Itanium EFI", _UEFI),
    3: ("Alpha", None),
    4: ("Arc x86", None),
    5: ("Intel Lean Client", None),
    6: ("x86 UEFI", _UEFI),
    7: ("x86-64 UEFI", _UEFI),
    8: ("XScale EFI", _UEFI),
    9: ("x86-64 UEFI (byte code)", _UEFI),
    10: ("ARM UEFI", _UEFI),
    11: ("ARM64 UEFI", _UEFI),
    12: ("PowerPC Open Firmware", None),
    13: ("PowerPC ePAPR", None),
    14: ("POWER OPAL", None),
    15: ("x86 UEFI HTTP", _UEFI),
    16: ("x86-64 UEFI HTTP", _UEFI),
    17: ("UEFI byte code HTTP", _UEFI),
    18: ("ARM UEFI HTTP", _UEFI),
    19: ("ARM64 UEFI HTTP", _UEFI),
    20: ("x86 BIOS HTTP", _BIOS),
    21: ("ARM U-Boot", None),
    22: ("ARM64 U-Boot", None),
    23: ("ARM U-Boot HTTP", None),
    24: ("ARM64 U-Boot HTTP", None),
    25: ("RISC-V 32 UEFI", _UEFI),
    26: ("RISC-V 32 UEFI HTTP", _UEFI),
    27: ("RISC-V 64 UEFI", _UEFI),
    28: ("RISC-V 64 UEFI HTTP", _UEFI),
    29: ("RISC-V 128 UEFI", _UEFI),
    30: ("RISC-V 128 UEFI HTTP", _UEFI),
    31: ("s390 basic", None),
    32: ("s390 extended", None),
    33: ("MIPS 32 UEFI", _UEFI),
    34: ("MIPS 64 UEFI", _UEFI),
    35: ("Sunway 32 UEFI", _UEFI),
    36: ("Sunway 64 UEFI", _UEFI),
    37: ("LoongArch 32 UEFI", _UEFI),
    38: ("LoongArch 32 UEFI HTTP", _UEFI),
    39: ("LoongArch 64 UEFI", _UEFI),
    40: ("LoongArch 64 UEFI HTTP", _UEFI),
    41: ("Raspberry Pi boot ROM", None),
}

_OTHERS: tuple[tuple[str, Kind, str], ...] = (  # beginning of the vendor class, in lower case
    ("d-i", Kind.OTHER_INSTALLER, "Debian or Ubuntu installer"),
    ("anaconda", Kind.OTHER_INSTALLER, "Red Hat family installer"),
    ("autoyast", Kind.OTHER_INSTALLER, "SUSE installer"),
    ("onie_vendor", Kind.OTHER_INSTALLER, "installer of a network switch"),
    ("udhcp", Kind.OTHER_INSTALLER, "BusyBox: an installer or an embedded system"),
    ("msft", Kind.OPERATING_SYSTEM, "Windows"),
    ("android-dhcp", Kind.OPERATING_SYSTEM, "Android"),
)

_ARCH_IN_VENDOR_CLASS = re.compile(r"(?:PXE|HTTP)Client:Arch:(\d{5})\b")


def identify(request: DhcpRequest) -> Sender:
    """Return who sent a request."""
    vendor = request.vendor_class or ""
    kind, words = _program(request, vendor)
    number = _architecture(request, vendor)
    if number is None:
        return Sender(kind, None, None, words)
    name, firmware = ARCHITECTURES.get(number, (f"architecture {number}", None))
    return Sender(kind, firmware, name, f"{words}, {name}")


def _program(request: DhcpRequest, vendor: str) -> tuple[Kind, str]:
    if request.ipxe or "iPXE" in (request.user_class or ""):
        return Kind.IPXE, "iPXE"
    if vendor.startswith("PXEClient"):
        return Kind.ROM, "network boot ROM"
    if vendor.startswith("HTTPClient"):
        return Kind.HTTP_BOOT, "UEFI HTTP boot"
    if vendor.startswith(OUR_VENDOR_CLASS):
        return Kind.INSTALLER, "HA-OSCAR installer"
    for beginning, kind, words in _OTHERS:
        if vendor.lower().startswith(beginning):
            return kind, words
    if _is_plain_stack(request):
        return Kind.FIRMWARE, "the firmware's own IP stack"
    return Kind.OPERATING_SYSTEM, "operating system"


def _is_plain_stack(request: DhcpRequest) -> bool:
    return (
        request.host_name is None
        and request.client_id is None
        and len(request.parameters) == len(PLAIN_STACK_PARAMETERS)
        and frozenset(request.parameters) == PLAIN_STACK_PARAMETERS
    )


def _architecture(request: DhcpRequest, vendor: str) -> int | None:
    if request.architectures:
        return request.architectures[0]
    match = _ARCH_IN_VENDOR_CLASS.match(vendor)
    return int(match[1]) if match else None
