"""Days and hours of a period: all of them, or from one to another."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from backend.model.watchlist_days import DAYS, DaysAndHours, Range
from panels.widgets.lines import choice, entry, put
from panels.widgets.names import name
from panels.widgets.theme import Theme

ALL, SOME = "all", "some"


class DaysEntry(ttk.Frame):
    """Two lines, "Days to check" and "Hours to check"; its text is a period."""

    def __init__(self, parent: tk.Misc, unique: str, changed: Callable[[], object]) -> None:
        super().__init__(parent)
        self._on = True
        self._changed = changed
        self._ways = {key: tk.StringVar(self, ALL) for key in ("days", "hours")}
        self._radios: list[ttk.Radiobutton] = []
        self._ends: dict[str, tuple[ttk.Entry, ttk.Entry]] = {
            "days": (choice(self, DAYS, 5), choice(self, DAYS, 5)),
            "hours": (entry(self, 6), entry(self, 6)),
        }
        for row, (key, label) in enumerate(
            (("days", "Days to check"), ("hours", "Hours to check"))
        ):
            self._line(row, key, label, unique)
        self.set(DaysAndHours())

    def _line(self, row: int, key: str, label: str, unique: str) -> None:
        theme = Theme.of(self)
        ttk.Label(self, text=label).grid(row=row, column=0, sticky="w", padx=(0, theme.half))
        for column, (way, text) in enumerate(((ALL, "All"), (SOME, "")), 1):
            made = ttk.Radiobutton(
                self, text=text, value=way, variable=self._ways[key], command=self._chose
            )
            made.grid(row=row, column=column, padx=(0, theme.quarter))
            name(made, f"{unique}.{key}.{way}")
            self._radios.append(made)
        first, last = self._ends[key]
        first.grid(row=row, column=3, pady=theme.hair)
        ttk.Label(self, text="-").grid(row=row, column=4, padx=theme.quarter)
        last.grid(row=row, column=5)
        name(first, f"{unique}.{key}.from")
        name(last, f"{unique}.{key}.to")
        for widget in (first, last):
            for event in ("<KeyRelease>", "<<ComboboxSelected>>"):
                widget.bind(event, lambda _event: self._changed(), add="+")

    @property
    def text(self) -> str:
        """The period that is chosen."""
        return DaysAndHours(self._range("days"), self._range("hours")).text

    def _range(self, key: str) -> Range | None:
        if self._ways[key].get() == ALL:
            return None
        first, last = self._ends[key]
        return first.get().strip(), last.get().strip()

    def set(self, value: DaysAndHours) -> None:
        """Show days and hours."""
        shown = {"days": value.days or (DAYS[1], DAYS[5]), "hours": value.hours or ("9am", "5pm")}
        for key, ends in shown.items():
            chosen = value.days if key == "days" else value.hours
            self._ways[key].set(ALL if chosen is None else SOME)
            for widget, text in zip(self._ends[key], ends, strict=True):
                put(widget, text)
        self._enable()

    def enable(self, on: bool) -> None:
        """Switch it on or off."""
        self._on = on
        self._enable()

    def _chose(self) -> None:
        self._enable()
        self._changed()

    def _enable(self) -> None:
        for radio in self._radios:
            radio.state(["!disabled" if self._on else "disabled"])
        for key, ends in self._ends.items():
            on = self._on and self._ways[key].get() == SOME
            for widget in ends:
                widget.state(["!disabled" if on else "disabled"])
