"""What a table shows, apart from how: order, tree, the visible window, moving about. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it is drawn."""

    key: str
    cells: Cells
    tag: str = ""
    depth: int = 0
    open: bool | None = None  # None: it has no children


@dataclass
class TableModel:
    """All rows, and which of them the window shows."""

    cells: dict[str, Cells] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    selected: str | None = None
    first: int = 0  # number of the first visible line
    size: int = 0  # how many lines are visible at once; 0: it was never seen yet
    _order: list[tuple[str, int]] = field(default_factory=list)  # key and depth, as shown
    _index: dict[str, int] = field(default_factory=dict)
    _children: dict[str, list[str]] = field(default_factory=dict)

    def fill(
        self, cells: Mapping[str, Cells], tags: Mapping[str, str], parents: Mapping[str, str]
    ) -> None:
        """Take new rows; the selection and what is on top stay where they are still there."""
        top = self._order[self.first][0] if self.first < len(self._order) else None
        self.cells, self.tags = dict(cells), dict(tags)
        self.parents = {key: above for key, above in parents.items() if above in cells}
        self._arrange()
        if self.selected not in self.cells:
            self.selected = None
        if self.first and top in self._index:
            self.first = self._index[top]
        self.scroll_to(self.first)

    def _arrange(self) -> None:
        self._children = {}
        for key in self.cells if self.parents else ():
            above = self.parents.get(key)
            if above is not None and above != key:
                self._children.setdefault(above, []).append(key)
        roots = [key for key in self.cells if key not in self.parents]
        self._order = [(key, 0) for key in roots]
        if self._children:
            self._order = list(self._walk(roots))
        self._index = {key: number for number, (key, _depth) in enumerate(self._order)}

    def _walk(self, roots: list[str]) -> Iterator[tuple[str, int]]:
        """Go through what is open, without recursion: nobody promises that a tree is flat."""
        waiting = [(key, 0) for key in reversed(roots)]
        while waiting:
            key, depth = waiting.pop()
            yield key, depth
            if key not in self.closed:
                below = self._children.get(key, ())
                waiting.extend((child, depth + 1) for child in reversed(below))

    def __len__(self) -> int:
        return len(self._order)

    def line(self, number: int) -> Line:
        """Return what is drawn in a line; raises IndexError."""
        key, depth = self._order[number]
        is_open = key not in self.closed if key in self._children else None
        return Line(key, self.cells[key], self.tags.get(key, ""), depth, is_open)

    def visible(self) -> list[tuple[int, Line]]:
        """Return the lines of the window, with their numbers."""
        last = min(self.first + self.size, len(self))
        return [(number, self.line(number)) for number in range(self.first, last)]

    def number(self, key: str | None) -> int | None:
        """Return the line of a row, None when it is unknown or folded away."""
        return self._index.get(key) if key is not None else None

    def scroll_to(self, first: int) -> None:
        """Let the window begin at a line, as far as there are lines."""
        self.first = max(0, min(first, len(self) - self.size))

    def reveal(self, number: int) -> None:
        """Scroll as little as is needed to see a line."""
        if not self.size:
            return  # done when it is known how much there is room for
        if number < self.first:
            self.scroll_to(number)
        elif number >= self.first + self.size:
            self.scroll_to(number - self.size + 1)

    def resize(self, size: int) -> None:
        """Show so many lines; what was chosen before any could be seen is brought into view now."""
        unseen, self.size = not self.size, size
        self.scroll_to(self.first)
        number = self.number(self.selected)
        if unseen and number is not None:
            self.reveal(number)

    def select(self, key: str | None) -> None:
        """Choose a row, unfolding what hides it; an unknown one chooses nothing."""
        self.selected = key if key in self.cells else None
        above = self.parents.get(self.selected or "")
        hidden = False
        seen: set[str] = set()
        while above is not None and above not in seen:
            seen.add(above)
            hidden = hidden or above in self.closed
            self.closed.discard(above)
            above = self.parents.get(above)
        if hidden:
            self._arrange()
        number = self.number(self.selected)
        if number is not None:
            self.reveal(number)

    def move(self, by: int) -> str | None:
        """Return the row that lies ``by`` lines from the chosen one, stopping at the ends."""
        if not self._order:
            return None
        here = self.number(self.selected)
        if here is None:
            there = 0 if by >= 0 else len(self) - 1
        else:
            there = max(0, min(here + by, len(self) - 1))
        return self._order[there][0]

    def fold(self, key: str, is_open: bool) -> None:
        """Open or close a row that has children; a choice that is hidden by it moves up to it."""
        if key not in self._children:
            return
        (self.closed.discard if is_open else self.closed.add)(key)
        self._arrange()
        if self.selected is not None and self.number(self.selected) is None:
            self.selected = key
        self.scroll_to(self.first)
