"""Network use against polling interval and message size, as an SVG drawing on two log axes. Pure."""

from collections.abc import Sequence
from math import ceil, floor, log10

from backend.lab.monitoring.results import INTERVALS, Poll

WIDTH, HEIGHT = 760, 430
LEFT, RIGHT, TOP, BOTTOM = 100, 178, 16, 62
DOT = 4.5
LABEL = 15  # between two labels at the ends of lines, at least


def chart(polls: Sequence[Poll]) -> str:
    """Return the drawing: a line for each size; what is reckoned has an open dot."""
    if not polls:
        return ""
    rates = [one.rate(interval) for one in polls for interval in INTERVALS]
    axes = _Axes(
        floor(log10(min(rates))), max(ceil(log10(max(rates))), floor(log10(min(rates))) + 1)
    )
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="100%"'
    parts = [
        f'<svg {size} role="img" aria-labelledby="chart-title chart-text">',
        '<title id="chart-title">Network use against polling interval and message size</title>',
        f'<desc id="chart-text">{_told(polls)}</desc>',
        *axes.drawn(),
    ]
    ends = _apart([axes.y(one.rate(INTERVALS[-1])) for one in polls])
    for place, (one, end) in enumerate(zip(polls, ends, strict=True)):
        parts += _line(one, f"s{min(place, 3)}", axes, end)
    return "".join([*parts, "</svg>"])


class _Axes:
    """Where values are: the interval to the right, bytes a second upwards."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high  # powers of ten

    def x(self, interval: float) -> float:
        """Return the place of an interval."""
        share = log10(interval / INTERVALS[0]) / log10(INTERVALS[-1] / INTERVALS[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, rate: float) -> float:
        """Return the place of a rate."""
        share = (log10(rate) - self._low) / (self._high - self._low)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    def drawn(self) -> list[str]:
        """Return grid, scales and their names."""
        parts = []
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for power in range(self._low, self._high + 1):
            y = self.y(10.0**power)
            parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
            parts.append(_text(LEFT - 10, y + 4, _rate(10.0**power), "end"))
        for interval in INTERVALS:
            x = self.x(interval)
            parts.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>')
            parts.append(_text(x, bottom + 20, f"{interval:g} s", "middle"))
        parts.append(
            _text((LEFT + right) / 2, bottom + 46, "polling interval (log scale)", "middle")
        )
        middle = (TOP + bottom) / 2
        turned = f'transform="rotate(-90 16 {middle:.0f})"'
        parts.append(_text(16, middle, "bytes a second on the cable (log scale)", "middle", turned))
        return parts


def _line(one: Poll, name: str, axes: _Axes, end: float) -> list[str]:
    points = [(axes.x(each), axes.y(one.rate(each)), each) for each in INTERVALS]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    parts = [f'<polyline class="{name}" points="{path}"/>']
    for x, y, interval in points:
        measured = interval in one.measured
        kind = "dot" if measured else "dot open"
        how = "measured" if measured else "reckoned from the bytes of one poll"
        said = f"{one.size} processes every {interval:g} s: {one.rate(interval):.0f} bytes/s, {how}"
        parts.append(
            f'<circle class="{name} {kind}" cx="{x:.1f}" cy="{y:.1f}" r="{DOT}">'
            f"<title>{said}</title></circle>"
        )
    label = f"{one.size} process{'' if one.size == 1 else 'es'}, {one.bytes:.0f} B"
    return [*parts, _text(WIDTH - RIGHT + 14, end + 4, label, "start")]


def _apart(places: Sequence[float]) -> list[float]:
    """Return the places of labels, moved up where two would be on each other.

    They come from below: more processes make longer messages.
    """
    found: list[float] = []
    for place in places:
        found.append(min(place, found[-1] - LABEL) if found else place)
    return found


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{text}</text>'


def _rate(value: float) -> str:
    return f"{value / 1000:g} kB/s" if value >= 1000 else f"{value:g} B/s"


def _told(polls: Sequence[Poll]) -> str:
    """Return the drawing in words."""
    lines = [
        f"With {one.size} processes a poll is {one.bytes:.0f} bytes: {one.rate(INTERVALS[0]):.0f} "
        f"bytes a second at {INTERVALS[0]:g} s, {one.rate(INTERVALS[-1]):.1f} at {INTERVALS[-1]:g} s."
        for one in polls
    ]
    return " ".join((*lines, "The table below has every value."))
