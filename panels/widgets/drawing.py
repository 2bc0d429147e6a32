"""Drawings as data: shapes by key, of which only those that have changed are drawn again.

A layout is a pure function from what is to be shown to shapes; it knows neither Tk nor colours, so
that a test can look at it. Colours and fonts are names of the theme's.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from tkinter import ttk
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from panels.context import PanelContext

if TYPE_CHECKING:
    from panels.widgets.theme import Theme

T = TypeVar("T")
COLOURS = ("fill", "outline")  # options whose values are the theme's names


class Measure(Protocol):
    """How large things are on this display, in pixels."""

    @property
    def line(self) -> int:
        """The height of a line of text."""

    @property
    def hair(self) -> int:
        """The width of a drawn line."""

    def width(self, text: str, font: str = "body") -> int:
        """The width of a text; ``font``: body, bold or mono."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing on a canvas: a kind of Tk's canvas items, its coordinates, its options."""

    kind: str  # line, rectangle, oval, arc, polygon, text
    points: tuple[float, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Laid:
    """A whole drawing: shapes from the lowest to the highest, and how high it is."""

    shapes: Mapping[str, Shape]
    height: int


def shorten(text: str, width: int, measure: Callable[[str], int]) -> str:
    """Return as much of a text as ``width`` pixels hold, with an ellipsis where it is cut."""
    if measure(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + "\N{HORIZONTAL ELLIPSIS}") <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def wrap(text: str, width: int, measure: Callable[[str], int]) -> list[str]:
    """Return the lines of a text that is no wider than ``width`` pixels, cut where a word is."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and measure(longer) > width:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, shorten(line, width, measure)] if line else lines


class Ruler:
    """Measures with the theme's fonts."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    @property
    def line(self) -> int:
        """See Measure."""
        return self._theme.line

    @property
    def hair(self) -> int:
        """See Measure."""
        return self._theme.hair

    def width(self, text: str, font: str = "body") -> int:
        """See Measure."""
        fonts = {"body": self._theme.body, "bold": self._theme.bold, "mono": self._theme.mono}
        return fonts[font].measure(text)


class Drawing(ttk.Frame, Generic[T]):
    """A canvas that shows one thing, and below it the same in words.

    ``layout`` is pure: from what is shown, and the width in pixels, to where everything is.
    """

    def __init__(
        self, parent: tk.Misc, context: PanelContext, layout: Callable[[T, Measure, int], Laid]
    ) -> None:
        super().__init__(parent)
        self._theme = context.theme
        self._ruler = Ruler(context.theme)
        self._layout = layout
        self._model: T | None = None
        self._drawn: dict[str, tuple[int, Shape]] = {}
        self._width = 0
        self.canvas = tk.Canvas(self, height=1, width=1, highlightthickness=0, borderwidth=0)
        self.canvas.pack(fill="both", expand=True)
        self.words = ttk.Label(self, justify="left")
        self.words.pack(fill="x")
        self.canvas.bind("<Configure>", self._resized)
        self._theme.follow(self.canvas, self._recolour)

    def show(self, model: T, words: str, style: str = "TLabel") -> None:
        """Show something, and the same in words; what looks as before is not touched."""
        if (str(self.words["text"]), str(self.words["style"])) != (words, style):
            self.words.configure(text=words, style=style)
        if model != self._model:
            self._model = model
            self._draw()

    def _resized(self, event: tk.Event[tk.Misc]) -> None:
        if event.width != self._width:
            self._width = event.width
            self.words.configure(wraplength=max(1, event.width - self._theme.quarter))
            self._draw()

    def _recolour(self) -> None:
        """Draw everything again, because colours or fonts are others now."""
        self.canvas.configure(background=self._theme.background)
        self.canvas.delete("all")
        self._drawn.clear()
        self._draw()

    def _draw(self) -> None:
        if self._model is None or self._width <= 1:
            return
        laid = self._layout(self._model, self._ruler, self._width)
        if int(self.canvas["height"]) != laid.height:
            self.canvas.configure(height=laid.height)
        for key in [one for one in self._drawn if one not in laid.shapes]:
            self.canvas.delete(self._drawn.pop(key)[0])
        made = False
        for key, shape in laid.shapes.items():
            made |= self._put(key, shape)
        if made:  # new ones lie on top: bring all into their order again
            for key in laid.shapes:
                self.canvas.tag_raise(self._drawn[key][0])

    def _put(self, key: str, shape: Shape) -> bool:
        """Draw a shape, or what is different about it; returns whether it is a new item."""
        item, before = self._drawn.get(key, (0, None))
        if before == shape:
            return False
        if before is not None and _alike(before, shape):
            if before.points != shape.points:
                self.canvas.coords(item, *shape.points)
            if before.options != shape.options:
                self.canvas.itemconfigure(item, **self._coloured(shape))
            self._drawn[key] = item, shape
            return False
        if before is not None:
            self.canvas.delete(item)
        make = getattr(self.canvas, f"create_{shape.kind}")
        self._drawn[key] = make(*shape.points, **self._coloured(shape)), shape
        return True

    def _coloured(self, shape: Shape) -> dict[str, Any]:
        options = dict(shape.options)
        for name in COLOURS:
            if options.get(name):
                options[name] = self._theme.colour(options[name])
        if "font" in options:
            options["font"] = getattr(self._theme, options["font"])
        return options


def _alike(one: Shape, other: Shape) -> bool:
    """Whether a canvas item can become another by new coordinates and options."""
    return one.kind == other.kind and one.options.keys() == other.options.keys()
