"""What the virtual cluster and the tests need of the machine they run on."""

from dataclasses import dataclass

from backend.model.distribution import Family
from backend.packages.installer import PackageTool, distribution_of, package_tool
from backend.paths import Paths
from backend.system.runner import Runner
from backend.tasks import TaskContext

LAB = {
    Family.DEBIAN: (
        "mmdebstrap", "systemd-container", "qemu-system-x86", "qemu-utils", "ipxe-qemu", "seabios",
        "ovmf", "iproute2", "nftables", "openssh-client", "util-linux", "mount",
    ),
    Family.RHEL: (
        "mmdebstrap", "systemd-container", "qemu-kvm", "qemu-img", "edk2-ovmf", "iproute", "nftables",
        "openssh-clients", "util-linux",
    ),
}  # fmt: skip
FAILOVER = {
    Family.DEBIAN: ("iproute2", "nftables", "util-linux", "mount", "keepalived"),
    Family.RHEL: ("iproute", "nftables", "util-linux", "keepalived"),
}
MONITORING = {
    Family.DEBIAN: ("iproute2", "nftables", "util-linux", "mount", "snmpd"),
    Family.RHEL: ("iproute", "nftables", "util-linux", "net-snmp"),
}
TESTS = {
    Family.DEBIAN: (
        "isc-dhcp-server", "tftpd-hpa", "openssh-server", "rsync", "python3-tk", "curl", "attr", "acl", "libcap2-bin",
        "keepalived", "libpcap0.8", "mtools", "dosfstools", "xorriso", "syslinux", "syslinux-common", "syslinux-efi", "pxelinux", "isolinux",
        "ipxe", "grub-common", "grub-pc-bin", "grub-efi-amd64-bin", "fdisk", "lvm2", "e2fsprogs", "xfsprogs",
        "dracut-core", "dracut-network", "kmod", "busybox", "zstd", "cpio", "sudo", "efibootmgr",
        "resource-agents", "psmisc", "fence-agents", "openipmi", "ipmitool",
        "libtime-period-perl", "mon", "monitoring-plugins-basic", "snmpd", "snmptrapd", "netbase", "python3-cryptography",
        "dnsmasq-base", "slurmctld", "slurm-client", "munge", "sshfs", "xvfb", "xdotool", "imagemagick", "fonts-dejavu-core",
    ),
    Family.RHEL: (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PrepareHost:
    """The task that installs what is missing."""

    paths: Paths
    runner: Runner
    tests: bool = False

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Preparing this machine for the virtual cluster"

    def run(self, context: TaskContext) -> tuple[str, ...]:
        """Return what was installed; raises HaoscarError."""
        return ensure_host_packages(self.paths, self.runner, context, tests=self.tests)


def ensure_host_packages(
    paths: Paths, runner: Runner, context: TaskContext, *, tests: bool = False
) -> tuple[str, ...]:
    """Install what is missing for the lab (and the tests); returns what was installed.

    Raises Refused on a distribution without apt or dnf, CommandFailed, Cancelled.
    """
    family = distribution_of(paths).family
    tool = package_tool(paths, runner)
    return _ensure((*LAB[family], *(TESTS[family] if tests else ())), tool, context)


def ensure_failover_packages(paths: Paths, runner: Runner, context: TaskContext) -> tuple[str, ...]:
    """Install what is missing for the failover bench; raises as ensure_host_packages does."""
    tool = package_tool(paths, runner)
    return _ensure(FAILOVER[distribution_of(paths).family], tool, context)


def ensure_monitoring_packages(
    paths: Paths, runner: Runner, context: TaskContext
) -> tuple[str, ...]:
    """Install what is missing for the monitoring bench; raises as ensure_host_packages does."""
    tool = package_tool(paths, runner)
    return _ensure(MONITORING[distribution_of(paths).family], tool, context)


def _ensure(wanted: tuple[str, ...], tool: PackageTool, context: TaskContext) -> tuple[str, ...]:
    missing = tuple(sorted(set(wanted) - tool.installed()))
    if not missing:
        return ()
    context.step(f"Installing {len(missing)} packages that the virtual cluster needs")
    return tool.install(missing, context)
