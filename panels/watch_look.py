"""One service at work: a test of it, its availability and its history, in the place of the list."""

import tkinter as tk
from collections.abc import Callable, Mapping
from tkinter import ttk

from backend.actions.watch_told import Past, Tested
from panels import watch_live_texts as texts
from panels.context import PanelContext
from panels.widgets.buttons import ButtonRow
from panels.widgets.names import name, prefix
from panels.widgets.table import Column, Table
from panels.widgets.text import ReadText

FEWEST, MOST = 2, 10  # lines of a detail that are seen at once
COLUMNS = (Column("time", "When", 19, mono=True), Column("what", "What happened", 40))


class ServiceLook(ttk.Frame):
    """Shows what it is told; ``test`` and ``back`` are its buttons."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, test: Callable[[], object],
        back: Callable[[], object],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        theme, panel = context.theme, prefix(parent)
        self._theme, self._test = theme, test
        self._why = ""
        self.columnconfigure(0, weight=1)
        self.rowconfigure(5, weight=1)
        self._title = ttk.Label(self, style="Bold.TLabel")
        self._state = ttk.Label(self, justify="left")
        self._outcome = ttk.Label(self, justify="left")
        self._detail = ReadText(self, mono=True, height=FEWEST)
        self._well = ttk.Label(self, style="Muted.TLabel", justify="left")
        self._history = Table(self, context, COLUMNS, height=6, on_select=self._choose)
        self._chosen = ttk.Label(self, style="Muted.TLabel", justify="left")
        row = ButtonRow(self)
        self._button = row.add("Test now", self.take, main=True, tip=self._tip)
        away = row.add("Back", back, right=True, tip="Esc")
        for number, (widget, sticky) in enumerate((
            (self._title, "w"), (self._state, "w"), (self._outcome, "w"), (self._detail, "ew"),
            (self._well, "w"), (self._history, "nsew"), (self._chosen, "w"), (row, "ew"),
        )):  # fmt: skip
            widget.grid(row=number, sticky=sticky, pady=(0, theme.quarter))
        self.bind("<Configure>", lambda event: self._wrap(event.width))
        for key, one in (
            ("title", self._title), ("state", self._state), ("outcome", self._outcome),
            ("detail", self._detail.text), ("availability", self._well), ("chosen", self._chosen),
            ("history", self._history), ("test", self._button), ("back", away),
        ):  # fmt: skip
            name(one, f"{panel}.look.{key}")

    def _wrap(self, width: int) -> None:
        for label in (self._state, self._outcome, self._well, self._chosen):
            label.configure(wraplength=width - self._theme.half)

    def _tip(self) -> str:
        return self._why or "Check it now; the result counts."

    def load(self, service: str) -> None:
        """Show a service, of which nothing is known yet."""
        self._title.configure(text=service)
        self._outcome.grid_remove()
        self._detail.grid_remove()
        self._well.configure(text="")
        self._history.rows({})
        self._choose(None)
        self._button.focus_set()

    def take(self) -> None:
        """Test it, as Enter does."""
        if self._button.instate(["!disabled"]):
            self._test()

    def show_state(self, told: texts.Told, why: str) -> None:
        """Say how it is, and why it cannot be tested."""
        self._state.configure(text=told.text, style=f"{told.style}.TLabel")
        self._why = why
        self._button.state(["disabled" if why else "!disabled"])

    def show_test(self, told: texts.Told, detail: str = "") -> None:
        """Say how a test has ended, or that it goes on."""
        self._outcome.configure(text=told.text, style=f"{told.style}.TLabel")
        self._outcome.grid()
        self._detail.set(detail)
        lines = detail.count("\n") + 1
        self._detail.text.configure(height=min(max(lines, FEWEST), MOST))
        if detail:
            self._detail.grid()
        else:
            self._detail.grid_remove()

    def show_tested(self, result: Tested) -> None:
        """Show the result of a test."""
        self.show_test(texts.tested(result), result.detail.rstrip("\n"))

    def show_past(self, past: Past) -> None:
        """Show what was, the newest above."""
        self._well.configure(text=texts.availability(past))
        rows: Mapping[str, tuple[str, ...]] = {
            str(number): (texts.moment(one.time), one.sentence)
            for number, one in reversed(list(enumerate(past.events)))
        }
        self._history.rows(rows or {"none": ("-", texts.NOTHING_KEPT)})

    def _choose(self, key: str | None) -> None:
        """Say the whole of what stands in a row that may be too narrow for it."""
        cells = self._history.cells().get(key, ()) if key is not None else ()
        self._chosen.configure(text=cells[1] if len(cells) > 1 else "")
