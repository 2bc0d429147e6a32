"""What the three views have in common: they take a panel's place, with keys of their own."""

import tkinter as tk
from tkinter import ttk

from backend.reports import Report, Severity
from panels.widgets import names
from panels.widgets.buttons import ButtonRow
from panels.widgets.theme import Theme

SIGNS = {Severity.ERROR: "✖", Severity.WARNING: "▲", Severity.INFO: "•"}
STYLES = {Severity.ERROR: "Error", Severity.WARNING: "Warning", Severity.INFO: ""}


class View(ttk.Frame):
    """A heading, a body, and buttons at the end; the subclass fills the body."""

    def __init__(self, parent: tk.Misc, heading: str, kind: str) -> None:
        super().__init__(parent)
        self.theme = Theme.of(parent)
        self.configure(padding=self.theme.line)
        self.columnconfigure(0, weight=1)
        self._row = 0
        self._grows = False
        self._labels: list[ttk.Label] = []
        ttk.Label(self, text=kind, style="Muted.TLabel").grid(sticky="w")
        self.put(self.label(self, heading, "Bold"))
        names.name(self, "view")
        self.bind("<Configure>", lambda event: self._wrap(event.width))

    def put(self, widget: tk.Widget, *, grows: bool = False, gap: int | None = None) -> None:
        """Add something below what is there."""
        self._row += 1
        if grows:
            self._grows = True
            self.rowconfigure(self._row, weight=1)
        pady = (0, self.theme.half if gap is None else gap)
        widget.grid(row=self._row, column=0, sticky="nsew" if grows else "ew", pady=pady)

    def label(self, parent: tk.Misc, text: str, style: str = "") -> ttk.Label:
        """Return a label that is broken at the width of the view."""
        made = ttk.Label(
            parent, text=text, justify="left", style=f"{style}.TLabel" if style else "TLabel"
        )
        self._labels.append(made)
        return made

    def report_label(self, report: Report) -> ttk.Label:
        """Return a label for a report: sign and colour of how grave it is, and what to do."""
        text = f"{SIGNS[report.severity]} {report}"
        return self.label(self, text, STYLES[report.severity])

    def buttons(self) -> ButtonRow:
        """Add the row of buttons at the end, which is at the bottom."""
        self._row += 1
        self.rowconfigure(self._row, weight=1 if not self._grows else 0)
        row = ButtonRow(self)
        self.put(row, gap=0)
        return row

    def main(self) -> None:
        """Do what Enter does."""

    def close(self) -> None:
        """Do what Esc does."""

    def _wrap(self, width: int) -> None:
        for label in self._labels:
            if label.winfo_exists():
                label.configure(wraplength=max(1, width - 2 * self.theme.line))
