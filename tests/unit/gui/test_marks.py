"""The marks of check boxes: smooth, of any size, and where they belong."""

import pytest

from panels.widgets import marks

GROUND, EDGE, FILL, INK = "#ffffff", "#808080", "#0000ff", "#ff0000"


def drawn(size: int, mark: marks.Shape | None) -> list[list[str]]:
    text = marks.draw(size, GROUND, EDGE, FILL, marks.box(size), mark, INK, 1.0)
    return [row.split() for row in text.strip("{}").split("} {")]


@pytest.mark.parametrize("size", [11, 15, 30])
def test_a_box_has_round_corners_an_edge_and_a_filling(size: int) -> None:
    rows = drawn(size, None)
    assert [len(row) for row in rows] == [size] * size
    assert rows[0][0] == GROUND
    assert rows[size // 2][size // 2] == FILL
    assert rows[0][size // 2] not in (GROUND, FILL)


@pytest.mark.parametrize("size", [11, 15, 30])
def test_a_tick_stands_in_it(size: int) -> None:
    plain, ticked = drawn(size, None), drawn(size, marks.tick(size))
    row, column = round(0.66 * size), round(0.42 * size)
    assert plain[row][column] == FILL
    assert ticked[row][column] != FILL
    assert ticked[size // 5][size // 5] == plain[size // 5][size // 5]


def test_a_disc_fills_its_share() -> None:
    disc = marks.disc(20, 0.5)
    assert disc(10, 10) < 0
    assert disc(10, 16) > 0
