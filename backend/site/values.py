"""Readers of single values of the site file: from what TOML gave to a typed value, or an error."""

import enum
import re
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

from backend.agent.config_json import Value
from backend.agent.config_values import Wrong
from backend.agent.config_values import options as agent_options
from backend.errors import HaoscarError, InvalidInput
from backend.model.addresses import parse_host, parse_network
from backend.model.names import HostName
from backend.model.watchlist_values import parse_variable

DISK = re.compile(r"(?!\.)(?:/dev/)?[A-Za-z0-9](?:[A-Za-z0-9._:+/-]{0,126}[A-Za-z0-9._:+-])?")
LARGEST_NETWORK, SMALLEST_NETWORK = 8, 30  # prefix lengths

Read = Callable[[object], object]


def text(parse: Callable[[str], object]) -> Read:
    """Return a reader of text that a type's own parser judges."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            raise _wrong(f"{_shown(value)} must be text.", 'Put it in quotes: "...".')
        return parse(value)

    return read


def one_of(kind: type[enum.StrEnum]) -> Read:
    """Return a reader of one of an enumeration's words."""

    def parse(text: str) -> object:
        try:
            return kind(text)
        except ValueError as problem:
            raise _wrong(
                f"{text[:60]!a} is none of the choices.",
                f"Use one of: {', '.join(kind)}.",
            ) from problem

    return text(parse)


def host_names(value: object) -> object:
    """Read a list of host names; raises InvalidInput."""
    if not isinstance(value, list):
        raise _wrong(f"{_shown(value)} must be a list.", 'Write it as ["name", "name"].')
    return tuple(text(HostName.parse)(one) for one in value)


def hosts(value: object) -> object:
    """Read a list of host names, with or without domain, and addresses; raises InvalidInput."""
    if not isinstance(value, list):
        raise _wrong(f"{_shown(value)} must be a list.", 'Write it as ["name", "10.0.0.1"].')
    return tuple(text(parse_host)(one) for one in value)


def variables(value: object) -> object:
    """Read an inline table of environment variables; raises InvalidInput."""
    found = by_agent(agent_options)(value)
    assert isinstance(found, tuple)
    for name, _ in found:
        parse_variable(name)
    return found


def by_agent(read: Callable[[Value], object]) -> Read:
    """Return a reader that judges as the agent itself will judge the value later."""

    def judge(value: object) -> object:
        try:
            return read(_as_json(value))
        except Wrong as problem:
            raise _wrong(problem.text, problem.remedy) from problem

    return judge


def _as_json(value: Any) -> Value:
    """Return what TOML gave in the form that the agent's JSON has."""
    if isinstance(value, dict):
        value = {name: _as_json(one) for name, one in value.items()}
    elif isinstance(value, list):
        value = [_as_json(one) for one in value]
    return Value(value, 0)


def truth(value: object) -> object:
    """Read true or false."""
    if not isinstance(value, bool):
        raise _wrong(f"{_shown(value)} must be true or false.", "Write it without quotes.")
    return value


def prefix(value: object) -> object:
    """Read a prefix length; raises InvalidInput."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(f"{_shown(value)} must be a whole number.", "Write 24 for 255.255.255.0.")
    if not LARGEST_NETWORK <= value <= SMALLEST_NETWORK:
        raise _wrong(
            f"{_shown(value)} is not a prefix length from {LARGEST_NETWORK} to {SMALLEST_NETWORK}.",
            "Write 24 for 255.255.255.0.",
        )
    return value


def machine_network(text: str) -> IPv4Network:
    """Read a network that machines can be in; raises InvalidInput."""
    network = parse_network(text)
    if not LARGEST_NETWORK <= network.prefixlen <= SMALLEST_NETWORK:
        raise _wrong(
            f"The network {network} is too large or too small for a cluster.",
            f"Its prefix length must be from {LARGEST_NETWORK} to {SMALLEST_NETWORK}.",
        )
    if network.is_loopback or network.is_multicast or network.network_address.packed[0] in (0, 255):
        raise _wrong(f"The network {network} cannot hold machines.", "Use the cluster's network.")
    return network


def disk_choice(text: str) -> str:
    """Read which disk is meant; raises InvalidInput."""
    path_or_serial = text.startswith("/dev/") or "/" not in text
    if DISK.fullmatch(text) and path_or_serial and ".." not in text and "//" not in text:
        return text
    raise _wrong(
        f"{text[:60]!a} is no disk.",
        'Write "auto", the serial number that lsblk shows, or a path such as /dev/sda.',
    )


def _wrong(text: str, remedy: str) -> HaoscarError:
    return InvalidInput.of("site.value", text, remedy)


def _shown(value: object) -> str:
    """Return a value as a message may show it, however large or hostile it is."""
    if isinstance(value, dict | list):
        return "A table" if isinstance(value, dict) else "A list"
    if isinstance(value, int) and abs(value) > 10**18:
        return "A huge number"
    return ascii(value)[:60]
