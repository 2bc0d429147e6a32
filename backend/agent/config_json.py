"""Reads JSON and remembers where everything stands: a complaint needs a line.

The standard library's decoder reads strings and numbers; only the nesting is walked here.
"""

from __future__ import annotations

import json
from typing import NamedTuple, NoReturn, Union

from backend.agent.errors import AgentError

DEEPEST = 16  # the configuration file itself needs five
BLANK = " \t\r\n"


class Value(NamedTuple):
    """A value, and the line of its key or, in a list, its own; from 1."""

    data: Data
    line: int


# Values within: a dictionary or a list holds Values again.
Data = Union["dict[str, Value]", "list[Value]", str, int, float, bool, None]


class NotJson(AgentError):
    """A text is not JSON; ``line`` says where."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


class Repeated(NamedTuple):
    """A key that is given twice in one object."""

    name: str
    line: int
    first: int


def read_json(text: str) -> tuple[Value, list[Repeated]]:
    """Return the value of a JSON text, and its repeated keys; raises NotJson."""
    reader = _Reader(text)
    reader.skip()
    value = reader.value(reader.line, DEEPEST)
    reader.skip()
    if reader.at < len(text):
        reader.fail("there is something behind the end")
    return value, reader.repeated


class _Reader:
    """Walks once through a text; ``at`` stands behind what was read, ``line`` is its line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.repeated: list[Repeated] = []
        self._decoder = json.JSONDecoder(parse_constant=self._constant)

    def fail(self, what: str) -> NoReturn:
        raise NotJson(f"This is not JSON: {what}.", self.line)

    def _constant(self, word: str) -> NoReturn:
        self.fail(f"{word} is no number")

    def skip(self) -> None:
        """Go behind blanks; only they can hold the end of a line, JSON's strings cannot."""
        while self.at < len(self.text) and self.text[self.at] in BLANK:
            self.line += self.text[self.at] == "\n"
            self.at += 1

    def next_is(self, character: str) -> bool:
        """Whether a character comes next; it is read."""
        self.skip()
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def value(self, line: int, depth: int) -> Value:
        if self.next_is("{"):
            return Value(self._object(self._deeper(depth)), line)
        if self.next_is("["):
            return Value(self._list(self._deeper(depth)), line)
        return Value(self._plain(), line)

    def _deeper(self, depth: int) -> int:
        if not depth:
            self.fail(f"it is nested more than {DEEPEST} times")
        return depth - 1

    def _plain(self) -> Data:
        try:
            data, self.at = self._decoder.raw_decode(self.text, self.at)
        except json.JSONDecodeError as problem:
            found = self.text[self.at : self.at + 12].split("\n")[0]
            self.fail(f"{problem.msg.lower()} at {found!a}" if found else "it ends too early")
        except ValueError:  # a whole number of more digits than Python converts
            self.fail("it has a number of thousands of digits")
        assert data is None or isinstance(data, (str, int, float))
        return data

    def _object(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        more = not self.next_is("}")
        while more:
            self.skip()
            line = self.line
            name = self._plain() if self.text.startswith('"', self.at) else None
            if not isinstance(name, str):
                self.fail('a key in double quotes is missing, or there is a comma before a "}"')
            if not self.next_is(":"):
                self.fail(f"there is no colon after the key {name[:60]!a}")
            if name in found:
                self.repeated.append(Repeated(name, line, found[name].line))
            found[name] = self.value(line, depth)
            more = self.next_is(",")
            if not more and not self.next_is("}"):
                self.fail(f"after the value of {name[:60]!a} a comma or a closing brace is missing")
        return found

    def _list(self, depth: int) -> list[Value]:
        found: list[Value] = []
        more = not self.next_is("]")
        while more:
            self.skip()
            found.append(self.value(self.line, depth))
            more = self.next_is(",")
            if not more and not self.next_is("]"):
                self.fail("in a list a comma or a closing bracket is missing")
        return found
