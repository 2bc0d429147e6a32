"""The acknowledgement of a failure: what others shall know of it."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from panels.context import PanelContext
from panels.widgets.buttons import ButtonRow
from panels.widgets.lines import Lines, entry
from panels.widgets.names import name, prefix

TEXT_HELP = (
    "What others shall know of it, such as who mends it. It stands beside the service until that is well, and is "
    "seen by everybody who looks. It may stay empty."
)
MEANS = (
    "No more alerts are sent about this failure until the service is well again. It is checked on."
)


class AckEditor(ttk.Frame):
    """Asks for the text; ``done`` gets it."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, done: Callable[[str], object],
        back: Callable[[], object],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._done = done
        theme, panel = context.theme, prefix(parent)
        self.columnconfigure(0, weight=1)
        self._title = ttk.Label(self, style="Bold.TLabel")
        self._title.grid(sticky="w", pady=(0, theme.quarter))
        self._state = ttk.Label(self, justify="left")
        self._state.grid(sticky="w", pady=(0, theme.half))
        lines = Lines(self, context)
        lines.grid(sticky="ew")
        lines.add("text", "Comment", self._make, TEXT_HELP, unique="ack.text")
        lines.hint("text", MEANS)
        row = ButtonRow(self)
        row.grid(sticky="ew", pady=(theme.half, 0))
        ok = row.add("Acknowledge", self.take, main=True, tip="Tell the watch process.")
        cancel = row.add("Cancel", back, tip="Esc")
        for key, widget in (("title", self._title), ("ok", ok), ("cancel", cancel)):
            name(widget, f"{panel}.ack.{key}")
        self.bind(
            "<Configure>",
            lambda event: self._state.configure(wraplength=event.width - theme.half),
        )

    def _make(self, parent: tk.Misc) -> ttk.Widget:
        self._text = entry(parent, 40)
        name(self._text, f"{prefix(parent)}.ack.text")
        return self._text

    def load(self, service: str, state: str, style: str) -> None:
        """Ask about a service; ``state``: how it is, in a sentence."""
        self._title.configure(text=f"Acknowledge {service}")
        self._state.configure(text=state, style=f"{style}.TLabel")
        self._text.delete(0, "end")
        self._text.focus_set()

    def take(self) -> None:
        """Hand the text on."""
        self._done(self._text.get().strip())
