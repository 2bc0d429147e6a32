"""An installation as it is watched: what each line says, and what a person is told to do."""

from dataclasses import replace

import pytest

from backend.actions.install_progress import (
    STEPS,
    Copying,
    MachineView,
    Mark,
    Phase,
    untouched,
    view,
)
from backend.clone.constants import BootSign, Stage
from backend.clone.installs import InstallState
from backend.clone.ticket import Ticket, TicketState
from backend.model.addresses import Mac
from backend.model.names import HostName, ImageName
from backend.model.site import PostInstall
from backend.reports import Severity

MAC = Mac("52:54:00:77:00:02")
TICKET = Ticket(MAC, HostName("standby1"), ImageName("head"), 3, armed=0.0, expires=3600.0)
SIGNS = ((BootSign.ASKED, 10.0), (BootSign.LOADER, 12.1), (BootSign.KERNEL, 14.0))
STAGES = (
    (Stage.START, 20.0), (Stage.NETWORK, 21.5), (Stage.ADMITTED, 22.0), (Stage.PARTITION, 22.5),
    (Stage.FORMAT, 23.0), (Stage.COPY, 24.0),
)  # fmt: skip
END = (
    (Stage.VERIFY, 54.0), (Stage.IDENTITY, 60.0), (Stage.BOOTLOADER, 61.0), (Stage.DONE, 65.0),
    (Stage.BOOTED, 95.0),
)  # fmt: skip


def state(ticket: TicketState, **changes: object) -> InstallState:
    found = InstallState(
        replace(TICKET, state=ticket), signs=SIGNS, stages=STAGES, stage=Stage.COPY
    )
    return replace(found, **changes)  # type: ignore[arg-type]


RUNNING = state(TicketState.RUNNING, done=600_000_000, total=1_200_000_000)


def marks(seen: MachineView) -> dict[str, Mark]:
    return {one.key: one.mark for one in seen.lines}


def test_each_step_has_its_line_with_its_time() -> None:
    seen = view(RUNNING, 54.9, copying=Copying(20e6, 30.0))
    assert [one.key for one in seen.lines] == [key for key, _title, _names in STEPS]
    spent = {one.key: one.seconds for one in seen.lines if one.mark is Mark.DONE}
    assert spent == {
        "asked": 2.1, "loader": 1.9, "kernel": 6.0, "start": 1.5, "admit": 1.0, "disk": 1.5,
    }  # fmt: skip
    copy = seen.lines[6]
    assert (copy.mark, copy.seconds, copy.share) == (Mark.CURRENT, 30.0, 0.5)
    assert copy.detail == "600.0 MB of 1.2 GB, 20.0 MB/s, 30 s left"
    assert {one.mark for one in seen.lines[7:]} == {Mark.WAITING}
    assert seen.phase is Phase.RUNNING
    assert seen.advice is None


def test_a_machine_from_a_stick_was_not_seen_before_its_installer() -> None:
    seen = view(replace(RUNNING, signs=()), 30.0)
    assert [seen.lines[one].mark for one in range(4)] == [Mark.UNSEEN] * 3 + [Mark.DONE]


def test_before_anything_is_heard_nothing_has_begun() -> None:
    seen = view(InstallState(TICKET), 60.0)
    assert set(marks(seen).values()) == {Mark.WAITING}
    assert (seen.phase, seen.begun, seen.may_carry_data) == (Phase.WAITING, False, False)
    assert seen.headline.endswith("its ticket ends in 59 minutes.")


def test_signs_of_booting_show_before_the_installer_speaks() -> None:
    seen = view(InstallState(TICKET, signs=SIGNS[:2]), 20.0)
    assert seen.headline == "standby1 is booting."
    assert (marks(seen)["asked"], marks(seen)["loader"]) == (Mark.DONE, Mark.CURRENT)


def test_the_end_says_where_it_runs_from_and_since_when() -> None:
    ended = state(TicketState.BOOTED, stages=STAGES + END, total=9, facts={"root": "/dev/vda1"})
    seen = view(ended, 100.0)
    assert set(marks(seen).values()) == {Mark.DONE}
    assert seen.headline.startswith("standby1 runs from its own disk (/dev/vda1) since ")
    assert seen.lines[6].share == 1.0
    assert seen.phase is Phase.INSTALLED
    assert seen.advice is None


def test_a_failure_marks_its_step_and_says_what_to_do() -> None:
    failed = state(TicketState.FAILED, failure="the copy to / failed (rsync exit code 11)")
    seen = view(failed, 60.0, log=("No space left on device",))
    assert marks(seen)["copy"] is Mark.FAILED
    assert seen.headline == "The installation of standby1 failed at: Copy of the image."
    assert seen.advice is not None
    assert seen.advice.severity is Severity.ERROR
    assert seen.advice.text == "The copy to / failed (rsync exit code 11)."
    assert "Install again" in seen.advice.remedy
    assert seen.log == ("No space left on device",)
    assert seen.may_carry_data


def test_a_failure_without_any_step_has_advice_too() -> None:
    late = InstallState(replace(TICKET, state=TicketState.FAILED, reason="It did not end in time."))
    seen = view(late, 60.0)
    assert seen.headline == "The installation of standby1 failed."
    assert seen.advice is not None
    assert seen.advice.text == "It did not end in time."


@pytest.mark.parametrize("ticket", [TicketState.DISARMED, TicketState.EXPIRED])
def test_what_was_taken_back_or_came_too_late_has_stopped(ticket: TicketState) -> None:
    seen = view(state(ticket), 60.0, quiet=1e6)
    assert marks(seen)["copy"] is Mark.STOPPED
    assert seen.phase is Phase.ENDED
    assert seen.advice is None


@pytest.mark.parametrize(
    ("before", "quiet", "words"),
    [
        (InstallState(TICKET), 130.0, "network boot first in its firmware"),
        (InstallState(TICKET, signs=SIGNS[:1]), 31.0, "Configure DHCP Server"),
        (InstallState(TICKET, signs=SIGNS[:2]), 61.0, "boot loader says"),
        (RUNNING, 46.0, "Nothing arrives any more"),
    ],
)
def test_silence_that_lasts_too_long_is_explained(
    before: InstallState, quiet: float, words: str
) -> None:
    assert view(before, 60.0, quiet=20.0).advice is None
    advice = view(before, 60.0, quiet=quiet).advice
    assert advice is not None
    assert advice.severity is Severity.WARNING
    assert words in advice.remedy


def test_a_machine_that_starts_its_old_system_is_told_apart() -> None:
    seen = view(InstallState(TICKET, signs=(*SIGNS[:1], (BootSign.SYSTEM, 40.0))), 41.0)
    assert seen.advice is not None
    assert seen.advice.code == "install.elsewhere"
    later = InstallState(TICKET, signs=((BootSign.SYSTEM, 4.0), *SIGNS))
    assert view(later, 41.0).advice is None


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (PostInstall.BEEP, "switch it off and on"),
        (PostInstall.SHUTDOWN, "switch it on"),
        (PostInstall.SHELL, "exit"),
        (PostInstall.REBOOT, ""),
    ],
)
def test_a_machine_that_waits_for_a_hand_says_so(action: PostInstall, words: str) -> None:
    ticket = replace(TICKET, state=TicketState.DONE, post_install=action)
    seen = view(replace(RUNNING, ticket=ticket, stages=STAGES + END[:-1]), 70.0)
    assert marks(seen)["restart"] is Mark.CURRENT
    if words:
        assert seen.advice is not None
        assert words in seen.advice.remedy
    else:
        assert seen.advice is None


def test_clocks_that_disagree_make_no_negative_times() -> None:
    odd = replace(RUNNING, stages=((Stage.START, 30.0), (Stage.COPY, 25.0)))
    seen = view(odd, 10.0)
    assert all(one.seconds is None or one.seconds >= 0 for one in seen.lines)


def test_a_standby_without_a_ticket_says_what_is_missing() -> None:
    assert "MAC address" in untouched("standby1", None).headline
    assert str(MAC) in untouched("standby1", MAC).headline
    assert untouched("standby1", MAC).phase is Phase.NONE
