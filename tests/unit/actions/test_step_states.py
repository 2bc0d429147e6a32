"""The state of each step, for every state of the machine."""

from dataclasses import replace

import pytest

from backend.actions.step_states import (
    Facts,
    ImageSeen,
    StandbySeen,
    StepState,
    next_step,
    step_states,
)
from backend.clone.constants import Stage
from backend.clone.ticket import TicketState
from backend.reports import error

FRESH = Facts(missing_packages=("ipxe", "rsync"))
STANDBY = StandbySeen("oscarserver1", "serverimage")
PACKAGES = Facts(missing_packages=(), packages_changed=100.0)
IMAGE = replace(PACKAGES, images={"serverimage": ImageSeen(1, 200.0)})
DEFINED = replace(IMAGE, site=True, primary="haoscar", standbys=(STANDBY,))
MAC = replace(STANDBY, mac="02:00:00:00:00:01")
READY = replace(DEFINED, standbys=(MAC,), dhcp_included=True, boot_server=True)
CLONED = replace(
    READY,
    standbys=(replace(MAC, ticket=TicketState.BOOTED, version=1, installed=300.0),),
)
COMPLETE = replace(
    CLONED,
    standbys=(replace(CLONED.standbys[0], agent=True),),
    primary_agent=True,
    agents_installed=400.0,
)
N, R, RUN, D, F, O = (  # noqa: E741
    StepState.NOT_STARTED, StepState.READY, StepState.RUNNING, StepState.DONE, StepState.FAILED,
    StepState.OUT_OF_DATE,
)  # fmt: skip


def states(facts: Facts) -> list[StepState]:
    return [one.state for one in step_states(facts)]


def why(facts: Facts, number: int) -> str:
    return step_states(facts)[number - 1].why


@pytest.mark.parametrize(
    ("facts", "expected", "now"),
    [
        (FRESH, [R, N, N, N, N], 1),
        (PACKAGES, [D, R, N, N, N], 2),
        (IMAGE, [D, D, R, N, N], 3),
        (DEFINED, [D, D, D, R, N], 4),
        (READY, [D, D, D, R, N], 4),
        (CLONED, [D, D, D, D, R], 5),
        (COMPLETE, [D, D, D, D, D], 0),
    ],
    ids=["fresh", "packages", "image", "defined", "ready", "cloned", "complete"],
)
def test_the_way_through_the_steps(facts: Facts, expected: list[StepState], now: int) -> None:
    assert states(facts) == expected
    assert next_step(step_states(facts)) == now


def test_every_state_says_why() -> None:
    for facts in (FRESH, PACKAGES, IMAGE, DEFINED, READY, CLONED, COMPLETE):
        for status in step_states(facts):
            assert status.why.endswith(".")
    assert why(FRESH, 1) == "2 packages missing: ipxe, rsync."
    assert "Step 1 comes first: 2 packages missing" in why(FRESH, 2)


def test_many_missing_packages_are_counted() -> None:
    facts = Facts(missing_packages=("a", "b", "c", "d", "e"))
    assert why(facts, 1) == "5 packages missing: a, b, c and 2 more."


def test_an_unknown_distribution_is_no_failure() -> None:
    assert states(Facts())[0] is R


def test_an_image_is_out_of_date_when_the_heads_packages_have_changed_since() -> None:
    changed = replace(IMAGE, packages_changed=201.0)
    assert states(changed)[:3] == [D, O, R]
    assert why(changed, 2).startswith(
        "The package database of this head is newer than serverimage v1:"
    )
    assert "only a hint" in why(changed, 2)
    elsewhere = replace(changed, images={"serverimage": ImageSeen(1, 200.0, own=False)})
    assert states(elsewhere)[1] is D


def test_a_standby_is_out_of_date_when_its_image_is_gone() -> None:
    gone = replace(DEFINED, images={"other": ImageSeen(1, 200.0)})
    assert states(gone)[2] is O
    assert "serverimage" in why(gone, 3)


def test_a_damaged_site_file_has_failed_and_says_where() -> None:
    damaged = replace(IMAGE, site_problem=error("site.syntax", "Line 3 is not TOML."))
    assert states(damaged)[2] is F
    assert why(damaged, 3) == "Line 3 is not TOML."
    assert states(damaged)[3:] == [N, N]


@pytest.mark.parametrize("ticket", [TicketState.ADMITTED, TicketState.RUNNING, TicketState.DONE])
def test_an_installation_runs_with_its_share(ticket: TicketState) -> None:
    facts = replace(READY, standbys=(replace(MAC, ticket=ticket, stage=Stage.COPY, share=0.42),))
    status = step_states(facts)[3]
    assert (status.state, status.doing, status.share) == (RUN, "copy", 0.42)
    assert status.why == "oscarserver1 is being installed. Now: Copy of the image."


@pytest.mark.parametrize(
    ("stage", "word"),
    [
        (None, "start"), (Stage.ADMITTED, "start"), (Stage.FORMAT, "disk"), (Stage.VERIFY, "check"),
        (Stage.BOOTLOADER, "boot loader"), (Stage.DONE, "restart"),
    ],
)  # fmt: skip
def test_only_the_copy_has_a_share_the_other_stages_have_a_word(
    stage: Stage | None, word: str
) -> None:
    standby = replace(MAC, ticket=TicketState.RUNNING, stage=stage, share=0.0)
    status = step_states(replace(READY, standbys=(standby,)))[3]
    assert (status.state, status.doing, status.share) == (RUN, word, None)


def test_an_armed_machine_is_waited_for() -> None:
    facts = replace(READY, standbys=(replace(MAC, ticket=TicketState.ARMED),))
    assert states(facts)[3] is RUN
    assert "Switch it on" in why(facts, 4)


def test_a_failed_or_late_installation_has_failed() -> None:
    failed = replace(READY, standbys=(replace(MAC, ticket=TicketState.FAILED, failure="No disk."),))
    assert states(failed)[3] is F
    assert why(failed, 4) == "oscarserver1: No disk."
    late = replace(READY, standbys=(replace(MAC, ticket=TicketState.EXPIRED),))
    assert states(late)[3] is F


def test_what_network_boot_still_needs() -> None:
    assert "No MAC address" in why(DEFINED, 4)
    assert "DHCP" in why(replace(READY, dhcp_included=False), 4)
    assert "boot server" in why(replace(READY, boot_server=False), 4)
    assert "not been installed" in why(replace(READY, boot_server=None), 4)
    assert "not been installed" in why(READY, 4)
    disarmed = replace(READY, standbys=(replace(MAC, ticket=TicketState.DISARMED),))
    assert states(disarmed)[3] is R


def test_a_boot_server_that_is_stopped_after_the_clone_is_no_matter() -> None:
    assert states(replace(CLONED, boot_server=False))[3] is D


def test_a_clone_of_an_older_image_is_out_of_date() -> None:
    newer = replace(CLONED, images={"serverimage": ImageSeen(3, 350.0)})
    assert states(newer)[3] is O
    assert why(newer, 4) == "oscarserver1 is a clone of serverimage v1; v3 is newer."
    assert states(newer)[4] is R  # the pair can be completed all the same


def test_agents_must_be_on_both_heads() -> None:
    assert "haoscar" in why(CLONED, 5)
    alone = replace(COMPLETE, primary_agent=False)
    assert states(alone)[4] is R
    assert why(alone, 5) == "No agent is installed on haoscar."


def test_a_standby_cloned_anew_needs_its_agent_again() -> None:
    again = replace(COMPLETE, standbys=(replace(COMPLETE.standbys[0], installed=500.0),))
    assert states(again)[4] is O
    assert "cloned anew" in why(again, 5)


def test_without_a_drill_it_is_done_when_the_pair_is_healthy() -> None:
    assert states(COMPLETE)[4] is D
    assert "no drill has been measured yet" in why(COMPLETE, 5)
    unwell = replace(COMPLETE, unwell="oscarserver1 does not answer.")
    assert states(unwell)[4] is R
    assert why(unwell, 5).endswith("but not healthy: oscarserver1 does not answer.")


def test_a_drill_that_did_not_pass_is_shown_as_such() -> None:
    failed = replace(COMPLETE, drill="Failed: it took 612 ms, 400 were promised.")
    assert states(failed)[4] is F
    assert why(failed, 5) == (
        "The last drill did not pass. Failed: it took 612 ms, 400 were promised."
    )
    assert states(replace(failed, drill_passed=True))[4] is D
    assert states(replace(failed, primary_agent=False))[4] is R  # that comes first
    gone = replace(failed, drill_passed=True, unwell="oscarserver1 does not answer.")
    assert states(gone)[4] is D  # proved: what is so now, the cluster's status says
