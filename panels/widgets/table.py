"""A table or tree: only the visible rows are drawn, and of those only what has changed.

Drawn on a canvas because ttk's Treeview holds every row as items of its own, and knows no column in
another font.
"""

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tkinter import ttk

from panels.context import PanelContext
from panels.widgets.table_model import Cells, Line, TableModel
from panels.widgets.table_paint import Column, Painter

__all__ = ["Column", "Table"]

Chosen = Callable[[str | None], object]
Opened = Callable[[str], object]
MOVES = {"Up": -1, "Down": 1, "KP_Up": -1, "KP_Down": 1}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the screen, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Table(ttk.Frame):
    """Rows with a key each; one can be chosen. ``height`` is the number of rows it asks room for.

    ``on_select`` gets the key (None: nothing is chosen any more), ``on_open`` that of a double click
    or Enter. A tree shows ``parents`` in its first column.
    """

    def __init__(
        self, parent: tk.Misc, context: PanelContext, columns: Sequence[Column], *,
        tree: bool = False, on_select: Chosen | None = None, on_open: Opened | None = None,
        height: int = 8,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._theme = context.theme
        self._taken = TableModel()
        self._given: tuple[Mapping[str, Cells], Mapping[str, str], Mapping[str, str]] | None = None
        self._on_select, self._on_open = on_select, on_open
        self._pending = ""
        self.canvas = tk.Canvas(self, highlightthickness=self._theme.hair, takefocus=True)
        self._painter = Painter(self.canvas, self._theme, columns, tree=tree)
        self.canvas.configure(
            width=self._painter.natural_width, height=self._painter.height(height)
        )
        self._bar = ttk.Scrollbar(self, command=self._scrolled, takefocus=False)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self.canvas.grid(sticky="nsew")
        self._listen()
        self._theme.follow(self.canvas, self._recolour)

    def _listen(self) -> None:
        canvas = self.canvas
        canvas.bind("<Configure>", lambda _event: self._resized())
        canvas.bind("<Button-1>", self._clicked)
        canvas.bind("<B1-Motion>", self._dragged)
        canvas.bind("<Double-Button-1>", self._double)
        canvas.bind("<Return>", self._enter)
        canvas.bind("<FocusIn>", lambda _event: self._later())
        canvas.bind("<FocusOut>", lambda _event: self._later())
        canvas.bind("<Motion>", self._pointed)
        for wheel, lines in (("<Button-4>", -3), ("<Button-5>", 3)):
            canvas.bind(wheel, lambda _event, by=lines: self._wheel(by))  # type: ignore[misc]
        canvas.bind("<MouseWheel>", lambda event: self._wheel(-3 if event.delta > 0 else 3))
        canvas.bind("<Key>", self._key)

    # What a panel uses

    def rows(
        self,
        rows: Mapping[str, Cells],
        tags: Mapping[str, str] | None = None,
        parents: Mapping[str, str] | None = None,
    ) -> None:
        """Show these rows, in this order; only what differs from before is drawn.

        ``tags``: key to "warning", "error", "ok", "muted", "accent" or "bold". ``parents`` (of a
        tree): key to the key of the row above. They are copied and drawn when the window is idle,
        so that this may be called for every row that arrives.
        """
        self._given = (rows, tags or {}, parents or {})
        self._later()

    @property
    def _model(self) -> TableModel:
        """What is shown, with the newest rows: they are taken in when somebody looks at them."""
        if self._given is not None:
            given, self._given = self._given, None
            before = self._taken.selected
            self._taken.fill(*given)
            if before is not None and self._taken.selected is None:
                self.after_idle(self._tell)
        return self._taken

    @_model.setter
    def _model(self, model: TableModel) -> None:
        self._taken = model

    def selected(self) -> str | None:
        """Return the key of the chosen row."""
        return self._model.selected

    def select(self, key: str | None) -> None:
        """Choose a row and make it visible; on_select is called when that changes the choice."""
        before = self._model.selected
        self._model.select(key)
        self._later()
        if self._model.selected != before:
            self._tell()

    def fold(self, key: str, *, is_open: bool) -> None:
        """Open or close a row of a tree."""
        self._model.fold(key, is_open)
        self._later()

    def row_keys(self) -> tuple[str, ...]:
        """Return the keys of all rows, as they were given."""
        return tuple(self._model.cells)

    def visible_keys(self) -> tuple[str, ...]:
        """Return the keys of the rows that are seen."""
        return tuple(line.key for _number, line in self._model.visible())

    def cells(self) -> Mapping[str, Cells]:
        """Return all rows, as they were given."""
        return dict(self._model.cells)

    def at(self, x_root: int, y_root: int) -> str | None:
        """Return the row under a point of the screen, such as where something is dropped."""
        x, y = x_root - self.canvas.winfo_rootx(), y_root - self.canvas.winfo_rooty()
        if not (0 <= x < self.canvas.winfo_width() and 0 <= y < self.canvas.winfo_height()):
            return None
        line = self._at(y)
        return line.key if line is not None else None

    def box(self, key: str) -> Box | None:
        """Return where a row is on the screen, None when it is not visible."""
        number = self._model.number(key)
        first = self._model.first
        if number is None or not first <= number < first + self._model.size:
            return None
        top = self._painter.top(number - first)
        left = self.canvas.winfo_rootx()
        return Box(
            left, self.canvas.winfo_rooty() + top, self.canvas.winfo_width(), self._painter.row
        )

    def mark(self, key: str | None) -> None:
        """Frame a row, as the place where something would be dropped."""
        self._painter.marked = key
        self._later()

    def focus_set(self) -> None:
        """Take the keyboard."""
        self.canvas.focus_set()

    # What happens inside

    def _tell(self) -> None:
        if self._on_select is not None:
            self._on_select(self._model.selected)

    def _later(self) -> None:
        """Draw once when the window is idle, however many changes come before."""
        if not self._pending:
            self._pending = self.after_idle(self._draw)

    def _draw(self) -> None:
        self._pending = ""
        if not self.winfo_exists():
            return
        model = self._model
        whole = max(1, len(model))
        needed = len(model) > model.size
        if needed and not self._bar.winfo_ismapped():
            self._bar.grid(row=0, column=1, sticky="ns")
        elif not needed and self._bar.winfo_ismapped():
            self._bar.grid_remove()
        self._bar.set(model.first / whole, min(1.0, (model.first + model.size) / whole))
        focused = str(self.tk.call("focus")) == str(self.canvas)  # focus_get() knows no popdown
        self._painter.draw(model.visible(), model.selected, focused=focused)

    def _recolour(self) -> None:
        self._painter.forget()
        self._later()

    def _resized(self) -> None:
        self._painter.resize(self.canvas.winfo_width())
        self._fit()

    def _fit(self) -> None:
        """Show as many rows as there is room for."""
        self._model.resize(self._painter.capacity(self.canvas.winfo_height()))
        self._later()

    def _scrolled(self, *words: str) -> None:
        if words[0] == "moveto":
            self._model.scroll_to(round(float(words[1]) * len(self._model)))
        else:
            unit = self._model.size if words[2].startswith("page") else 1
            self._model.scroll_to(self._model.first + int(words[1]) * unit)
        self._later()

    def _wheel(self, by: int) -> str:
        self._model.scroll_to(self._model.first + by)
        self._later()
        return "break"

    def _at(self, y: int) -> Line | None:
        place = self._painter.place(y)
        number = self._model.first + place
        if place < 0 or place >= self._model.size or number >= len(self._model):
            return None
        return self._model.line(number)

    def _clicked(self, event: "tk.Event[tk.Misc]") -> None:
        self.canvas.focus_set()
        if self._painter.grab(event.x, event.y):
            return
        line = self._at(event.y)
        if line is None:
            return
        if line.open is not None and self._painter.on_sign(line, event.x):
            self.fold(line.key, is_open=not line.open)
            return
        self.select(line.key)

    def _dragged(self, event: "tk.Event[tk.Misc]") -> None:
        if self._painter.drag(event.x):
            self._fit()  # a title may need another line now

    def _pointed(self, event: "tk.Event[tk.Misc]") -> None:
        edge = self._painter.edge(event.x, event.y) is not None
        wanted = "sb_h_double_arrow" if edge else ""
        if str(self.canvas.cget("cursor")) != wanted:
            self.canvas.configure(cursor=wanted)

    def _double(self, event: "tk.Event[tk.Misc]") -> None:
        line = self._at(event.y)
        if line is None or self._painter.on_sign(line, event.x):
            return
        if self._on_open is not None:
            self._on_open(line.key)
        elif line.open is not None:
            self.fold(line.key, is_open=not line.open)

    def _enter(self, _event: "tk.Event[tk.Misc]") -> str | None:
        """Open the chosen row; without an on_open, Enter is the panel's."""
        if self._on_open is None or self._model.selected is None:
            return None
        self._on_open(self._model.selected)
        return "break"

    def _key(self, event: "tk.Event[tk.Misc]") -> str | None:
        page = max(1, self._model.size - 1)
        far = len(self._model)
        by = {**MOVES, "Prior": -page, "Next": page, "Home": -far, "End": far}.get(event.keysym)
        if by is not None:
            self.select(self._model.move(by))
            return "break"
        if event.keysym in ("Left", "Right", "space") and self._model.selected is not None:
            return self._fold_key(event.keysym, self._model.selected)
        return None

    def _fold_key(self, keysym: str, key: str) -> str:
        number = self._model.number(key)
        line = self._model.line(number) if number is not None else None
        if line is None:
            return "break"
        if keysym == "Left" and not line.open and key in self._model.parents:
            self.select(self._model.parents[key])
        elif line.open is not None:
            wanted = {"Left": False, "Right": True}.get(keysym, not line.open)
            self.fold(key, is_open=wanted)
        return "break"
