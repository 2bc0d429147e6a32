"""What an action said, line by line, as it stands in its log."""

import time
from collections import deque

from backend.reports import Report, Severity
from backend.tasks import Event, Progress

MOST = 5000  # lines that are kept
Piece = tuple[str, str]  # text and the name of its colour
WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: ""}


def clock() -> str:
    """Return the time of day as it stands before a line."""
    return time.strftime("%H:%M:%S")


class Lines:
    """The log of one action: each step once, and every report; used in the window's thread."""

    def __init__(self) -> None:
        self._pieces: deque[Piece] = deque(maxlen=MOST)
        self._new: list[Piece] = []
        self._step = ""

    def take(self, event: Event) -> None:
        """Note an event; progress within a step is not a line of its own."""
        if isinstance(event, Progress):
            if event.step == self._step:
                return
            self._step = event.step
            self._add(f"{clock()}  {event.step}\n", "")
        else:
            self.report(event)

    def report(self, report: Report) -> None:
        """Note a report."""
        word = WORDS[report.severity]
        self._add(f"{clock()}  {word + ': ' if word else ''}{report}\n", word)

    def all(self) -> list[Piece]:
        """Return every line; what comes later is new."""
        self._new.clear()
        return list(self._pieces)

    def since_last(self) -> list[Piece]:
        """Return what came since it was asked last."""
        found, self._new = self._new, []
        return found

    def _add(self, text: str, tag: str) -> None:
        self._pieces.append((text, tag))
        self._new.append((text, tag))
        if len(self._new) > MOST:
            del self._new[:-MOST]
