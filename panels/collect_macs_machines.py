"""What the MAC panel knows of the list: machines by their addresses, and which of them are free. Pure."""

from collections.abc import Mapping

from backend.actions.macs import Shown
from backend.model.addresses import Mac


class Machines:
    """The machines that were heard; ``free`` are the addresses that no standby has, oldest first."""

    def __init__(self) -> None:
        self._known: dict[str, Shown] = {}
        self._taken: frozenset[Mac] = frozenset()
        self.free: tuple[str, ...] = ()

    def take(self, news: Mapping[Mac, Shown | None], taken: frozenset[Mac]) -> bool:
        """Take in what is new (None: gone) and whose cards are taken; tells whether ``free`` changed."""
        changed = taken != self._taken
        for mac, shown in news.items():
            if shown is None:
                changed = self._known.pop(mac, None) is not None or changed
            else:
                changed = mac not in self._known or changed
                self._known[mac] = shown
        if changed:
            self._taken = taken
            self.free = tuple(mac for mac in self._known if mac not in taken)
        return changed

    def get(self, mac: str | None) -> Shown | None:
        """Return a machine, None when it is unknown."""
        return self._known.get(mac) if mac is not None else None

    @property
    def some_are_nobodys(self) -> bool:
        """Whether a free card belongs to no compute node."""
        return any(self._known[mac].machine.node is None for mac in self.free)
