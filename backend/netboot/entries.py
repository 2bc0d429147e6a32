"""What a machine is told when it boots from the network: pxelinux entries and iPXE scripts. Pure.

Every value is typed before it gets here, so that none can add a line of its own.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from backend.clone.constants import (
    BOOT_PORT,
    INSTALLER_FILE,
    KERNEL_ARGUMENTS,
    KERNEL_FILE,
    BootMode,
)
from backend.clone.keys import PublicKey
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import IpAssignment, Site, Standby
from backend.rendering import render


@dataclass(frozen=True, slots=True)
class BootMachine:
    """A machine that may be installed, and the head that does it."""

    name: HostName
    mac: Mac
    head: IPv4Address  # the primary's private address, never a virtual one
    key: PublicKey  # of the installations' sshd
    address: IPv4Interface | None = None  # None: the installer asks DHCP

    @property
    def url(self) -> str:
        """The boot server's address, without a slash at its end."""
        return boot_url(self.head)


def boot_url(head: IPv4Address) -> str:
    """Return the boot server's URL, without a slash at its end."""
    return f"http://{head}:{BOOT_PORT}"


def boot_machine(site: Site, standby: Standby, key: PublicKey) -> BootMachine:
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
    key: PublicKey,
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
    """Return the script for every other machine: on to its own disk, at once.

    On UEFI that needs local.efi: firmware that iPXE hands back to tries every other way of the
    network first, two minutes and more.
    """
    return render("boot/unknown.ipxe.j2")


def ipxe_autoexec() -> str:
    """Return autoexec.ipxe, which iPXE from 2021 on fetches from beside itself."""
    return render("boot/autoexec.ipxe.j2", port=BOOT_PORT)


def entry_name(mac: Mac) -> str:
    """Return the name that pxelinux asks for: ARP type 01 (Ethernet) and the address."""
    return f"01-{mac.hyphens}"
