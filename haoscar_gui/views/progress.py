"""Progress: the sentence, the bar, how far, how fast, how long still, and a Cancel that cancels."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from backend.amounts import duration, size
from backend.tasks import Event, Progress
from haoscar_gui.focus import give_focus
from haoscar_gui.log_lines import Lines
from haoscar_gui.views.view import View
from panels.widgets import names
from panels.widgets.text import ReadText

FINE = 1000  # steps of the bar


class ProgressView(View):
    """Shows a task's events; ``opened`` tells whether the log is unfolded at the start."""

    def __init__(
        self, parent: tk.Misc, heading: str, lines: Lines, cancel: Callable[[], object]
    ) -> None:
        super().__init__(parent, heading, "Progress")
        self._cancel = cancel
        self._lines = lines
        self._moving = False
        self._sentence = self.label(self, "")
        self.put(self._sentence)
        self._bar = ttk.Progressbar(self, maximum=FINE)
        self.put(self._bar, gap=self.theme.quarter)
        self._numbers = self.label(self, "")
        self.put(self._numbers, gap=0)
        self._detail = ttk.Label(self, style="Muted.TLabel")
        self.put(self._detail)
        self._log = ReadText(self, mono=True, height=8, wrap="char")
        self.put(self._log, grows=True)
        self._log.grid_remove()
        row = self.buttons()
        self._fold = row.add("Show log", self._toggle)
        self._button = row.add("Cancel", cancel, right=True)
        for widget, name in (
            (self._sentence, "sentence"), (self._bar, "bar"), (self._numbers, "numbers"),
            (self._fold, "show-log"), (self._button, "cancel"), (self._log.text, "log"),
        ):  # fmt: skip
            names.name(widget, f"view.{name}")
        self._row_of_buttons = row
        give_focus(self._button)

    def event(self, event: Event) -> None:
        """Show what the task says; the log has been told already."""
        if isinstance(event, Progress):
            _set(self._sentence, event.step)
            _set(self._numbers, numbers(event))
            _set(self._detail, event.detail)
            self._move(event.share)
        if self._log.winfo_ismapped():
            self._log.append(self._lines.since_last())

    def cancelling(self) -> None:
        """Say that it stops as soon as it can."""
        self._button.state(["disabled"])
        _set(self._sentence, "Stopping, so that nothing is left half done...")

    def close(self) -> None:
        """Esc asks to cancel, as the button does."""
        if self._button.instate(["!disabled"]):
            self._cancel()

    def _move(self, share: float | None) -> None:
        """Move the bar; where the whole is not known it wanders, which is all that can be said."""
        if share is None:
            if not self._moving:
                self._moving = True
                self._bar.configure(mode="indeterminate")
                self._bar.start(80)
            return
        if self._moving:
            self._moving = False
            self._bar.stop()
            self._bar.configure(mode="determinate")
        value = round(share * FINE)
        if int(float(self._bar.cget("value"))) != value:
            self._bar.configure(value=value)

    def _toggle(self) -> None:
        if self._log.winfo_ismapped():
            self._log.grid_remove()
            self._fold.configure(text="Show log")
        else:
            self._log.set("")
            self._log.append(self._lines.all())
            self._log.grid()
            self._fold.configure(text="Hide log")
        self._row_of_buttons.arrange()


def numbers(event: Progress) -> str:
    """Return how far, how fast and how long still, in words. Pure."""
    parts = []
    if event.share is not None:
        parts.append(f"{event.share * 100:.0f} %")
    if event.done and event.unit:
        bytewise = event.unit == "bytes"
        amount: Callable[[float], str] = size if bytewise else "{:,.0f}".format
        whole = f" of {amount(event.total)}" if event.total else ""
        parts.append(f"{amount(event.done)}{whole}" + ("" if bytewise else f" {event.unit}"))
        if event.rate:
            parts.append(f"{amount(event.rate)}/s")
    if event.remaining is not None:
        parts.append(f"{duration(event.remaining)} left")
    return "   ".join(parts)


def _set(label: ttk.Label, text: str) -> None:
    if str(label.cget("text")) != text:  # a slow display is told only what is new
        label.configure(text=text)
