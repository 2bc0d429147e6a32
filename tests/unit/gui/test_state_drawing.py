"""The state diagrams: the current state is marked, for the eye and in words."""

import pytest

from backend.actions.status_recovery import Recovery, Standing, standing
from panels.status_diagrams import (
    AGENT,
    RECOVERY,
    TONES,
    agent_diagram,
    agent_words,
    recovery_diagram,
)
from panels.widgets.state_diagram import NOW, Diagram, lay_out
from tests.recorded_status import NAMES, events, status
from tests.unit.gui.ruler import Ruler, check, texts

WIDTHS = (480, 557, 690, 1000)


def every_diagram() -> list[Diagram]:
    found = [RECOVERY, AGENT]
    for name in NAMES:
        now = status(name)
        found.append(recovery_diagram(standing(now, events(name)), events(name)))
        found.append(agent_diagram(now, events(name)))
    return found


@pytest.mark.parametrize("line", [14, 17, 34])
def test_nothing_is_clipped_and_no_text_lies_on_another(line: int) -> None:
    ruler = Ruler(line, max(1, line // 16))
    for diagram in every_diagram():
        for width in WIDTHS:
            width = width * line // 17
            check(lay_out(diagram, ruler, width), width, ruler)


def test_no_state_s_name_is_cut_where_the_window_is_least() -> None:
    for diagram in every_diagram():
        shown = texts(lay_out(diagram, Ruler(), 557))
        for key, node in diagram.nodes.items():
            assert shown[f"{key}-title"] == node.title
            assert "\N{HORIZONTAL ELLIPSIS}" not in shown[f"{key}-caption"]


@pytest.mark.parametrize("state", list(Recovery))
def test_the_current_state_is_marked_by_more_than_colour(state: Recovery) -> None:
    diagram = recovery_diagram(Standing(state, "why."), ())
    laid = lay_out(diagram, Ruler(), 690)
    marked = [key for key, text in texts(laid).items() if text.startswith(NOW)]
    key = state.name.lower()
    assert marked == [f"{key}-caption"]
    box = laid.shapes[f"{key}-box"].options
    assert box["outline"] == TONES[state]
    assert (
        box["width"]
        > laid.shapes["suspect-box" if key != "suspect" else "alert-box"].options["width"]
    )


def test_nothing_is_marked_when_nothing_is_known() -> None:
    for diagram in (recovery_diagram(None, ()), agent_diagram(None, ())):
        assert not diagram.marks
        assert not any(
            text.startswith(NOW) for text in texts(lay_out(diagram, Ruler(), 690)).values()
        )


def test_a_hold_that_somebody_wanted_is_no_error() -> None:
    now = status("maintenance-active")
    assert recovery_diagram(standing(now, ()), ()).marks == {"alert": "warning"}
    dead = status("dead-active")
    assert recovery_diagram(standing(dead, ()), ()).marks == {"alert": "error"}


def test_the_agents_stand_in_their_states_by_name() -> None:
    now = status("healthy-standby")
    diagram = agent_diagram(now, ())
    assert dict(diagram.notes) == {"standby": "head-b", "active": "head-a"}
    assert diagram.marks.keys() == {"standby", "active"}
    assert agent_words(now) == "head-b is standby, head-a is active."
    dead = status("dead-active")
    assert agent_diagram(dead, ()).marks.keys() == {"active"}
    assert "silent" in agent_words(dead)


def test_what_was_soon_over_is_there_with_its_time() -> None:
    name = "moving-standby"
    notes = agent_diagram(status(name), events(name)).notes
    assert notes["soliciting"].startswith("last ")
    diagram = recovery_diagram(None, events(name))
    assert diagram.notes["take_over"].startswith("last ")


def test_every_arrow_joins_two_states() -> None:
    for diagram in (RECOVERY, AGENT):
        for one in diagram.arrows:
            assert set(one) <= diagram.nodes.keys()
        for bus in diagram.buses:
            assert {*bus.starts, *bus.ends} <= diagram.nodes.keys()
    ends = {end for _, end in AGENT.arrows} | {end for bus in AGENT.buses for end in bus.ends}
    assert ends == AGENT.nodes.keys()  # each can be reached, as in backend.agent.core


def test_the_agents_states_are_the_core_s() -> None:
    from backend.agent.core.state import Role

    assert {role.name.lower() for role in Role} == AGENT.nodes.keys()
