"""The numbers and words that head, installer and clone agree on. Pure."""

import enum

BOOT_PORT = 8117  # HTTP on the head's private address: kernel, installer image, hello
SSH_PORT = 8122  # the dedicated sshd of installations, private address only

KERNEL_FILE = "linux"  # in paths.installer, and below /boot/ over HTTP
INSTALLER_FILE = "installer.img"
INSTALLER_RECORD = "installer.json"

KERNEL_ARGUMENTS = (
    "net.ifnames=0", "console=tty0", "console=ttyS0,115200", "quiet", "panic=30",
)  # fmt: skip

TARGET = "/sysroot"  # where the installer mounts the new system
HEAD_ALIAS = "haoscar-head"  # name of the head in the installer's ssh configuration
GATE_USER = "root"  # the account of the dedicated sshd; its one key may run the gate only
CLONE_DIRECTORY = "/var/lib/haoscar/first-boot"  # on the clone: key and report, removed after use
FIRST_BOOT_UNIT = "haoscar-first-boot.service"


class Stage(enum.StrEnum):
    """How far an installation is; sent as events, in this order."""

    START = "start"
    NETWORK = "network"
    ADMITTED = "admitted"
    PARTITION = "partition"
    FORMAT = "format"
    COPY = "copy"
    VERIFY = "verify"
    IDENTITY = "identity"
    BOOTLOADER = "bootloader"
    DONE = "done"
    BOOTED = "booted"
    FAILED = "failed"


STAGES = tuple(stage for stage in Stage if stage is not Stage.FAILED)


class BootSign(enum.StrEnum):
    """What the head hears of a machine before its installer can speak; each may stay away."""

    ASKED = "asked"  # its firmware, or iPXE, asked DHCP for an address
    LOADER = "loader"  # it fetched a boot loader, or what that one is to do
    KERNEL = "kernel"  # it fetched the kernel or the installer
    SYSTEM = "system"  # an operating system asked DHCP: it did not boot from the network


class BootMode(enum.StrEnum):
    """What the head tells a machine that boots from the network."""

    INSTALL = "install"
    LOCAL = "local"
