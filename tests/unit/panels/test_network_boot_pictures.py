"""What the panel of step 4 draws, and which of its buttons is the next step."""

import itertools

import pytest

from backend.actions.install_progress import STEPS, Line, MachineView, Mark, Phase
from backend.model.addresses import Mac
from panels.network_boot import next_step
from panels.network_boot_ways import WAYS, Way, lay_out
from panels.widgets import stages
from panels.widgets.drawing import Laid
from panels.widgets.stages import LOOKS, share_of, state_of, summary

MAC = Mac("52:54:00:77:00:02")


class Eight:
    """Every character is eight pixels wide, every line sixteen high."""

    line = 16

    def width(self, text: str, font: str = "body") -> int:
        """See Measure."""
        del font
        return 8 * len(text)


def boxes(laid: Laid) -> list[tuple[float, ...]]:
    return [one.points for key, one in laid.shapes.items() if key.startswith("box-")]


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize("width", [560, 700, 1400])
def test_the_picture_fits_and_nothing_overlaps(way: Way, width: int) -> None:
    laid = lay_out(way, Eight(), width)
    found = boxes(laid)
    assert len(found) == 6
    for left, top, right, bottom in found:
        assert left >= 0
        assert right <= width
        assert 0 <= top < bottom <= laid.height
    for one, other in itertools.combinations(found, 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert apart
    assert sum(key.startswith("arrow-") for key in laid.shapes) == 5
    texts = [one.options["text"] for one in laid.shapes.values() if one.kind == "text"]
    assert all(text in texts for box in way.boxes for text in box)  # nothing was cut


def test_a_wide_window_has_one_row() -> None:
    assert len({box[1] for box in boxes(lay_out(WAYS["bios"], Eight(), 1400))}) == 1
    assert len({box[1] for box in boxes(lay_out(WAYS["bios"], Eight(), 600))}) == 2


def lines(*marks: Mark, share: float | None = None, detail: str = "") -> tuple[Line, ...]:
    padded = (*marks, *[Mark.WAITING] * (len(STEPS) - len(marks)))
    return tuple(
        Line(
            key, title, mark,
            None if mark in (Mark.WAITING, Mark.UNSEEN) else 2.0,
            share if mark is Mark.CURRENT else None, detail if mark is Mark.CURRENT else "",
        )
        for (key, title, _names), mark in zip(STEPS, padded, strict=True)
    )  # fmt: skip


COPYING = lines(
    Mark.UNSEEN, *[Mark.DONE] * 5, Mark.CURRENT, share=0.25, detail="1 GB of 4 GB, 9 min 10 s left"
)


def test_each_line_says_its_state_by_sign_word_and_colour() -> None:
    laid = stages.lay_out(COPYING, Eight(), 640)
    for one in COPYING:
        sign, colour = LOOKS[one.mark]
        shape = laid.shapes[f"{one.key}-sign"]
        assert (shape.options["text"], shape.options["fill"]) == (sign, colour)
        if one.mark is not Mark.WAITING:
            assert one.mark.value in laid.shapes[f"{one.key}-state"].options["text"]
    assert len({sign for sign, _colour in LOOKS.values()}) == len(LOOKS)


def test_only_the_current_line_has_a_bar_with_its_share() -> None:
    laid = stages.lay_out(COPYING, Eight(), 640)
    assert [key for key in laid.shapes if key.endswith("-bar")] == ["copy-bar"]
    left, _top, right, _bottom = laid.shapes["copy-trough"].points
    assert laid.shapes["copy-bar"].points[2] == pytest.approx(left + 0.25 * (right - left))
    detail = laid.shapes["copy-detail"]
    assert detail.points[0] + Eight().width(detail.options["text"]) <= 640
    after = [laid.shapes[f"{key}-name"].points[1] for key in ("verify", "identity")]
    assert min(after) > laid.shapes["copy-bar"].points[3]
    assert not [key for key in stages.lay_out(lines(), Eight(), 640).shapes if "bar" in key]


def test_a_step_whose_end_nobody_knows_shows_how_far_the_whole_is() -> None:
    verifying = lines(*[Mark.DONE] * 7, Mark.CURRENT)
    assert share_of(verifying[7], verifying) == pytest.approx(7 / 12)


def test_times_in_words() -> None:
    assert state_of(Line("copy", "Copy", Mark.DONE, 2.14)) == "done 2.1 s"
    assert state_of(Line("copy", "Copy", Mark.DONE, 125.0)) == "done 2 min 05 s"
    assert state_of(Line("copy", "Copy", Mark.CURRENT, 3.0)) == "running 3 s"
    assert state_of(Line("copy", "Copy", Mark.FAILED)) == "failed"
    assert state_of(Line("copy", "Copy", Mark.WAITING)) == ""
    assert summary(COPYING) == "6 of 12 steps, 12 s so far."
    assert summary(lines()) == ""


def machine(name: str, phase: Phase, mac: Mac | None = MAC) -> MachineView:
    return MachineView(name, phase, "", mac=mac)


@pytest.mark.parametrize(
    ("set_up", "phases", "wanted"),
    [
        (False, [Phase.INSTALLED], ("set-up", "")),
        (True, [], ("", "")),
        (True, [Phase.NONE], ("install", "m0")),
        (True, [Phase.FAILED], ("install", "m0")),
        (True, [Phase.INSTALLED, Phase.RUNNING], ("", "")),
        (True, [Phase.FAILED, Phase.INSTALLED], ("complete", "m1")),
    ],
)
def test_one_button_is_the_next_step(
    set_up: bool, phases: list[Phase], wanted: tuple[str, str]
) -> None:
    machines = [machine(f"m{number}", phase) for number, phase in enumerate(phases)]
    assert next_step(set_up, machines) == wanted


def test_a_standby_without_a_card_cannot_be_the_next_step() -> None:
    machines = [machine("m0", Phase.NONE, None), machine("m1", Phase.NONE)]
    assert next_step(True, machines) == ("install", "m1")
    assert next_step(True, machines[:1]) == ("", "")
