"""Result: what was done or what went wrong, how to take it back or try again, and what is next."""

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass

from backend.actions.action import Outcome
from backend.errors import HaoscarError
from haoscar_gui.banner import TONES
from haoscar_gui.focus import give_focus
from haoscar_gui.log_lines import Lines
from haoscar_gui.views.view import View
from panels.widgets import names
from panels.widgets.text import ReadText

MANY = 10  # lines of details that need no scrolling


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be done now; None where it cannot."""

    close: Callable[[], object]
    undo: Callable[[], object] | None = None
    again: Callable[[], object] | None = None


class ResultView(View):
    """The end of an action; it stays until it is closed."""

    def __init__(
        self, parent: tk.Misc, heading: str, end: Outcome | HaoscarError, lines: Lines,
        choices: Choices,
    ) -> None:  # fmt: skip
        super().__init__(parent, heading, "Result")
        self._choices = choices
        if isinstance(end, Outcome):
            self._done(end)
        else:
            self._failed(end)
        self._log = ReadText(self, mono=True, height=8, wrap="char")
        names.name(self._log.text, "view.log")
        self.put(self._log, grows=True)
        self._log.append(lines.all())
        if isinstance(end, Outcome):
            self._log.grid_remove()
        else:
            self.after_idle(self._to_the_error)
        self._buttons(failed=not isinstance(end, Outcome))

    def _done(self, outcome: Outcome) -> None:
        tone, sign = TONES[outcome.severity]
        sentence = self.label(self, f"{sign} {outcome.sentence}", tone.title())
        names.name(sentence, "view.sentence")
        self.put(sentence)
        if outcome.details:
            detail = ReadText(self, height=min(MANY, len(outcome.details)), wrap="word")
            detail.set("\n".join(outcome.details))
            names.name(detail.text, "view.details")
            self.put(detail, grows=len(outcome.details) > MANY)
        for report in outcome.reports:
            self.put(self.report_label(report), gap=self.theme.quarter)
        if outcome.next:
            self.put(self.label(self, outcome.next))

    def _failed(self, problem: HaoscarError) -> None:
        for number, report in enumerate(problem.reports):
            label = self.report_label(report)
            if number == 0:
                names.name(label, "view.sentence")
            self.put(label, gap=self.theme.quarter)

    def _to_the_error(self) -> None:
        """Let the log open at the line that matters: the last error, or else its end."""
        if not self._log.winfo_exists():
            return
        ranges = self._log.text.tag_ranges("error")
        self._log.see(str(ranges[-2]) if ranges else "end")

    def _buttons(self, *, failed: bool) -> None:
        row = self.buttons()
        choices = self._choices
        show = row.add("Show log", self._toggle) if not failed else None
        if choices.undo is not None:
            names.name(row.add("Undo", choices.undo), "view.undo")
        again = choices.again
        if again is not None:
            main = row.add("Try again", again, main=True, right=True)
            names.name(main, "view.again")
        close = row.add("Close", choices.close, main=again is None, right=True)
        names.name(close, "view.close")
        if show is not None:
            names.name(show, "view.show-log")
        self._show, self._row_of_buttons = show, row
        give_focus(close if again is None else main)

    def _toggle(self) -> None:
        shown = bool(self._log.winfo_ismapped())
        (self._log.grid_remove if shown else self._log.grid)()
        if self._show is not None:
            self._show.configure(text="Show log" if shown else "Hide log")
        self._row_of_buttons.arrange()

    def main(self) -> None:
        """See View.main."""
        (self._choices.again or self._choices.close)()

    def close(self) -> None:
        """See View.close."""
        self._choices.close()
