"""Names that may reach a configuration file: validated when parsed, never merely quoted."""

import re
from collections.abc import Callable
from typing import Self

from backend.errors import InvalidInput
from backend.reports import Place

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


class _Name(str):
    """A string of one known kind; the only way in is ``parse``."""

    __slots__ = ()
    _pattern: re.Pattern[str]
    _code: str
    _what: str
    _rule: str

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return the name; raises InvalidInput with the rule it breaks."""
        if not isinstance(text, str) or not cls._pattern.fullmatch(text):
            shown = ascii(text)[:60]
            raise InvalidInput.of(cls._code, f"{shown} is not {cls._what}.", cls._rule, place)
        return cls(text)


class HostName(_Name):
    """One label of a host name (RFC 1123 section 2.1), without its domain."""

    __slots__ = ()
    _pattern = re.compile(LABEL)
    _code = "name.host"
    _what = "a host name"
    _rule = (
        "Use letters, digits and hyphens, 63 at most, beginning and ending with a letter or digit."
    )


class DomainName(_Name):
    """A DNS domain (RFC 1123), 253 characters at most."""

    __slots__ = ()
    _pattern = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(?:\.{LABEL})*")
    _code = "name.domain"
    _what = "a domain name"
    _rule = "Use host name labels joined by dots, 253 characters at most."


class ImageName(_Name):
    """The name and directory of an image."""

    __slots__ = ()
    _pattern = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
    _code = "name.image"
    _what = "an image name"
    _rule = "Use letters, digits, dots, hyphens and underscores, 64 at most, not beginning with - or a dot."


class InterfaceName(_Name):
    """A network interface (the kernel's dev_valid_name: 15 bytes, no slash, no space)."""

    __slots__ = ()
    _pattern = re.compile(r"(?!\.{1,2}\Z|-)[A-Za-z0-9_.@-]{1,15}")  # a first - is an option
    _code = "name.interface"
    _what = "a network interface"
    _rule = "Use the name that 'ip link' shows, 15 characters at most."


class WatchName(_Name):
    """The name of a host group or of a watched service (mon's tags)."""

    __slots__ = ()
    _pattern = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
    _code = "name.watch"
    _what = "the name of a service or host group"
    _rule = "Use letters, digits, underscores, dots and hyphens, 64 at most."


class PeriodName(_Name):
    """The name of a defined period, or the label of a period (mon's rule)."""

    __slots__ = ()
    _pattern = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
    _code = "name.period"
    _what = "the name of a period"
    _rule = "Use letters, digits and underscores, 64 at most, not beginning with a digit."


class UserName(_Name):
    """A login name (useradd's default pattern)."""

    __slots__ = ()
    _pattern = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
    _code = "name.user"
    _what = "a user name"
    _rule = "Use lower-case letters, digits, hyphens and underscores, 32 at most."


def host_part(text: str) -> str:
    """Return the first label of a host name that may carry its domain."""
    return text.partition(".")[0]


Parser = Callable[[str], object]
