"""How a watched service is healed, and how the watch process works; as typed values. Pure."""

import enum
import re
from dataclasses import dataclass
from typing import Self

from backend.errors import InvalidInput
from backend.model.agent import Options
from backend.model.watchlist_values import Duration, parse_parameters, shown, words
from backend.reports import Place, error

MOST_CHECKS, MOST_RESTARTS = 100, 100
OPTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")  # as the agent reads them


class RecoveryKind(enum.StrEnum):
    """What restarts a service."""

    NONE = "none"  # nothing can; what follows is all there is
    UNIT = "unit"
    OCF = "ocf"
    COMMAND = "command"
    RESOURCE = "resource"  # one that the agent runs


class Escalation(enum.StrEnum):
    """What follows when a service cannot be healed where it runs."""

    ALERT = "alert"
    TAKEOVER = "takeover"


@dataclass(frozen=True, slots=True)
class Failures:
    """After how many failures, of how many checks, a service is healed."""

    failures: int
    of: int

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return what a text such as 1, or "2 of 3", says; raises InvalidInput."""
        found = re.fullmatch(r"\s*([0-9]{1,3})(?:\s+of\s+([0-9]{1,3}))?\s*", text, re.ASCII)
        failures, of = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= failures <= of <= MOST_CHECKS:
            rule = (
                f"Write how many checks fail, up to {MOST_CHECKS}, and of how many: 1, or 2 of 3."
            )
            raise InvalidInput(
                error("watch.failures", f"{shown(text)} says not when.", rule, place)
            )
        return cls(failures, of)

    def __str__(self) -> str:
        return f"{self.failures}" if self.failures == self.of else f"{self.failures} of {self.of}"


ONCE = Failures(1, 1)
HOUR, MINUTE, SOON = Duration(3600.0), Duration(60.0), Duration(3.0)


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a service is healed."""

    kind: RecoveryKind
    options: Options = ()
    failures: Failures = ONCE  # before it is healed
    restarts: int = 3  # at most so many ...
    within: Duration = HOUR  # ... in this time
    verify: Duration = SOON  # after a restart it is checked again
    limit: Duration = MINUTE  # a restart may take as long
    escalate: Escalation = Escalation.ALERT
    critical: bool = False  # a head on which it is broken gives the role away


@dataclass(frozen=True, slots=True)
class Monitoring:
    """How the watch processes of the heads work."""

    port: int = 4748  # TCP, between the heads
    snmp_file: str = ""  # on the heads; empty: the usual community
    mail_from: str = ""  # empty: root at the head
    smtp: str = ""  # host:port; empty: the local sendmail


def parse_options(text: str, place: Place | None = None) -> Options:
    """Return options of a line such as ``unit=nfs-server``; raises InvalidInput."""
    pairs = [one.partition("=") for one in words(parse_parameters(text, place))]
    options = {name: value for name, _, value in pairs}
    for name, equals, _ in pairs:
        if not equals or not OPTION.fullmatch(name):
            rule = "Write name=value, in quotation marks where there are blanks: 'start=/opt/app restart'."  # fmt: skip
            raise InvalidInput(error("watch.options", f"{shown(name)} is no option.", rule, place))
    if len(options) < len(pairs):
        text, rule = "An option is given twice.", "Give each once."
        raise InvalidInput(error("watch.options", text, rule, place))
    return tuple(options.items())


def parse_restarts(text: str, place: Place | None = None) -> int:
    """Return how often a service is restarted; raises InvalidInput."""
    if text.isascii() and text.isdigit() and int(text[:9]) <= MOST_RESTARTS:
        return int(text)
    rule = f"Write a whole number from 0 to {MOST_RESTARTS}."
    raise InvalidInput(
        error("watch.number", f"{shown(text)} is no number of restarts.", rule, place)
    )
