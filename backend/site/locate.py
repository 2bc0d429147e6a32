"""Where things are in a TOML text: the line of each key, and the blocks that its headers make.

Only for text that ``tomllib`` has accepted, so that nothing here has to be judged again. Lines
are separated by "\\n"; a path is a tuple of keys and, below arrays, of positions from 0.
"""

import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
BLANK = " \t\n"


@dataclass(frozen=True, slots=True)
class Header:
    """A line such as [networks.private] or [[node]], with the comments directly above it."""

    path: tuple[str, ...]
    array: bool
    start: int  # offset of the first of those comments, or of the line itself


@dataclass(slots=True)
class Map:
    """What is where in one text."""

    offsets: dict[Path, int] = field(default_factory=dict)
    headers: list[Header] = field(default_factory=list)
    last_end: int = 0  # offset after the last line that is neither blank nor only a comment
    _newlines: list[int] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line, from 1, of a key or of the nearest table around it."""
        while path and path not in self.offsets:
            path = path[:-1]
        return bisect_right(self._newlines, self.offsets.get(path, 0) - 1) + 1

    def holds(self, path: Path) -> bool:
        """Whether something at or below that path is in the text."""
        return any(one[: len(path)] == path for one in self.offsets)


def locate(text: str) -> Map:
    """Return where the keys and headers of a valid TOML text are."""
    return _Scanner(text).scan()


class _Scanner:
    """Walks once through a text; every method moves ``_at`` behind what it read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        newlines = [offset for offset, character in enumerate(text) if character == "\n"]
        self._map = Map(_newlines=newlines)
        self._counts: dict[tuple[str, ...], int] = {}  # of each [[array]], entries so far

    def scan(self) -> Map:
        current: Path = ()
        while True:
            self._skip(BLANK)
            if self._at >= len(self._text):
                return self._map
            if self._peek() == "#":
                self._skip_line()
                continue
            if self._peek() == "[":
                current = self._header()
            else:
                self._pair(current)
            self._skip_line()
            self._map.last_end = self._at

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, characters: str) -> None:
        while self._at < len(self._text) and self._text[self._at] in characters:
            self._at += 1

    def _skip_line(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end + 1

    def _header(self) -> Path:
        start = self._at
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        keys = self._keys("]")
        self._map.headers.append(Header(keys, array, self._with_comments(start)))
        if array:
            self._counts[keys] = self._counts.get(keys, 0) + 1
            if self._counts[keys] > 1:  # arrays below start anew in each entry
                for longer in [one for one in self._counts if one[:-1][: len(keys)] == keys]:
                    del self._counts[longer]
        path = self._resolved(keys)
        self._map.offsets.setdefault(path, start)
        return path

    def _resolved(self, keys: tuple[str, ...]) -> Path:
        """Return the path of a header: the latest entry of each [[array]] on the way."""
        path: Path = ()
        for length in range(1, len(keys) + 1):
            path = (*path, keys[length - 1])
            count = self._counts.get(keys[:length])
            if count is not None:
                path = (*path, count - 1)
        return path

    def _with_comments(self, start: int) -> int:
        """Return where the comment lines directly above a line begin."""
        start = self._text.rfind("\n", 0, start) + 1
        while start > self._map.last_end:
            above = self._text.rfind("\n", 0, start - 1) + 1
            if not self._text[above:start].lstrip().startswith("#"):
                break
            start = above
        return start

    def _pair(self, table: Path) -> None:
        start = self._at
        path = (*table, *self._keys("="))
        for length in range(len(table) + 1, len(path) + 1):
            self._map.offsets.setdefault(path[:length], start)
        self._skip(" \t")
        self._value(path)

    def _keys(self, end: str) -> tuple[str, ...]:
        """Read a dotted key up to ``end``, and that too."""
        keys: list[str] = []
        while True:
            self._skip(" \t")
            start = self._at
            if self._peek() in "\"'":
                self._string()
                keys.append(str(tomllib.loads(f"x={self._text[start : self._at]}")["x"]))
            else:
                while self._peek() not in (".", end, " ", "\t", ""):
                    self._at += 1
                keys.append(self._text[start : self._at])
            self._skip(" \t")
            found = self._peek()
            self._at += 1
            if found != ".":
                return tuple(keys)

    def _value(self, path: Path) -> None:
        match self._peek():
            case '"' | "'":
                self._string()
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case _:
                while self._peek() not in (",", "]", "}", "#", "\n", ""):
                    self._at += 1

    def _string(self) -> None:
        quote = self._peek()
        if self._text.startswith(quote * 3, self._at):
            self._at += 3
            self._string_end(quote, quote * 3)
            while self._peek() == quote:  # up to two more belong to the string
                self._at += 1
        else:
            self._at += 1
            self._string_end(quote, quote)

    def _string_end(self, quote: str, end: str) -> None:
        while not self._text.startswith(end, self._at):
            escaped = quote == '"' and self._peek() == "\\"
            self._at += 2 if escaped else 1
        self._at += len(end)

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while self._between("]"):
            self._map.offsets[(*path, number)] = self._at
            self._value((*path, number))
            number += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._between("}"):
            self._pair(path)

    def _between(self, end: str) -> bool:
        """Skip what separates elements; False behind the ``end`` of the whole."""
        while True:
            self._skip(BLANK + ",")
            if self._peek() != "#":
                break
            self._skip_line()
        if self._peek() == end:
            self._at += 1
            return False
        return True
