"""What there is to say about virtual IPs made here: in force, waiting, going back, gone back."""

from dataclasses import dataclass
from typing import Any

from backend.addressing import pending, places
from backend.addressing.transfer import Transfer, from_json
from backend.paths import Paths
from backend.system.files import read_if_there


@dataclass(frozen=True, slots=True)
class Status:
    """What was found."""

    in_force: tuple[Transfer, ...] = ()
    waiting: Transfer | None = None
    seconds_left: float = 0.0
    going_back: Transfer | None = None
    agent: bool = False  # is configured here, and holds the virtual IPs
    last: dict[str, Any] | None = None  # roll-back

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return it for people."""
        found = [
            f"{one.virtual} is the virtual IP of the {one.side} network; this head's own address on {one.interface} is "
            f"{one.own}. It is held by {'the failover agent' if self.agent else 'this head until the agent is installed'}."
            for one in self.in_force
        ]
        if self.waiting is not None:
            found.append(
                f"It is not confirmed: it goes back in {self.seconds_left:.0f} s. Keep it with: haoscar virtual-ip "
                "confirm"
            )
        if self.going_back is not None:
            found.append(
                f"'{self.going_back.title}' is being taken back. If that does not end: haoscar virtual-ip rollback"
            )
        if self.last is not None:
            found.append(
                f"'{self.last.get('what')}' went back at {self.last.get('when')}: {self.last.get('why')}."
            )
        return tuple(found) or ("No address of this head was turned into a virtual IP here.",)

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "in_force": [
                {
                    "network": one.side,
                    "interface": one.interface,
                    "virtual_ip": str(one.virtual),
                    "own_address": str(one.own),
                }
                for one in self.in_force
            ],
            "held_by": "agent" if self.agent else "head",
            "unconfirmed": self.waiting is not None,
            "seconds_left": round(self.seconds_left, 1),
            "rolling_back": self.going_back is not None,
            "last_rollback": self.last,
        }


def status(paths: Paths) -> Status:
    """Look; raises InvalidInput for a damaged file, OSError."""
    waiting = pending.read(places.pending_file(paths))
    back = pending.read(places.back_file(paths))
    settings = (
        read_if_there(paths.at(places.settings_file(side))) for side in ("private", "public")
    )
    left = 0.0
    if waiting is not None:
        left = waiting.left(pending.this_boot(paths), pending.boot_clock())
    return Status(
        tuple(from_json(one) for one in settings if one is not None),
        None if waiting is None else waiting.transfer,
        left,
        None if back is None else back.transfer,
        paths.at(places.AGENT_CONFIG).exists(),
        pending.last(paths),
    )
