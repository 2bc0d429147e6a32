"""slurm.conf: the cluster's name, its controllers and its nodes with host lists expanded. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from backend.discovery.hosts_file import limited
from backend.errors import InvalidInput
from backend.model.names import HostName, host_part
from backend.reports import Place, Report, error, warning

NODES = 65536  # nodes of one cluster
FILES = 64  # files read through Include
SIZE = 16 << 20  # characters of one file that are looked at
LENGTH = 1024  # characters of one part of a host list
DIGITS = 9  # digits of a number in a host list

_KEY = re.compile(r"\b(?P<key>[A-Za-z]\w{0,63})=(?P<value>\S*)")

ReadText = Callable[[Path], str | None]


@dataclass(frozen=True, slots=True)
class SlurmNode:
    """One node: its name, and its address when NodeAddr gives one in numbers."""

    name: HostName
    address: IPv4Address | None
    address_name: str | None  # NodeAddr as a name, to be looked up in the hosts file
    place: Place


@dataclass(frozen=True, slots=True)
class SlurmConf:
    """What a configuration says, with everything that was skipped."""

    cluster: HostName | None = None
    controllers: tuple[HostName, ...] = ()
    nodes: tuple[SlurmNode, ...] = ()
    files: tuple[Path, ...] = ()
    reports: tuple[Report, ...] = ()


def parse_slurm_conf(path: Path, read: ReadText) -> SlurmConf:
    """Read a configuration with its includes; ``read`` returns a file's text or None."""
    reader = _Reader(read)
    waiting = [path]
    while waiting and len(reader.files) < FILES:
        waiting += reader.file(waiting.pop(0))
    return SlurmConf(
        reader.cluster, tuple(dict.fromkeys(reader.controllers)), tuple(reader.nodes.values()),
        tuple(reader.files), limited(reader.reports, path),
    )  # fmt: skip


def expand(text: str, limit: int = NODES) -> tuple[str, ...]:
    """Expand a host list such as ``r[1-2]n[01-16],login``; raises InvalidInput beyond ``limit``."""
    names: list[str] = []
    for part in _split(text):
        if len(part) > LENGTH:
            raise _bad(text)
        found = [""]
        before, *groups = part.split("[")
        for group in groups:
            ranges, closed, after = group.partition("]")
            numbers = _numbers(ranges, limit)
            if "]" in before or not closed or len(found) * len(numbers) + len(names) > limit:
                raise _bad(text)
            found = [f"{one}{before}{number}" for one in found for number in numbers]
            before = after
        if "]" in before or len(names) + len(found) > limit:
            raise _bad(text)
        names += [one + before for one in found]
    return tuple(names)


class _Reader:
    """Collects from one file after the other."""

    def __init__(self, read: ReadText) -> None:
        self._read = read
        self.cluster: HostName | None = None
        self.controllers: list[HostName] = []
        self.nodes: dict[HostName, SlurmNode] = {}
        self.files: list[Path] = []
        self.reports: list[Report] = []

    def file(self, path: Path) -> list[Path]:
        """Read one file; returns what it includes."""
        if path in self.files:
            return []
        text = self._read(path)
        if text is None:
            self._skip(f"{path} could not be read.", Place(path))
            return []
        self.files.append(path)
        included = []
        for line, number in _lines(text[:SIZE]):
            words = line.split()
            place = Place(path, number)
            if words and words[0].lower() == "include" and len(words) == 2:
                # Relative names are beside slurm.conf; % patterns depend on the running daemon.
                if "%" in words[1] or "\0" in words[1]:
                    self._skip(f"Include {ascii(words[1])[:60]} cannot be followed.", place)
                else:
                    included.append(path.parent / words[1])
                continue
            try:
                self._statement(line, place)
            except InvalidInput as problem:
                self._skip(problem.reports[0].text, place)
        return included

    def _statement(self, line: str, place: Place) -> None:
        values = {match["key"].lower(): match["value"] for match in _KEY.finditer(line)}
        if "nodename" in values:
            self._nodes(values, place)
        elif "clustername" in values:
            self.cluster = HostName.parse(values["clustername"])
        elif control := values.get("slurmctldhost", values.get("controlmachine", "")):
            self.controllers.append(HostName.parse(host_part(control.partition("(")[0])))

    def _nodes(self, values: dict[str, str], place: Place) -> None:
        if values["nodename"].upper() == "DEFAULT":
            return
        left = NODES - len(self.nodes)
        names = expand(values["nodename"], left)
        addresses = expand(values["nodeaddr"], NODES) if values.get("nodeaddr") else names
        if len(addresses) != len(names):
            self._skip("NodeName and NodeAddr do not list equally many.", place)
            addresses = names
        for text, where in zip(names, addresses, strict=True):
            try:
                name = HostName.parse(host_part(text))
            except InvalidInput as problem:
                self._skip(problem.reports[0].text, place)
                continue
            address = _address(where)
            other = where[:255] if address is None and where != text else None
            self.nodes.setdefault(name, SlurmNode(name, address, other, place))

    def _skip(self, text: str, place: Place) -> None:
        self.reports.append(
            warning("slurm.skipped", text, "It was skipped; correct it if it matters.", place)
        )


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield logical lines: comments gone, a backslash at the end joins the next line."""
    pending: list[str] = []
    start = 1
    for number, line in enumerate(text.split("\n"), start=1):
        if not pending:
            start = number
        plain = re.split(r"(?<!\\)#", line, maxsplit=1)[0].rstrip()
        if plain.endswith("\\"):
            pending.append(plain[:-1])
            continue
        yield " ".join((*pending, plain)), start
        pending = []
    if pending:
        yield " ".join(pending), start


def _split(text: str) -> list[str]:
    """Split at the commas that are outside brackets."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part for part in (*parts, text[start:]) if part]


def _numbers(text: str, limit: int) -> list[str]:
    """Expand ``001-003,7`` keeping leading zeros; raises InvalidInput."""
    numbers: list[str] = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        high = high if dash else low
        if not (low.isdigit() and high.isdigit() and len(low) <= DIGITS and len(high) <= DIGITS):
            raise _bad(text)
        if int(high) - int(low) + 1 + len(numbers) > limit or int(high) < int(low):
            raise _bad(text)
        width = len(low) if low.startswith("0") or len(low) == len(high) else 0
        numbers += [str(number).zfill(width) for number in range(int(low), int(high) + 1)]
    return numbers


def _bad(text: str) -> InvalidInput:
    return InvalidInput(
        error(
            "slurm.hostlist",
            f"{ascii(text)[:60]} is not a host list, or it names too many hosts.",
            "Write it as node[001-128].",
        )
    )


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None
