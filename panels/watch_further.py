"""The further settings of a service, folded away until they are needed."""

import tkinter as tk
from collections.abc import Mapping
from functools import partial
from tkinter import ttk

from backend.model.watchlist_form import NO, SERVICE, YES
from backend.reports import Report
from panels.context import PanelContext
from panels.watch_texts import MORE_HELP, SERVICE_HELP
from panels.widgets.buttons import button
from panels.widgets.lines import Lines, entry
from panels.widgets.names import name, prefix

CHECKS = ("disabled", "unack_summary")
ENTRIES = tuple(one for one in SERVICE if one.key in MORE_HELP)


class Further(ttk.Frame):
    """A button that unfolds the lines; they unfold by themselves when they say something."""

    def __init__(self, parent: tk.Misc, context: PanelContext) -> None:
        super().__init__(parent)
        self.columnconfigure(0, weight=1)
        self._panel = prefix(parent)
        self._fold = button(self, "", self._toggle, tip=SERVICE_HELP["more"])
        self._fold.grid(sticky="w")
        name(self._fold, f"{self._panel}.service.more")
        self._lines = Lines(self, context)
        self._lines.grid(sticky="ew", pady=(context.theme.quarter, 0))
        self._texts: dict[str, tk.StringVar] = {}
        for one in ENTRIES:
            self._texts[one.key] = tk.StringVar(self)
            make = partial(self._make, one.key, one.label)
            label = "" if one.key in CHECKS else one.label
            self._lines.add(one.key, label, make, MORE_HELP[one.key], unique=f"service.{one.key}")
        self._unfold(False)

    def _make(self, key: str, label: str, parent: tk.Misc) -> ttk.Widget:
        """Make an entry, or a check with its label."""
        made: ttk.Widget
        text = self._texts[key]
        if key in CHECKS:
            made = ttk.Checkbutton(parent, text=label, variable=text, onvalue=YES, offvalue=NO)
        else:
            made = entry(parent, text=text)
        name(made, f"{self._panel}.service.{key}")
        return made

    def _unfold(self, shown: bool) -> None:
        self._fold.configure(text="▾ Further settings" if shown else "▸ Further settings")
        if shown:
            self._lines.grid()
        else:
            self._lines.grid_remove()

    def _toggle(self) -> None:
        self._unfold(not self._lines.winfo_manager())

    def load(self, texts: Mapping[str, str]) -> None:
        """Show the settings of a service."""
        for key, variable in self._texts.items():
            variable.set(texts[key] or (NO if key in CHECKS else ""))
        self._unfold(any(texts[key] not in ("", NO) for key in self._texts))

    @property
    def texts(self) -> dict[str, str]:
        """What stands in the lines."""
        return {key: variable.get() for key, variable in self._texts.items()}

    def show(self, field: str, report: Report) -> bool:
        """Say what is wrong with a line; False when there is no such line."""
        shown = self._lines.show(field, report)
        if shown:
            self._unfold(True)
        return shown

    def go_to(self, field: str) -> None:
        """Give the keyboard to a line."""
        self._lines.go_to(field)

    def clear(self) -> None:
        """Take away what was wrong."""
        self._lines.clear()
