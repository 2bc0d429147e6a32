"""What a head needs, why, and what it is called in each family of distributions. Pure.

On Debian it is dracut-core and dracut-network, never the package ``dracut``: that one conflicts with
initramfs-tools and would take the head's own boot away. kexec-tools is left to the administrator:
on Debian it takes over the head's own reboots as soon as it is installed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from backend.change.plan import InstallPackages, Plan
from backend.errors import Refused
from backend.model.distribution import Distribution, Family
from backend.reports import error


@dataclass(frozen=True, slots=True)
class Need:
    """One thing a head needs, with the packages that bring it."""

    purpose: str
    debian: tuple[str, ...]
    rhel: tuple[str, ...]

    def names(self, family: Family) -> tuple[str, ...]:
        """Return the package names in this family; none in an unknown one."""
        return {Family.DEBIAN: self.debian, Family.RHEL: self.rhel}.get(family, ())


def _both(purpose: str, *names: str) -> Need:
    return Need(purpose, names, names)


HEAD = (
    Need("Gives the standby its address while it boots from the network.",
         ("isc-dhcp-server",), ("dhcp-server",)),
    Need("Hands out the boot loader and the installer's kernel.", ("tftpd-hpa",), ("tftp-server",)),
    Need("The boot loader of BIOS machines, and that of the boot floppy.",
         ("pxelinux", "syslinux-common", "syslinux"), ("syslinux", "syslinux-tftpboot")),
    Need("The boot loader of UEFI machines, and of those whose network card cannot boot.",
         ("ipxe",), ("ipxe-bootimgs-x86",)),
    Need("Copies the image to the standby.", ("rsync",), ("rsync", "rsync-rrsync")),
    Need("The encrypted channel through which the standby fetches its image.",
         ("openssh-server", "openssh-client"), ("openssh-server", "openssh-clients")),
    Need("Builds the installer image with the drivers for unknown machines.",
         ("dracut-core", "dracut-network"), ("dracut", "dracut-network")),
    Need("What the installer image is made of: disks are partitioned, wiped and recognised with it.",
         ("fdisk", "util-linux", "mount", "kmod"), ("util-linux", "util-linux-core", "kmod")),
    Need("Gives the installer its address by DHCP.", ("busybox",), ("dhcp-client",)),
    Need("Fetches what the installer needs from the head.", ("curl",), ("curl",)),
    _both("Packs the installer image.", "zstd"),
    _both("Compares extended attributes of the copy with the image's.", "attr"),
    _both("Logical volumes on the standby's disk.", "lvm2"),
    _both("The ext4 file system on the standby's disk.", "e2fsprogs"),
    _both("The xfs file system on the standby's disk.", "xfsprogs"),
    _both("The EFI system partition on the standby's disk.", "dosfstools"),
    Need("Starts the standby's disk on BIOS machines.",
         ("grub-pc-bin", "grub-common"), ("grub2-pc-modules", "grub2-tools")),
    Need("Starts the standby's disk on UEFI machines.",
         ("grub-efi-amd64-bin", "efibootmgr"), ("grub2-efi-x64-modules", "efibootmgr")),
    Need("Writes boot floppies, CDs and USB sticks for machines that cannot boot from the network.",
         ("xorriso", "mtools"), ("xorriso", "mtools", "grub2-tools-extra")),
    Need("Shows and sets network addresses, and who listens on which port.",
         ("iproute2",), ("iproute",)),
)  # fmt: skip

# Their packages start them at once on Debian and Ubuntu; none of them may run unconfigured.
DEBIAN_DAEMONS = (
    "isc-dhcp-server.service", "isc-dhcp-server6.service", "tftpd-hpa.service", "ssh.service",
    "ssh.socket", "rsync.service",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PackageState:
    """One package a head needs."""

    name: str
    purpose: str
    installed: bool


def wanted(family: Family, needs: Iterable[Need] = HEAD) -> dict[str, str]:
    """Return every package name with its purpose, in the catalogue's order."""
    found: dict[str, str] = {}
    for need in needs:
        for name in need.names(family):
            found.setdefault(name, need.purpose)
    return found


def states(
    family: Family, installed: frozenset[str], needs: Iterable[Need] = HEAD
) -> tuple[PackageState, ...]:
    """Return every needed package with whether it is installed."""
    return tuple(
        PackageState(name, purpose, name in installed)
        for name, purpose in wanted(family, needs).items()
    )


def missing(
    family: Family, installed: frozenset[str], needs: Iterable[Need] = HEAD
) -> tuple[str, ...]:
    """Return the names of the needed packages that are not installed."""
    return tuple(one.name for one in states(family, installed, needs) if not one.installed)


def install_plan(names: tuple[str, ...]) -> Plan:
    """Return the plan that installs these packages."""
    return Plan(
        "Install the packages a head needs",
        "Daemons among them are neither started nor enabled: that comes when they are configured.",
        (InstallPackages(names, "image, network boot and clone need them"),) if names else (),
    )


def unsupported(distribution: Distribution) -> Refused:
    """Return the refusal for a distribution whose packages are not known."""
    return Refused(
        error(
            "packages.unsupported",
            f"The packages of {distribution.title} are not known.",
            "Supported are Debian, Ubuntu and the RHEL family.",
        )
    )
