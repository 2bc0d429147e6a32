"""How a table is drawn: a header and a fixed number of rows, whose items are reused.

Each drawn row remembers what it shows; only what differs is sent to the display.
"""

import tkinter as tk
from collections.abc import Sequence
from dataclasses import dataclass, field

from panels.widgets.drawing import wrap
from panels.widgets.table_model import Line
from panels.widgets.theme import Theme

NARROWEST = 3  # characters of a column
OPEN, CLOSED = "▾", "▸"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``width`` in characters is what it asks for, the last one takes what is left."""

    key: str
    title: str
    width: float = 12
    mono: bool = False


@dataclass(slots=True)
class _Slot:
    """The canvas items of one visible row, and what they show."""

    ground: int
    sign: int
    texts: list[int]
    shown: object = None
    elided: list[tuple[str, int]] = field(default_factory=list)


class Painter:
    """Draws lines on a canvas; used by the table only."""

    def __init__(
        self, canvas: tk.Canvas, theme: Theme, columns: Sequence[Column], *, tree: bool
    ) -> None:
        self._canvas, self._theme, self._columns, self._tree = canvas, theme, columns, tree
        self.row = round(theme.line * 1.45)
        self.marked: str | None = None
        self._pad = theme.half
        self._asked = [self._wanted(one) for one in columns]
        self._least = [self._needed(one) for one in columns]
        self._widths = list(self._asked)
        self._width = sum(self._asked)
        self._titles = [one.title for one in columns]  # broken into lines where there is no room
        self._slots: list[_Slot] = []
        self._header: list[int] = []
        self._header_shown: object = None
        self._grabbed: int | None = None

    def _wanted(self, column: Column) -> int:
        body = self._theme.mono if column.mono else self._theme.body
        title = self._theme.bold.measure(column.title)
        return max(round(body.measure("0") * column.width), title) + 2 * self._pad

    def _needed(self, column: Column) -> int:
        """Return what a column cannot do without: its cells, and its title in several lines."""
        body = self._theme.mono if column.mono else self._theme.body
        words = [self._theme.bold.measure(one) for one in column.title.split()]
        return max(round(body.measure("0") * column.width), *words, 0) + 2 * self._pad

    @property
    def natural_width(self) -> int:
        """The width in pixels at which every column has what it asks for."""
        return sum(self._asked)

    @property
    def _titled(self) -> bool:
        return any(one.title for one in self._columns)

    @property
    def _head(self) -> int:
        if not self._titled:
            return self._edge
        return self.row + max(one.count("\n") for one in self._titles) * self._theme.line

    @property
    def _edge(self) -> int:
        return self._theme.hair

    def height(self, rows: int) -> int:
        """Return the height in pixels of so many rows."""
        return self._head + rows * self.row

    def capacity(self, height: int) -> int:
        """Return how many whole rows there is room for, at least 1."""
        return max(1, (height - self._head - self._edge) // self.row)

    def top(self, place: int) -> int:
        """Return where a visible row begins."""
        return self._head + place * self.row

    def place(self, y: int) -> int:
        """Return which visible row is at a height; negative in the header."""
        return (y - self._head) // self.row

    def on_sign(self, line: Line, x: int) -> bool:
        """Tell whether the sign that opens and closes a row is there."""
        return self._tree and x < self._indent(line)

    def _indent(self, line: Line) -> int:
        return self._pad + (line.depth + 1) * self._theme.line if self._tree else self._pad

    # The widths of columns

    def resize(self, width: int) -> None:
        """Share a new width among the columns: more goes to the last, less is taken from all.

        Titles give way before cells do.
        """
        self._width = width
        self._share()

    def _share(self) -> None:
        least = self._theme.chars(NARROWEST) + 2 * self._pad
        widths = list(self._asked)
        total = sum(widths)
        if total <= self._width:
            widths[-1] += self._width - total
        elif self._width > 1:
            bare = [min(pair) for pair in zip(self._least, widths, strict=True)]
            spare, wished = self._width - sum(bare), total - sum(bare)
            if spare >= 0:
                pairs = zip(bare, widths, strict=True)
                widths = [one + (more - one) * spare // wished for one, more in pairs]
            else:
                widths = [max(least, one * self._width // sum(bare)) for one in bare]
        self._widths = widths
        measure = self._theme.bold.measure
        self._titles = [
            "\n".join(wrap(column.title, width - self._pad, measure))
            for column, width in zip(self._columns, widths, strict=True)
        ]

    def edge(self, x: int, y: int) -> int | None:
        """Return the column whose right edge is under the pointer, in the header."""
        if y >= self._head or not self._titled:
            return None
        right = 0
        for number, width in enumerate(self._widths[:-1]):
            right += width
            if abs(x - right) <= self._theme.quarter:
                return number
        return None

    def grab(self, x: int, y: int) -> bool:
        """Take the edge of a column, or the header, at a point; False below the header."""
        self._grabbed = self.edge(x, y)
        return y < self._head

    def drag(self, x: int) -> bool:
        """Move the edge that was taken; returns whether there is one."""
        if self._grabbed is None:
            return False
        left = sum(self._widths[: self._grabbed])
        self._asked = list(self._widths)
        self._asked[-1] = self._wanted(self._columns[-1])
        least = self._theme.chars(NARROWEST) + 2 * self._pad
        rest = sum(self._asked[self._grabbed + 1 :])
        self._asked[self._grabbed] = max(least, min(x - left, self._width - left - rest))
        self._share()
        return True

    # Drawing

    def forget(self) -> None:
        """Draw everything anew next time: the colours have changed."""
        self._header_shown = None
        for slot in self._slots:
            slot.shown = None
        theme = self._theme
        self._canvas.configure(
            background=theme.surface, highlightbackground=theme.outline,
            highlightcolor=theme.accent, borderwidth=0,
        )  # fmt: skip

    def draw(
        self, lines: Sequence[tuple[int, Line]], selected: str | None, *, focused: bool
    ) -> None:
        """Show these lines, with their numbers."""
        self._draw_header()
        while len(self._slots) < len(lines):
            self._slots.append(self._new_slot(len(self._slots)))
        for place, slot in enumerate(self._slots):
            if place < len(lines):
                number, line = lines[place]
                chosen = line.key == selected
                wanted = (
                    line, number % 2, chosen, chosen and focused, line.key == self.marked,
                    tuple(self._widths),
                )  # fmt: skip
            else:
                wanted = None
            if slot.shown != wanted or slot.shown is None:
                self._fill(place, slot, wanted)
                slot.shown = wanted

    def _new_slot(self, _place: int) -> _Slot:
        canvas = self._canvas
        ground = canvas.create_rectangle(0, 0, 0, 0, width=self._theme.hair, state="hidden")
        sign = canvas.create_text(0, 0, anchor="center", font="HaoscarBody", state="hidden")
        texts = [
            canvas.create_text(
                0, 0, anchor="w", font="HaoscarMono" if one.mono else "HaoscarBody", state="hidden"
            )
            for one in self._columns
        ]
        return _Slot(ground, sign, texts)

    def _fill(
        self, place: int, slot: _Slot,
        wanted: tuple[Line, int, bool, bool, bool, tuple[int, ...]] | None,
    ) -> None:  # fmt: skip
        canvas = self._canvas
        if wanted is None:
            for item in (slot.ground, slot.sign, *slot.texts):
                canvas.itemconfigure(item, state="hidden")
            return
        line, odd, chosen, focused, marked, _widths = wanted
        theme, top = self._theme, self.top(place)
        ground = theme.selection if chosen else theme.zebra if odd else theme.surface
        ring = theme.accent if focused or marked else ground
        edge = self._edge
        canvas.coords(slot.ground, edge, top, self._width - edge - 1, top + self.row - edge)
        canvas.itemconfigure(slot.ground, fill=ground, outline=ring, state="normal")
        self._fill_texts(slot, line, top + self.row // 2)

    def _fill_texts(self, slot: _Slot, line: Line, middle: int) -> None:
        canvas, theme = self._canvas, self._theme
        ink = theme.text if line.tag in ("", "bold") else theme.colour(line.tag)
        left = 0
        for number, (item, width) in enumerate(zip(slot.texts, self._widths, strict=True)):
            indent = self._indent(line) if number == 0 else self._pad
            text = line.cells[number] if number < len(line.cells) else ""
            font = "HaoscarMono" if self._columns[number].mono else "HaoscarBody"
            if line.tag == "bold" and not self._columns[number].mono:
                font = "HaoscarBold"
            canvas.coords(item, left + indent, middle)
            # The last cell of a short row, such as a heading, has the rest of the line.
            room = self._width - left if number == len(line.cells) - 1 else width
            canvas.itemconfigure(
                item, text=self._elide(text, room - indent - self._theme.quarter, font),
                fill=ink, font=font, state="normal",
            )  # fmt: skip
            left += width
        sign = "" if line.open is None else OPEN if line.open else CLOSED
        canvas.coords(slot.sign, self._indent(line) - theme.half - theme.quarter, middle)
        canvas.itemconfigure(slot.sign, text=sign, fill=theme.muted, state="normal")

    def _elide(self, text: str, room: int, font: str) -> str:
        """Return what fits, with "..." where something was left out."""
        text = text.partition("\n")[0]
        used = {"HaoscarMono": self._theme.mono, "HaoscarBold": self._theme.bold}.get(
            font, self._theme.body
        )
        if used.measure(text) <= room:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if used.measure(text[:middle] + "…") <= room:
                low = middle
            else:
                high = middle - 1
        return text[:low] + "…"

    def _draw_header(self) -> None:
        if not self._titled or self._header_shown == tuple(self._widths):
            return
        self._header_shown = tuple(self._widths)
        canvas, theme = self._canvas, self._theme
        canvas.delete("header")
        canvas.create_rectangle(
            0, 0, self._width, self._head - 1, fill=theme.background, outline="", tags="header"
        )
        canvas.create_line(
            0, self._head - 1, self._width, self._head - 1, fill=theme.border, tags="header"
        )
        left = 0
        for title, width in zip(self._titles, self._widths, strict=True):
            if left:
                canvas.create_line(
                    left, self._theme.quarter, left, self._head - self._theme.quarter,
                    fill=theme.border, tags="header",
                )  # fmt: skip
            canvas.create_text(
                left + self._pad, self._head // 2, anchor="w", fill=theme.text, font="HaoscarBold",
                text=title, tags="header",
            )  # fmt: skip
            left += width
