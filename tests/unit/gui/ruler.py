"""A display that only pretends, and what a drawing on it is checked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from panels.widgets.drawing import Laid, Shape

Box = tuple[float, float, float, float]
COLOURS = {
    "background", "surface", "zebra", "selection", "text", "muted", "accent", "on_accent", "warning",
    "error", "ok", "border", "outline", "",
}  # fmt: skip


@dataclass(frozen=True)
class Ruler:
    """Measures as Measure does; every character is as wide as the others."""

    line: int = 17
    hair: int = 1

    def width(self, text: str, font: str = "body") -> int:
        return round(len(text) * self.line * (0.45 if font == "bold" else 0.42))


def texts(laid: Laid) -> dict[str, str]:
    return {
        key: one.options["text"]
        for key, one in laid.shapes.items()
        if one.kind == "text" and one.options["text"]
    }


def check(laid: Laid, width: int, ruler: Ruler) -> None:
    """Everything lies on the canvas, no text on another, and all colours are the theme's."""
    boxes = {key: text_box(one, ruler) for key, one in laid.shapes.items() if one.kind == "text"}
    for key, box in boxes.items():
        if laid.shapes[key].options["text"]:
            assert box[0] >= -1, (key, box)
            assert box[2] <= width + 1, (key, box, width)
            assert box[1] >= -1, (key, box)
            assert box[3] <= laid.height + 1, (key, box, laid.height)
    for one, other in overlapping(boxes):
        raise AssertionError(f"{laid.shapes[one].options} lies on {laid.shapes[other].options}")
    for key, shape in laid.shapes.items():
        assert all(-1 <= x <= width + 1 for x in shape.points[::2]), (key, shape)
        assert all(-1 <= y <= laid.height + 1 for y in shape.points[1::2]), (
            key,
            shape,
            laid.height,
        )
        assert shape.options.get("fill", "") in COLOURS
        assert shape.options.get("outline", "") in COLOURS


def overlapping(boxes: dict[str, Box]) -> Iterator[tuple[str, str]]:
    names = list(boxes)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            a, b = boxes[one], boxes[other]
            if a[0] + 1 < b[2] and b[0] + 1 < a[2] and a[1] + 1 < b[3] and b[1] + 1 < a[3]:
                yield one, other


def text_box(shape: Shape, ruler: Ruler) -> Box:
    """Return the place that a text takes."""
    x, y = shape.points
    width = ruler.width(shape.options["text"], shape.options["font"])
    height = ruler.line if shape.options["text"] else 0
    anchor = shape.options["anchor"]
    left = x - (
        width if "e" in anchor and anchor != "center" else 0 if "w" in anchor else width / 2
    )
    top = y - (0 if anchor.startswith("n") else height if anchor.startswith("s") else height / 2)
    return left, top, left + width, top + height
