"""Hardware and network addresses as typed values; IP addresses are the standard library's."""

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network
from typing import Self

from backend.errors import InvalidInput
from backend.model.names import DomainName
from backend.reports import Place

_MAC = re.compile(
    r"(?:[0-9A-Fa-f]{1,2}(?P<separator>[:-])(?:[0-9A-Fa-f]{1,2}(?P=separator)){4}[0-9A-Fa-f]{1,2}"
    r"|[0-9A-Fa-f]{12}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})"
)


class Mac(str):
    """An Ethernet address, always ``aa:bb:cc:dd:ee:ff`` in lower case."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Read colons, hyphens, dots or 12 bare digits; raises InvalidInput, also for group and zero."""
        text = text.strip()
        match = _MAC.fullmatch(text)
        if match is None:
            raise InvalidInput.of(
                "address.mac",
                f"{ascii(text)[:60]} is not a MAC address.",
                "Write it as 00:16:3e:12:34:56.",
                place,
            )
        separator = match["separator"]
        if separator:
            digits = "".join(part.zfill(2) for part in text.split(separator))
        else:
            digits = text.replace(".", "")
        return cls._checked(bytes.fromhex(digits), place)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read six raw bytes; raises InvalidInput for group addresses and zero."""
        if len(raw) != 6:
            raise InvalidInput.of("address.mac", f"A MAC address has 6 bytes, not {len(raw)}.")
        return cls._checked(raw, None)

    @classmethod
    def _checked(cls, raw: bytes, place: Place | None) -> Self:
        if raw[0] & 1 or not any(raw):
            raise InvalidInput.of(
                "address.mac-group",
                f"{raw.hex(':')} is not the address of one network card.",
                "Group addresses and all zeros cannot be assigned to a machine.",
                place,
            )
        return cls(raw.hex(":"))

    @property
    def raw(self) -> bytes:
        """The six bytes."""
        return bytes.fromhex(self.replace(":", ""))

    @property
    def hyphens(self) -> str:
        """The form that pxelinux looks for: ``aa-bb-cc-dd-ee-ff``."""
        return self.replace(":", "-")


def parse_address(text: str, place: Place | None = None) -> IPv4Address:
    """Return an IPv4 address; raises InvalidInput."""
    try:
        return IPv4Address(text.strip())
    except ipaddress.AddressValueError as problem:
        raise InvalidInput.of(
            "address.ipv4",
            f"{ascii(text)[:60]} is not an IPv4 address.",
            "Write it as 10.0.0.200.",
            place,
        ) from problem


def parse_network(text: str, place: Place | None = None) -> IPv4Network:
    """Return an IPv4 network such as 10.0.0.0/24; raises InvalidInput, also when host bits are set."""
    try:
        return IPv4Network(text.strip())
    except ValueError as problem:
        raise InvalidInput.of(
            "address.network",
            f"{ascii(text)[:60]} is not an IPv4 network: {problem}.",
            "Write it as 10.0.0.0/24.",
            place,
        ) from problem


def parse_netmask(text: str, place: Place | None = None) -> int:
    """Return the prefix length of a mask such as 255.255.255.0 (or /24); raises InvalidInput."""
    try:
        return IPv4Network(f"0.0.0.0/{text.strip().lstrip('/')}").prefixlen
    except ValueError as problem:
        raise InvalidInput.of(
            "address.netmask",
            f"{ascii(text)[:60]} is not a subnet mask.",
            "Write it as 255.255.255.0.",
            place,
        ) from problem


def parse_host(text: str, place: Place | None = None) -> str:
    """Return a host's name, with or without domain, or its IPv4 address; raises InvalidInput."""
    if re.fullmatch(r"[0-9.]+", text):
        return str(parse_address(text, place))
    return DomainName.parse(text, place)
