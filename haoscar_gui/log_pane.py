"""The log of the whole window: every sentence that was said, and what the program itself logs."""

import logging
import tkinter as tk
from collections import deque
from tkinter import ttk

from backend.reports import Report
from haoscar_gui.log_lines import WORDS, clock
from panels.widgets import names
from panels.widgets.text import ReadText

EVERY = 300  # milliseconds between two looks for new lines


class LogHandler(logging.Handler):
    """Collects what the program logs, in any thread; the pane takes it from here."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.waiting: deque[tuple[str, str]] = deque(maxlen=1000)
        self.errors: deque[str] = deque(maxlen=1000)
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler.emit."""
        grave = record.levelno >= logging.ERROR
        text = self.format(record)
        self.waiting.append((text, "error" if grave else "warning"))
        if grave:
            self.errors.append(text)


class LogPane(ttk.Frame):
    """Folded away until it is wanted."""

    def __init__(self, parent: tk.Misc, handler: LogHandler) -> None:
        super().__init__(parent)
        self._handler = handler
        self._waiting: list[tuple[str, str]] = []
        self._text = ReadText(self, mono=True, height=9, wrap="char")
        self._text.pack(fill="both", expand=True)
        names.name(self._text.text, "log.text")
        self._drain()

    def say(self, report: Report) -> None:
        """Add a report; it appears within a moment."""
        word = WORDS[report.severity]
        self._waiting.append((f"{clock()}  {word + ': ' if word else ''}{report}\n", word))

    def focus_text(self) -> None:
        """Take the keyboard, to scroll."""
        self._text.text.focus_set()

    def _drain(self) -> None:
        """Write at most a screenful or two at a time: a flood must not block the window."""
        handler = self._handler
        while handler.waiting:
            text, tag = handler.waiting.popleft()
            self._waiting.append((f"{clock()}  {text}\n", tag))
        if self._waiting:
            now, self._waiting = self._waiting[:200], self._waiting[200:]
            self._text.append(now)
        self.after(EVERY if not self._waiting else 20, self._drain)
