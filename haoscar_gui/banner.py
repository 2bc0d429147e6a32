"""A strip above a panel: what has just been done there, with Undo, until it is closed."""

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk

from backend.reports import Severity
from panels.widgets import names
from panels.widgets.buttons import button
from panels.widgets.theme import Theme

TONES = {
    Severity.INFO: ("ok", "✔"),
    Severity.WARNING: ("warning", "▲"),
    Severity.ERROR: ("error", "✖"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What a banner says and offers."""

    severity: Severity
    text: str
    more: str = ""
    undo: Callable[[], object] | None = None
    details: Callable[[], object] | None = None


class Banner(ttk.Frame):
    """The strip itself."""

    def __init__(self, parent: tk.Misc, notice: Notice, close: Callable[[], object]) -> None:
        theme = Theme.of(parent)
        tone, sign = TONES[notice.severity]
        kind = f"{tone.title()}Banner"
        super().__init__(parent, style=f"{kind}.TFrame", padding=(theme.half, theme.quarter))
        self.columnconfigure(0, weight=1)
        self._label = ttk.Label(
            self, text=f"{sign} {notice.text}", style=f"{kind}.Bold.TLabel", justify="left"
        )
        self._label.grid(row=0, column=0, sticky="w")
        self._more = ttk.Label(self, text=notice.more, style=f"{kind}.TLabel", justify="left")
        if notice.more:
            self._more.grid(row=1, column=0, sticky="w")
        offers = (("Undo", notice.undo), ("Details", notice.details), ("✕", close))
        for column, (text, command) in enumerate(offers, 1):
            if command is None:
                continue
            made = button(self, text, command, tip="Close this line" if text == "✕" else "")
            made.grid(row=0, column=column, rowspan=2, padx=(theme.quarter, 0))
            names.name(made, f"banner.{'close' if text == '✕' else names.slug(text)}")
        names.name(self._label, "banner.text")
        self._margin = theme.line
        self.bind("<Configure>", self._wrap)

    def _wrap(self, _event: "tk.Event[tk.Misc]") -> None:
        buttons = sum(
            one.winfo_reqwidth() + self._margin // 4
            for one in self.winfo_children()
            if isinstance(one, ttk.Button)
        )
        room = max(1, self.winfo_width() - buttons - 2 * self._margin)
        for label in (self._label, self._more):
            label.configure(wraplength=room)
