"""Small pure parts of the window: texts, the flow of buttons, the log of an action."""

from backend.actions.step_states import StepState, StepStatus
from backend.change.preview import ChangeKind
from backend.reports import error, info
from backend.tasks import Progress
from haoscar_gui.log_lines import Lines
from haoscar_gui.rail import SIGNS, button_text, state_text, title
from haoscar_gui.steps import PAGES
from haoscar_gui.views.change import KINDS
from haoscar_gui.views.progress import numbers
from panels.widgets import names
from panels.widgets.buttons import flow


def test_the_five_steps_have_the_originals_texts() -> None:
    steps = {page.step: button_text(page, "eth1") for page in PAGES if page.step}
    assert steps == {
        1: "HA-OSCAR Packages Installation...",
        2: "Building Image for Standby server [Be patient!]",
        3: "Configuration for Standby server on [eth1]...",
        4: "Network Setup & Make boot server on [eth1]...",
        5: "Complete installation",
    }
    assert button_text(PAGES[2], "") == "Configuration for Standby server..."
    assert title("eth1") == "HA-OSCAR Installation Wizard on eth1"
    assert all(page.help for page in PAGES if page.step)


def test_every_state_has_a_sign_of_its_own() -> None:
    assert set(SIGNS) == set(StepState)
    assert len({sign for sign, _style in SIGNS.values()}) == len(StepState)


def test_a_state_says_what_is_done_and_how_much_of_it_where_that_is_known() -> None:
    assert state_text(StepStatus(StepState.DONE, "")) == ("✔ done", "Ok")
    assert state_text(StepStatus(StepState.RUNNING, "", 0.42))[0] == "◐ running 42 %"
    assert state_text(StepStatus(StepState.RUNNING, "", 0.42, "copy"))[0] == "◐ running: copy 42 %"
    assert state_text(StepStatus(StepState.RUNNING, "", None, "check"))[0] == "◐ running: check"


def test_every_kind_of_change_has_a_word() -> None:
    assert set(KINDS) == set(ChangeKind)


def test_numbers_say_how_far_how_fast_and_how_long() -> None:
    event = Progress("copy", 1.5e9, 3e9, "bytes", 98e6, 75.0)
    assert numbers(event) == "50 %   1.5 GB of 3.0 GB   98.0 MB/s   1 min 15 s left"
    assert numbers(Progress("count", 12_345, None, "files")) == "12,345 files"
    assert numbers(Progress("begin")) == ""


def test_a_log_has_each_step_once_and_every_report() -> None:
    lines = Lines()
    for done in range(3):
        lines.take(Progress("copy", done))
    lines.take(error("x", "It broke.", "Mend it."))
    texts = [text[10:] for text, _tag in lines.all()]
    assert texts == ["copy\n", "error: It broke. Mend it.\n"]
    assert [tag for _text, tag in lines.all()] == ["", "error"]
    assert lines.since_last() == []
    lines.take(info("y", "More."))
    assert len(lines.since_last()) == 1


def test_buttons_go_to_the_next_line_when_there_is_no_room() -> None:
    assert flow([50, 50, 50], 5, 160) == ([(0, 0), (55, 0), (110, 0)], 1)
    assert flow([50, 50, 50], 5, 110) == ([(0, 0), (55, 0), (0, 1)], 2)
    assert flow([500], 5, 100) == ([(0, 0)], 1)
    assert flow([], 5, 100) == ([], 1)


def test_a_label_as_a_name() -> None:
    assert names.slug("Assign all MACs") == "assign-all-macs"
    assert names.slug("Import MACs from file...") == "import-macs-from-file"
