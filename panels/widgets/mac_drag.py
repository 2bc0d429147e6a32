"""Carrying a row of one table to a row of another one, with the pointer."""

import tkinter as tk
from collections.abc import Callable

from panels.widgets.table import Table

Offer = Callable[[str, str | None], str | None]
Drop = Callable[[str, str | None], object]


class Drag:
    """Watches the pointer; nothing is carried before it has moved a little, and Esc lets go.

    ``offer`` gets what is carried and the row of ``target`` under the pointer (None: elsewhere) and
    returns the row to frame. ``drop`` gets the same where it is let go, ``over`` nothing at the end.
    """

    def __init__(
        self, source: Table, target: Table, least: int, offer: Offer, drop: Drop,
        over: Callable[[], object],
    ) -> None:  # fmt: skip
        self._source, self._target, self._least = source, target, least
        self._offer, self._drop, self._over = offer, drop, over
        self._pressed: tuple[str, int, int] | None = None  # the row under it, and where
        self._carried: str | None = None
        for event, call in (
            ("<Button-1>", self._press), ("<Double-Button-1>", self._press),
            ("<B1-Motion>", self._move),
            ("<ButtonRelease-1>", self._release), ("<Escape>", self._escape),
        ):  # fmt: skip
            source.canvas.bind(event, call, add="+")

    def _press(self, event: "tk.Event[tk.Misc]") -> None:
        key = self._source.at(event.x_root, event.y_root)
        self._pressed = (key, event.x_root, event.y_root) if key is not None else None

    def _move(self, event: "tk.Event[tk.Misc]") -> None:
        if self._pressed is None:
            return
        key, x, y = self._pressed
        if self._carried is None:
            if abs(event.x_root - x) + abs(event.y_root - y) < self._least:
                return
            self._carried = key
            self._source.canvas.configure(cursor="hand2")
        below = self._target.at(event.x_root, event.y_root)
        self._target.mark(self._offer(self._carried, below))

    def _release(self, event: "tk.Event[tk.Misc]") -> None:
        carried, self._pressed = self._carried, None
        if carried is None:
            return
        self._let_go()
        self._drop(carried, self._target.at(event.x_root, event.y_root))

    def _escape(self, _event: "tk.Event[tk.Misc]") -> str | None:
        self._pressed = None
        if self._carried is None:
            return None  # Esc is the window's
        self._let_go()
        return "break"

    def _let_go(self) -> None:
        self._carried = None
        self._target.mark(None)
        self._source.canvas.configure(cursor="")
        self._over()
