"""The list of heard machines: two lines each, worked out only for those that are seen."""

import tkinter as tk
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from panels.context import PanelContext
from panels.widgets.table import Chosen, Column, Table
from panels.widgets.table_model import Cells, Line, TableModel
from panels.widgets.table_paint import Painter, _Slot
from panels.widgets.theme import Theme

COLUMNS = (Column("mac", "", 17, mono=True), Column("ago", "", 10), Column("detail", "", 3))


class Entry(NamedTuple):
    """What is seen of one machine; ``tag`` as in Table."""

    mac: str
    ago: str  # at the right of the first line
    detail: str  # the second line
    tag: str = ""


Describe = Callable[[str], Entry]


@dataclass
class _Lazy(TableModel):
    """A model that holds keys only: ten thousand machines change more often than they are seen."""

    describe: Describe = lambda key: Entry(key, "", "")

    def line(self, number: int) -> Line:
        """See TableModel.line."""
        plain = super().line(number)
        entry = self.describe(plain.key)
        return Line(plain.key, entry[:3], entry.tag)


class _TwoLines(Painter):
    """Draws the address and the time on one line, everything else on a second one."""

    def __init__(self, canvas: tk.Canvas, theme: Theme) -> None:
        super().__init__(canvas, theme, COLUMNS, tree=False)
        self.row = round(theme.line * 2.5)

    def _fill_texts(self, slot: _Slot, line: Line, middle: int) -> None:
        canvas, theme, pad = self._canvas, self._theme, self._pad
        upper, lower = middle - round(theme.line * 0.55), middle + round(theme.line * 0.55)
        room = self._width - 2 * pad
        ink = theme.colour(line.tag) if line.tag else theme.text
        quiet = theme.colour(line.tag) if line.tag else theme.muted
        for item, text, x, y, anchor, font, colour in zip(
            slot.texts, line.cells, (pad, self._width - pad, pad), (upper, upper, lower),
            ("w", "e", "w"), ("HaoscarMono", "HaoscarBody", "HaoscarBody"), (ink, quiet, quiet),
            strict=True,
        ):  # fmt: skip
            canvas.coords(item, x, y)
            canvas.itemconfigure(
                item, text=self._elide(text, room, font), anchor=anchor, fill=colour, font=font,
                state="normal",
            )  # fmt: skip


class MacList(Table):
    """Machines in order of arrival, by their addresses; ``describe`` is asked for the visible ones."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, describe: Describe, *,
        on_select: Chosen, height: int = 6,
    ) -> None:  # fmt: skip
        super().__init__(parent, context, COLUMNS, on_select=on_select)
        self._model = _Lazy(describe=describe)
        self._painter = _TwoLines(self.canvas, self._theme)
        self.canvas.configure(
            width=self._painter.natural_width, height=self._painter.height(height)
        )
        self._recolour()

    def show(self, keys: Iterable[str]) -> None:
        """Show these machines; what they look like is asked for when they are drawn."""
        self.rows(dict.fromkeys(keys, ()))

    def cells(self) -> dict[str, Cells]:
        """Return all rows, those that are seen with their texts."""
        seen = {line.key: line.cells for _number, line in self._model.visible()}
        return {key: seen.get(key, ()) for key in self._model.cells}

    def refresh(self) -> None:
        """Ask anew what the visible machines look like."""
        self._later()
