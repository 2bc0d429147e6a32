"""Facts about this head: distribution, firmware, boot servers already here, firewall, clock."""

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.errors import CommandFailed, InvalidInput
from backend.model.distribution import UNKNOWN, Distribution, parse_os_release
from backend.model.names import DomainName, HostName, InterfaceName, host_part
from backend.model.site import Firmware
from backend.paths import Paths
from backend.system.runner import Command, Runner
from backend.system.services import Services, UnitFacts

TEXT_LIMIT = 16 << 20  # bytes of a configuration file that are read

DHCP_UNITS = (
    "isc-dhcp-server.service", "dhcpd.service", "kea-dhcp4-server.service", "kea-dhcp4.service",
    "dnsmasq.service",
)  # fmt: skip
TFTP_UNITS = (
    "tftpd-hpa.service", "tftp.socket", "tftp.service", "atftpd.service", "xinetd.service",
    "dnsmasq.service",
)  # fmt: skip
CLOCK_UNITS = (
    "systemd-timesyncd.service", "chrony.service", "chronyd.service", "ntp.service",
    "ntpd.service", "ntpsec.service", "openntpd.service",
)  # fmt: skip
OTHER_UNITS = (
    "firewalld.service", "NetworkManager.service", "systemd-networkd.service", "apparmor.service",
)  # fmt: skip

# Looked for where no systemd can be asked.
DHCP_PROGRAMS = ("/usr/sbin/dhcpd", "/usr/sbin/kea-dhcp4", "/usr/sbin/dnsmasq")
TFTP_PROGRAMS = ("/usr/sbin/in.tftpd", "/usr/sbin/atftpd", "/usr/sbin/dnsmasq")

_DEFAULT_TFTP = re.compile(
    r"^[ \t]*(?:export[ \t]+)?TFTP_DIRECTORY=(?P<value>[^\n]*)$", re.MULTILINE
)
_XINETD = re.compile(r"^[ \t]*server_args[ \t]*=(?P<value>[^\n]*)$", re.MULTILINE)
_ZONE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]{0,31}")
_EXEC = re.compile(r"^[ \t]*ExecStart=(?P<value>[^\n]*)$", re.MULTILINE)

ReadText = Callable[[Path], str | None]


@dataclass(frozen=True, slots=True)
class BootService:
    """A DHCP or TFTP server on this head."""

    unit: str  # or the program's path, where no systemd runs
    active: bool
    enabled: bool


@dataclass(frozen=True, slots=True)
class Firewall:
    """What filters packets that come in."""

    firewalld: bool = False  # running
    services: frozenset[str] = frozenset()  # allowed where the private network is
    ports: frozenset[str] = frozenset()  # allowed there, as "8117/tcp"
    accepts: bool = False  # the zone lets everything in
    drops: bool = False  # nftables or iptables drop what no rule allows


@dataclass(frozen=True, slots=True)
class HostFacts:
    """This head at one moment."""

    name: HostName | None  # None: the name cannot be a host name
    raw_name: str = ""
    domain: DomainName | None = None
    root: bool = False
    distribution: Distribution = UNKNOWN
    architecture: str = ""
    firmware: Firmware = Firmware.BIOS
    dhcp: tuple[BootService, ...] = ()
    tftp: tuple[BootService, ...] = ()
    tftp_root: Path | None = None
    free_bytes: int | None = None  # where the images go
    used_bytes: int | None = None  # of the root file system: about what an image of this head needs
    selinux: str = "off"  # "off", "permissive" or "enforcing"
    apparmor: bool = False
    firewall: Firewall = Firewall()
    clock_synchronized: bool | None = None  # None: cannot be known
    network_configuration: str = "unknown"  # ifupdown, NetworkManager, netplan, systemd-networkd


def reader(paths: Paths) -> ReadText:
    """Return what reads a text file of this machine, or None for what cannot be read."""

    def read(path: Path) -> str | None:
        try:
            with paths.at(path).open("rb") as file:
                return file.read(TEXT_LIMIT).decode("utf-8", "replace")
        except (OSError, ValueError):  # ValueError: a NUL byte in an included name
            return None

    return read


def look(
    paths: Paths, runner: Runner, services: Services, private: InterfaceName | None = None
) -> HostFacts:
    """Collect the facts, the firewall's for the interface ``private``; what cannot be found out keeps its default. Never raises HaoscarError."""
    read = reader(paths)
    machine = os.uname()
    name = (read(Path("/etc/hostname")) or "").strip() or machine.nodename
    units = services.units({*DHCP_UNITS, *TFTP_UNITS, *CLOCK_UNITS, *OTHER_UNITS})
    return HostFacts(
        name=_host(name),
        raw_name=name[:255],
        domain=find_domain(name, read),
        root=os.geteuid() == 0,
        distribution=parse_os_release(
            read(Path("/etc/os-release")) or read(Path("/usr/lib/os-release")) or ""
        ),
        architecture=machine.machine,
        firmware=Firmware.UEFI if paths.at("/sys/firmware/efi").is_dir() else Firmware.BIOS,
        dhcp=_present(DHCP_UNITS, units) or _programs(paths, DHCP_PROGRAMS),
        tftp=_present(TFTP_UNITS, units) or _programs(paths, TFTP_PROGRAMS),
        tftp_root=find_tftp_root(read),
        free_bytes=free_space(paths.images),
        used_bytes=_used_space(paths.root),
        selinux=_selinux(read),
        apparmor=(read(Path("/sys/module/apparmor/parameters/enabled")) or "").startswith("Y"),
        firewall=_firewall(runner, units, private),
        clock_synchronized=_clock(paths, runner, units),
        network_configuration=_network_configuration(paths, read, units),
    )


def find_domain(name: str, read: ReadText) -> DomainName | None:
    """Return the domain from the full host name, the hosts file or resolv.conf, in that order."""
    candidates = [name.partition(".")[2]]
    short = host_part(name).lower()
    for line in (read(Path("/etc/hosts")) or "").split("\n")[:1000]:
        words = line.partition("#")[0].split()[1:]
        candidates += [
            one.partition(".")[2] for one in words if one.lower().startswith(f"{short}.")
        ]
    for line in (read(Path("/etc/resolv.conf")) or "").split("\n")[:1000]:
        words = line.split()
        if len(words) > 1 and words[0] in ("domain", "search"):
            candidates.append(words[1])
    for candidate in candidates:
        try:
            if candidate != "localdomain":
                return DomainName.parse(candidate.rstrip("."))
        except InvalidInput:
            continue
    return None


def find_tftp_root(read: ReadText) -> Path | None:
    """Return the directory an installed TFTP server serves, or None."""
    match = _DEFAULT_TFTP.search(read(Path("/etc/default/tftpd-hpa")) or "")
    if match is not None:
        return _directory(_words(match["value"]))
    for unit in ("/etc/systemd/system/tftp.service", "/usr/lib/systemd/system/tftp.service"):
        match = _EXEC.search(read(Path(unit)) or "")
        if match is not None:
            return _directory(_words(match["value"])[1:])
    text = read(Path("/etc/xinetd.d/tftp")) or ""
    match = _XINETD.search(text)
    return _directory(_words(match["value"])) if match else None


def free_space(path: Path) -> int | None:
    """Return the free bytes of the file system that ``path`` will be on; None when unknown."""
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def _used_space(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path).used
    except OSError:
        return None


def parse_firewalld(text: str) -> Firewall:
    """Read ``firewall-cmd --list-all``. Pure."""
    values = {
        key.strip(): value.split()
        for key, _, value in (line.partition(":") for line in text.splitlines())
    }
    return Firewall(
        True,
        frozenset(values.get("services", ())),
        frozenset(values.get("ports", ())),
        accepts=values.get("target", []) == ["ACCEPT"],
    )


def drops_input(ruleset: str) -> bool:
    """Return whether ``nft list chains`` shows an input hook that drops by default. Pure."""
    return any("hook input" in line and "policy drop" in line for line in ruleset.splitlines())


def _host(name: str) -> HostName | None:
    try:
        return HostName.parse(host_part(name))
    except InvalidInput:
        return None


def _present(names: Iterable[str], units: Mapping[str, UnitFacts]) -> tuple[BootService, ...]:
    found = (units[name] for name in names if name in units)
    return tuple(BootService(one.name, one.active, one.enabled) for one in found if one.present)


def _programs(paths: Paths, programs: Iterable[str]) -> tuple[BootService, ...]:
    found = (one for one in programs if paths.at(one).exists())
    return tuple(BootService(one, active=False, enabled=False) for one in found)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _directory(words: Iterable[str]) -> Path | None:
    """Return the last absolute path among a server's arguments."""
    found = [word for word in words if word.startswith("/") and word.isprintable()]
    return Path(found[-1]) if found else None


def _selinux(read: ReadText) -> str:
    state = read(Path("/sys/fs/selinux/enforce"))
    if state is None:
        return "off"
    return "enforcing" if state.strip() == "1" else "permissive"


def _said(runner: Runner, *words: str) -> str:
    """Return what a program printed, or nothing when it is not there or failed."""
    try:
        result = runner.run(Command.of(*words).within(20.0), check=False)
    except CommandFailed:
        return ""
    return result.stdout if result.ok else ""


def _firewall(
    runner: Runner, units: Mapping[str, UnitFacts], private: InterfaceName | None
) -> Firewall:
    firewalld = units.get("firewalld.service")
    if firewalld is not None and firewalld.active:
        asked = f"--get-zone-of-interface={private}" if private else "--get-default-zone"
        # An interface without a zone of its own is in the default one: then nothing is said.
        zone = _said(runner, "firewall-cmd", asked).strip()
        option = (f"--zone={zone}",) if _ZONE.fullmatch(zone) else ()
        return parse_firewalld(_said(runner, "firewall-cmd", *option, "--list-all"))
    return Firewall(drops=drops_input(_said(runner, "nft", "list", "chains")))


def _clock(paths: Paths, runner: Runner, units: Mapping[str, UnitFacts]) -> bool | None:
    if paths.at("/run/systemd/timesync/synchronized").exists():
        return True
    if any(units[name].active for name in CLOCK_UNITS if name in units):
        return True
    said = _said(runner, "timedatectl", "show", "--property=NTPSynchronized", "--value").strip()
    return {"yes": True, "no": False}.get(said)


def _network_configuration(paths: Paths, read: ReadText, units: Mapping[str, UnitFacts]) -> str:
    def active(name: str) -> bool:
        return name in units and units[name].active

    if any(paths.at("/etc/netplan").glob("*.yaml")):
        return "netplan"
    if active("NetworkManager.service"):
        return "NetworkManager"
    if active("systemd-networkd.service"):
        return "systemd-networkd"
    interfaces = read(Path("/etc/network/interfaces"))
    return "ifupdown" if interfaces is not None else "unknown"
