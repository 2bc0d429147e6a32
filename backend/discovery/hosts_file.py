"""The hosts file: reading every IPv4 entry, and adding one line without touching the others. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from backend.errors import InvalidInput
from backend.model.names import DomainName, HostName
from backend.reports import Place, Report, warning

LINES = 100_000  # lines that are looked at
NAMES = 64  # names of one line that are looked at
REPORTS = 50  # problems of one file that are listed before the rest is only counted
MARK = "# added by HA-OSCAR"


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One line: an address and its names, the canonical one first."""

    address: IPv4Address
    names: tuple[DomainName, ...]
    place: Place
    ours: bool = False  # a line that HA-OSCAR added

    @property
    def host(self) -> HostName:
        """The first label of the canonical name."""
        return HostName(self.names[0].partition(".")[0])


@dataclass(frozen=True, slots=True)
class HostsFile:
    """What a hosts file says."""

    entries: tuple[HostEntry, ...] = ()
    reports: tuple[Report, ...] = ()

    def address_of(self, name: str) -> IPv4Address | None:
        """Return the address of a name in any spelling; the first line wins, as for the resolver."""
        wanted = name.lower()
        for entry in self.entries:
            for one in entry.names:
                if wanted in (one.lower(), one.partition(".")[0].lower()):
                    return entry.address
        return None


def parse_hosts(text: str, source: Path) -> HostsFile:
    """Read hosts(5); IPv6 lines are left out silently, lines that are wrong with a report."""
    entries: list[HostEntry] = []
    reports: list[Report] = []
    for number, line in enumerate(text.split("\n")[:LINES], start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        place = Place(source, number)
        try:
            address = _address(words[0], place)
            if address is not None:
                names = _names(words[1 : NAMES + 1], place)
                entries.append(HostEntry(address, names, place, line.rstrip().endswith(MARK)))
        except InvalidInput as problem:
            reports.extend(problem.reports)
    return HostsFile(tuple(entries), limited(reports, source))


def limited(reports: Sequence[Report], source: Path) -> tuple[Report, ...]:
    """Return the first reports, and how many more there are."""
    if len(reports) <= REPORTS:
        return tuple(reports)
    more = warning(
        "file.more", f"{len(reports) - REPORTS} more lines of {source} were skipped.", place=Place(source)
    )  # fmt: skip
    return (*reports[:REPORTS], more)


def with_entry(text: str, address: IPv4Address, names: Sequence[DomainName]) -> str:
    """Return the file with one marked line for these names; an older marked line for them goes."""
    kept = without_entry(text, names[-1])
    if kept and not kept.endswith("\n"):
        kept += "\n"
    return f"{kept}{address}\t{' '.join(dict.fromkeys(names))}\t{MARK}\n"


def without_entry(text: str, name: str) -> str:
    """Return the file without the marked line for this name."""
    ours = re.compile(rf"[ \t]{re.escape(name)}(?:[ \t].*)?[ \t]{re.escape(MARK)}[ \t]*\r?\n?\Z")
    return "".join(line for line in text.splitlines(keepends=True) if not ours.search(line))


def names_elsewhere(
    hosts: HostsFile, names: Iterable[str], address: IPv4Address
) -> tuple[HostEntry, ...]:
    """Return the lines that give one of these names to another address."""
    wanted = {name.lower() for name in names}
    return tuple(
        entry
        for entry in hosts.entries
        if entry.address != address and wanted & {name.lower() for name in entry.names}
    )


def _address(word: str, place: Place) -> IPv4Address | None:
    """Return the IPv4 address, None for an IPv6 one; raises InvalidInput."""
    try:
        return IPv4Address(word)
    except ValueError:
        pass
    try:
        IPv6Address(word)
    except ValueError:
        raise InvalidInput(
            warning(
                "hosts.address",
                f"The line begins with {ascii(word)[:60]}, which is no address.",
                place=place,
            )
        ) from None
    return None


def _names(words: Sequence[str], place: Place) -> tuple[DomainName, ...]:
    """Return the names that may be used; raises InvalidInput when the first one may not."""
    if not words:
        raise InvalidInput(
            warning("hosts.no-name", "The line has an address but no name.", place=place)
        )
    names = []
    for position, word in enumerate(words):
        try:
            names.append(DomainName.parse(word.rstrip(".")))
        except InvalidInput:
            if position == 0:
                raise InvalidInput(
                    warning("hosts.name", f"{ascii(word)[:60]} is not a host name.",
                            "Correct or remove the line.", place)
                ) from None  # fmt: skip
    return tuple(names)
