"""What a table shows: order, tree, the visible window, the choice."""

import time

from panels.widgets.table_model import TableModel


def flat(count: int, size: int = 10) -> TableModel:
    model = TableModel(size=size)
    model.fill({f"k{n}": (f"row {n}",) for n in range(count)}, {}, {})
    return model


def tree() -> TableModel:
    model = TableModel(size=10)
    cells = {key: (key,) for key in ("all", "a", "a1", "a2", "b", "b1")}
    model.fill(cells, {"a": "bold"}, {"a": "all", "b": "all", "a1": "a", "a2": "a", "b1": "b"})
    return model


def shown(model: TableModel) -> list[str]:
    return [line.key for _number, line in model.visible()]


def test_only_a_window_of_the_rows_is_visible() -> None:
    model = flat(10_000)
    assert shown(model) == [f"k{n}" for n in range(10)]
    model.scroll_to(5000)
    assert shown(model)[0] == "k5000"
    model.scroll_to(99_999)
    assert shown(model)[-1] == "k9999"
    model.scroll_to(-5)
    assert shown(model)[0] == "k0"


def test_the_choice_and_the_place_stay_when_rows_arrive_above() -> None:
    model = flat(100)
    model.select("k50")
    model.scroll_to(48)
    more = {f"new{n}": ("new",) for n in range(20)} | dict(model.cells)
    model.fill(more, {}, {})
    assert model.selected == "k50"
    assert shown(model)[0] == "k48"


def test_at_the_top_new_rows_are_seen() -> None:
    model = flat(100)
    model.fill({"new": ("new",)} | dict(model.cells), {}, {})
    assert shown(model)[0] == "new"


def test_a_row_that_goes_takes_the_choice_with_it() -> None:
    model = flat(3)
    model.select("k1")
    model.fill({"k0": ("row 0",)}, {}, {})
    assert model.selected is None


def test_moving_stops_at_the_ends_and_scrolls() -> None:
    model = flat(30)
    assert model.move(1) == "k0"
    assert model.move(-1) == "k29"
    model.select("k9")
    model.select(model.move(1))
    assert model.selected == "k10"
    assert shown(model) == [f"k{n}" for n in range(1, 11)]
    assert model.move(1000) == "k29"
    assert model.move(-1000) == "k0"
    assert TableModel().move(1) is None


def test_a_tree_is_shown_in_its_order_with_its_depths() -> None:
    model = tree()
    lines = [(line.key, line.depth, line.open) for _n, line in model.visible()]
    assert lines == [
        ("all", 0, True), ("a", 1, True), ("a1", 2, None), ("a2", 2, None), ("b", 1, True),
        ("b1", 2, None),
    ]  # fmt: skip
    assert model.line(1).tag == "bold"


def test_closing_hides_what_is_below_and_moves_the_choice_up() -> None:
    model = tree()
    model.select("a2")
    model.fold("a", False)
    assert shown(model) == ["all", "a", "b", "b1"]
    assert model.selected == "a"
    model.fold("a1", False)  # it has nothing below it
    assert shown(model) == ["all", "a", "b", "b1"]
    model.fold("a", True)
    assert shown(model)[2] == "a1"


def test_what_was_closed_stays_closed_when_rows_change() -> None:
    model = tree()
    model.fold("a", False)
    model.fill(model.cells | {"c": ("c",)}, {}, model.parents | {"c": "all"})
    assert shown(model) == ["all", "a", "b", "b1", "c"]


def test_choosing_a_hidden_row_opens_the_way_to_it() -> None:
    model = tree()
    model.fold("all", False)
    model.fold("a", False)
    assert shown(model) == ["all"]
    model.select("a1")
    assert model.selected == "a1"
    assert "a1" in shown(model)


def test_a_parent_that_is_not_there_makes_a_root_and_a_circle_ends() -> None:
    model = TableModel(size=10)
    model.fill({"a": ("a",), "b": ("b",)}, {}, {"a": "nobody"})
    assert shown(model) == ["a", "b"]
    model.fill({"a": ("a",), "b": ("b",)}, {}, {"a": "b", "b": "a"})
    assert shown(model) == []  # neither hangs on anything that is shown
    model.select("a")
    assert model.selected == "a"


def test_ten_thousand_rows_are_taken_in_quickly() -> None:
    rows = {f"k{n}": (f"row {n}", "more") for n in range(10_000)}
    model = TableModel(size=20)
    began = time.perf_counter()
    model.fill(rows, {}, {})
    assert time.perf_counter() - began < 0.2
