"""Keeps the active head and its clients acquainted while frames get lost.

A client's entry for a virtual IP, and this head's entry for the client, are asked about by their
kernels now and then (RFC 1122, 2.3.2.1; arp(7)): three questions, a second apart. When all three
get lost the entry is gone, and neither reaches the other for seconds, although the head serves. So
while a network loses frames every known neighbour hears from this head, and is asked, more often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.system.agent.arp import Arp
from backend.system.agent.neighbours import Neighbour, Neighbours

MOST = 512  # neighbours of one network that are kept
AT_ONCE = 128  # of them that are refreshed at one time


class Acquaintances:
    """For the agent's loop; costs nothing while no network loses frames."""

    def __init__(self, arp: Arp, networks: Mapping[str, int], lossy: Callable[[int], bool]) -> None:
        """``networks``: the number of the network on each interface; raises OSError."""
        self._arp = arp
        self._networks = networks
        self._lossy = lossy
        self._table = Neighbours()
        self._known: dict[str, list[Neighbour]] = {}
        self._next: dict[str, int] = {}

    def refresh(self) -> None:
        """Do what is needed; to be called once in a lease while this head serves."""
        for interface, network in self._networks.items():
            if self._lossy(network):
                self._refresh(interface)
            else:
                self._known.pop(interface, None)

    def close(self) -> None:
        """Close the socket."""
        self._table.close()

    def _refresh(self, interface: str) -> None:
        known = self._known[interface] = self._remembered(interface)
        first = self._next.get(interface, 0) % max(1, len(known))
        for one in (known[first:] + known[:first])[:AT_ONCE]:
            self._arp.refresh(interface, one)
        self._next[interface] = first + AT_ONCE

    def _remembered(self, interface: str) -> list[Neighbour]:
        """Return all, also whom the kernel has just forgotten or seeks in vain: above all they
        have to be asked, at the MAC address where they were."""
        before = {one.address: one for one in self._known.get(interface, ())}
        now = {one.address: one for one in self._table.of(interface, MOST)}
        learnt = {address: one for address, one in now.items() if one.mac}
        return list({**now, **before, **learnt}.values())[-MOST:]
