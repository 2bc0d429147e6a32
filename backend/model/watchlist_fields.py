"""Single fields of the watch list's forms: what reads them, and their texts. Pure."""

import enum
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from backend.errors import InvalidInput
from backend.model.addresses import parse_host
from backend.model.watchlist_values import parse_parameters, parse_variable, shown, words
from backend.reports import Place, error

YES, NO = "yes", "no"
Parse = Callable[[str, Place], object]


@dataclass(frozen=True, slots=True)
class Entry:
    """One field: its label, what reads it, and whether it may be empty (then it has its default)."""

    key: str
    label: str
    parse: Parse
    needed: bool = False


def truth(text: str, place: Place) -> bool:
    """Read yes or no; raises InvalidInput."""
    if text.lower() not in (YES, NO):
        raise InvalidInput(error("watch.truth", f"{shown(text)} is neither yes nor no.", "", place))
    return text.lower() == YES


def hosts(text: str, place: Place) -> tuple[str, ...]:
    """Read hosts with blanks or commas between them; raises InvalidInput."""
    return tuple(parse_host(one, place) for one in text.replace(",", " ").split())


def environment(text: str, place: Place) -> tuple[tuple[str, str], ...]:
    """Read variables such as ``SNMPVERS=2c``; raises InvalidInput."""
    pairs = [one.partition("=") for one in words(parse_parameters(text, place))]
    for name, equals, value in pairs:
        parse_variable(name if equals else f"{name} {value}", place)
    return tuple((name, value) for name, _, value in pairs)


def one_of(kind: type[enum.StrEnum], code: str, what: str) -> Parse:
    """Return a reader of one of an enumeration's words."""

    def read(text: str, place: Place) -> object:
        try:
            return kind(text)
        except ValueError as problem:
            rule = f"Use {', '.join(kind)}."
            raise InvalidInput.of(
                f"watch.{code}", f"{shown(text)} {what}.", rule, place
            ) from problem

    return read


def text_of(value: object) -> str:
    """Return the text that reads as a value again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return " ".join(shlex.quote(f"{name}={one}") for name, one in value)
        return " ".join(value)
    return str(value)
