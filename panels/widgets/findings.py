"""Reports one below the other, each with its sign and its remedy; the text can be copied."""

import tkinter as tk
from collections.abc import Iterable

from backend.reports import Report, Severity
from panels.widgets.text import ReadText

SIGNS = {Severity.ERROR: "✖", Severity.WARNING: "▲", Severity.INFO: "•"}
COLOURS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "muted"}


class Findings(ReadText):
    """A text of reports; ``height`` is the number of lines it asks room for."""

    def __init__(self, parent: tk.Misc, *, height: int = 5) -> None:
        super().__init__(parent, height=height)
        indent = self._theme.body.measure(f"{SIGNS[Severity.ERROR]} ")
        self.text.configure(tabs=indent)
        self.text.tag_configure("hang", lmargin2=indent)

    def show(self, reports: Iterable[Report]) -> None:
        """Show these reports instead of those before."""
        pieces: list[tuple[str, str]] = []
        for one in reports:
            place = f"{one.place}: " if one.place is not None and str(one.place) else ""
            pieces += [
                ("\n" if pieces else "", ""),
                (f"{SIGNS[one.severity]}\t", f"{COLOURS[one.severity]} hang"),
                (f"{place}{one.text} ", "hang"),
                (one.remedy, "muted hang"),
            ]
        self.set("")
        self.append(pieces)
        self.text.yview_moveto(0)
