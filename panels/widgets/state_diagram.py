"""A state diagram: boxes in a grid, arrows between them, the current state marked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from panels.widgets.drawing import Laid, Measure, Shape, shorten

ROW = 1.25  # lines from one line of text to the next
GAP = 1.0  # lines between two columns: room for an arrow
BUS = 1.5  # lines above and below the boxes, for arrows that lead past others
NOW = "\N{BLACK CIRCLE}"


@dataclass(frozen=True, slots=True)
class Node:
    """A state; ``row`` counts from the top and may be a half, to stand between two rows."""

    title: str
    caption: str
    column: int
    row: float = 0.0


@dataclass(frozen=True, slots=True)
class Bus:
    """Arrows that lead past other boxes, above (or below) them, drawn as one line with a word."""

    starts: tuple[str, ...]
    ends: tuple[str, ...]
    label: str
    below: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is drawn; everything refers to nodes by their keys."""

    nodes: Mapping[str, Node]
    arrows: tuple[tuple[str, str], ...]  # between neighbouring columns
    buses: tuple[Bus, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)  # current states -> the mark's colour
    notes: Mapping[str, str] = field(default_factory=dict)  # said instead of a node's caption


Box = tuple[float, float, float, float]


def lay_out(diagram: Diagram, measure: Measure, width: int) -> Laid:
    """Return the drawing: see Drawing."""
    line = measure.line
    above = any(not one.below for one in diagram.buses)
    below = any(one.below for one in diagram.buses)
    edge = 2.0 * measure.hair
    boxes = _boxes(diagram, measure, width, edge + (BUS * line if above else 0))
    bottom = max(box[3] for box in boxes.values())
    shapes: dict[str, Shape] = {}
    for number, bus in enumerate(diagram.buses):
        shapes.update(_bus(f"bus-{number}", bus, boxes, bottom, measure))
    for start, end in diagram.arrows:
        shapes[f"arrow-{start}-{end}"] = _arrow(boxes[start], boxes[end], measure)
    for key, node in diagram.nodes.items():
        shapes.update(_node(key, node, diagram, boxes[key], measure))
    return Laid(shapes, round(bottom + (BUS * line if below else 0) + edge))


def _boxes(diagram: Diagram, measure: Measure, width: int, top: float) -> dict[str, Box]:
    """Return each node's corners: columns as wide as what stands in them, the rest shared out."""
    line, edge = measure.line, 2.0 * measure.hair
    wanted: dict[int, float] = {}
    for key, node in diagram.nodes.items():
        caption = f"{NOW} {node.caption}", diagram.notes.get(key, "")
        widest = max(measure.width(node.title, "bold"), *map(measure.width, caption))
        wanted[node.column] = max(wanted.get(node.column, 0.0), widest + line / 2)
    gaps = (len(wanted) - 1) * GAP * line + 2 * edge
    room = max(1.0, width - gaps)
    share = (room - sum(wanted.values())) / len(wanted)
    if share >= 0:
        widths = {column: one + share for column, one in wanted.items()}
    else:
        widths = {column: one * room / sum(wanted.values()) for column, one in wanted.items()}
    lefts = {
        column: edge + column * GAP * line + sum(widths[one] for one in range(column))
        for column in widths
    }
    height = 2 * ROW * line + line / 2
    boxes = {}
    for key, node in diagram.nodes.items():
        left, upper = lefts[node.column], top + node.row * (height + line / 2)
        boxes[key] = left, upper, left + widths[node.column], upper + height
    return boxes


def _node(
    key: str, node: Node, diagram: Diagram, box: Box, measure: Measure
) -> Iterator[tuple[str, Shape]]:
    """Yield a state's box; the current one has a thick frame, another ground and a dot."""
    left, top, right, _bottom = box
    tone = diagram.marks.get(key, "")
    yield f"{key}-box", Shape(
        "rectangle", box,
        {
            "fill": "selection" if tone else "surface", "outline": tone or "border",
            "width": measure.hair * (3 if tone else 1),
        },
    )  # fmt: skip
    middle, room = (left + right) / 2, int(right - left - measure.line / 4)
    font = "bold" if tone and measure.width(node.title, "bold") <= room else "body"
    first = top + measure.line / 4 + ROW * measure.line / 2
    yield f"{key}-title", Shape(
        "text", (middle, first),
        {
            "text": shorten(node.title, room, lambda text: measure.width(text, font)),
            "fill": "text", "anchor": "center", "font": font,
        },
    )  # fmt: skip
    caption = diagram.notes.get(key, node.caption)
    if tone:
        caption = f"{NOW} {caption}"
    yield f"{key}-caption", Shape(
        "text", (middle, first + ROW * measure.line),
        {
            "text": shorten(caption, room, measure.width), "fill": "text" if tone else "muted",
            "anchor": "center", "font": "body",
        },
    )  # fmt: skip


def _arrow(
    start: Box, end: Box, measure: Measure
) -> Shape:  # fmt: skip
    y1, y2 = (start[1] + start[3]) / 2, (end[1] + end[3]) / 2
    return Shape("line", (start[2], y1, end[0], y2), _line(measure, "last"))


def _bus(
    key: str,
    bus: Bus,
    boxes: Mapping[str, Box],
    bottom: float,
    measure: Measure,
) -> Iterator[tuple[str, Shape]]:
    """Yield a line past the boxes: a stub from each start, an arrow into each end."""
    line = measure.line
    top = min(box[1] for box in boxes.values())
    y = bottom + BUS * line / 2 if bus.below else top - BUS * line / 2
    side = 3 if bus.below else 1

    def foot(name: str, *, shift: float) -> tuple[float, float]:
        box = boxes[name]
        return (box[0] + box[2]) / 2 + shift, box[side]

    shift = line / 2
    xs = [foot(one, shift=shift)[0] for one in bus.starts]
    xs += [foot(one, shift=-shift)[0] for one in bus.ends]
    yield f"{key}-line", Shape("line", (min(xs), y, max(xs), y), _line(measure, "none"))
    for one in bus.starts:
        x, edge = foot(one, shift=shift)
        yield f"{key}-from-{one}", Shape("line", (x, edge, x, y), _line(measure, "none"))
    for one in bus.ends:
        x, edge = foot(one, shift=-shift)
        yield f"{key}-to-{one}", Shape("line", (x, y, x, edge), _line(measure, "last"))
    middle = _widest_gap(sorted(xs))
    half = measure.width(f" {bus.label} ") / 2
    ground = (middle - half, y - line / 2, middle + half, y + line / 2)
    yield f"{key}-ground", Shape("rectangle", ground, {"fill": "background", "outline": ""})
    yield f"{key}-label", Shape(
        "text", (middle, y), {"text": bus.label, "fill": "muted", "anchor": "center", "font": "body"}
    )  # fmt: skip


def _widest_gap(xs: list[float]) -> float:
    """Return the middle between the two neighbours that are furthest apart."""
    left, right = max(pairwise(xs), key=lambda pair: pair[1] - pair[0])
    return (left + right) / 2


def _line(measure: Measure, arrow: str) -> dict[str, object]:
    head = measure.line / 2
    return {
        "fill": "outline", "width": measure.hair, "arrow": arrow,
        "arrowshape": (head, head, head / 2.5),
    }  # fmt: skip
