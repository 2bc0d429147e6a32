"""Tooltips (tkinter-tooltip), wrapped once: in the colours of the theme, and never off the screen."""

import tkinter as tk
from collections.abc import Callable

from tktooltip import ToolTip  # type: ignore[import-untyped]

from panels.widgets import names
from panels.widgets.theme import Theme

DELAY = 0.6  # seconds until it appears
WIDTH = 48  # characters of a line


class _Tip(ToolTip):  # type: ignore[misc]  # the package has no types
    """A tooltip that stays on the screen."""

    def _update_tooltip_coords(self, event: "tk.Event[tk.Misc]") -> None:
        self.update_idletasks()
        left = min(event.x_root + self.x_offset, self.winfo_screenwidth() - self.winfo_reqwidth())
        top = event.y_root + self.y_offset
        if top + self.winfo_reqheight() > self.winfo_screenheight():
            top = event.y_root - self.y_offset - self.winfo_reqheight()
        self.geometry(f"+{max(0, left)}+{max(0, top)}")


def tip(widget: tk.Misc, text: str | Callable[[], str]) -> None:
    """Show a text while the pointer rests on a widget; an empty text shows nothing.

    The little window is made when it is needed first: a slow display is spared dozens of them.
    """
    if not text:
        return
    made: list[_Tip] = []

    def enter(event: "tk.Event[tk.Misc]") -> None:
        if made:
            return
        theme = Theme.of(widget)
        made.append(
            _Tip(
                widget, text, delay=DELAY, follow=False, refresh=1.0,
                x_offset=theme.half, y_offset=theme.line,
                parent_kwargs={"bg": theme.outline, "padx": theme.hair, "pady": theme.hair},
                bg=theme.surface, fg=theme.text, font=theme.body, aspect=1000,
                width=theme.chars(WIDTH), padx=theme.quarter, pady=theme.quarter,
            )
        )  # fmt: skip
        names.name(made[0].message_widget, "tooltip")
        made[0].on_enter(event)

    def forget(event: "tk.Event[tk.Misc]") -> None:
        if made and (event.widget is widget or str(event.type) == "VirtualEvent"):
            made.pop().destroy()

    widget.bind("<Enter>", enter, add="+")
    widget.bind("<Destroy>", forget, add="+")
    widget.bind("<<ThemeChanged>>", forget, add="+")
