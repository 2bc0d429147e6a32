"""Giving the keyboard away without taking it from somebody who is answering a question."""

import tkinter as tk


def dialog_open(widget: tk.Misc) -> bool:
    """Tell whether a question waits for its answer."""
    return bool(widget.tk.call("grab", "current"))


def give_focus(widget: tk.Misc) -> None:
    """Give a widget the keyboard, unless a dialog is open: its answer would go astray."""
    if not dialog_open(widget):
        widget.focus_set()
