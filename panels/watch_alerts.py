"""The table "Alerts for period": a row for each alert, and an empty one for a further one."""

import tkinter as tk
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from tkinter import ttk

from backend.model.watchlist import RunWhen
from panels.widgets.lines import choice, entry, put
from panels.widgets.names import name
from panels.widgets.theme import Theme

HEADS = ("Alert", "Run when", "Additional parameters", "Exit codes")
RUN: Mapping[str, str] = {
    RunWhen.DOWN: "Service goes down", RunWhen.UP: "Service comes up", RunWhen.STARTUP: "MON starts up",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    program: ttk.Combobox
    run: ttk.Combobox
    parameters: ttk.Entry
    exit: ttk.Entry

    @property
    def empty(self) -> bool:
        return not any(one.get().strip() for one in (self.program, self.parameters, self.exit))

    @property
    def texts(self) -> dict[str, str]:
        run = next(key for key, text in RUN.items() if text == self.run.get())
        return {
            "program": self.program.get(), "run": run, "parameters": self.parameters.get(),
            "exit": self.exit.get(),
        }  # fmt: skip


class AlertRows(ttk.Frame):
    """Alerts as texts; ``known`` are those that are offered."""

    def __init__(self, parent: tk.Misc, unique: str, known: Sequence[str]) -> None:
        super().__init__(parent)
        self._unique, self._known = unique, known
        self._rows: list[_Row] = []
        self.columnconfigure(2, weight=1)
        gap = Theme.of(self).quarter
        for column, text in enumerate(HEADS):
            label = ttk.Label(self, text=text, style="Muted.TLabel")
            label.grid(row=0, column=column, sticky="w", padx=(0, gap))
        self._add()

    @property
    def texts(self) -> list[dict[str, str]]:
        """The fields of each alert; rows that nothing was written into are left out."""
        return [row.texts for row in self._rows if not row.empty]

    @property
    def places(self) -> list[int]:
        """The row, from 1, of each of these alerts."""
        return [number for number, row in enumerate(self._rows, 1) if not row.empty]

    def set(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Show alerts, and an empty row."""
        for texts in alerts:
            row = self._rows[-1]
            put(row.program, texts["program"])
            row.run.set(RUN[texts["run"]])
            put(row.parameters, texts["parameters"])
            put(row.exit, texts["exit"])
            self._add()

    def _add(self) -> None:
        """Add an empty row; once it is written into, another one follows."""
        number, gap = len(self._rows) + 1, Theme.of(self).quarter
        row = _Row(
            choice(self, self._known, 15, free=True), choice(self, RUN.values(), 17),
            entry(self, 18), entry(self, 6),
        )  # fmt: skip
        row.run.set(RUN[RunWhen.DOWN])
        for column, key in enumerate(("program", "run", "parameters", "exit")):
            widget: ttk.Entry = getattr(row, key)
            widget.grid(row=number, column=column, sticky="ew", padx=(0, gap), pady=(0, gap))
            name(widget, f"{self._unique}.{number}.{key}")
            for event in ("<KeyRelease>", "<<ComboboxSelected>>"):
                widget.bind(event, lambda _event: self._written(), add="+")
        self._rows.append(row)

    def _written(self) -> None:
        if not self._rows[-1].empty:
            self._add()
