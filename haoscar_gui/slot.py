"""The place of one page: its title, its panel, a banner above it, and the views that cover it."""

import logging
import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from haoscar_gui.banner import Banner, Notice
from haoscar_gui.focus import give_focus
from haoscar_gui.steps import Page
from haoscar_gui.views.view import View
from panels.base import Panel
from panels.widgets import names
from panels.widgets.form import Form
from panels.widgets.scrolled import Scrolled
from panels.widgets.theme import Theme

log = logging.getLogger(__name__)


class Slot(ttk.Frame):
    """Everything that is seen of a page; used in the window's thread."""

    def __init__(self, parent: tk.Misc, page: Page) -> None:
        super().__init__(parent)
        self._theme = Theme.of(parent)
        self.page = page
        self.panel: Panel | None = None
        self.view: View | None = None
        self._banner: Banner | None = None
        self._in_front = False
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self._body = ttk.Frame(self)
        self._body.columnconfigure(0, weight=1)
        self._body.rowconfigure(1, weight=1)
        self._body.grid(row=1, column=0, sticky="nsew")
        self._opening = ttk.Label(self._body, text="Opening...", style="Muted.TLabel")
        self._opening.grid(padx=self._theme.line, pady=self._theme.line, sticky="nw")

    def build(self, panel: Panel, fields: dict[str, str]) -> None:
        """Make the panel's widgets, with what was typed into it when the window was closed."""
        theme = self._theme
        self._opening.destroy()
        title = ttk.Label(self._body, text=panel.title, style="Bold.TLabel")
        title.grid(row=0, sticky="ew", padx=theme.line, pady=(theme.half, 0))
        names.name(title, f"{self.page.name}.title")
        area = Scrolled(self._body)
        area.grid(row=1, sticky="nsew")
        area.inside.columnconfigure(0, weight=1)
        area.inside.rowconfigure(0, weight=1)
        inside = ttk.Frame(area.inside)
        inside.grid(sticky="nsew", padx=theme.line, pady=theme.half)
        names.scope(inside, self.page.name)
        panel.build(inside)
        self.panel = panel
        for form in self._forms(inside):
            form.restore(fields)
        self._inside = inside
        if self._in_front:
            panel.activate()

    def fail(self, sentence: str) -> None:
        """Say that the page cannot be opened."""
        self._opening.configure(
            text=sentence, style="Error.TLabel", wraplength=30 * self._theme.line
        )

    def come_to_front(self) -> None:
        """Let the panel look again; it does so later when it is still being opened."""
        self._in_front = True
        if self.panel is not None:
            self.panel.activate()

    def go_away(self) -> None:
        """Let the panel stop what goes on only while it is seen; the banner has been read."""
        self._in_front = False
        self.notice(None)
        if self.panel is not None:
            self.panel.leave()

    @property
    def in_front(self) -> bool:
        """Whether it is the page that is seen."""
        return self._in_front

    def typed(self) -> dict[str, str]:
        """Return what a person has typed into its forms."""
        found: dict[str, str] = {}
        if self.panel is not None:
            for form in self._forms(self._inside):
                found.update(form.touched())
        return found

    def show(self, make: Callable[[tk.Misc], View]) -> View:
        """Cover the panel with a view, in place of another one."""
        self.close_view()
        self.notice(None)
        self._body.grid_remove()
        view = make(self)
        view.grid(row=1, column=0, sticky="nsew")
        self.view = view
        return view

    def close_view(self) -> None:
        """Uncover the panel."""
        if self.view is not None:
            self.view.destroy()
            self.view = None
            self._body.grid()
            if self._in_front:
                self.focus_first()

    def notice(self, notice: Notice | None) -> None:
        """Show a banner, or none."""
        if self._banner is not None:
            self._banner.destroy()
            self._banner = None
        if notice is not None:
            self._banner = Banner(self, notice, lambda: self.notice(None))
            self._banner.grid(row=0, column=0, sticky="ew")

    def focus_first(self) -> None:
        """Give the keyboard to the first thing in the panel that takes it."""
        here = str(self.tk.call("focus"))  # focus_get() fails for a combobox's list
        if here.startswith(f"{self._body}."):
            return
        self.update_idletasks()  # what is not drawn yet takes no focus
        first = self._body.tk_focusNext()
        if first is not None and str(first).startswith(f"{self._body}."):
            give_focus(first)

    def _forms(self, inside: tk.Misc) -> list[Form]:
        found: list[Form] = []
        waiting = [inside]
        while waiting:
            one = waiting.pop()
            if isinstance(one, Form):
                found.append(one)
            waiting += one.winfo_children()
        return found
