"""Readers of single values of the agent's configuration: a typed value, or Wrong.

Addresses are read here rather than by ``ipaddress``, which costs a witness half a megabyte.
"""

from __future__ import annotations

import re
from typing import Callable, TypeVar

from backend.agent.config_json import Value
from backend.agent.errors import AgentError

LONGEST_TEXT = 4096
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?")
INTERFACE = re.compile(r"(?!\.{1,2}\Z|-)[A-Za-z0-9_.@-]{1,15}")  # the kernel's dev_valid_name
FENCE_AGENT = re.compile(r"fence_[a-z0-9_]{1,56}")
OPTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
OCTET = re.compile(r"0|[1-9][0-9]{0,2}")
PORT = re.compile(r"[1-9][0-9]{0,4}")

T = TypeVar("T")
Read = Callable[[Value], T]


class Wrong(AgentError):
    """A value is not what it must be; ``line`` is 0 where the key's own line is the place."""

    def __init__(self, text: str, remedy: str, line: int = 0) -> None:
        super().__init__(f"{text} {remedy}")
        self.text, self.remedy, self.line = text, remedy, line


def shown(value: Value) -> str:
    """Return a value as a message may show it, however large or hostile it is."""
    data = value.data
    if isinstance(data, (dict, list)):
        return "an object" if isinstance(data, dict) else "a list"
    if data is None or isinstance(data, bool):
        return {None: "null", True: "true", False: "false"}[data]
    if isinstance(data, int) and abs(data) > 10**18:
        return "a huge number"
    return ascii(data)[:60]


def text(value: Value) -> str:
    """Read text without control characters; raises Wrong."""
    if not isinstance(value.data, str):
        raise Wrong(f"{shown(value)} is not text.", 'Put it in quotes: "...".')
    if len(value.data) > LONGEST_TEXT or not value.data.isprintable():
        raise Wrong(
            f"{shown(value)} is too long or has control characters.", "Write one plain line."
        )
    return value.data


def matching(pattern: re.Pattern[str], what: str, rule: str) -> Read[str]:
    """Return a reader of text of one form."""

    def read(value: Value) -> str:
        found = text(value)
        if not pattern.fullmatch(found):
            raise Wrong(f"{shown(value)} is not {what}.", rule)
        return found

    return read


label = matching(
    LABEL, "a name",
    "Use letters, digits and hyphens, 63 at most, beginning and ending with a letter or digit.",
)  # fmt: skip
word = matching(
    WORD, "a name",
    "Use letters, digits, dots, hyphens and underscores, 64 at most, "
    "beginning and ending with a letter or digit.",
)  # fmt: skip
fence_agent = matching(
    FENCE_AGENT, "a fence agent", 'Give the name of its program, for example "fence_ipmilan".'
)


def interface(value: Value) -> str:
    """Read a network interface, or "" for none; raises Wrong."""
    found = text(value)
    if found and not INTERFACE.fullmatch(found):
        raise Wrong(
            f"{shown(value)} is not a network interface.",
            "Use the name that 'ip link' shows, 15 characters at most.",
        )
    return found


def whole(low: int, high: int, what: str = "") -> Read[int]:
    """Return a reader of a whole number in a range."""

    def read(value: Value) -> int:
        data = value.data
        if isinstance(data, int) and not isinstance(data, bool) and low <= data <= high:
            return data
        raise Wrong(
            f"{shown(value)} is not a whole number from {low} to {high}{what}.",
            "Write it without quotes.",
        )

    return read


def seconds(low: float, high: float, *, never: bool = False) -> Read[float]:
    """Return a reader of a time in seconds; ``never`` allows 0, too."""
    choice = "0, or " if never else ""

    def read(value: Value) -> float:
        data = value.data
        number = data if isinstance(data, (int, float)) and not isinstance(data, bool) else -1
        if low <= number <= high or (never and number == 0):
            return float(number)
        raise Wrong(
            f"{shown(value)} is not {choice}a number of seconds from {low:g} to {high:g}.",
            "Write it without quotes.",
        )

    return read


def truth(value: Value) -> bool:
    """Read true or false; raises Wrong."""
    if not isinstance(value.data, bool):
        raise Wrong(f"{shown(value)} is neither true nor false.", "Write it without quotes.")
    return value.data


def choice(*words: str) -> Read[str]:
    """Return a reader of one of some words."""

    def read(value: Value) -> str:
        found = text(value)
        if found not in words:
            raise Wrong(f"{shown(value)} is none of the choices.", f"Use {' or '.join(words)}.")
        return found

    return read


def path(value: Value) -> str:
    """Read the absolute path of a file or directory; raises Wrong."""
    found = text(value)
    parts = found.split("/")[1:]
    if not found.startswith("/") or not all(parts) or {".", ".."} & set(parts):
        raise Wrong(f"{shown(value)} is not a path from the root.", 'Write it as "/dir/name".')
    return found


def device(value: Value) -> str:
    """Read the path of a device, or "" for none; raises Wrong."""
    if value.data == "":
        return ""
    found = path(value)
    if not found.startswith("/dev/"):
        raise Wrong(f"{shown(value)} is not a device.", 'Write it as "/dev/watchdog".')
    return found


def number_of(address: str) -> int | None:
    """Return an IPv4 address as a number; None for anything else."""
    octets = address.split(".")
    if len(octets) != 4 or not all(OCTET.fullmatch(one) and int(one) < 256 for one in octets):
        return None
    return int.from_bytes(bytes(int(one) for one in octets), "big")


def dotted(number: int) -> str:
    """Return the IPv4 address of a number."""
    return ".".join(str(octet) for octet in number.to_bytes(4, "big"))


def address(value: Value) -> str:
    """Read an IPv4 address that a machine can have; raises Wrong."""
    found = text(value)
    number = number_of(found)
    if number is None:
        raise Wrong(f"{shown(value)} is not an IPv4 address.", 'Write it as "10.0.0.1".')
    first = number >> 24
    if first in (0, 127) or first >= 224:
        raise Wrong(f"{found} is no address that other machines reach.", "Use the machine's own.")
    return found


def endpoint(value: Value) -> str:
    """Read an IPv4 address with a port, or "" for none; raises Wrong."""
    found = text(value)
    host, _, port = found.rpartition(":")
    right = number_of(host) is not None and PORT.fullmatch(port)
    if found and not (right and int(port) < 65536):
        raise Wrong(
            f"{shown(value)} is not an address with a port.", 'Write it as "127.0.0.1:9747".'
        )
    return found


def addresses(value: Value) -> dict[str, Value]:
    """Read a member's address on each network; raises Wrong."""
    if not isinstance(value.data, dict):
        raise Wrong(f"{shown(value)} is not an object.", 'Write it as {"private": "10.0.0.1"}.')
    for name, one in value.data.items():
        _named(name, one, address)
    return value.data


def names(value: Value) -> tuple[str, ...]:
    """Read a list of names; raises Wrong."""
    if not isinstance(value.data, list):
        raise Wrong(f"{shown(value)} is not a list.", 'Write it as ["name", "name"].')
    return tuple(word(one) for one in value.data)


def options(value: Value) -> tuple[tuple[str, str], ...]:
    """Read what a program or resource is told, in the order of the file; raises Wrong."""
    if not isinstance(value.data, dict):
        raise Wrong(f"{shown(value)} is not an object.", 'Write it as {"name": "value"}.')
    return tuple((name, _option(name, one)) for name, one in value.data.items())


def _option(name: str, value: Value) -> str:
    what = ascii(name)[:60]
    if not OPTION.fullmatch(name):
        remedy = "Use letters, digits, dots, hyphens and underscores, 64 at most."
        raise Wrong(f"{what} is not the name of an option.", remedy, value.line)
    if isinstance(value.data, int) and not isinstance(value.data, bool):
        value = Value(shown(value), value.line)
    return _named(name, value, text)


def _named(name: str, value: Value, read: Read[str]) -> str:
    """Read a value whose complaint must name it, in its own line."""
    try:
        return read(value)
    except Wrong as problem:
        raise Wrong(f"{ascii(name)[:60]}: {problem.text}", problem.remedy, value.line) from None
