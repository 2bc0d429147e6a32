"""The lease as a ring that shrinks: how much of it is left, drawn and in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from panels.widgets.drawing import Measure, Shape

FULL = 359.999  # degrees; Tk draws nothing for 360
RADIUS = 1.3  # lines
LOW = 0.5  # below it the lease has missed several renewals


@dataclass(frozen=True, slots=True)
class Ring:
    """What is left: ``share`` from 0.0 to 1.0, and the same in words."""

    share: float
    caption: str

    @property
    def tone(self) -> str:
        """The theme's colour for it."""
        if self.share <= 0:
            return "error"
        return "ok" if self.share > LOW else "warning"


def size(ring: Ring, measure: Measure) -> tuple[float, float]:
    """Return the width and height that a ring with its caption needs, in pixels."""
    across = 2 * RADIUS * measure.line
    return max(across, measure.width(ring.caption)), across + 1.25 * measure.line


def ring_shapes(
    key: str, ring: Ring, top: tuple[float, float], measure: Measure
) -> Iterator[tuple[str, Shape]]:
    """Yield the ring below its ``top``, from twelve o'clock, and the caption below the ring."""
    line = measure.line
    x, y = top[0], top[1] + RADIUS * line
    thick = line / 3
    reach = RADIUS * line - thick / 2
    box = (x - reach, y - reach, x + reach, y + reach)
    yield f"{key}-track", Shape("oval", box, {"outline": "border", "fill": "", "width": thick})
    yield f"{key}-left", Shape(
        "arc", box,
        {
            "start": 90, "extent": FULL * min(1.0, max(0.0, ring.share)), "style": "arc",
            "outline": ring.tone, "width": thick,
        },
    )  # fmt: skip
    yield f"{key}-caption", Shape(
        "text", (x, y + RADIUS * line + line / 8),
        {"text": ring.caption, "fill": "muted", "anchor": "n", "font": "body"},
    )  # fmt: skip
