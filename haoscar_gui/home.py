"""Where the window starts: what is to be done now, and the button that leads there."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from backend.actions.step_states import StepStatus, next_step
from haoscar_gui.focus import give_focus
from haoscar_gui.rail import button_text
from haoscar_gui.steps import Page
from panels.widgets import names
from panels.widgets.buttons import button
from panels.widgets.theme import Theme

WELCOME = (
    "Five steps give this cluster a second head node: a clone of this one that takes over when it fails. "
    "Nothing is changed before it has been shown and you have confirmed it."
)
KEYS = (
    "Keys: Alt+1 to Alt+5 open a step, Enter does what the filled button does, Esc closes, F1 is help, "
    "Ctrl+R resets, Ctrl+L shows the log, Ctrl+T changes light and dark, Ctrl+Q closes."
)


class Home(ttk.Frame):
    """Shown while no page is open."""

    def __init__(
        self, parent: tk.Misc, pages: tuple[Page, ...], show: Callable[[str], object]
    ) -> None:
        super().__init__(parent)
        theme = Theme.of(parent)
        self._pages = {page.step: page for page in pages if page.step}
        self._after = next((page for page in pages if page.name == "status"), pages[0])
        self._show = show
        self._target = ""
        self.configure(padding=theme.line)
        self.columnconfigure(0, weight=1)
        self._labels = [
            ttk.Label(self, text=WELCOME, justify="left"),
            ttk.Label(self, text="Looking how far it is...", style="Muted.TLabel", justify="left"),
        ]
        for row, label in enumerate(self._labels[:2], 1):
            label.grid(row=row, sticky="w", pady=(0, theme.line))
        heading = ttk.Label(self, text="Welcome", style="Bold.TLabel")
        heading.grid(row=0, sticky="w", pady=(0, theme.half))
        self._button = button(self, "", self.main, main=True)
        keys = ttk.Label(self, text=KEYS, style="Muted.TLabel", justify="left")
        keys.grid(row=9, sticky="sw", pady=(theme.line, 0))
        self._labels.append(keys)
        self.rowconfigure(9, weight=1)
        names.name(self._labels[1], "home.why")
        names.name(self._button, "home.next")
        self.bind("<Configure>", lambda event: self._wrap(event.width - 2 * theme.line))

    def show_states(self, states: tuple[StepStatus, ...], interface: str) -> None:
        """Offer the step to be done now, or the status when all are done."""
        number = next_step(states)
        page = self._pages.get(number, self._after)
        text = button_text(page, interface)
        self._target = page.name
        why = states[number - 1].why if number else "All five steps are done."
        self._labels[1].configure(text=why, style="TLabel")
        self._button.configure(text=f"Step {number}: {text}" if number else text)
        if not self._button.winfo_ismapped():
            self._button.grid(row=3, sticky="w")

    def main(self) -> None:
        """Go there."""
        if self._target:
            self._show(self._target)

    def take_focus(self) -> None:
        """Take the keyboard."""
        give_focus(self._button)

    def _wrap(self, width: int) -> None:
        for label in self._labels:
            label.configure(wraplength=max(1, width))
