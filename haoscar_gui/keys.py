"""The keys of the window: everything can be done without a mouse."""

import tkinter as tk
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haoscar_gui.shell import Shell

SHIFT, CONTROL, ALT = 0x1, 0x4, 0x8


class Keys:
    """Binds the keys; what a widget uses itself (Enter in a list) does not get here."""

    def __init__(self, shell: "Shell") -> None:
        self._shell = shell
        root = shell.root
        for number in range(1, 6):
            root.bind(f"<Alt-Key-{number}>", lambda _event, n=number: shell.show_step(n))  # type: ignore[misc]
        root.bind("<Return>", self._enter)
        root.bind("<KP_Enter>", self._enter)
        root.bind("<Escape>", lambda _event: self._escape())
        root.bind("<F1>", lambda _event: shell.help_here())
        root.bind("<Control-r>", lambda _event: self._reset())
        root.bind("<Control-q>", lambda _event: self._close())
        root.bind("<Control-l>", lambda _event: shell.foot.toggle_log())
        root.bind("<Control-t>", lambda _event: shell.theme.toggle())

    def _enter(self, event: "tk.Event[tk.Misc]") -> None:
        widget = event.widget
        if isinstance(widget, tk.Text) and str(widget.cget("state")) == "normal":
            return
        slot = self._shell.front
        if slot is None:
            self._shell.home.main()
        elif slot.view is not None:
            slot.view.main()
        elif slot.panel is not None:
            slot.panel.main_action()

    def _escape(self) -> None:
        slot = self._shell.front
        if slot is not None and slot.view is not None:
            slot.view.close()
        else:
            self._shell.close_page()

    def _reset(self) -> None:
        slot = self._shell.front
        if slot is not None and slot.view is None and slot.panel is not None:
            slot.panel.reset()

    def _close(self) -> None:
        """Close the page, as in the original; where none is open, the window."""
        if self._shell.front is None:
            self._shell.exit()
        else:
            self._escape()
