"""What a machine is told when it boots from the network: pxelinux entries and iPXE scripts. Pure.

Every value is typed before it gets here, so that none can add a line of its own.
"""

import base64
import binascii
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from backend.clone.constants import (
    BOOT_PORT,
    INSTALLER_FILE,
    KERNEL_ARGUMENTS,
    KERNEL_FILE,
    BootMode,
)
from backend.errors import InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import IpAssignment, Site, Standby
from backend.rendering import render

_KEY_HEADER = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"  # RFC 8709 section 4


class HeadKey(str):
    """The public key blob of the installations' sshd, base64, as a kernel argument carries it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "HeadKey":
        """Read the blob, alone or from a ``ssh-ed25519 AAAA...`` line; raises InvalidInput."""
        words = text.split()
        blob = words[1] if len(words) > 1 and words[0] == "ssh-ed25519" else text.strip()
        try:
            raw = base64.b64decode(blob, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if not raw.startswith(_KEY_HEADER) or len(raw) != len(_KEY_HEADER) + 32:
            raise InvalidInput.of(
                "netboot.key",
                f"{ascii(text)[:60]} is not an ed25519 public key.",
                "It is made again when the boot server is set up: haoscar setup-network-boot.",
            )
        return cls(base64.b64encode(raw).decode("ascii"))


@dataclass(frozen=True, slots=True)
class BootMachine:
    """A machine that may be installed, and the head that does it."""

    name: HostName
    mac: Mac
    head: IPv4Address  # the primary's private address, never a virtual one
    key: HeadKey
    address: IPv4Interface | None = None  # None: the installer asks DHCP

    @property
    def url(self) -> str:
        """The boot server's address, without a slash at its end."""
        return boot_url(self.head)


def boot_url(head: IPv4Address) -> str:
    """Return the boot server's URL, without a slash at its end."""
    return f"http://{head}:{BOOT_PORT}"


def boot_machine(site: Site, standby: Standby, key: HeadKey) -> BootMachine:
    """Return what the entries need of a standby; raises Refused when it has no MAC address yet."""
    if standby.mac is None:
        raise Refused.of(
            "netboot.no-mac",
            f"{standby.name} has no MAC address yet.",
            "Switch it on, collect its MAC address and assign it.",
        )
    image = site.image(standby.image)
    dynamic = image is not None and image.ip_assignment is IpAssignment.DYNAMIC_DHCP
    address = None if dynamic else IPv4Interface(f"{standby.address}/{standby.prefix}")
    return BootMachine(standby.name, standby.mac, site.primary.private_address, key, address)


def kernel_arguments(
    head: IPv4Address,
    key: HeadKey,
    address: IPv4Interface | None = None,
    mac: Mac | None = None,
) -> str:
    """Return the installer's kernel command line; without ``mac`` it tries each card with a link."""
    words = [f"haoscar.head={head}", f"haoscar.key={key}"]
    if address is not None:
        words.append(f"haoscar.addr={address}")
    if mac is not None:
        words.append(f"BOOTIF=01-{mac.hyphens}")
    return " ".join((*words, *KERNEL_ARGUMENTS))


def pxelinux_entry(machine: BootMachine, mode: BootMode) -> str:
    """Return the content of the machine's file below pxelinux.cfg/.

    "Boot from disk" goes through chain.c32: LOCALBOOT 0 keeps the card's network stack in memory
    and loses 2 s in it; LOCALBOOT -1 is as quick but leaves the choice of the disk to the firmware.
    """
    if mode is BootMode.LOCAL:
        return render("boot/pxelinux.local.j2", machine=machine)
    return render(
        "boot/pxelinux.install.j2",
        machine=machine,
        kernel=KERNEL_FILE,
        initrd=INSTALLER_FILE,
        arguments=kernel_arguments(machine.head, machine.key, machine.address, machine.mac),
    )


def pxelinux_default() -> str:
    """Return pxelinux.cfg/default: who has no file of its own goes on to its next boot device."""
    return render("boot/pxelinux.default.j2")


def ipxe_script(machine: BootMachine, mode: BootMode) -> str:
    """Return the script that http://HEAD:8117/boot.ipxe?mac=... answers for this machine."""
    if mode is BootMode.LOCAL:
        return render("boot/local.ipxe.j2", machine=machine, url=machine.url)
    return render(
        "boot/install.ipxe.j2",
        machine=machine,
        head=machine.head,
        url=machine.url,
        kernel=KERNEL_FILE,
        initrd=INSTALLER_FILE,
        arguments=kernel_arguments(machine.head, machine.key, machine.address, machine.mac),
    )


def ipxe_unknown() -> str:
    """Return the script for every other machine: on to its own next boot device, at once."""
    return render("boot/unknown.ipxe.j2")


def entry_name(mac: Mac) -> str:
    """Return the name that pxelinux asks for: ARP type 01 (Ethernet) and the address."""
    return f"01-{mac.hyphens}"
