"""What will happen, as a picture: the ways to start the installer, and where each thing comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from panels.widgets.drawing import Laid, Measure, Shape, shorten

Box = tuple[str, str]  # what it is, and what it does


@dataclass(frozen=True, slots=True)
class Way:
    """How a standby comes to its installer."""

    label: str
    boxes: tuple[Box, ...]
    words: str


_END: tuple[Box, ...] = (
    ("Image", "copied over SSH"),
    ("Own disk", "checked, started"),
)
WAYS: Mapping[str, Way] = {
    "bios": Way(
        "Network boot, BIOS",
        (
            ("Standby", "its card asks"),
            ("DHCP", "this head answers"),
            ("Boot loader", "pxelinux, by TFTP"),
            ("Installer", "by TFTP"),
            *_END,
        ),
        "The standby boots from the network, is installed if it has a ticket, and restarts from its disk.",
    ),
    "uefi": Way(
        "Network boot, UEFI",
        (
            ("Standby", "its card asks"),
            ("DHCP", "this head answers"),
            ("Boot loader", "iPXE, by TFTP"),
            ("Installer", "by HTTP"),
            *_END,
        ),
        "The standby boots from the network, is installed if it has a ticket, and restarts from its disk.",
    ),
    "floppy": Way(
        "Floppy",
        (
            ("Standby", "starts the floppy"),
            ("Boot loader", "iPXE, on the floppy"),
            ("DHCP", "this head answers"),
            ("Installer", "by HTTP"),
            *_END,
        ),
        "For a BIOS machine whose card cannot boot. The floppy may stay in. Network boot must be set up.",
    ),
    "usb": Way(
        "ISO/USB",
        (
            ("Standby", "starts the stick"),
            ("Boot loader", "GRUB, on the stick"),
            ("Installer", "on the stick"),
            ("This head", "lets it in"),
            *_END,
        ),
        "For BIOS and UEFI. Take the stick out when the machine restarts. Network boot must be set up.",
    ),
}  # fmt: skip


def lay_out(way: Way, measure: Measure, width: int) -> Laid:
    """Return the boxes in one row, or in rows of three where that is too narrow. Pure."""
    line = measure.line
    gap = 1.25 * line
    needed: float = max(
        max(measure.width(title, "bold"), measure.width(text)) for title, text in way.boxes
    )
    needed += line / 2
    count = len(way.boxes)
    columns = count if count * needed + (count - 1) * gap <= width else (count + 1) // 2
    box_width = min((width - (columns - 1) * gap) / columns, needed + line)
    box_height, step = 2.6 * line, 2.6 * line + 0.75 * line
    shapes: dict[str, Shape] = {}
    places = []
    for number, (title, text) in enumerate(way.boxes):
        row, column = divmod(number, columns)
        left, top = column * (box_width + gap), row * step
        places.append((left, top))
        shapes |= _box(number, (title, text), (left, top, box_width, box_height), measure)
    for number, ((left, top), (next_left, next_top)) in enumerate(pairwise(places)):
        shapes[f"arrow-{number}"] = _arrow(
            (left + box_width, top + box_height / 2), (next_left, next_top + box_height / 2),
            top + box_height + 0.375 * line, line,
        )  # fmt: skip
    rows = -(-count // columns)
    return Laid(shapes, round(rows * step - 0.75 * line) + 1)


def _box(
    number: int, box: Box, place: tuple[float, float, float, float], measure: Measure
) -> dict[str, Shape]:
    left, top, width, height = place
    title, text = (shorten(one, int(width), measure.width) for one in box)
    middle = left + width / 2
    last = box[0] == _END[-1][0]
    return {
        f"box-{number}": Shape(
            "rectangle", (left, top, left + width - 1, top + height),
            {"fill": "surface", "outline": "ok" if last else "outline"},
        ),
        f"title-{number}": Shape(
            "text", (middle, top + 0.3 * measure.line),
            {"text": title, "fill": "text", "anchor": "n", "font": "bold"},
        ),
        f"text-{number}": Shape(
            "text", (middle, top + 1.3 * measure.line),
            {"text": text, "fill": "muted", "anchor": "n", "font": "body"},
        ),
    }  # fmt: skip


def _arrow(
    begin: tuple[float, float], end: tuple[float, float], between: float, line: int
) -> Shape:
    """Return an arrow to the next box: straight in a row, around the corner to the next row."""
    (x1, y1), (x2, y2) = begin, end
    points: tuple[float, ...] = (x1, y1, x2 - 1, y2)
    if y1 != y2:
        turn, back = x1 + line / 3, x2 + line
        points = (x1, y1, turn, y1, turn, between, back, between, back, y2 - 1.3 * line)
    head = (0.45 * line, 0.5 * line, 0.2 * line)
    return Shape("line", points, {"fill": "muted", "arrow": "last", "arrowshape": head})
