"""What an image says about its own system: how it is networked, started and named."""

import enum
import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from backend.clone.capture_checks import family
from backend.clone.image_tree import ImageTree
from backend.clone.probe_outputs import parse_os_release
from backend.model.layout import Family

KERNEL_VERSION = re.compile(r"[0-9][A-Za-z0-9._+~-]{0,100}")
SERVER_UNITS = (  # what answers other machines' DHCP and boot requests
    "isc-dhcp-server.service", "isc-dhcp-server6.service", "dhcpd.service", "dhcpd6.service",
    "kea-dhcp4-server.service", "kea-dhcp4.service", "tftpd-hpa.service", "atftpd.service",
    "tftp.socket", "tftp.service", "haoscar-boot.service",
)  # fmt: skip
PROGRAMS = (
    "grub-install", "grub2-install", "efibootmgr", "ssh-keygen", "dracut", "update-initramfs",
    "setfiles", "systemctl", "netplan",
)  # fmt: skip
RSA_KEY = re.compile(r"^[ \t]*HostKey[ \t]+\S*ssh_host_rsa_key", re.MULTILINE | re.IGNORECASE)


class NetworkSystem(enum.StrEnum):
    """What configures the network when the system starts."""

    IFUPDOWN = "ifupdown"
    NETWORK_MANAGER = "NetworkManager"
    NETPLAN = "netplan"
    NETWORKD = "systemd-networkd"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of the image with its initramfs, as paths of the system."""

    version: str
    kernel: str
    initrd: str


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What identity and boot loader need to know of an image."""

    family: Family = Family.OTHER
    host_name: str = ""
    hosts: str = ""
    fstab: str = ""
    network: NetworkSystem = NetworkSystem.UNKNOWN
    network_files: tuple[str, ...] = ()  # what configures the golden client's own cards
    dns: tuple[IPv4Address, ...] = ()
    renderer: str = ""  # of netplan
    kernels: tuple[Kernel, ...] = ()  # the newest first
    grub_platforms: frozenset[str] = frozenset()
    grub_configuration: bool = False
    efi_directories: tuple[str, ...] = ()  # names below /boot/efi/EFI that hold a GRUB
    fallback_loader: bool = False  # EFI/BOOT/BOOTX64.EFI
    programs: frozenset[str] = frozenset()
    server_units: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    rsa_host_key: bool = False  # sshd is told to use one
    stale_files: tuple[str, ...] = ()  # what must not be the same on two machines
    selinux_contexts: str = ""
    cloud_init: bool = False
    small_initramfs: bool = False  # Debian's MODULES=dep: only the golden client's drivers


def gather_facts(tree: Path) -> ImageFacts:
    """Read the facts from an image tree; a file that is not there gives an empty fact."""
    image = ImageTree(tree)
    files, network = _network(image)
    efi = {name.upper(): name for name in image.names("/boot/efi/EFI")}
    boot = {name.upper() for name in image.names(f"/boot/efi/EFI/{efi.get('BOOT', 'BOOT')}")}
    return ImageFacts(
        family=family(parse_os_release(image.text("/etc/os-release"))),
        host_name=image.text("/etc/hostname").strip().partition(".")[0],
        hosts=image.text("/etc/hosts"),
        fstab=image.text("/etc/fstab"),
        network=network,
        network_files=files,
        dns=_dns(image, files),
        renderer=_renderer(image, files),
        kernels=_kernels(image),
        grub_platforms=_grub_platforms(image),
        grub_configuration=_any(image, "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"),
        efi_directories=_efi_directories(image),
        fallback_loader="BOOTX64.EFI" in boot,
        programs=frozenset(name for name in PROGRAMS if image.program(name)),
        server_units=_server_units(image),
        host_keys=_below(image, "/etc/ssh", r"ssh_host_[a-z0-9_]+key(?:\.pub)?"),
        rsa_host_key=RSA_KEY.search(_sshd_configuration(image)) is not None,
        stale_files=_stale_files(image),
        selinux_contexts=_selinux_contexts(image),
        cloud_init=image.exists("/etc/cloud/cloud.cfg"),
        small_initramfs=_small_initramfs(image),
    )


def version_key(version: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts kernel versions: 6.1.0-9 before 6.1.0-18, 6.8-rc3 before 6.8."""
    key = []
    for word in re.findall(r"[0-9]+|[A-Za-z]+", version, re.ASCII):
        if word.isdigit():
            key.append((2, int(word[:18]), ""))
        else:
            key.append((0 if word == "rc" else 1, 0, word))
    return [*key, (1, 0, "")]


def _any(image: ImageTree, *paths: str) -> bool:
    return any(image.exists(path) for path in paths)


def _below(image: ImageTree, directory: str, pattern: str) -> tuple[str, ...]:
    return tuple(
        f"{directory}/{name}" for name in image.names(directory) if re.fullmatch(pattern, name)
    )


def _kernels(image: ImageTree) -> tuple[Kernel, ...]:
    found = []
    for version in image.names("/usr/lib/modules") or image.names("/lib/modules"):
        kernel = f"/boot/vmlinuz-{version}"
        if not KERNEL_VERSION.fullmatch(version) or not image.is_file(kernel):
            continue
        initrds = (f"/boot/initrd.img-{version}", f"/boot/initramfs-{version}.img")
        initrd = next((path for path in initrds if image.is_file(path)), "")
        if initrd:
            found.append(Kernel(version, kernel, initrd))
    return tuple(sorted(found, key=lambda one: version_key(one.version), reverse=True))


def _grub_platforms(image: ImageTree) -> frozenset[str]:
    platforms = ("i386-pc", "x86_64-efi")
    known = [name for name in platforms if image.exists(f"/usr/lib/grub/{name}/modinfo.sh")]
    return frozenset(known)


def _efi_directories(image: ImageTree) -> tuple[str, ...]:
    found = []
    for name in image.names("/boot/efi/EFI"):
        inside = {one.lower() for one in image.names(f"/boot/efi/EFI/{name}")}
        if re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name) and "grubx64.efi" in inside:
            found.append(name)
    return tuple(found)


def _server_units(image: ImageTree) -> tuple[str, ...]:
    places = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
    found = []
    for unit in SERVER_UNITS:
        script = f"/etc/init.d/{unit.removesuffix('.service')}"
        if _any(image, *(f"{place}/{unit}" for place in places), script):
            found.append(unit)
    dnsmasq = [image.text("/etc/dnsmasq.conf")]
    dnsmasq += [image.text(path) for path in _below(image, "/etc/dnsmasq.d", r"[^.].*")]
    if re.search(r"^[ \t]*(dhcp-range|enable-tftp)", "\n".join(dnsmasq), re.MULTILINE):
        found.append("dnsmasq.service")
    return tuple(found)


def _sshd_configuration(image: ImageTree) -> str:
    more = _below(image, "/etc/ssh/sshd_config.d", r".*\.conf")
    return "\n".join(image.text(path) for path in ("/etc/ssh/sshd_config", *more))


def _stale_files(image: ImageTree) -> tuple[str, ...]:
    paths = [
        "/var/lib/systemd/random-seed",
        "/var/lib/NetworkManager/secret_key",
        "/etc/udev/rules.d/70-persistent-net.rules",
        "/etc/lvm/devices/system.devices",
    ]
    if image.is_file("/var/lib/dbus/machine-id"):
        paths.append("/var/lib/dbus/machine-id")
    paths += _below(image, "/var/lib/dhcp", r"dhclient[A-Za-z0-9_.-]*\.leases?")
    paths += _below(image, "/var/lib/NetworkManager", r"[A-Za-z0-9_.-]+\.lease")
    return tuple(path for path in paths if image.exists(path))


def _selinux_contexts(image: ImageTree) -> str:
    said = image.text("/etc/selinux/config")
    mode = re.search(r"^SELINUX=(\w+)", said, re.MULTILINE)
    kind = re.search(r"^SELINUXTYPE=([a-z]+)", said, re.MULTILINE)
    if mode is None or kind is None or mode[1] == "disabled":
        return ""
    path = f"/etc/selinux/{kind[1]}/contexts/files/file_contexts"
    return path if image.exists(path) else ""


def _small_initramfs(image: ImageTree) -> bool:
    more = _below(image, "/etc/initramfs-tools/conf.d", r"[A-Za-z0-9_.-]+")
    said = [image.text(path) for path in ("/etc/initramfs-tools/initramfs.conf", *more)]
    found = re.findall(r"^MODULES=\"?(\w+)", "\n".join(said), re.MULTILINE)
    return bool(found) and found[-1] == "dep"


def _network(image: ImageTree) -> tuple[tuple[str, ...], NetworkSystem]:
    """Return the files that configure the golden client's cards, and what reads them."""
    interfaces = (
        "/etc/network/interfaces",
        *_below(image, "/etc/network/interfaces.d", r"[\w.-]+"),
    )
    interfaces = tuple(path for path in interfaces if image.exists(path))
    stanzas = "\n".join(image.text(path) for path in interfaces)
    netplan = _below(image, "/etc/netplan", r"[\w.-]+\.ya?ml")
    manager = (
        *_below(image, "/etc/NetworkManager/system-connections", r"[^/]+"),
        *_below(image, "/etc/sysconfig/network-scripts", r"(?!ifcfg-lo)(?:ifcfg|route)-[^/]+"),
    )
    networkd = (
        *_below(image, "/etc/systemd/network", r"[\w@.-]+\.(?:network|link)"),
        *_below(image, "/run/systemd/network", r"[\w@.-]+\.network"),
    )
    wants = "/etc/systemd/system/multi-user.target.wants"
    systems = (
        (NetworkSystem.NETPLAN, netplan, bool(netplan and image.program("netplan"))),
        (NetworkSystem.IFUPDOWN, interfaces, _configures_cards(stanzas)),
        (NetworkSystem.NETWORK_MANAGER, manager, image.exists(f"{wants}/NetworkManager.service")),
        (NetworkSystem.NETWORKD, networkd, image.exists(f"{wants}/systemd-networkd.service")),
        (NetworkSystem.IFUPDOWN, interfaces, bool(image.program("ifup"))),
        (NetworkSystem.NETWORK_MANAGER, manager, bool(image.program("NetworkManager"))),
        (NetworkSystem.NETWORKD, networkd, bool(networkd)),
    )
    found = next((system for system, _, here in systems if here), NetworkSystem.UNKNOWN)
    everything = (*netplan, *interfaces, *manager, *networkd)
    return tuple(dict.fromkeys(everything)), found


def _configures_cards(stanzas: str) -> bool:
    return re.search(r"^[ \t]*iface[ \t]+(?!lo\b)\S+", stanzas, re.MULTILINE) is not None


def _dns(image: ImageTree, files: tuple[str, ...]) -> tuple[IPv4Address, ...]:
    words = re.findall(r"^nameserver[ \t]+(\S+)", image.text("/etc/resolv.conf"), re.MULTILINE)
    for path in files:
        said = image.text(path)
        for line in re.findall(
            r"^[ \t]*(?:DNS\d?|dns|dns-nameservers)[ \t=]+(.*)$", said, re.MULTILINE
        ):
            words += re.split(r"[\s;,\"]+", line)
        for found in re.findall(r"nameservers:\s+(?:search:.*\s+)?addresses:\s*\[([^\]]*)\]", said):
            words += re.split(r"[\s,\"']+", found)
    known: dict[IPv4Address, None] = {}
    for word in words:
        try:
            address = IPv4Address(word)
        except ipaddress.AddressValueError:
            continue
        if not address.is_loopback and not address.is_unspecified:
            known[address] = None
    return tuple(known)[:3]


def _renderer(image: ImageTree, files: tuple[str, ...]) -> str:
    for path in files:
        if path.startswith("/etc/netplan/"):
            said = re.search(
                r"^\s*renderer:\s*(networkd|NetworkManager)\b", image.text(path), re.MULTILINE
            )
            if said is not None:
                return said[1]
    return "networkd"
