"""Where /etc/network/interfaces and what it includes give an interface an address. Pure.

The syntax is interfaces(5) of Debian: a stanza begins with a keyword, wherever on its line; only a
line that begins with "#" is a comment; a backslash at the end continues a line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from backend.addressing.text import Found, Line, lines, pattern
from backend.clone.image_facts import NetworkSystem

_KEYWORD = re.compile(
    r"iface|mapping|auto|allow-\S+|source|source-directory|source-dir|rename|template|no-auto-down"
    r"|no-scripts"
)
_COMMANDS = ("up", "post-up", "pre-up")
_ADDS = re.compile(r"\b(?:ip|ifconfig)\b")
_VALUE = re.compile(r"(?P<address>[0-9.]+)(?:/(?P<prefix>[0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class Included:
    """What a line includes: files by a pattern, or all of a directory."""

    pattern: str
    directory: bool


@dataclass(slots=True)
class _Stanza:
    name: str
    family: str
    method: str
    found: list[Found] = field(default_factory=list)
    addresses: int = 0  # "address" lines, whatever they say
    netmask: str = ""


def find(text: str, file: Path, address: IPv4Address) -> list[Found]:
    """Return every place of the file that gives an interface this address."""
    found: list[Found] = []
    stanza: _Stanza | None = None
    for line, joined in _logical(text):
        words = line.text.split(maxsplit=1)
        if _KEYWORD.fullmatch(words[0]):
            found += _closed(stanza)
            stanza = _opened(words)
        elif stanza is not None and stanza.family == "inet":
            _option(stanza, words, line, joined=joined, file=file, address=address)
    return [*found, *_closed(stanza)]


def included(text: str) -> list[Included]:
    """Return what the file includes, in its order."""
    found = []
    for line, _joined in _logical(text):
        words = line.text.split()
        if words[0] == "source":
            found += [Included(word, directory=False) for word in words[1:]]
        elif words[0] in ("source-directory", "source-dir"):
            found += [Included(word, directory=True) for word in words[1:]]
    return found


def _logical(text: str) -> Iterator[tuple[Line, bool]]:
    """Yield lines that say something, continued ones joined, and whether they were."""
    waiting: Line | None = None
    for line in lines(text):
        if waiting is None and line.text.lstrip().startswith("#"):
            continue
        whole = line if waiting is None else replace(waiting, text=f"{waiting.text}\n{line.text}")
        if line.text.endswith("\\"):
            waiting = whole
            continue
        joined, waiting = waiting is not None, None
        if whole.text.replace("\\", " ").split():
            yield whole, joined
    if waiting is not None and waiting.text.replace("\\", " ").split():
        yield waiting, True


def _opened(words: list[str]) -> _Stanza | None:
    rest = words[1].split() if len(words) > 1 else []
    if words[0] != "iface" or not rest:
        return None
    family, method = (*rest[1:3], "", "")[:2]
    return _Stanza(rest[0], family, method)


def _option(
    stanza: _Stanza,
    words: list[str],
    line: Line,
    *,
    joined: bool,
    file: Path,
    address: IPv4Address,
) -> None:
    stanza.addresses += words[0] == "address"
    if words[0] == "netmask" and len(words) > 1:
        stanza.netmask = words[1].strip()
    for one in pattern(address).finditer(line.text):
        start = line.start + one.start()
        new = Found(
            NetworkSystem.IFUPDOWN, file, start, start + len(str(address)), line.number,
            names=(stanza.name,),
        )  # fmt: skip
        if words[0] in _COMMANDS and _adds_an_address(words[1], address):
            remedy = "Write it as an iface stanza of its own, then try again."
            stanza.found.append(replace(new, problem="a command adds the address", remedy=remedy))
        elif words[0] == "address":
            stanza.found.append(_valued(new, words, joined=joined))


def _adds_an_address(command: str, address: IPv4Address) -> bool:
    before = command[: command.find(str(address))]
    if "route" in before.split() or not _ADDS.search(before):
        return False
    words = before.split()
    return "ifconfig" in words or any(word in ("add", "replace") for word in words)


def _valued(new: Found, words: list[str], *, joined: bool) -> Found:
    value = _VALUE.fullmatch(words[1].strip())
    if joined or value is None:
        what = "the address is written over several lines" if joined else "the line says more"
        return replace(new, problem=what, remedy="Write it on one line: address ADDRESS/PREFIX")
    return replace(new, prefix=int(value["prefix"]) if value["prefix"] else None)


def _closed(stanza: _Stanza | None) -> list[Found]:
    """Return the places of a stanza, now that all of it is known."""
    if stanza is None:
        return []
    problem, remedy = "", ""
    if ":" in stanza.name:
        problem = f"{stanza.name} is an alias"
        remedy = "Give the interface itself an address of its own, and remove the alias's stanza."
    elif stanza.method != "static":
        problem = f"the stanza's method is {stanza.method or 'missing'}, not static"
        remedy = "Write: iface NAME inet static"
    elif stanza.addresses > 1:
        problem = "the stanza has more than one address line"
        remedy = "Write one iface stanza for each address."
    prefix = _mask(stanza.netmask)
    return [
        replace(
            one,
            prefix=prefix if one.prefix is None else one.prefix,
            problem=one.problem or problem,
            remedy=one.remedy if one.problem else remedy,
        )
        for one in stanza.found
    ]


def _mask(text: str) -> int | None:
    try:
        return IPv4Network(f"0.0.0.0/{text}").prefixlen
    except ValueError:
        return None
