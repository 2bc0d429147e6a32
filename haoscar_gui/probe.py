"""Answers a test's questions about the window; it never does anything.

Only there when HAOSCAR_GUI_PROBE names a socket, in a directory that nobody else may enter. One
JSON object a line: {"ask": "widgets"}, {"ask": "errors"}, {"ask": "gap"}.
"""

import contextlib
import json
import socket
import time
import tkinter as tk
from pathlib import Path
from tkinter import ttk
from typing import Any

from haoscar_gui.log_pane import LogHandler
from panels.widgets import names
from panels.widgets.table import Table

BEAT = 5  # milliseconds between two looks at the clock
SCHEDULE = Path("/proc/self/schedstat")
MOST_TEXT = 50_000  # characters of a text that are told


class Probe:
    """Listens on the socket, in the window's own loop."""

    def __init__(self, root: tk.Tk, path: str, mistakes: list[str], handler: LogHandler) -> None:
        self._root, self._path = root, Path(path)
        self._mistakes, self._handler = mistakes, handler
        self._longest = 0.0
        self._beat, self._queued = time.perf_counter(), queued()
        if self._path.parent.stat().st_mode & 0o077:
            raise PermissionError(f"others may enter {self._path.parent}")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self._path))
        self._socket.listen()
        self._socket.setblocking(False)
        root.createfilehandler(self._socket, tk.READABLE, self._accept)
        self._tick()

    def close(self) -> None:
        """Listen no more."""
        self._root.deletefilehandler(self._socket)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _tick(self) -> None:
        """Note how long the window did not answer, without what other programs kept it waiting."""
        now, waited = time.perf_counter(), queued()
        deaf = now - self._beat - (waited - self._queued)
        self._longest = max(self._longest, deaf * 1000 - BEAT)
        self._beat, self._queued = now, waited
        self._root.after(BEAT, self._tick)

    def _accept(self, _socket: object, _mask: int) -> None:
        connection, _address = self._socket.accept()
        connection.settimeout(5.0)
        waiting = b""

        def read(_socket: object, _mask: int) -> None:
            nonlocal waiting
            data = b""
            with contextlib.suppress(OSError):
                data = connection.recv(65536)
            waiting += data
            while b"\n" in waiting:
                line, _, waiting = waiting.partition(b"\n")
                with contextlib.suppress(OSError):
                    connection.sendall(json.dumps(self._answer(json.loads(line))).encode() + b"\n")
            if not data:
                self._root.deletefilehandler(connection)
                connection.close()

        self._root.createfilehandler(connection, tk.READABLE, read)

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        match question.get("ask"):
            case "widgets":
                self._root.update_idletasks()  # what was just changed is in its place then
                focus = str(self._root.tk.call("focus"))  # focus_get() fails for a combobox's list
                return {
                    "widgets": {name: describe(one) for name, one in names.widgets().items()},
                    "focus": focus,
                    "title": self._root.title(),
                }
            case "errors":
                return {"callbacks": self._mistakes, "logged": list(self._handler.errors)}
            case "gap":
                longest, self._longest = self._longest, 0.0  # since it was asked last
                return {"longest_ms": longest}
            case _:
                return {"error": "unknown question"}


def queued() -> float:
    """Return for how many seconds the main thread could have run, but had no processor.

    0 where the kernel does not count that (/proc/PID/schedstat, its sched-stats.rst).
    """
    try:
        return int(SCHEDULE.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def describe(widget: tk.Misc) -> dict[str, Any]:
    """Return what a test may know of a widget; the rectangle is that of the screen."""
    found: dict[str, Any] = {
        "class": widget.winfo_class(),
        "path": str(widget),
        "x": widget.winfo_rootx(),
        "y": widget.winfo_rooty(),
        "width": widget.winfo_width(),
        "height": widget.winfo_height(),
        "shown": bool(widget.winfo_viewable()),
        "state": [],
    }
    if isinstance(widget, ttk.Widget):
        found["state"] = [str(one) for one in widget.state()]
    if isinstance(widget, Table):
        found |= _table(widget)
    elif isinstance(widget, tk.Text):
        found["text"] = widget.get("1.0", "end-1c")[-MOST_TEXT:]
    elif isinstance(widget, ttk.Entry):  # a combobox is one, too
        hidden = not isinstance(widget, ttk.Combobox) and bool(str(widget.cget("show")))
        found["value"] = "" if hidden else widget.get()
        if isinstance(widget, ttk.Combobox):
            found["choices"] = [str(one) for one in widget.cget("values")]
    elif isinstance(widget, tk.Canvas):
        found["text"] = "\n".join(_canvas_texts(widget))
    elif isinstance(widget, ttk.Progressbar):
        found["value"] = float(widget.cget("value"))
    else:
        with contextlib.suppress(tk.TclError):
            found["text"] = str(widget.cget("text"))
            if isinstance(widget, ttk.Button):  # as a person reads it, in however many lines
                found["text"] = " ".join(found["text"].split())
    if isinstance(widget, ttk.Checkbutton):
        found["value"] = "yes" if "selected" in found["state"] else "no"
    return found


def _table(table: Table) -> dict[str, Any]:
    shown = {}
    for key in table.visible_keys():
        box = table.box(key)
        if box is not None:
            shown[key] = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    return {
        "rows": {key: list(cells) for key, cells in table.cells().items()},
        "boxes": shown,
        "drawn": _canvas_texts(table.canvas),  # what there was room for
        "selected": table.selected(),
        "focus": str(table.canvas),
    }


def _canvas_texts(canvas: tk.Canvas) -> list[str]:
    return [
        str(canvas.tk.call(str(canvas), "itemcget", item, "-text"))
        for item in canvas.find_all()
        if str(canvas.type(item)) == "text"
        and str(canvas.tk.call(str(canvas), "itemcget", item, "-state")) != "hidden"
    ]
