"""Texts that are read: a help text, a diff, a log."""

import tkinter as tk
from tkinter import ttk
from typing import Literal

from panels.widgets.theme import Theme

TAGS = ("muted", "accent", "warning", "error", "ok")
MOST = 5000  # lines that are kept
Unit = Literal["units", "pages"]
SCROLLS: tuple[tuple[str, int, Unit], ...] = (
    ("<Up>", -1, "units"), ("<Down>", 1, "units"), ("<Prior>", -1, "pages"), ("<Next>", 1, "pages"),
)  # fmt: skip


class ReadText(ttk.Frame):
    """A scrolled text that can be read, selected and copied, not changed."""

    def __init__(
        self, parent: tk.Misc, *, mono: bool = False, height: int = 8,
        wrap: Literal["char", "word"] = "word",
    ) -> None:  # fmt: skip
        super().__init__(parent)
        theme = Theme.of(parent)
        self._theme = theme
        self.text = tk.Text(
            self, height=height, width=20, wrap=wrap, font=theme.mono if mono else theme.body,
            borderwidth=0, highlightthickness=theme.hair, padx=theme.half, pady=theme.quarter,
            spacing3=theme.hair, takefocus=True, cursor="arrow",
        )  # fmt: skip
        self._bar = ttk.Scrollbar(self, command=self.text.yview, takefocus=False)
        self.text.configure(yscrollcommand=self._scrolled)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self.text.grid(sticky="nsew")
        self.text.configure(state="disabled")  # keys go on to the window, texts can be selected
        for key, count, what in SCROLLS:
            self.text.bind(key, lambda _event, c=count, w=what: self._scroll(c, w))  # type: ignore[misc]
        theme.follow(self.text, self._recolour)

    def set(self, text: str, tag: str = "") -> None:
        """Show another text."""
        self.text.configure(state="normal")
        self.text.delete("1.0", "end")
        self.append([(text, tag)])
        self.text.yview_moveto(0)

    def append(self, pieces: list[tuple[str, str]]) -> None:
        """Add texts, each with a colour's name or ""; follows the end unless one has scrolled up."""
        at_end = self.text.yview()[1] >= 0.999
        words: list[str] = []
        for text, tag in pieces:
            words += [text, tag]
        self.text.configure(state="normal")
        if words:
            self.text.insert("end", words[0], *words[1:])
        lines = int(str(self.text.index("end-1c")).partition(".")[0])
        if lines > MOST:
            self.text.delete("1.0", f"{lines - MOST}.0")
        self.text.configure(state="disabled")
        if at_end:
            self.text.see("end")

    def see(self, index: str) -> None:
        """Scroll to a place."""
        self.text.see(index)

    def _scroll(self, count: int, what: Unit) -> str:
        self.text.yview_scroll(count, what)
        return "break"

    def _scrolled(self, first: float, last: float) -> None:
        needed = float(first) > 0.0 or float(last) < 1.0  # Tk gives them as texts
        if needed and not self._bar.winfo_ismapped():
            self._bar.grid(row=0, column=1, sticky="ns")
        elif not needed and self._bar.winfo_ismapped():
            self._bar.grid_remove()
        self._bar.set(first, last)

    def _recolour(self) -> None:
        theme = self._theme
        self.text.configure(
            background=theme.surface, foreground=theme.text, highlightbackground=theme.border,
            highlightcolor=theme.accent, selectbackground=theme.selection,
            selectforeground=theme.text, insertbackground=theme.text, insertwidth=0,
        )  # fmt: skip
        for tag in TAGS:
            self.text.tag_configure(tag, foreground=theme.colour(tag))
        self.text.tag_configure("bold", font=theme.bold)
