"""The steps of one installation, a line each: sign, name, state, time; the current one with a bar."""

import tkinter as tk
from collections.abc import Sequence
from tkinter import ttk

from backend.actions.install_progress import Line, Mark
from backend.amounts import duration
from panels.context import PanelContext
from panels.widgets.drawing import Drawing, Laid, Measure, Shape, shorten

# Sign and colour of each mark; its word stands beside them.
LOOKS = {
    Mark.WAITING: ("\N{MIDDLE DOT}", "muted"),
    Mark.CURRENT: ("\N{BLACK RIGHT-POINTING TRIANGLE}", "accent"),
    Mark.DONE: ("\N{HEAVY CHECK MARK}", "ok"),
    Mark.UNSEEN: ("\N{EN DASH}", "muted"),
    Mark.FAILED: ("\N{HEAVY MULTIPLICATION X}", "error"),
    Mark.STOPPED: ("\N{BLACK SQUARE}", "warning"),
}
ROW = 1.25  # lines
BAR = 0.5  # lines

Lines = tuple[Line, ...]


class Stages(ttk.Frame):
    """Draws only what has changed since it was shown last."""

    def __init__(self, parent: tk.Misc, context: PanelContext) -> None:
        super().__init__(parent)
        self._drawing: Drawing[Lines] = Drawing(self, context, lay_out)
        self._drawing.pack(fill="x")
        self.canvas = self._drawing.canvas

    def show(self, lines: Sequence[Line]) -> None:
        """Show the lines, in their order."""
        self._drawing.show(tuple(lines), summary(lines))


def summary(lines: Sequence[Line]) -> str:
    """Return how far all of it is, in words. Pure."""
    passed = sum(one.mark in (Mark.DONE, Mark.UNSEEN) for one in lines)
    seconds = sum(one.seconds or 0.0 for one in lines)
    going = any(one.mark is Mark.CURRENT for one in lines)
    spent = f", {duration(seconds)}{' so far' if going else ''}" if seconds >= 1 else ""
    return f"{passed} of {len(lines)} steps{spent}." if passed or spent else ""


def state_of(line: Line) -> str:
    """Return a line's state in words, with its time. Pure."""
    if line.mark is Mark.WAITING:
        return ""
    if line.seconds is None:
        return line.mark.value
    if line.mark is Mark.CURRENT or line.seconds >= 60:
        return f"{line.mark.value} {duration(line.seconds)}"
    return f"{line.mark.value} {line.seconds:.1f} s"


def share_of(line: Line, lines: Sequence[Line]) -> float:
    """Return what the bar shows: the line's own share, or that of all the lines. Pure."""
    if line.share is not None:
        return line.share
    return sum(one.mark in (Mark.DONE, Mark.UNSEEN) for one in lines) / len(lines)


def lay_out(lines: Lines, measure: Measure, width: int) -> Laid:
    """Return the drawing. Pure."""
    unit = measure.line
    names = 1.5 * unit
    states = names + max((measure.width(one.title, "bold") for one in lines), default=0) + unit
    shapes: dict[str, Shape] = {}
    top = 0.0
    for one in lines:
        shapes |= _row(one, top, (names, states, width), measure)
        top += ROW * unit
        if one.mark is Mark.CURRENT:
            shapes |= _bar(one, share_of(one, lines), top, (names, width), measure)
            top += ROW * unit
    return Laid(shapes, round(top) + 1)


def _row(
    line: Line, top: float, columns: tuple[float, float, float], measure: Measure
) -> dict[str, Shape]:
    names, states, width = columns
    sign, colour = LOOKS[line.mark]
    middle = top + ROW * measure.line / 2
    seen = line.mark not in (Mark.WAITING, Mark.UNSEEN)
    bold = "bold" if line.mark in (Mark.CURRENT, Mark.FAILED) else "body"
    ink = "text" if seen else "muted"
    words = ", ".join(one for one in (state_of(line), _beside(line)) if one)
    words = shorten(words, int(width - states), measure.width)
    texts = {
        "sign": (0.5 * measure.line, "center", sign, colour, "bold"),
        "name": (names, "w", line.title, ink, bold),
        "state": (states, "w", words, colour, "body"),
    }
    return {
        f"{line.key}-{part}": Shape(
            "text", (x, middle), {"text": text, "fill": fill, "anchor": anchor, "font": font}
        )
        for part, (x, anchor, text, fill, font) in texts.items()
        if text
    }  # fmt: skip


def _beside(line: Line) -> str:
    """Return the detail that stands behind the state; the current line's stands behind its bar."""
    return "" if line.mark is Mark.CURRENT else line.detail


def _bar(
    line: Line, share: float, top: float, ends: tuple[float, float], measure: Measure
) -> dict[str, Shape]:
    left, right = ends[0], ends[1] - 1
    if line.detail:
        right = max(left + measure.line, right - measure.width(line.detail) - measure.line / 2)
    middle = top + ROW * measure.line / 2
    upper, lower = middle - BAR * measure.line / 2, middle + BAR * measure.line / 2
    done = left + (right - left) * min(1.0, max(0.0, share))
    return {
        f"{line.key}-trough": Shape(
            "rectangle", (left, upper, right, lower), {"fill": "zebra", "outline": "border"}
        ),
        f"{line.key}-bar": Shape(
            "rectangle", (left, upper, done, lower), {"fill": "accent", "outline": ""}
        ),
        f"{line.key}-detail": Shape(
            "text", (right + measure.line / 2, middle),
            {"text": line.detail, "fill": "text", "anchor": "w", "font": "body"},
        ),
    }  # fmt: skip
