"""The pair: two heads as boxes, the links between them, the witnesses below, the lease as a ring."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from panels.widgets.drawing import Laid, Measure, Shape, shorten
from panels.widgets.lease_ring import Ring, ring_shapes, size

ROW = 1.25  # lines from one line of text to the next
BOX = 0.37  # of the width, for each head
DOT = 0.45  # of a line: a witness's radius
HANGING = 1.0  # lines between the boxes and the witnesses
SIGNS = {"ok": "\N{HEAVY CHECK MARK}", "warning": "\N{BLACK UP-POINTING TRIANGLE}", "error": "\N{HEAVY MULTIPLICATION X}"}  # fmt: skip
DASHES: dict[str, tuple[int, ...] | str] = {"ok": "", "warning": (6, 3), "error": (2, 5), "muted": (2, 5)}  # fmt: skip


Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Text:
    """A line in a head's box; ``tone`` is one of the theme's colours."""

    text: str
    tone: str = "text"
    font: str = "body"


@dataclass(frozen=True, slots=True)
class HeadBox:
    """One head: what it is now, and what it holds."""

    name: str
    here: bool  # the window runs on it
    role: str
    tone: str  # ok, warning, error, or text for a standby that is well
    notes: tuple[Text, ...] = ()  # what else is to be known
    addresses: tuple[Text, ...] = ()  # its virtual IPs, beside the ring
    ring: Ring | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """A network between the heads."""

    network: str
    loss: str  # "" when it is silent
    words: str  # its jitter, or that it is silent
    tone: str

    @property
    def name(self) -> str:
        """What stands above the line."""
        return f"{self.network}, {self.loss}" if self.loss else self.network


@dataclass(frozen=True, slots=True)
class Dot:
    """A witness and what it does: granting, refusing, answering, silent."""

    name: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is drawn."""

    heads: tuple[HeadBox, HeadBox]
    wires: tuple[Wire, ...]
    witnesses: tuple[Dot, ...]


def lay_out(cluster: Cluster, measure: Measure, width: int) -> Laid:
    """Return the drawing: see Drawing."""
    line = measure.line
    edge = float(measure.hair)
    across = BOX * width
    height = max(*(_box_height(one, measure) for one in cluster.heads),
                 len(cluster.wires) * 2 * ROW * line + line / 2)  # fmt: skip
    shapes: dict[str, Shape] = {}
    bottom = edge + height
    shapes.update(_wires(cluster.wires, (across, width - across), height, measure))
    asking = 0 if cluster.heads[0].here else 1
    foot = (across / 2 if asking == 0 else width - across / 2, bottom)
    shapes.update(_witnesses(cluster.witnesses, foot, width, measure))
    for number, head in enumerate(cluster.heads):
        left = edge if number == 0 else width - across
        box = (left, edge, left + across - edge, bottom)
        shapes.update(_head(f"head-{number}", head, box, measure))
    if cluster.witnesses:
        bottom += (HANGING + 2 * DOT + ROW + 0.25) * line
    return Laid(shapes, round(bottom + edge))


def describe(cluster: Cluster) -> str:
    """Return the drawing in words."""
    parts = []
    for head in cluster.heads:
        told = ", ".join(one.text for one in (*head.notes, *head.addresses))
        here = " (here)" if head.here else ""
        parts.append(f"{head.name}{here}: {head.role}" + (f", {told}" if told else ""))
    parts += [f"link {one.name}, {one.words}" for one in cluster.wires]
    if cluster.witnesses:
        told = ", ".join(f"{one.name} {one.state}" for one in cluster.witnesses)
        parts.append(f"witnesses: {told}")
    else:
        parts.append("no witness")
    return "; ".join(parts) + "."


def _box_height(head: HeadBox, measure: Measure) -> float:
    addresses = len(head.addresses) * ROW * measure.line
    ring = size(head.ring, measure)[1] if head.ring else 0.0
    return _above(head) * ROW * measure.line + max(addresses, ring) + measure.line / 2


def _above(head: HeadBox) -> int:
    """Return the number of lines above the addresses and the ring."""
    return 2 + len(head.notes)


def _head(key: str, head: HeadBox, box: Box, measure: Measure) -> Iterator[tuple[str, Shape]]:
    left, top, right, _bottom = box
    line = measure.line
    thick = measure.hair * (3 if head.tone != "text" else 1)
    outline = "outline" if head.tone == "text" else head.tone
    yield (
        f"{key}-box",
        Shape("rectangle", box, {"fill": "surface", "outline": outline, "width": thick}),
    )
    inner = left + line / 2
    whole = rest = right - inner - line / 4
    if head.ring is not None:
        across = size(head.ring, measure)[0]
        below = (right - across / 2 - line / 2, top + line / 4 + _above(head) * ROW * line)
        yield from ring_shapes(f"{key}-ring", head.ring, below, measure)
        rest -= across + line / 2
    sign = SIGNS.get(head.tone, "")
    texts = [
        Text(head.name + (" (here)" if head.here else ""), "text", "bold"),
        Text(f"{sign} {head.role}".lstrip(), head.tone),
        *head.notes,
        *head.addresses,
    ]
    for number, text in enumerate(texts):
        y = top + line / 4 + (number + 0.5) * ROW * line
        room = whole if number < _above(head) else rest
        yield f"{key}-text-{number}", _text(text, (inner, y), "w", room, measure)


def _wires(
    wires: Sequence[Wire], gap: tuple[float, float], height: float, measure: Measure
) -> Iterator[tuple[str, Shape]]:
    """Yield each network as a line from box to box, its name above it, its words below."""
    left, right = gap
    middle, line = (left + right) / 2, measure.line
    room = right - left - line / 2
    for number, wire in enumerate(wires):
        y = measure.hair + height * (number + 0.5) / len(wires)
        sign = SIGNS.get(wire.tone, "") if wire.tone != "ok" else ""
        tone = "text" if wire.tone == "ok" else wire.tone
        yield f"wire-{number}", Shape(
            "line", (left, y, right, y),
            {"fill": wire.tone, "width": 2 * measure.hair, "dash": DASHES[wire.tone]},
        )  # fmt: skip
        name = Text(f"{sign} {wire.name}".lstrip(), tone)
        yield f"wire-name-{number}", _text(name, (middle, y - line / 6), "s", room, measure)
        words = Text(wire.words, tone if wire.tone != "ok" else "muted")
        yield f"wire-words-{number}", _text(words, (middle, y + line / 6), "n", room, measure)


def _witnesses(
    witnesses: Sequence[Dot], foot: tuple[float, float], width: int, measure: Measure
) -> Iterator[tuple[str, Shape]]:
    """Yield the witnesses in a row, each joined to the head that this is seen from."""
    line = measure.line
    column = width / max(1, len(witnesses))
    y = foot[1] + (HANGING + DOT) * line
    for number, dot in enumerate(witnesses):
        x = column * (number + 0.5)
        reach = DOT * line
        yield f"thread-{number}", Shape(
            "line", (*foot, x, y), {"fill": dot.tone, "width": measure.hair, "dash": DASHES[dot.tone]}
        )  # fmt: skip
        filled = dot.tone == "ok"
        yield f"dot-{number}", Shape(
            "oval", (x - reach, y - reach, x + reach, y + reach),
            {"fill": dot.tone if filled else "background", "outline": dot.tone, "width": 2 * measure.hair},
        )  # fmt: skip
        below = y + reach + line / 8
        text = Text(f"{dot.name} {dot.state}", dot.tone)
        yield f"dot-text-{number}", _text(text, (x, below), "n", column, measure)


def _text(
    text: Text, place: tuple[float, float], anchor: str, room: float, measure: Measure
) -> Shape:
    shown = shorten(text.text, int(room), lambda one: measure.width(one, text.font))
    return Shape(
        "text", place, {"text": shown, "fill": text.tone, "anchor": anchor, "font": text.font}
    )  # fmt: skip
