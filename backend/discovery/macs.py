"""The machines heard on the wire: one entry per MAC address, in the order of arrival.

A collection belongs to one thread; the sniffer hands it batches. Times are seconds since the epoch.
"""

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from backend.discovery.dhcp_packet import DhcpRequest, Reject, parse_frame
from backend.discovery.machine_kind import Kind, identify
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import Firmware, Site
from backend.reports import Report, info, warning

CAPACITY = 100_000  # machines; more is no cluster but somebody making addresses up


class Heard(enum.Enum):
    """What became of a request."""

    NEW = "new"
    AGAIN = "again"
    IGNORED = "ignored"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known of one machine: the latest of everything it ever told."""

    mac: Mac
    first_heard: float
    last_heard: float
    times_heard: int = 1
    attempts: int = 1  # requests with different transaction numbers
    last_xid: int | None = None
    kind: Kind | None = None  # who asked last; None: imported or put back, never heard
    heard_as: tuple[Kind, ...] = ()  # everything it was heard as, in order
    firmware: Firmware | None = None
    architecture: str | None = None
    description: str = ""  # who asked last, in words
    vendor_class: str | None = None
    host_name: str | None = None
    uuid: UUID | None = None
    vlan: int | None = None
    node: HostName | None = None  # the known machine it belongs to

    @property
    def boots_from_network(self) -> bool:
        """Whether its own firmware or iPXE was heard asking for a boot file."""
        return not {Kind.ROM, Kind.HTTP_BOOT, Kind.IPXE}.isdisjoint(self.heard_as)


class Collection:
    """The machines heard, oldest first."""

    def __init__(
        self,
        ignored: Iterable[Mac] = (),
        known: Mapping[Mac, HostName] | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        """Take the MACs to ignore (this machine's own) and those whose owner is known."""
        self._machines: dict[Mac, Machine] = {}
        self._ignored = frozenset(ignored)
        self._ignored_senders = frozenset(mac.raw for mac in self._ignored)
        self._known = dict(known or {})
        self._capacity = capacity
        self.rejected: Counter[Reject] = Counter()  # frames that were no requests, by reason
        self.lost = 0  # packets that the kernel could not keep
        self.turned_away = 0  # requests of new machines when the list was full

    def __len__(self) -> int:
        return len(self._machines)

    def __iter__(self) -> Iterator[Machine]:
        return iter(tuple(self._machines.values()))

    def __contains__(self, mac: object) -> bool:
        return mac in self._machines

    def get(self, mac: Mac) -> Machine | None:
        """Return one machine, or None."""
        return self._machines.get(mac)

    def add(self, request: DhcpRequest, now: float) -> Heard:
        """Take a request heard at ``now``."""
        mac = request.mac
        if mac in self._ignored:
            return Heard.IGNORED
        before = self._machines.get(mac)
        if before is not None:
            self._machines[mac] = _updated(before, request, now)
            return Heard.AGAIN
        if len(self._machines) >= self._capacity:
            self.turned_away += 1
            return Heard.FULL
        blank = Machine(mac, now, now, times_heard=0, attempts=0, node=self._known.get(mac))
        self._machines[mac] = _updated(blank, request, now)
        return Heard.NEW

    def take(self, frames: Iterable[tuple[float, bytes]], lost: int = 0) -> list[Mac]:
        """Take a batch of (time, frame); returns the machines that are new or were heard again.

        What a card to be ignored sends is left out whoever it speaks for: when this head asks for
        DHCP servers it invents a machine.
        """
        self.lost += lost
        touched: dict[Mac, None] = {}
        for when, frame in frames:
            if frame[6:12] in self._ignored_senders:
                continue
            request = parse_frame(frame, self.rejected)
            if request is not None and self.add(request, when) in (Heard.NEW, Heard.AGAIN):
                touched[request.mac] = None
        return list(touched)

    def put(self, machine: Machine) -> None:
        """Put in a machine that was saved before, at the end unless it is there already."""
        if machine.mac in self._machines or len(self._machines) < self._capacity:
            owner = self._known.get(machine.mac, machine.node)
            self._machines[machine.mac] = replace(machine, node=owner)
        else:
            self.turned_away += 1

    def put_back(self, mac: Mac, now: float) -> None:
        """Return an unassigned or imported MAC to the list, unless it is there still."""
        if mac not in self._machines:
            self.put(Machine(mac, now, now, times_heard=0, attempts=0))

    def mark(self, known: Mapping[Mac, HostName]) -> None:
        """Say anew which MAC addresses belong to which known machines."""
        self._known = dict(known)
        for mac, machine in self._machines.items():
            self._machines[mac] = replace(machine, node=self._known.get(mac))

    def remove(self, mac: Mac) -> bool:
        """Forget a machine until it is heard again; returns whether it was there."""
        return self._machines.pop(mac, None) is not None

    def remove_all(self) -> None:
        """Forget every machine until it is heard again."""
        self._machines.clear()

    def unassigned(self, site: Site) -> list[Machine]:
        """Return the machines whose card no standby of the site has, oldest first."""
        taken = {standby.mac for standby in site.standbys}
        return [machine for machine in self._machines.values() if machine.mac not in taken]

    def reports(self) -> list[Report]:
        """Return what the user must know about the collecting itself."""
        found = []
        if self.lost:
            found.append(
                warning(
                    "macs.packets-lost",
                    f"Lost {self.lost} packets: they came faster than they could be read.",
                    "Machines repeat their requests: go on collecting until the list is complete.",
                )
            )
        if self.turned_away:
            found.append(
                warning(
                    "macs.full",
                    f"The list is full ({self._capacity} machines): {self.turned_away} requests of"
                    " further MAC addresses were left out.",
                    "Somebody may be making addresses up. Remove all, and collect again.",
                )
            )
        damaged = sum(self.rejected.values())
        if damaged:
            most, times = self.rejected.most_common(1)[0]
            found.append(
                info(
                    "macs.not-requests",
                    f"{damaged} packets were no DHCP requests of a machine; most often"
                    f" ({times} times): {most.value}.",
                )
            )
        return found


def known_machines(site: Site) -> dict[Mac, HostName]:
    """Return the MAC addresses of the site's compute nodes and standbys, with their names."""
    nodes = {node.mac: node.name for node in site.nodes if node.mac is not None}
    return nodes | {one.mac: one.name for one in site.standbys if one.mac is not None}


def _updated(before: Machine, request: DhcpRequest, now: float) -> Machine:
    """Add what a request tells; what it does not tell stays: an OS says nothing about its ROM."""
    sender = identify(request)
    seen = before.heard_as
    return Machine(
        mac=before.mac,
        first_heard=min(before.first_heard, now) if before.times_heard else now,
        last_heard=max(before.last_heard, now),
        times_heard=before.times_heard + 1,
        attempts=before.attempts + (request.xid != before.last_xid),
        last_xid=request.xid,
        kind=sender.kind,
        heard_as=seen if sender.kind in seen else (*seen, sender.kind),
        firmware=sender.firmware or before.firmware,
        architecture=sender.architecture or before.architecture,
        description=sender.description,
        vendor_class=request.vendor_class or before.vendor_class,
        host_name=request.host_name or before.host_name,
        uuid=request.uuid or before.uuid,
        vlan=request.vlan,
        node=before.node,
    )
