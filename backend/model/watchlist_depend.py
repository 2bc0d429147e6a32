"""Which other services a service depends on: mon's expressions, without mon's eval. Pure.

``SELF:ping && (routers:ping || backup:ping)``; a list of services without signs means all of them.
"""

import re
from dataclasses import dataclass
from typing import Self

from backend.errors import InvalidInput
from backend.model.watchlist_values import parse_line, shown
from backend.reports import Place

TOKEN = re.compile(r"\s*(?:([A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+)|(&&|\|\||!|[()])|(and|or|not)\b)")
SAME = {"and": "&&", "or": "||", "not": "!"}
DEEPEST = 50  # brackets in brackets
RULE = "Write group:service, joined by && or ||, with ! and brackets: SELF:ping && nfs:export."


@dataclass(frozen=True, slots=True)
class Dependency:
    """A checked expression; ``services`` are those it names, each once, SELF still being SELF."""

    text: str
    services: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return the expression; raises InvalidInput."""
        line = parse_line(text, place)
        try:
            tokens = _tokens(line)
            _Reader(tokens).whole()
        except _NoExpression as problem:
            raise InvalidInput.of(
                "watch.depend", f"{shown(text)}: {problem}", RULE, place
            ) from None
        return cls(line, tuple(dict.fromkeys(one for one in tokens if ":" in one)))

    def __str__(self) -> str:
        return self.text

    def of_group(self, group: str) -> tuple[str, ...]:
        """Return the services it names, SELF being that group."""
        return tuple(re.sub(r"\ASELF:", f"{group}:", one) for one in self.services)


class _NoExpression(Exception):
    """What is wrong with the text of an expression."""


def _tokens(line: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(line):
        found = TOKEN.match(line, at)
        if found is None:
            raise _NoExpression(f"{shown(line[at:].strip())} is not understood.")
        token = found[1] or found[2] or found[3]
        tokens.append(SAME.get(token, token))
        at = found.end()
    return tokens


class _Reader:
    """Reads tokens by mon's (Perl's) precedence: ``!``, then ``&&``, then ``||``."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> None:
        if not any(token in ("&&", "||", "!", "(", ")") for token in self._tokens):
            if not self._tokens:
                raise _NoExpression("it names no service.")
            return
        self._either(0)
        if self._at < len(self._tokens):
            raise _NoExpression(f"{self._tokens[self._at]} stands where && or || is missing.")

    def _take(self, *wanted: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            self._at += 1
            return True
        return False

    def _either(self, depth: int) -> None:
        self._one(depth)
        while self._take("&&", "||"):
            self._one(depth)

    def _one(self, depth: int) -> None:
        if depth > DEEPEST:
            raise _NoExpression("it has too many brackets.")
        while self._take("!"):
            pass
        if self._take("("):
            self._either(depth + 1)
            if not self._take(")"):
                raise _NoExpression("a bracket is not closed.")
            return
        if self._at >= len(self._tokens) or ":" not in self._tokens[self._at]:
            after = self._tokens[self._at - 1] if self._at else "the beginning"
            raise _NoExpression(f"a service is missing after {after}.")
        self._at += 1
