"""A frame that can be scrolled when it is higher than its place, and fills it when it is not."""

import tkinter as tk
from functools import partial
from tkinter import ttk

from panels.widgets.theme import Theme


class Scrolled(ttk.Frame):
    """Put the content into ``inside``; what gets the keyboard focus is brought into view."""

    def __init__(self, parent: tk.Misc, *, padding: int = 0) -> None:
        super().__init__(parent)
        theme = Theme.of(parent)
        self._theme = theme
        self._canvas = tk.Canvas(self, highlightthickness=0, borderwidth=0, takefocus=False)
        self._bar = ttk.Scrollbar(self, command=self._canvas.yview, takefocus=False)
        self.inside = ttk.Frame(self._canvas, padding=padding)
        self._item = self._canvas.create_window(0, 0, anchor="nw", window=self.inside)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._canvas.grid(sticky="nsew")
        self._canvas.configure(yscrollcommand=self._bar.set, yscrollincrement=theme.line)
        self._canvas.bind("<Configure>", lambda _event: self._fit())
        self._pending = ""
        self._pressed = False  # a button of the mouse is down
        # Its own size is ours to set, so that it tells nothing of what it would like to have.
        self.bind_all("<Configure>", self._resized, add="+")
        self.bind_all("<FocusIn>", self._focused, add="+")
        self.bind_all("<ButtonPress-1>", partial(self._press, True), add="+")
        self.bind_all("<ButtonRelease-1>", partial(self._press, False), add="+")
        for wheel, lines in (("<Button-4>", -3), ("<Button-5>", 3)):
            self.bind_all(wheel, partial(self._wheel, lines), add="+")
        theme.follow(self._canvas, lambda: self._canvas.configure(background=theme.background))

    @property
    def _higher(self) -> bool:
        return self.inside.winfo_reqheight() > self._canvas.winfo_height()

    def _fit(self) -> None:
        width, height = self._canvas.winfo_width(), self._canvas.winfo_height()
        wanted = max(height, self.inside.winfo_reqheight())
        self._canvas.itemconfigure(self._item, width=width, height=wanted)
        self._canvas.configure(scrollregion=(0, 0, width, wanted))
        if self._higher and not self._bar.winfo_ismapped():
            self._bar.grid(row=0, column=1, sticky="ns")
        elif not self._higher and self._bar.winfo_ismapped():
            self._bar.grid_remove()
            self._canvas.yview_moveto(0)

    def _resized(self, event: "tk.Event[tk.Misc]") -> None:
        if not self._pending and self._inside(event.widget):
            self._pending = self.after_idle(self._fit_again)

    def _fit_again(self) -> None:
        self._pending = ""
        if self.winfo_exists():
            self._fit()

    def _inside(self, widget: object) -> bool:
        """Tell whether a widget stands in here; the list of a choice does not: tkinter has its name only."""
        if not isinstance(widget, tk.Misc) or not self.winfo_exists():
            return False
        return f"{widget}.".startswith(f"{self.inside}.")

    def _wheel(self, by: int, event: "tk.Event[tk.Misc]") -> None:
        if self._higher and self._inside(event.widget):
            self._canvas.yview_scroll(by, "units")

    def _press(self, down: bool, _event: "tk.Event[tk.Misc]") -> None:
        self._pressed = down

    def _focused(self, event: "tk.Event[tk.Misc]") -> None:
        """Scroll so far that the widget with the focus can be seen.

        Not while it is being clicked on: it would move away from under the pointer.
        """
        if self._pressed or not self._inside(event.widget) or not self._higher:
            return
        whole = self.inside.winfo_height()
        top = event.widget.winfo_rooty() - self.inside.winfo_rooty() - self._theme.line
        bottom = top + event.widget.winfo_height() + 2 * self._theme.line
        first, last = (share * whole for share in self._canvas.yview())
        if top < first:
            self._canvas.yview_moveto(top / whole)
        elif bottom > last:
            room = self._canvas.winfo_height()
            self._canvas.yview_moveto(max(0.0, min(top, bottom - room)) / whole)
