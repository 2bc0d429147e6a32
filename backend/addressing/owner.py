"""Which file makes this head's interface have an address, and whether it can be edited."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from backend.addressing import ifupdown, keyfile, netplan, networkd
from backend.addressing.text import Found, decode, mentions, replaced
from backend.clone.image_facts import NetworkSystem
from backend.errors import HaoscarError, Refused
from backend.paths import Paths
from backend.reports import Place, Report, error, warning
from backend.system.links import Link
from backend.system.services import UnitFacts

INTERFACES = Path("/etc/network/interfaces")
DEPTH = 8  # of files that include files
LARGEST = 1 << 20  # bytes of a configuration file
UNITS = {
    NetworkSystem.IFUPDOWN: "networking.service",
    NetworkSystem.NETWORK_MANAGER: "NetworkManager.service",
    NetworkSystem.NETWORKD: "systemd-networkd.service",
}
Find = Callable[[str, Path, IPv4Address], list[Found]]


@dataclass(frozen=True, slots=True)
class Owner:
    """The one place that has to change."""

    found: Found
    text: str  # of the whole file
    reports: tuple[Report, ...] = ()  # what else the file says about the address

    def edited(self, own: IPv4Address) -> str:
        """Return the file's text with this head's own address in place of the old one."""
        return replaced(self.text, self.found, own)


def find_owner(
    paths: Paths,
    link: Link,
    address: IPv4Address,
    prefix: int,
    units: Mapping[str, UnitFacts] | None,
) -> Owner:
    """Return what configures the address of an interface; raises Refused with what to do by hand.

    ``units`` are the facts of UNITS, None where no systemd can be asked.
    """
    found = [one for file in _files(paths) for one in _find(file, address)]
    foreign = _foreign(paths, address, found)
    if not found and not foreign:
        raise _nowhere(link, address)
    if len(found) + len(foreign) > 1:
        places = ", ".join(str(one) for one in (*(one.place for one in found), *foreign))
        raise Refused.of(
            "addressing.several",
            f"{address} is configured in several places: {places}.",
            "Leave only the one that is used.",
        )
    if foreign:
        raise _not_ours(foreign[0], address)
    one = found[0]
    problems = _problems(paths, one, link, prefix, units)
    if problems:
        raise Refused(*problems)
    text = _text(paths, one.file)
    return Owner(one, text, tuple(_also(one, text, address)))


def _find(file: "_File", address: IPv4Address) -> list[Found]:
    return file.find(file.text, file.path, address)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    text: str
    find: Find


def _files(paths: Paths) -> Iterator[_File]:
    """Yield every file that may configure an interface, with what reads it."""
    for path in _included(paths, INTERFACES, 0, set()):
        yield _File(path, _text(paths, path), ifupdown.find)
    globs: tuple[tuple[str, str, Find], ...] = (
        ("/etc/netplan", "*.yaml", netplan.find),
        ("/etc/NetworkManager/system-connections", "*", keyfile.find),
        ("/etc/systemd/network", "*.network", networkd.find),
        ("/etc/systemd/network", "*.network.d/*.conf", networkd.find),
    )
    for directory, glob, find in globs:
        for path in _glob(paths, directory, glob):
            if not path.name.startswith(".") and not path.name.endswith("~"):
                yield _File(path, _text(paths, path), find)


def _glob(paths: Paths, directory: str, glob: str) -> list[Path]:
    """Return the files of a pattern as paths of the machine, in order."""
    top = paths.at(directory)
    try:
        found = sorted(one for one in top.glob(glob) if one.is_file())
    except (OSError, ValueError, NotImplementedError):  # a pattern that is none
        return []
    return [Path(directory) / one.relative_to(top) for one in found]


def _included(paths: Paths, path: Path, depth: int, seen: set[Path]) -> Iterator[Path]:
    """Yield /etc/network/interfaces and the files it includes, each once."""
    if path in seen or depth > DEPTH or not paths.at(path).is_file():
        return
    seen.add(path)
    yield path
    for one in ifupdown.included(_text(paths, path)):
        base = Path(one.pattern)
        base = base if base.is_absolute() else path.parent / base
        if ".." in base.parts:
            continue
        directory, glob = (str(base), "*") if one.directory else (str(base.parent), base.name)
        for other in _glob(paths, directory, glob):
            yield from _included(paths, other, depth + 1, seen)


def _text(paths: Paths, path: Path) -> str:
    """Return the text of a file; raises Refused when it is too large or cannot be read."""
    try:
        with paths.at(path).open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as problem:
        raise Refused.of(
            "addressing.unreadable",
            f"{path} cannot be read: {problem.strerror}.",
            "Run it as root.",
        ) from problem
    if len(content) > LARGEST:
        raise Refused.of(
            "addressing.too-large",
            f"{path} is larger than {LARGEST >> 20} MiB.",
            "Look what is in it.",
        )
    return decode(content)


def _foreign(paths: Paths, address: IPv4Address, found: list[Found]) -> list[Place]:
    """Return where systems that are not edited here configure the address."""
    globs = [
        ("/etc/sysconfig/network-scripts", "ifcfg-*"),
        ("/etc/sysconfig/network", "ifcfg-*"),
        ("/etc", "dhcpcd.conf"),
        ("/usr/lib/systemd/network", "*.network"),
    ]
    if not any(one.system is NetworkSystem.NETPLAN for one in found):  # netplan makes these
        globs += [
            ("/run/systemd/network", "*.network"),
            ("/run/NetworkManager/system-connections", "*.nmconnection"),
        ]
    return [
        Place(path, line)
        for directory, glob in globs
        for path in _glob(paths, directory, glob)
        for line in mentions(_text(paths, path), address)
    ]


def _problems(
    paths: Paths, one: Found, link: Link, prefix: int, units: Mapping[str, UnitFacts] | None
) -> list[Report]:
    """Return everything that speaks against editing this one place."""
    problems = []
    if one.problem:
        text = f"The address cannot be replaced in this line: {one.problem}."
        problems.append(error("addressing.syntax", text, one.remedy, one.place))
    if not one.problem and not one.concerns(link):
        text = f"The file means {', '.join((*one.names, *one.macs))}, but the address is on {link.name}."
        remedy = (
            "Correct the file, so that after a start of the machine the address is where it is now."
        )
        problems.append(error("addressing.other-interface", text, remedy, one.place))
    if one.prefix is not None and one.prefix != prefix:
        text = f"The file says /{one.prefix}, but the interface has the address with /{prefix}."
        remedy = "Correct the file, or the interface, so that both say the same."
        problems.append(error("addressing.prefix", text, remedy, one.place))
    unit = UNITS.get(one.system)
    if units is not None and unit is not None:
        facts = units.get(unit)
        if facts is None or not (facts.active or facts.enabled):
            text = f"This file of {one.system} has the address, but {unit} does not run here."
            remedy = (
                "Remove the file if it is a leftover, and look for what configures the address."
            )
            problems.append(error("addressing.not-in-use", text, remedy, one.place))
    if one.system is NetworkSystem.NETWORKD:
        problems += _other_network_file(paths, one, link)
    return problems


def _other_network_file(paths: Paths, one: Found, link: Link) -> list[Report]:
    """Ask what systemd-networkd keeps of each interface which file it uses for this one."""
    try:
        state = paths.at(f"/run/systemd/netif/links/{link.index}").read_text()
    except (OSError, ValueError):
        return []
    used = next(
        (line.partition("=")[2] for line in state.splitlines() if line.startswith("NETWORK_FILE=")),
        None,
    )
    mine = str(one.file.parent).removesuffix(".d") if one.file.suffix == ".conf" else str(one.file)
    if used is None or Path(used).name == Path(mine).name:
        return []
    text = f"systemd-networkd uses {used} for {link.name}, not this file."
    remedy = "Remove the file that is not used, or give the right one a name that comes first."
    return [error("addressing.not-in-use", text, remedy, one.place)]


def _also(one: Found, text: str, address: IPv4Address) -> Iterator[Report]:
    for line in mentions(text, address, one):
        yield warning(
            "addressing.also-here",
            f"This line names {address}, too, and stays as it is.",
            "Correct it by hand if it means this head itself: the address belongs to the active head now.",
            Place(one.file, line),
        )
    if "cloud-init" in text:
        yield warning(
            "addressing.cloud-init",
            f"{one.file} was written by cloud-init, which may write it anew.",
            "Keep it from that: echo 'network: {config: disabled}' > /etc/cloud/cloud.cfg.d/99-network.cfg",
            one.place,
        )


def _nowhere(link: Link, address: IPv4Address) -> HaoscarError:
    own = next((one for one in link.addresses if one.address == address), None)
    if own is not None and own.dynamic:
        return Refused.of(
            "addressing.dhcp",
            f"{link.name} got {address} from a DHCP server.",
            "Configure it as a static address first, and take it out of what the DHCP server hands out.",
        )
    return Refused.of(
        "addressing.nowhere",
        f"No file of ifupdown, NetworkManager, netplan or systemd-networkd gives {link.name} the address "
        f"{address}: it would be gone after a start of the machine.",
        "Write it into the configuration first; or give this head its own address there by hand, start it "
        "anew, and write the old address as virtual_ip into the site file.",
    )


def _not_ours(place: Place, address: IPv4Address) -> HaoscarError:
    source = str(place.source)
    remedy = "Use ifupdown, NetworkManager's keyfiles, netplan or systemd-networkd in /etc for it."
    if "/ifcfg-" in source:
        remedy = "Let NetworkManager convert it: nmcli connection migrate; then try again."
    elif source.startswith("/run/"):
        remedy = "Find the program that writes this file when the machine starts, and configure it there."
    return Refused.of(
        "addressing.unknown-system",
        f"{address} is configured in a file that is not edited here.",
        remedy,
        replace(place),
    )
