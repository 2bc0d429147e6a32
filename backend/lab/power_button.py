"""Who presses the power button of the blank machine while a person clicks through the wizard. Pure.

A person would walk to the machine when its MAC address is to be collected; here it is switched on
when a standby has been defined, and starts anew when it would otherwise sit there for ever.
"""

import enum
from dataclasses import dataclass

from backend.clone.ticket import Ticket, TicketState
from backend.model.site import PostInstall

ASK_AGAIN = 30.0  # seconds; a boot ROM that nobody answers gives up after 10 to 20
JUST_STARTED = 8.0  # seconds after power-on in which every boot ROM still asks
STUCK = 120.0  # seconds without a sign of booting
OVER = frozenset({TicketState.FAILED, TicketState.EXPIRED, TicketState.DISARMED})
WAITS = frozenset({PostInstall.BEEP, PostInstall.NONE})  # for somebody to switch it off and on


class Press(enum.StrEnum):
    """What is done to the machine."""

    NOTHING = "nothing"
    ON = "on"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody beside the machine knows; times are seconds since 1970."""

    now: float
    wanted: bool = False  # the head has a standby defined
    is_on: bool = False
    started: float | None = None  # when it was last switched on or reset; None: never
    ticket: Ticket | None = None
    heard: float | None = None  # the last sign of it since it was let in
    done: float | None = None  # when its installation was complete


def press(sight: Sight) -> Press:
    """Return what to do now."""
    if sight.started is None:
        return Press.ON if sight.wanted else Press.NOTHING
    ticket = sight.ticket
    if ticket is None:  # nobody has let it in: it goes on asking, as many firmwares do
        return _again(sight, due=sight.now - sight.started > ASK_AGAIN)
    if ticket.state is TicketState.ARMED:
        missed = sight.heard is None and sight.started < ticket.armed - JUST_STARTED
        stuck = sight.now - max(sight.started, sight.heard or 0.0) > STUCK
        return _again(sight, due=missed or stuck)
    if ticket.state in OVER:
        return Press.NOTHING  # until somebody lets it in again
    # Admitted, running, done, booted: only an action after the installation has switched it off.
    waiting = sight.done is not None and sight.started < sight.done
    return _again(sight, due=waiting and ticket.post_install in WAITS)


def _again(sight: Sight, *, due: bool) -> Press:
    if not sight.is_on:
        return Press.ON
    return Press.RESET if due else Press.NOTHING
