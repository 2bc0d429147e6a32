"""An address in the text of a configuration file: where it is, and the text with another one. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address
from pathlib import Path

from backend.clone.image_facts import NetworkSystem
from backend.reports import Place
from backend.system.links import Link


@dataclass(frozen=True, slots=True)
class Found:
    """One place where a file gives an interface an address."""

    system: NetworkSystem
    file: Path
    start: int  # of the address alone, without its prefix, in characters of the text
    end: int
    line: int  # from 1
    prefix: int | None = None  # None: the file does not say it beside the address
    names: tuple[str, ...] = ()  # interfaces it is for, with * ? [] as in a shell; "!" excludes
    macs: tuple[str, ...] = ()  # or their MAC addresses; neither: not said
    renderer: str = ""  # of netplan
    problem: str = ""  # why this place cannot be edited here
    remedy: str = ""

    @property
    def place(self) -> Place:
        """Where it is, for a report."""
        return Place(self.file, self.line)

    def concerns(self, link: Link) -> bool:
        """Whether the file means this interface, as far as it says which one it means."""
        wanted = [name for name in self.names if not name.startswith("!")]
        excluded = [name[1:] for name in self.names if name.startswith("!")]
        if any(fnmatchcase(link.name, name) for name in excluded):
            return False
        if self.macs and (link.mac is None or str(link.mac) not in self.macs):
            return False
        return not wanted or any(fnmatchcase(link.name, name) for name in wanted)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text, without its end."""

    number: int  # from 1
    start: int  # of its first character, in characters of the whole text
    text: str


def lines(text: str) -> Iterator[Line]:
    """Yield the lines of a text that ends them with "\\n" or "\\r\\n"."""
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        yield Line(number, start, line.removesuffix("\r"))
        start += len(line) + 1


def pattern(address: IPv4Address) -> re.Pattern[str]:
    """Return what finds an address as a word of its own, and no longer one that contains it."""
    return re.compile(rf"(?<![0-9A-Za-z_.]){re.escape(str(address))}(?![0-9A-Za-z_]|\.[0-9])")


def replaced(text: str, found: Found, new: IPv4Address) -> str:
    """Return the text with another address in this one place."""
    return text[: found.start] + str(new) + text[found.end :]


def mentions(text: str, address: IPv4Address, but: Found | None = None) -> tuple[int, ...]:
    """Return the numbers of all other lines, comments left out, that name an address."""
    wanted = pattern(address)
    return tuple(
        line.number
        for line in lines(text)
        if not line.text.lstrip().startswith(("#", ";"))
        and any(
            but is None or line.start + one.start() != but.start
            for one in wanted.finditer(line.text)
        )
    )


def decode(content: bytes) -> str:
    """Return a file's text so that ``encode`` gives back the same bytes, whatever they are."""
    return content.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes of a text from ``decode``."""
    return text.encode("utf-8", "surrogateescape")
