"""Other people's dhcpd.conf: hosts, subnets and ranges, whatever else the file says.

A reader for the grammar of dhcpd.conf(5): words, strings, ``{ } ;`` and comments. It knows a few
statements and walks through all others; what it cannot read is skipped and reported with its file
and line. It never raises, recurses not at all, and every size is bounded.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from backend.discovery.hosts_file import limited
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, host_part
from backend.reports import Place, Report, warning

FILES = 256  # files read through includes
NESTING = 16  # includes inside includes
DEPTH = 100  # blocks inside blocks
SIZE = 16 << 20  # characters of one file that are looked at
WORDS = 1000  # words of one statement that are kept

# An unfinished string takes the rest of its line with it, which also keeps the scan linear.
_TOKEN = re.compile(
    r'[ \t\r\f\v]+|(?P<line>\n)|#[^\n]*|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<mark>[{};,])'
    r'|(?P<word>[^\s{};,"#]+)|(?P<bad>[^\n]+)'
)

ReadText = Callable[[Path], str | None]


@dataclass(frozen=True, slots=True)
class DhcpHost:
    """A ``host`` declaration; what is missing or unusable in it is None or empty."""

    name: HostName | None
    mac: Mac | None
    addresses: tuple[IPv4Address, ...]
    address_names: tuple[DomainName, ...]  # fixed-address may name a host instead
    place: Place


@dataclass(frozen=True, slots=True)
class DhcpSubnet:
    """A ``subnet`` declaration with its ranges, also those of its pools."""

    network: IPv4Network
    place: Place
    ranges: tuple[tuple[IPv4Address, IPv4Address], ...] = ()
    routers: tuple[IPv4Address, ...] = ()


@dataclass(frozen=True, slots=True)
class DhcpdConf:
    """What a configuration says, with everything that was skipped."""

    hosts: tuple[DhcpHost, ...] = ()
    subnets: tuple[DhcpSubnet, ...] = ()
    domain: DomainName | None = None
    files: tuple[Path, ...] = ()
    failover: bool = False  # it has a failover peer: ISC's own pair of servers
    reports: tuple[Report, ...] = ()


def parse_dhcpd_conf(path: Path, read: ReadText) -> DhcpdConf:
    """Read a configuration with its includes; ``read`` returns a file's text or None."""
    reader = _Reader(read)
    reader.file(path, 0)
    while reader.waiting:
        reader.file(*reader.waiting.pop(0))
    return reader.result(path)


@dataclass(slots=True)
class _Block:
    """An open block: its first words, and what was found in it so far."""

    words: list[str]
    place: Place
    mac: Mac | None = None
    option_name: HostName | None = None
    addresses: list[IPv4Address] = field(default_factory=list)
    address_names: list[DomainName] = field(default_factory=list)
    ranges: list[tuple[IPv4Address, IPv4Address]] = field(default_factory=list)
    routers: list[IPv4Address] = field(default_factory=list)
    gone: bool = False  # "deleted" by omapi

    @property
    def kind(self) -> str:
        return self.words[0].lower() if self.words else ""


class _Reader:
    """Collects from one file after the other."""

    def __init__(self, read: ReadText) -> None:
        self._read = read
        self.waiting: list[tuple[Path, int]] = []
        self._files: list[Path] = []
        self._hosts: list[DhcpHost] = []
        self._subnets: list[DhcpSubnet] = []
        self._domain: DomainName | None = None
        self._failover = False
        self._reports: list[Report] = []

    def result(self, path: Path) -> DhcpdConf:
        """Return everything found."""
        return DhcpdConf(
            tuple(self._hosts), tuple(self._subnets), self._domain, tuple(self._files),
            self._failover, limited(self._reports, path),
        )  # fmt: skip

    def file(self, path: Path, nesting: int) -> None:
        """Read one file."""
        if path in self._files:
            return
        text = self._read(path)
        if text is None:
            self._skip("dhcpd.unreadable", f"{path} could not be read.", Place(path))
            return
        self._files.append(path)
        if len(text) > SIZE:
            self._skip("dhcpd.size", f"Only the beginning of {path} was read.", Place(path))
        self._walk(path, nesting, text[:SIZE])

    def _walk(self, path: Path, nesting: int, text: str) -> None:
        blocks: list[_Block] = []
        too_deep = 0
        words: list[str] = []
        line = start = 1
        for word, line in _tokens(text):
            if word not in ("{", "}", ";"):
                start = start if words else line
                words += [word] if len(words) < WORDS else []
                continue
            place = Place(path, start if words else line)
            if word == "{":
                too_deep = self._open(blocks, _Block(words, place), too_deep)
            elif word == ";":
                self._statement(words, place, blocks, nesting)
            else:
                if words:
                    self._skip(
                        "dhcpd.semicolon", f"A semicolon is missing after {shown(words)}.", place
                    )
                too_deep = self._close(blocks, too_deep, place)
            words = []
        if blocks or words:
            open_ = blocks[-1].place if blocks else Place(path, start)
            self._skip("dhcpd.unfinished", "The file ends inside this block or statement.", open_)
            while blocks:
                self._close(blocks, 0, open_)

    def _open(self, blocks: list[_Block], block: _Block, too_deep: int) -> int:
        if too_deep or len(blocks) >= DEPTH:
            if not too_deep:
                self._skip("dhcpd.depth", f"Blocks deeper than {DEPTH} are skipped.", block.place)
            return too_deep + 1
        if block.words[:2] == ["failover", "peer"]:
            self._failover = True
        blocks.append(block)
        return 0

    def _close(self, blocks: list[_Block], too_deep: int, place: Place) -> int:
        if too_deep:
            return too_deep - 1
        if not blocks:
            self._skip("dhcpd.brace", "There is a } without its {.", place)
            return 0
        block = blocks.pop()
        if block.kind == "host" and not block.gone:
            self._host(block)
        elif block.kind == "subnet":
            self._subnet(block)
        elif blocks:  # a pool's ranges belong to the subnet around it
            blocks[-1].ranges += block.ranges
        return 0

    def _host(self, block: _Block) -> None:
        name = block.option_name
        if name is None and len(block.words) > 1:
            try:
                name = HostName.parse(host_part(unquoted(block.words[1])))
            except InvalidInput:
                self._skip(
                    "dhcpd.host-name",
                    f"{shown(block.words[1:2])} cannot be a host name.",
                    block.place,
                )
        self._hosts.append(
            DhcpHost(
                name, block.mac, tuple(block.addresses), tuple(block.address_names), block.place
            )
        )

    def _subnet(self, block: _Block) -> None:
        words = block.words
        try:
            if len(words) != 4 or words[2].lower() != "netmask":
                raise ValueError
            network = IPv4Network(f"{words[1]}/{words[3]}")
        except ValueError:
            self._skip("dhcpd.subnet", f"{shown(words)} is not a usable subnet.", block.place)
            return
        self._subnets.append(
            DhcpSubnet(network, block.place, tuple(block.ranges), tuple(block.routers))
        )

    def _statement(
        self, words: list[str], place: Place, blocks: list[_Block], nesting: int
    ) -> None:
        block = blocks[-1] if blocks else None
        try:
            match [word.lower() for word in words[:2]]:
                case ["include", _]:
                    self._include(words, place, nesting)
                case ["option", "domain-name"] if len(words) == 3 and self._domain is None:
                    self._domain = DomainName.parse(unquoted(words[2]).rstrip("."))
                case ["hardware", "ethernet"] if block is not None:
                    block.mac = Mac.parse(" ".join(words[2:]))
                case ["fixed-address", _] if block is not None:
                    _fixed(block, words[1:])
                case ["option", "host-name"] if block is not None:
                    block.option_name = HostName.parse(host_part(unquoted(" ".join(words[2:]))))
                case ["option", "routers"] if block is not None:
                    block.routers += [IPv4Address(one) for one in words[2:] if one != ","]
                case ["range", _] if block is not None:
                    block.ranges.append(_range(words[1:]))
                case ["deleted"] if block is not None:
                    block.gone = True
        except ValueError:  # InvalidInput is one
            self._skip("dhcpd.statement", f"The value of {shown(words)} cannot be used.", place)

    def _include(self, words: list[str], place: Place, nesting: int) -> None:
        name = unquoted(words[1])
        if not name.startswith("/") or "\0" in name:
            self._skip("dhcpd.include", f"{shown(words)} names no absolute path.", place)
        elif nesting >= NESTING or len(self._files) + len(self.waiting) >= FILES:
            self._skip("dhcpd.includes", f"{shown(words)}: too many includes.", place)
        else:
            self.waiting.append((Path(name), nesting + 1))

    def _skip(self, code: str, text: str, place: Place) -> None:
        self._reports.append(
            warning(code, text, "It was skipped; correct it if it matters.", place)
        )


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match["line"]:
            line += 1
        elif match.lastgroup is not None:
            yield match[0], line


def _fixed(block: _Block, words: list[str]) -> None:
    for word in words:
        if word == ",":
            continue
        try:
            block.addresses.append(IPv4Address(word))
        except ValueError:
            block.address_names.append(DomainName.parse(word.rstrip(".")))


def _range(words: list[str]) -> tuple[IPv4Address, IPv4Address]:
    ends = [IPv4Address(word) for word in words if word.lower() != "dynamic-bootp"]
    if not 1 <= len(ends) <= 2 or ends[0] > ends[-1]:
        raise ValueError
    return ends[0], ends[-1]


def unquoted(word: str) -> str:
    """Return a string token without its quotation marks."""
    return word[1:-1] if len(word) >= 2 and word[0] == word[-1] == '"' else word


def shown(words: list[str]) -> str:
    """Return words as they may be shown: short and printable."""
    return ascii(" ".join(words[:6]))[:60]
