"""The TFTP server of this machine: which root it serves, and the one directory below it that is ours."""

import shlex
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.distribution import Family, parse_os_release
from backend.netboot.entries import entry_name
from backend.paths import Paths
from backend.system.files import read_if_there

OURS = "haoscar"  # below the root; nothing outside of it is touched
HPA_DEFAULTS = "/etc/default/tftpd-hpa"
ATFTPD_DEFAULTS = "/etc/default/atftpd"
HPA_EVERYWHERE = (":69", "0.0.0.0:69", "[::]:69", "")
RHEL_UNITS = ("/etc/systemd/system/tftp.service", "/usr/lib/systemd/system/tftp.service")
DEFAULT_ROOTS = {Family.DEBIAN: "/srv/tftp", Family.RHEL: "/var/lib/tftpboot"}


@dataclass(frozen=True, slots=True)
class TftpFacts:
    """The TFTP server: the directory it serves, its unit, and whether others use it too."""

    root: PurePosixPath
    unit: str = "tftpd-hpa.service"
    defaults: bytes | None = None  # /etc/default/tftpd-hpa, when that is the server
    in_use: bool = False  # the root holds files that are not ours

    @property
    def directory(self) -> PurePosixPath:
        """Our directory, as the machine names it."""
        return self.root / OURS


def boot_entry_path(paths: Paths, facts: TftpFacts, mac: Mac) -> Path:
    """Return the file that pxelinux of this machine reads."""
    return paths.at(str(facts.directory)) / "pxelinux.cfg" / entry_name(mac)


def read_family(paths: Paths) -> Family:
    """Return the distribution family from os-release."""
    content = read_if_there(paths.at("/etc/os-release")) or b""
    return parse_os_release(content.decode("utf-8", "replace")).family


def read_tftp_facts(paths: Paths, family: Family | None = None) -> TftpFacts:
    """Return what the configuration of this machine says; raises OSError, Refused.

    A server that is not there yet gets the root its package would make.
    """
    family = family or read_family(paths)
    hpa = read_if_there(paths.at(HPA_DEFAULTS))
    if family is Family.RHEL:
        root, unit = _rhel_root(paths), "tftp.socket"
    elif hpa is None and (atftpd := read_if_there(paths.at(ATFTPD_DEFAULTS))) is not None:
        root, unit = _atftpd_root(atftpd), "atftpd.service"
    else:
        root = _value(hpa or b"", "TFTP_DIRECTORY") or DEFAULT_ROOTS[Family.DEBIAN]
        unit = "tftpd-hpa.service"
    served = _checked_root(root)
    return TftpFacts(
        root=served,
        unit=unit,
        defaults=hpa if unit == "tftpd-hpa.service" else None,
        in_use=_in_use(paths.at(str(served))),
    )


def restricted(defaults: bytes, address: IPv4Address) -> bytes:
    """Return /etc/default/tftpd-hpa with the server bound to one address, if it was to all."""
    if _value(defaults, "TFTP_ADDRESS") not in HPA_EVERYWHERE:
        return defaults
    line = f'TFTP_ADDRESS="{address}:69"'.encode()
    lines = [one for one in defaults.splitlines(keepends=True) if not _sets(one, "TFTP_ADDRESS")]
    if lines and not lines[-1].endswith(b"\n"):
        lines[-1] += b"\n"
    return b"".join((*lines, line, b"\n"))


def _sets(line: bytes, name: str) -> bool:
    return line.lstrip().startswith(f"{name}=".encode())


def _value(content: bytes, name: str) -> str:
    """Return what a shell fragment assigns to a name last, "" when it does not."""
    value = ""
    for line in content.splitlines():
        if _sets(line, name):
            try:
                words = shlex.split(line.decode("utf-8", "replace"), comments=True)
            except ValueError:
                continue
            value = words[0].partition("=")[2] if words else ""
    return value


def _atftpd_root(content: bytes) -> str:
    """Return the last argument of atftpd that is a path."""
    options = _value(content, "OPTIONS").split()
    paths = [one for one in options if one.startswith("/")]
    return paths[-1] if paths else DEFAULT_ROOTS[Family.DEBIAN]


def _rhel_root(paths: Paths) -> str:
    """Return the directory after -s in the unit of the RHEL family."""
    for unit in RHEL_UNITS:
        content = read_if_there(paths.at(unit)) or b""
        line = next((one for one in content.splitlines() if _sets(one, "ExecStart")), b"")
        arguments = line.decode("utf-8", "replace").partition("=")[2].split()
        if "-s" in arguments[:-1]:
            return arguments[arguments.index("-s") + 1]
    return DEFAULT_ROOTS[Family.RHEL]


def _checked_root(text: str) -> PurePosixPath:
    root = PurePosixPath(text)
    if not root.is_absolute() or ".." in root.parts or len(root.parts) < 2:
        raise Refused.of(
            "tftp.root",
            f"The TFTP server's directory {ascii(text)[:80]} is not a directory to write to.",
            f"Correct TFTP_DIRECTORY in {HPA_DEFAULTS}.",
        )
    return root


def _in_use(root: Path) -> bool:
    try:
        return any(one.name != OURS for one in root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False
