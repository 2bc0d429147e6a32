"""Which Linux distribution a machine runs, read from its os-release file. Pure."""

import enum
import re
import shlex
from dataclasses import dataclass

_LINE = re.compile(r"\A(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)\Z")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LIMIT = 65536  # characters of an os-release file that are looked at


class Family(enum.StrEnum):
    """Distributions that name and manage packages alike."""

    DEBIAN = "debian"
    RHEL = "rhel"
    OTHER = "other"


_DEBIAN = frozenset({"debian", "ubuntu"})
_RHEL = frozenset({"rhel", "centos", "rocky", "almalinux", "ol", "fedora"})


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution: its identifier, version and name for people."""

    id: str
    version: str
    title: str
    family: Family

    @property
    def verified(self) -> bool:
        """Whether HA-OSCAR has a tested or written code path for exactly this release."""
        return (self.id, self.version) in {
            ("debian", "12"), ("ubuntu", "24.04"),
        } or (self.family is Family.RHEL and self.version.partition(".")[0] == "9")  # fmt: skip


UNKNOWN = Distribution("linux", "", "an unknown Linux distribution", Family.OTHER)


def parse_os_release(text: str) -> Distribution:
    """Read os-release(5); lines that break its rules are skipped, nothing raises."""
    values: dict[str, str] = {}
    for line in text[:LIMIT].splitlines():
        match = _LINE.match(line.strip())
        if match is not None:
            values[match["name"]] = _unquoted(match["value"])
    identifier = _word(values.get("ID", "")) or UNKNOWN.id
    like = frozenset(filter(None, (_word(one) for one in values.get("ID_LIKE", "").split())))
    title = "".join(one for one in values.get("PRETTY_NAME", "") if one.isprintable())[:80]
    return Distribution(
        identifier,
        _word(values.get("VERSION_ID", "")),
        title or identifier,
        _family({identifier} | like),
    )


def _family(identifiers: frozenset[str] | set[str]) -> Family:
    if identifiers & _DEBIAN:
        return Family.DEBIAN
    return Family.RHEL if identifiers & _RHEL else Family.OTHER


def _unquoted(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        return ""
    return words[0] if len(words) == 1 else ""


def _word(text: str) -> str:
    return text if _WORD.fullmatch(text) else ""
