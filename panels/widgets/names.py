"""Names for widgets that do not depend on where they stand, for the tests that click on them.

``<panel>.<field or button>``. The window answers questions about them only to a test's probe.
"""

import tkinter as tk

_named: dict[str, tk.Misc] = {}
_scopes: dict[str, str] = {}  # path of a frame -> the panel that lives in it


def name(widget: tk.Misc, unique: str) -> None:
    """Name a widget; a later one with the same name takes the name over."""
    _named[unique] = widget

    def forget(event: "tk.Event[tk.Misc]") -> None:
        if event.widget is widget and _named.get(unique) is widget:
            del _named[unique]

    widget.bind("<Destroy>", forget, add="+")


def scope(frame: tk.Misc, panel: str) -> None:
    """Say that everything inside this frame belongs to a panel."""
    _scopes[str(frame)] = panel


def prefix(widget: tk.Misc) -> str:
    """Return the name of the panel that a widget belongs to; "window" outside of panels."""
    path = str(widget)
    while path and path != ".":
        if path in _scopes:
            return _scopes[path]
        path = path.rpartition(".")[0]
    return "window"


def slug(text: str) -> str:
    """Return a label as part of a name: ``Assign all MACs`` is ``assign-all-macs``."""
    kept = "".join(one if one.isalnum() else " " for one in text.lower())
    return "-".join(kept.split())


def widgets() -> dict[str, tk.Misc]:
    """Return all named widgets that exist."""
    return {unique: widget for unique, widget in _named.items() if widget.winfo_exists()}
