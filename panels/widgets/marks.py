"""The marks of check boxes and radio buttons, drawn smoothly at any size: clam's do not scale. Pure."""

import itertools
from collections.abc import Callable
from math import hypot

from panels.widgets.palette import mix

Shape = Callable[[float, float], float]  # distance to the edge in pixels, negative inside


def box(size: int) -> Shape:
    """Return a square with round corners that fills ``size`` pixels."""
    half, round_by = size / 2 - 0.5, size / 7

    def distance(x: float, y: float) -> float:
        dx, dy = abs(x - size / 2) - half + round_by, abs(y - size / 2) - half + round_by
        return hypot(max(dx, 0.0), max(dy, 0.0)) + min(max(dx, dy), 0.0) - round_by

    return distance


def disc(size: int, share: float = 1.0) -> Shape:
    """Return a disc that fills a share of ``size`` pixels."""
    radius = (size / 2 - 0.5) * share
    return lambda x, y: hypot(x - size / 2, y - size / 2) - radius


def tick(size: int) -> Shape:
    """Return a tick inside of ``size`` pixels."""
    points = [(0.24 * size, 0.52 * size), (0.42 * size, 0.70 * size), (0.76 * size, 0.30 * size)]
    thickness = size * 0.075

    def distance(x: float, y: float) -> float:
        pairs = itertools.pairwise(points)
        return min(_from_line(x, y, *a, *b) for a, b in pairs) - thickness

    return distance


def _from_line(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    dx, dy = bx - ax, by - ay
    along = max(0.0, min(1.0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
    return hypot(x - ax - along * dx, y - ay - along * dy)


def draw(size: int, ground: str, edge: str, fill: str, shape: Shape, mark: Shape | None, ink: str,
         thickness: float) -> str:  # fmt: skip
    """Return a picture as Tk's PhotoImage takes it: rows of colours."""
    rows = []
    for row in range(size):
        colours = []
        for column in range(size):
            x, y = column + 0.5, row + 0.5
            outside = shape(x, y)
            colour = mix(ground, edge, _cover(outside))
            colour = mix(colour, fill, _cover(outside + thickness))
            if mark is not None:
                colour = mix(colour, ink, _cover(mark(x, y)))
            colours.append(colour)
        rows.append("{" + " ".join(colours) + "}")
    return " ".join(rows)


def _cover(distance: float) -> float:
    """Return which part of a pixel lies inside of an edge at this distance."""
    return max(0.0, min(1.0, 0.5 - distance))
