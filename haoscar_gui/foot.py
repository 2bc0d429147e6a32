"""The last line: what happened last, in one sentence, and the log that unfolds above it."""

import tkinter as tk
from tkinter import ttk

from backend.reports import Report, Severity
from haoscar_gui.log_pane import LogPane
from panels.widgets import names
from panels.widgets.buttons import button
from panels.widgets.theme import Theme
from panels.widgets.tooltips import tip

SIGNS = {
    Severity.ERROR: ("✖ ", "Error"),
    Severity.WARNING: ("▲ ", "Warning"),
    Severity.INFO: ("", ""),
}


class Foot(ttk.Frame):
    """The line itself; ``pane`` is the log, which the window has put where it unfolds."""

    def __init__(self, parent: tk.Misc, pane: LogPane) -> None:
        super().__init__(parent)
        self.pane = pane
        theme = Theme.of(parent)
        self.columnconfigure(0, weight=1)
        ttk.Separator(self).grid(row=1, column=0, columnspan=2, sticky="ew")
        self._last = ttk.Label(self, padding=(theme.half, theme.quarter), anchor="w")
        self._last.grid(row=2, column=0, sticky="ew")
        self._more = ttk.Label(
            self, text="…", padding=(0, theme.quarter, theme.half, theme.quarter)
        )
        self._last.bind("<Configure>", lambda _event: self._cut())
        self._button = button(
            self, "show log", self.toggle_log, tip="What was said before (Ctrl-L)"
        )
        self._button.configure(style="Help.TButton")
        self._button.grid(row=2, column=1, padx=theme.half)
        names.name(self._last, "window.last")
        tip(self._last, lambda: str(self._last.cget("text")))  # it may be longer than the window
        names.name(self._button, "window.log")

    def say(self, report: Report) -> None:
        """Show a report, and keep it in the log."""
        sign, style = SIGNS[report.severity]
        self._show(f"{sign}{report}", style)
        self.pane.say(report)

    def hint(self, text: str) -> None:
        """Show a sentence that is worth no line in the log."""
        self._show(text, "Muted")

    def _show(self, text: str, style: str) -> None:
        text = " ".join(text.split())
        if str(self._last.cget("text")) != text:
            look = f"{style}.TLabel" if style else "TLabel"
            self._last.configure(text=text, style=look)
            self._more.configure(style=look)
            self._cut()

    def _cut(self) -> None:
        """Show by an ellipsis that a sentence is longer than the window."""
        if self._last.winfo_reqwidth() > self._last.winfo_width() > 1:
            self._more.place(in_=self._last, relx=1.0, rely=0.5, anchor="e")
        else:
            self._more.place_forget()

    def toggle_log(self) -> None:
        """Unfold the log, or fold it away."""
        if self.pane.winfo_ismapped():
            self.pane.grid_remove()
            self._button.configure(text="show log")
        else:
            self.pane.grid()
            self._button.configure(text="hide log")
            self.pane.focus_text()
