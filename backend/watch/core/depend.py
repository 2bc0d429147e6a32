"""Which services must be well for another one: mon's expressions, without mon's eval. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, Union

TOKEN = re.compile(r"\s*(?:([A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+)|(&&|\|\||!|[()])|(and|or|not)\b)")
NO_HOST = re.compile(r"[^A-Za-z0-9_.:-]+")  # what stands between the hosts of a summary
DEEPEST = 50  # brackets in brackets


class BadExpression(Exception):
    """What is wrong with the text of an expression."""


class Joined(NamedTuple):
    """Several parts of which all must hold, or one of them."""

    every: bool
    parts: tuple[Term, ...]


class Negated(NamedTuple):
    """A part that must not hold."""

    part: Term


Term = Union[str, Joined, Negated]
ALWAYS = Joined(True, ())


class Expression(NamedTuple):
    """A dependency that has been read; an empty one always holds."""

    term: Term = ALWAYS
    services: tuple[str, ...] = ()

    def holds(self, well: Callable[[str], bool]) -> bool:
        """Whether it is fulfilled when ``well`` says which services are."""
        return _holds(self.term, well)

    def failing(self, well: Callable[[str], bool]) -> tuple[str, ...]:
        """Return the services of it that are not well."""
        return tuple(one for one in self.services if not well(one))


def parse(text: str) -> Expression:
    """Return an expression; raises BadExpression."""
    tokens = _tokens(text)
    names = tuple(dict.fromkeys(one for one in tokens if ":" in one))
    if len(tokens) == sum(":" in one for one in tokens):
        return Expression(Joined(True, names), names)  # a list without signs: all of them
    return Expression(_Reader(tokens).whole(), names)


def named_hosts(failed: tuple[str, ...], summary: str) -> tuple[str, ...]:
    """Return the words of a failure that may be host names, for ``host_depend``."""
    words = (word.strip(".:-") for word in NO_HOST.split(summary))
    return tuple(dict.fromkeys((*failed, *(word for word in words if word))))


def _holds(term: Term, well: Callable[[str], bool]) -> bool:
    if isinstance(term, str):
        return well(term)
    if isinstance(term, Negated):
        return not _holds(term.part, well)
    if term.every:
        return all(_holds(part, well) for part in term.parts)
    return any(_holds(part, well) for part in term.parts)


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at, text = 0, text.strip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise BadExpression(f"{text[at : at + 40]!r} is not understood")
        tokens.append(found[1] or found[2] or found[3])
        at = found.end()
    return tokens


class _Reader:
    """Reads by Perl's precedence: ``!`` binds closest, then &&, ||, not, and, or."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Term:
        term = self._joined(0, 0)
        if self._at < len(self._tokens):
            raise BadExpression(f"{self._tokens[self._at]} stands where && or || is missing")
        return term

    def _take(self, wanted: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == wanted:
            self._at += 1
            return True
        return False

    def _joined(self, level: int, depth: int) -> Term:
        if depth > DEEPEST:
            raise BadExpression("it has too many brackets")
        if level == 4:
            return self._one(depth)
        if level == 2 and self._take("not"):
            return Negated(self._joined(2, depth + 1))
        sign = ("or", "and", "||", "&&")[level]
        parts = [self._joined(level + 1, depth)]
        while self._take(sign):
            parts.append(self._joined(level + 1, depth))
        return parts[0] if len(parts) == 1 else Joined(level % 2 == 1, tuple(parts))

    def _one(self, depth: int) -> Term:
        if self._take("!") or self._take("not"):
            return Negated(self._joined(4, depth + 1))
        if self._take("("):
            term = self._joined(0, depth + 1)
            if not self._take(")"):
                raise BadExpression("a bracket is not closed")
            return term
        if self._at >= len(self._tokens) or ":" not in self._tokens[self._at]:
            after = self._tokens[self._at - 1] if self._at else "the beginning"
            raise BadExpression(f"a service is missing after {after}")
        self._at += 1
        return self._tokens[self._at - 1]
