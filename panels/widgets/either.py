"""One of several ways to say something, and spans of time: parts of an editor's lines."""

import tkinter as tk
from collections.abc import Callable, Mapping
from tkinter import ttk
from typing import Protocol, runtime_checkable

from backend.model.watchlist_values import UNITS
from panels.widgets import names
from panels.widgets.lines import choice, entry, put
from panels.widgets.theme import Theme

WORDS: Mapping[str, str] = {
    "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks",
}  # fmt: skip


@runtime_checkable
class Switch(Protocol):
    """A part that knows how to be switched on and off."""

    def enable(self, on: bool) -> None:
        """Switch it on or off."""


def switch(widget: tk.Misc, *, on: bool) -> None:
    """Switch on or off everything in a widget that a person can use."""
    if isinstance(widget, Switch):
        widget.enable(on)
    elif isinstance(widget, ttk.Entry | ttk.Radiobutton | ttk.Checkbutton):
        widget.state(["!disabled" if on else "disabled"])
    else:
        for child in widget.winfo_children():
            switch(child, on=on)


class Span(ttk.Frame):
    """A number and its unit, such as 20 minutes; its text is 20m."""

    def __init__(self, parent: tk.Misc, unique: str = "") -> None:
        super().__init__(parent)
        theme = Theme.of(parent)
        self._number = entry(self, 5)
        self._unit = choice(self, WORDS.values(), 8)
        self._number.grid(row=0, column=0)
        self._unit.grid(row=0, column=1, padx=(theme.quarter, 0))
        self._unit.set(WORDS["s"])
        if unique:
            names.name(self._number, unique)
            names.name(self._unit, f"{unique}.unit")

    @property
    def text(self) -> str:
        """What it says, "" when there is no number; a unit typed behind the number is kept."""
        number = self._number.get().strip()
        if not number or number[-1:].lower() in UNITS:
            return number
        return number + next(unit for unit, word in WORDS.items() if word == self._unit.get())

    def set(self, text: str) -> None:
        """Put in a span of time such as 20m, or nothing."""
        unit = text[-1:]
        put(self._number, text[:-1] if unit in WORDS else text)
        if unit in WORDS:
            self._unit.set(WORDS[unit])

    def enable(self, on: bool) -> None:
        """Switch it on or off."""
        for widget in (self._number, self._unit):
            widget.state(["!disabled" if on else "disabled"])


class Either(ttk.Frame):
    """Several ways to say something, of which one is chosen; what belongs to the others is off."""

    def __init__(self, parent: tk.Misc, unique: str, changed: Callable[[], object]) -> None:
        super().__init__(parent)
        self._theme = Theme.of(parent)
        self._unique, self._changed = unique, changed
        self._chosen = tk.StringVar(self)
        self._parts: dict[str, tk.Misc | None] = {}
        self.columnconfigure(0, weight=1)

    def way(self, key: str, text: str, make: Callable[[ttk.Frame], None] | None = None) -> None:
        """Add a way; ``make`` puts what belongs to it into a frame beside it."""
        row = ttk.Frame(self)
        row.grid(sticky="ew", pady=(0, self._theme.hair))
        row.columnconfigure(1, weight=1)
        made = ttk.Radiobutton(
            row, text=text, value=key, variable=self._chosen, command=self._chose
        )
        made.grid(row=0, column=0, sticky="nw")
        names.name(made, f"{names.prefix(self)}.{self._unique}.{key}")
        self._parts[key] = None
        if make is not None:
            frame = ttk.Frame(row)
            frame.grid(row=0, column=1, sticky="ew", padx=(self._theme.half, 0))
            make(frame)
            self._parts[key] = frame

    @property
    def chosen(self) -> str:
        """The key of the way that is chosen."""
        return self._chosen.get()

    def choose(self, key: str) -> None:
        """Choose a way."""
        self._chosen.set(key)
        self._enable()

    def _chose(self) -> None:
        self._enable()
        self._changed()

    def _enable(self) -> None:
        for key, part in self._parts.items():
            if part is not None:
                switch(part, on=key == self.chosen)
