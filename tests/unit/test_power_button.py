"""When the blank machine of ``demo --wizard`` is switched on, and when it starts anew."""

from dataclasses import replace

import pytest

from backend.clone.ticket import Ticket, TicketState
from backend.lab.power_button import Press, Sight, press
from backend.model.addresses import Mac
from backend.model.names import HostName, ImageName
from backend.model.site import PostInstall

T = 1000.0
TICKET = Ticket(
    Mac("52:54:00:77:00:02"), HostName("spare"), ImageName("serverimage"), 1, T, T + 3600
)
FRESH = Sight(T)


def after(seconds: float, **changes: object) -> Sight:
    """Somebody looks so long after the machine was switched on."""
    return replace(Sight(T + seconds, is_on=True, started=T), **changes)  # type: ignore[arg-type]


def test_it_waits_until_a_standby_is_defined() -> None:
    assert press(FRESH) is Press.NOTHING
    assert press(replace(FRESH, wanted=True)) is Press.ON


def test_it_goes_on_asking_until_it_is_let_in() -> None:
    assert press(after(10)) is Press.NOTHING
    assert press(after(31)) is Press.RESET
    assert press(after(5, is_on=False)) is Press.ON


@pytest.mark.parametrize(
    ("on_for", "let_in", "heard", "expected"),
    [
        (4, 3, None, Press.NOTHING),  # its boot ROM still asks: the same boot installs it
        (21, 20, None, Press.RESET),  # it has given up
        (21, 20, 20.5, Press.NOTHING),  # it had not
        (60, 3, 40, Press.NOTHING),  # it loads the installer
        (130, 3, None, Press.RESET),
        (130, 3, 9, Press.RESET),  # it should have said hello long ago
    ],
)
def test_a_machine_that_was_let_in_too_late_starts_anew(
    on_for: float, let_in: float, heard: float | None, expected: Press
) -> None:
    ticket = replace(TICKET, armed=T + let_in)
    sight = after(on_for, ticket=ticket, heard=None if heard is None else T + heard)
    assert press(sight) is expected
    assert press(replace(sight, is_on=False)) is Press.ON


@pytest.mark.parametrize("state", [one for one in TicketState if one is not TicketState.ARMED])
def test_nobody_touches_it_while_it_installs_or_when_that_is_over(state: TicketState) -> None:
    ticket = replace(TICKET, state=state)
    assert press(after(500, ticket=ticket)) is Press.NOTHING
    over = state in (TicketState.FAILED, TicketState.EXPIRED, TicketState.DISARMED)
    again = press(after(500, ticket=ticket, is_on=False))
    assert again is (Press.NOTHING if over else Press.ON)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (PostInstall.BEEP, Press.RESET), (PostInstall.NONE, Press.RESET),
        (PostInstall.REBOOT, Press.NOTHING), (PostInstall.SHELL, Press.NOTHING),
    ],
)  # fmt: skip
def test_a_machine_that_beeps_is_switched_off_and_on_once(
    action: PostInstall, expected: Press
) -> None:
    ticket = replace(TICKET, state=TicketState.DONE, post_install=action)
    sight = after(100, ticket=ticket, done=T + 99)
    assert press(sight) is expected
    assert press(replace(sight, started=T + 100, now=T + 140)) is Press.NOTHING
