r"""A boot ticket: it admits one machine, once, to one image, in one window. Pure; time is passed in.

    armed --hello--> admitted --inventory--> running --done--> done --booted--> booted
      |                  \----------------------\------failed / too late--------> failed
      +--window over--> expired        every state --disarm--> disarmed

The key that said hello stays the only one: in admitted, running and done it is let in, afterwards
no more.
"""

import enum
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from backend.clone.constants import BootMode
from backend.clone.keys import PublicKey
from backend.errors import InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.names import HostName, ImageName
from backend.model.site import OnFailure, PostInstall

WINDOW = 3600.0  # seconds in which an armed machine may say hello
LONGEST = 6 * 3600.0  # seconds that an installation may take until its first boot has reported


class TicketState(enum.StrEnum):
    """Where a ticket is in its life."""

    ARMED = "armed"
    ADMITTED = "admitted"
    RUNNING = "running"
    DONE = "done"
    BOOTED = "booted"
    FAILED = "failed"
    EXPIRED = "expired"
    DISARMED = "disarmed"


LIVE = frozenset({TicketState.ADMITTED, TicketState.RUNNING, TicketState.DONE})


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one machine may do, and how far it is; times are seconds since 1970."""

    mac: Mac
    standby: HostName
    image: ImageName
    version: int
    armed: float
    expires: float
    post_install: PostInstall = PostInstall.REBOOT
    on_failure: OnFailure = OnFailure.POWEROFF
    wipe: bool = False  # this once a disk that carries data may be overwritten
    state: TicketState = TicketState.ARMED
    key: PublicKey | None = None
    admitted: float | None = None
    reason: str = ""  # of a failure

    def at(self, now: float) -> "Ticket":
        """Return the ticket as it stands now: a window that has passed closes it."""
        if self.state is TicketState.ARMED and now >= self.expires:
            return replace(self, state=TicketState.EXPIRED)
        if self.state in LIVE and self.admitted is not None and now > self.admitted + LONGEST:
            hours = f"{LONGEST / 3600:.0f} hours"
            return self.failed(f"It did not end within {hours} of its admission.")
        return self

    def admits(self, key: PublicKey, now: float) -> "Ticket":
        """Return the ticket with this key let in; raises Refused with one sentence."""
        current = self.at(now)
        if current.state is TicketState.ADMITTED and current.key == key:
            return current  # the answer to the first hello was lost
        if current.state is TicketState.ARMED:
            return replace(current, state=TicketState.ADMITTED, key=key, admitted=now)
        raise Refused.of("ticket.refused", _REFUSALS[current.state], _REMEDY)

    def running(self) -> "Ticket":
        """Return the ticket after its script was given out; raises Refused when it was before."""
        if self.state is not TicketState.ADMITTED:
            raise Refused.of("ticket.used", _REFUSALS[self.state], _REMEDY)
        return replace(self, state=TicketState.RUNNING)

    def done(self) -> "Ticket":
        """Return the ticket when the installer has ended its work."""
        return replace(self, state=TicketState.DONE) if self.state is TicketState.RUNNING else self

    def booted(self) -> "Ticket":
        """Return the ticket when the clone has proved itself; its key is forgotten."""
        return replace(self, state=TicketState.BOOTED, key=None)

    def failed(self, reason: str) -> "Ticket":
        """Return the ticket after a failure; its key is forgotten."""
        return replace(self, state=TicketState.FAILED, key=None, reason=reason[:800])

    def disarmed(self) -> "Ticket":
        """Return the ticket after the administrator took it back."""
        return replace(self, state=TicketState.DISARMED, key=None)

    @property
    def pending(self) -> bool:
        """Whether an installation may yet begin with it, or has not ended."""
        return self.state is TicketState.ARMED or self.state in LIVE

    @property
    def live_key(self) -> PublicKey | None:
        """The key that may connect now, or None."""
        return self.key if self.state in LIVE else None

    @property
    def mode(self) -> BootMode:
        """What the machine is told when it boots from the network."""
        waiting = (TicketState.ARMED, TicketState.ADMITTED)
        return BootMode.INSTALL if self.state in waiting else BootMode.LOCAL

    def to_json(self) -> str:
        """Return the ticket as it is stored."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Ticket":
        """Read a stored ticket; raises InvalidInput."""
        try:
            return _parse(json.loads(text))
        except (ValueError, KeyError, TypeError) as problem:
            raise InvalidInput.of(
                "ticket.invalid", f"A stored ticket cannot be read: {problem}.",
                "Arm the machine again: haoscar installs arm NAME.",
            ) from problem  # fmt: skip


def _parse(data: dict[str, Any]) -> Ticket:
    key = data["key"]
    return Ticket(
        mac=Mac.parse(data["mac"]),
        standby=HostName.parse(data["standby"]),
        image=ImageName.parse(data["image"]),
        version=int(data["version"]),
        armed=float(data["armed"]),
        expires=float(data["expires"]),
        post_install=PostInstall(data["post_install"]),
        on_failure=OnFailure(data["on_failure"]),
        wipe=data.get("wipe") is True,  # tickets of older versions have none
        state=TicketState(data["state"]),
        key=None if key is None else PublicKey.parse(f"ssh-ed25519 {key}"),
        admitted=None if data["admitted"] is None else float(data["admitted"]),
        reason=str(data["reason"]),
    )


_REMEDY = "Arm it again on the head: haoscar installs arm NAME."
_REFUSALS = {
    TicketState.ARMED: "This machine has not said hello yet.",
    TicketState.ADMITTED: "Its ticket has been used: another start of this machine holds it.",
    TicketState.RUNNING: "Its ticket has been used: this machine is being installed already.",
    TicketState.DONE: "Its ticket has been used: this machine is installed and boots from its disk.",
    TicketState.BOOTED: "Its ticket has been used: this machine is installed.",
    TicketState.FAILED: "Its ticket has been used: the installation failed.",
    TicketState.EXPIRED: "Its ticket has expired.",
    TicketState.DISARMED: "Its ticket was taken back.",
}
