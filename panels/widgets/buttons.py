"""Buttons and rows of them."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from panels.widgets.theme import Theme
from panels.widgets.tooltips import tip as add_tip


def button(
    parent: tk.Misc,
    text: str,
    command: Callable[[], object],
    *,
    main: bool = False,
    key: str | None = None,
    tip: str | Callable[[], str] = "",
) -> ttk.Button:
    """Return a button; ``main`` is the one of the panel, ``key`` a Tk sequence (``<Control-r>``).

    The key works while the button can be seen and is not switched off.
    """
    made = ttk.Button(
        parent, text=text, command=command, style="Main.TButton" if main else "TButton"
    )

    def press(_event: "tk.Event[tk.Misc]") -> str:
        if made.instate(["!disabled"]):
            made.invoke()
        return "break"  # Enter upon a button means this button, not the panel's main action

    made.bind("<Return>", press)
    made.bind("<KP_Enter>", press)
    if key:
        _bind_key(made, key)
    add_tip(made, tip)
    return made


def _bind_key(made: ttk.Button, key: str) -> None:
    """Bind a key of the window; the shell itself has Ctrl-R, Ctrl-Q, Ctrl-L, F1, Esc and Enter."""

    def pressed(_event: "tk.Event[tk.Misc]") -> None:
        if made.winfo_exists() and made.winfo_viewable() and made.instate(["!disabled"]):
            made.invoke()

    made.winfo_toplevel().bind(key, pressed, add="+")


class ButtonRow(ttk.Frame):
    """Buttons side by side, in as many lines as the width needs; ``right`` ones stand at the end."""

    def __init__(self, parent: tk.Misc) -> None:
        super().__init__(parent)
        self._theme = Theme.of(parent)
        self._buttons: list[tuple[ttk.Widget, bool]] = []
        self._drawn: tuple[object, ...] = ()
        self.bind("<Configure>", lambda _event: self._arrange())

    def add(
        self,
        text: str,
        command: Callable[[], object],
        *,
        main: bool = False,
        key: str | None = None,
        tip: str | Callable[[], str] = "",
        right: bool = False,
    ) -> ttk.Button:
        """Add a button; see ``button``."""
        made = button(self, text, command, main=main, key=key, tip=tip)
        self.put(made, right=right)
        return made

    def put(self, widget: ttk.Widget, *, right: bool = False) -> None:
        """Add any widget that was made with this row as its parent."""
        self._buttons.append((widget, right))
        widget.bind("<<ThemeChanged>>", lambda _event: self.after_idle(self._arrange), add="+")
        self.after_idle(self._arrange)

    def arrange(self) -> None:
        """Arrange anew, after a button's text has changed."""
        self._arrange()

    def _arrange(self) -> None:
        """Place the buttons, and take the height that they need."""
        if not self.winfo_exists():
            return
        gap = self._theme.quarter
        sizes = [(one.winfo_reqwidth(), one.winfo_reqheight()) for one, _right in self._buttons]
        total = sum(width + gap for width, _height in sizes) - gap
        room = self.winfo_width() if self.winfo_width() > 1 else total
        places, lines = flow([width for width, _height in sizes], gap, room)
        height = max((height for _width, height in sizes), default=0)
        shift = self._shift(sizes, places, room)
        wanted = (tuple(sizes), room)
        if wanted == self._drawn:
            return
        self._drawn = wanted
        for (widget, right), (left, row), (width, _h) in zip(
            self._buttons, places, sizes, strict=True
        ):
            x = left + (shift.get(row, 0) if right else 0)
            widget.place(x=x, y=row * (height + gap), width=width, height=height)
        self.configure(width=total, height=max(1, lines * (height + gap) - gap))

    def _shift(
        self, sizes: list[tuple[int, int]], places: list[tuple[int, int]], room: int
    ) -> dict[int, int]:
        """Return for each line how far its right-hand buttons move, so that they end it."""
        ends: dict[int, int] = {}
        for (left, row), (width, _height) in zip(places, sizes, strict=True):
            ends[row] = max(ends.get(row, 0), left + width)
        return {row: max(0, room - end) for row, end in ends.items()}


def flow(widths: list[int], gap: int, room: int) -> tuple[list[tuple[int, int]], int]:
    """Return where each of the widths stands, (left, line), and how many lines there are. Pure."""
    places: list[tuple[int, int]] = []
    left = line = 0
    for width in widths:
        if left and left + width > room:
            left, line = 0, line + 1
        places.append((left, line))
        left += width + gap
    return places, line + 1
