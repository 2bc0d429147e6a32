"""The timeline's layout and words."""

import pytest

from panels.widgets.timeline import NOTHING, Course, describe, lay_out, step_of
from tests.unit.gui.ruler import Ruler, check, texts

FROZEN = Course(
    (("detect", 0, 158.2), ("decide", 158.2, 161), ("take over", 161, 163), ("announce", 163, 171),
     ("services", 171, 390)),
    171, 400,
)  # fmt: skip
PLANNED = Course((("detect", 0, 1.2), ("decide", 1.2, 3), ("take over", 3, 11.5)), 0, 25)
LATE = Course((("detect", 0, 700), ("decide", 700, 703)), 703, 400)
LONG = Course((("services", 0, 3_599_000),), 12, 0)
SHORT = Course((("x", 0, 0.2),), 0.2, 0.3)
SAME = Course((("x", 0, 0), ("y", 0, 0)), 0, 0)


@pytest.mark.parametrize("course", [FROZEN, PLANNED, LATE, LONG, SHORT, SAME])
@pytest.mark.parametrize("line", [14, 17, 34])
def test_nothing_is_clipped_and_no_text_lies_on_another(course: Course, line: int) -> None:
    ruler = Ruler(line, max(1, line // 16))
    for width in (300, 560, 690, 1400):
        width = width * line // 17
        check(lay_out(course, ruler, width), width, ruler)


def test_bars_are_as_long_as_they_lasted() -> None:
    shapes = lay_out(FROZEN, Ruler(), 1000).shapes

    def bar(number: int) -> tuple[float, float]:
        left, _, right, _ = shapes[f"bar-{number}"].points
        return left, right

    first, last = bar(0), bar(4)
    assert (last[1] - last[0]) / (first[1] - first[0]) == pytest.approx(219 / 158.2, rel=0.01)
    assert bar(1)[0] == pytest.approx(first[1])
    assert bar(2)[1] - bar(2)[0] >= 3  # however short, it can be seen
    budget = shapes["budget"].points[0]
    assert bar(4)[1] < budget


def test_only_what_is_later_than_promised_is_red() -> None:
    def tones(course: Course) -> list[str]:
        shapes = lay_out(course, Ruler(), 1000).shapes
        return [shapes[f"bar-{number}"].options["fill"] for number in range(len(course.phases))]

    assert set(tones(FROZEN)) == {"accent"}
    assert tones(LATE) == ["error", "error"]
    services = Course((("announce", 0, 20), ("services", 20, 900)), 20, 25)
    assert tones(services) == ["accent", "accent"]  # for services nothing was promised


def test_the_words_say_the_same() -> None:
    assert describe(FROZEN) == (
        "Away for 171 ms, within the 400 ms promised: detect 158 ms, decide 2.8 ms, take over 2 ms,"
        " announce 8 ms, services 219 ms."
    )
    assert describe(LATE).startswith("Away for 703 ms, longer than the 400 ms promised: ")
    assert describe(PLANNED).startswith("Away for no time that shows, within the 25 ms promised")
    assert "promised" not in describe(LONG)
    assert describe(Course()) == NOTHING
    assert lay_out(Course(), Ruler(), 500).shapes == {}


def test_the_promise_is_written_where_nothing_else_is() -> None:
    shown = texts(lay_out(FROZEN, Ruler(), 700))
    assert shown["budget-text"] == "promised 400 ms"
    assert {"detect", "services", "158 ms"} <= set(shown.values())


@pytest.mark.parametrize(
    ("end", "most", "step"), [(100, 8, 20), (390, 8, 50), (5, 8, 1), (0.2, 8, 0.1), (0, 8, 0.1), (1e6, 5, 2e5)]
)  # fmt: skip
def test_steps_are_round(end: float, most: int, step: float) -> None:
    assert step_of(end, most) == pytest.approx(step)
