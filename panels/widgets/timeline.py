"""What happened when, in milliseconds: a bar for each phase, and what had been promised."""

import tkinter as tk
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tkinter import ttk

from panels.context import PanelContext
from panels.widgets.drawing import Drawing, Laid, Measure, Shape, shorten

Phase = tuple[str, float, float]  # its name, and its begin and end in ms
NOTHING = "Nothing has been measured yet."
LONGEST_NAME = 0.3  # of the width
STEPS = (1, 2, 5)  # times a power of ten, between two marks of the scale
MOST_MARKS = 8
LEAST_BAR = 3  # pixels
PITCH = 1.15  # lines from one bar to the next


@dataclass(frozen=True, slots=True)
class Course:
    """What is shown: phases in the order of their begin, the outage, and its budget; all in ms."""

    phases: tuple[Phase, ...] = ()
    total_ms: float = 0.0  # for how long the addresses were away; 0: too short to be told
    budget_ms: float = 0.0  # 0: nothing was promised

    @property
    def end_ms(self) -> float:
        """The last moment that is worth showing."""
        return max(
            [self.total_ms, self.budget_ms, *(end for _, _, end in self.phases)], default=0.0
        )

    @property
    def too_long(self) -> bool:
        """Whether it took longer than was promised."""
        return 0 < self.budget_ms < self.total_ms


class Timeline(ttk.Frame):
    """A drawn timeline with a sentence below it; empty until ``show`` is called."""

    def __init__(self, parent: tk.Misc, context: PanelContext) -> None:
        super().__init__(parent)
        self._drawing = Drawing(self, context, lay_out)
        self._drawing.pack(fill="both", expand=True)
        self.words = self._drawing.words  # the same as a sentence
        self.clear()

    def show(
        self, phases: Sequence[Phase], total_ms: float, budget_ms: float, what: str = "",
        style: str = "TLabel",
    ) -> None:  # fmt: skip
        """Show phases (name, begin and end in ms), for how long the addresses were away (0: for less
        than can be told), and what was promised (0: nothing was); ``what`` it is of, as a sentence."""
        course = Course(tuple(phases), total_ms, budget_ms)
        self._drawing.show(course, f"{what} {describe(course)}".lstrip(), style)

    def clear(self, words: str = NOTHING) -> None:
        """Show nothing but a sentence."""
        self._drawing.show(Course(), words)


def describe(course: Course) -> str:
    """Return the timeline in words."""
    if not course.phases:
        return NOTHING
    parts = ", ".join(f"{name} {_ms(end - begin)}" for name, begin, end in course.phases)
    away = f"Away for {_ms(course.total_ms)}" if course.total_ms else "Away for no time that shows"
    verdict = ""
    if course.budget_ms:
        verdict = "longer than" if course.too_long else "within"
        verdict = f", {verdict} the {_ms(course.budget_ms)} promised"
    return f"{away}{verdict}: {parts}."


def lay_out(course: Course, measure: Measure, width: int) -> Laid:
    """Return the drawing: see Drawing."""
    if not course.phases:
        return Laid({}, 1)
    line = measure.line
    names = [f"{name} " for name, _, _ in course.phases]
    left = min(max(map(measure.width, names)), LONGEST_NAME * width) + line / 4
    values = max(measure.width(f" {_ms(end - begin)}") for _, begin, end in course.phases)
    right = max(left + 1, width - values - line / 2)
    scale = (right - left) / (course.end_ms or 1)
    bottom = len(course.phases) * PITCH * line + line / 4
    shapes = dict(_marks(course, (left, scale), bottom, width, measure))
    for number, phase in enumerate(course.phases):
        shapes.update(_bar(number, phase, course, (left, scale), measure))
    return Laid(shapes, round(bottom + PITCH * line))


def _bar(
    number: int, phase: Phase, course: Course, axis: tuple[float, float], measure: Measure
) -> Iterator[tuple[str, Shape]]:
    """Yield a phase's name, its bar, and its length in words behind it."""
    name, begin, end = phase
    left, scale = axis
    top = number * PITCH * measure.line + measure.line / 8
    x1 = left + begin * scale
    x2 = max(left + end * scale, x1 + LEAST_BAR)
    late = course.too_long and end > course.budget_ms
    middle = top + 0.45 * measure.line
    shown = shorten(name, int(left - measure.line / 4), measure.width)
    yield f"name-{number}", Shape(
        "text", (left - measure.line / 4, middle), {"text": shown, "fill": "text", "anchor": "e", "font": "body"}
    )  # fmt: skip
    yield f"bar-{number}", Shape(
        "rectangle", (x1, top, x2, top + 0.9 * measure.line),
        {"fill": "error" if late else "accent", "outline": ""},
    )  # fmt: skip
    value = _ms(end - begin)
    inside = x2 - x1 > measure.width(value) + measure.line
    yield f"value-{number}", Shape(
        "text", (x2 + (-1 if inside else 1) * measure.line / 4, middle),
        {
            "text": value, "fill": "on_accent" if inside else "text", "font": "body",
            "anchor": "e" if inside else "w",
        },
    )  # fmt: skip


def _marks(
    course: Course, axis: tuple[float, float], bottom: float, width: int, measure: Measure
) -> Iterator[tuple[str, Shape]]:
    """Yield the scale: thin lines with their moments below them, and the promise among them."""
    left, scale = axis
    room = measure.width(_ms(course.end_ms)) + measure.line / 2
    step = step_of(course.end_ms, MOST_MARKS)
    while step * scale < room and step < course.end_ms:
        step = step_of(course.end_ms, int(course.end_ms / step) - 1 or 1)
    taken = (-1.0, -1.0)  # where the promise is written
    if course.budget_ms:
        x = left + course.budget_ms * scale
        label = f"promised {_ms(course.budget_ms)}"
        half = measure.width(label) / 2
        middle = min(max(x, half), width - half)
        taken = (middle - half - measure.line / 2, middle + half + measure.line / 2)
        yield from _mark("budget", x, middle, label, bottom, "warning")
    number = 0
    while number * step <= course.end_ms:
        x, label = left + number * step * scale, _ms(number * step)
        half = measure.width(label) / 2
        free = x + half < taken[0] or x - half > taken[1]
        yield from _mark(f"mark-{number}", x, x, label if free else "", bottom, "muted")
        number += 1


def _mark(
    key: str, x: float, middle: float, label: str, bottom: float, tone: str
) -> Iterator[tuple[str, Shape]]:
    """Yield a thin line and what is written below it, around ``middle``."""
    promise = tone == "warning"
    look = {"fill": "border", "dash": "", "width": 1}
    if promise:
        look = {"fill": tone, "dash": (4, 3), "width": 2}
    yield key, Shape("line", (x, 0, x, bottom), look)
    text = {"text": label, "fill": tone, "anchor": "n", "font": "body"}
    yield f"{key}-text", Shape("text", (middle, bottom), text)


def step_of(end: float, most: int) -> float:
    """Return the least step of 1, 2 or 5 times a power of ten that makes at most ``most`` steps."""
    power = 0.1
    while True:
        for factor in STEPS:
            if factor * power * most >= end:
                return factor * power
        power *= 10


def _ms(milliseconds: float) -> str:
    """Return a length in words; one decimal where it is short."""
    if 0 < milliseconds < 10 and milliseconds != int(milliseconds):
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:,.0f} ms"
