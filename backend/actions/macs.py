"""The list of heard machines: as it is kept from one run to the next, and live for the window."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import islice
from typing import NamedTuple

from backend.discovery.mac_collecting import (
    FILE,
    CollectMacs,
    Listen,
    load_collection,
    save_collection,
)
from backend.discovery.macs import Collection, Machine, known_machines
from backend.discovery.survey import LookAround
from backend.discovery.vendors import Vendors
from backend.errors import InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.names import HostName, InterfaceName
from backend.model.site import Node, Site, Standby
from backend.paths import Paths
from backend.system import packets
from backend.system.packets import Batch, listen
from backend.tasks import TaskContext
from backend.wiring import Wiring

SAVE_EVERY = 5.0  # seconds, while machines are heard
MOST_NEWS = 3000  # machines that the window takes in at once


def kept_collection(paths: Paths, site: Site | None) -> Collection:
    """Return the kept list, with the machines of the site marked; raises InvalidInput, OSError."""
    collection = Collection(packets.own_cards())
    load_collection(paths, collection)
    collection.mark({} if site is None else known_machines(site))
    return collection


def put_back(paths: Paths, site: Site | None, macs: tuple[Mac, ...]) -> None:
    """Return freed or imported cards to the kept list; raises InvalidInput, OSError."""
    collection = kept_collection(paths, site)
    for mac in macs:
        collection.put_back(mac, time.time())
    save_collection(paths, collection)


@dataclass(frozen=True, slots=True)
class Client:
    """A machine of the tree "All Clients"."""

    name: HostName
    mac: Mac | None = None
    address: IPv4Address | None = None
    standby: bool = False  # only a standby is ever given a card


@dataclass(frozen=True, slots=True)
class Situation:
    """Where to listen, and whom a card can belong to."""

    interface: InterfaceName
    clients: tuple[Client, ...] = ()  # standbys first, both in the site's order
    site: Site | None = None  # None: there is no site file yet

    @property
    def taken(self) -> frozenset[Mac]:
        """Cards that standbys have, so that they are not in the list of free ones."""
        return frozenset(one.mac for one in self.clients if one.standby and one.mac is not None)

    def client(self, name: str) -> Client | None:
        """Return the machine of that name, or None."""
        return next((one for one in self.clients if one.name == name), None)


def look_at_situation(wiring: Wiring, context: TaskContext) -> Situation:
    """Read the site, or what discovery finds without one; raises HaoscarError, Cancelled."""
    store = wiring.store()
    if store.exists():
        site = store.load()
        clients = (*map(_standby, site.standbys), *map(_node, site.nodes))
        return Situation(site.private.interface, clients, site)
    survey = LookAround(wiring.paths, wiring.runner, ask_wire=False).run(context)
    if survey.sides.private is None:
        raise Refused.of(
            "macs.no-interface",
            "No private network was found, so nothing says where to listen.",
            "Give the private interface its address; haoscar discover shows what was found.",
        )
    nodes = tuple(map(_node, survey.cluster.nodes))
    return Situation(survey.sides.private.interface, nodes)


def _standby(one: Standby) -> Client:
    return Client(one.name, one.mac, one.address, standby=True)


def _node(one: Node) -> Client:
    return Client(one.name, one.mac, one.address)


class Shown(NamedTuple):
    """A heard machine, and who made its card."""

    machine: Machine
    vendor: str


class LiveList:
    """The list while the window shows it. ``news`` never waits; all else is for a task's thread."""

    def __init__(
        self, paths: Paths, vendors: Vendors | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._paths = paths
        self._vendors = vendors or Vendors.of_machine(paths)
        self._clock = clock
        self._collection = Collection()
        self._listening = False
        self._unsaved = False
        self._saved_at = 0.0
        self._stamp: object = ""  # of the file as it was read or written last
        self._busy = threading.RLock()  # the collection; held for as long as a batch takes
        self._handing = threading.Lock()  # the news; held for an instant
        self._news: dict[Mac, Shown | None] = {}

    def news(self) -> Mapping[Mac, Shown | None]:
        """Return what has changed since the last call, in order; None: no longer in the list.

        At most MOST_NEWS at a time: the rest is there for the next call.
        """
        with self._handing:
            if len(self._news) <= MOST_NEWS:
                news, self._news = self._news, {}
            else:
                first = list(islice(self._news, MOST_NEWS))
                news = {mac: self._news.pop(mac) for mac in first}
        return news

    def open(self, site: Site | None) -> None:
        """Read the kept list where somebody else has changed it; raises InvalidInput, OSError.

        While it is being added to, what is here counts.
        """
        with self._busy:
            before = {one.mac: one for one in self._collection}
            stamp = _stamp(self._paths)
            if self._listening or stamp == self._stamp:
                self._collection.mark({} if site is None else known_machines(site))
            else:
                self._collection = kept_collection(self._paths, site)
                self._stamp = stamp
            self._tell_changes(before)

    def remove(self, macs: tuple[Mac, ...]) -> None:
        """Forget machines until they are heard again; raises OSError."""
        with self._busy:
            gone = {mac for mac in macs if self._collection.remove(mac)}
            self._tell([], gone)
            self._save()

    def settle(self, site: Site | None, freed: tuple[Mac, ...]) -> None:
        """Take in a changed site: who has which card now, and cards that are free; raises OSError."""
        with self._busy:
            before = {one.mac: one for one in self._collection}
            for mac in freed:
                self._collection.put_back(mac, self._clock())
            self._collection.mark({} if site is None else known_machines(site))
            self._tell_changes(before)
            self._save()

    def machines(self) -> tuple[Machine, ...]:
        """Return every machine, in order of arrival."""
        with self._busy:
            return tuple(self._collection)

    @contextlib.contextmanager
    def adding(self) -> Iterator[Collection]:
        """Give the collection to the one who listens; what was heard is kept at the end."""
        with self._busy:
            if self._listening:
                raise Refused.of("macs.listening", "MAC addresses are being collected already.")
            self._listening = True
        try:
            yield self._collection
        finally:
            with self._busy:
                self._listening = False
                self._save_changes()

    def guarded(self, take: Callable[[Batch], None]) -> Callable[[Batch], None]:
        """Return ``take`` with the collection to itself."""

        def guard(batch: Batch) -> None:
            with self._busy:
                take(batch)

        return guard

    def heard(self, machines: list[Machine]) -> None:
        """Take in what was just added to the collection."""
        self._unsaved = True
        self._tell(machines, set())

    def save_sometimes(self) -> None:
        """Keep what was heard, every few seconds, for the case that we are killed."""
        if self._unsaved and self._clock() - self._saved_at >= SAVE_EVERY:
            self._save()

    def _tell(self, machines: list[Machine], gone: Set[Mac]) -> None:
        shown = {one.mac: Shown(one, self._vendors.name(one.mac)) for one in machines}
        with self._handing:
            self._news.update(dict.fromkeys(gone))
            self._news.update(shown)

    def _tell_changes(self, before: Mapping[Mac, Machine]) -> None:
        now = {one.mac: one for one in self._collection}
        changed = [one for one in now.values() if before.get(one.mac) != one]
        self._tell(changed, before.keys() - now.keys())

    def _save_changes(self) -> None:
        if self._unsaved:
            self._save()

    def _save(self) -> None:
        with self._busy:
            save_collection(self._paths, self._collection)
            self._unsaved, self._saved_at = False, self._clock()
            self._stamp = _stamp(self._paths)


def _stamp(paths: Paths) -> object:
    """Return what tells one state of the kept list from another; None without one."""
    try:
        found = (paths.state / FILE).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


@dataclass(frozen=True, slots=True)
class CollectLive:
    """Listens until cancelled and adds what it hears to the live list. A Task."""

    live: LiveList
    interface: InterfaceName
    listen: Listen = field(default=listen)

    @property
    def title(self) -> str:
        """See Task.title."""
        return f"Collecting MAC addresses on {self.interface}"

    def run(self, context: TaskContext) -> None:
        """See Task.run; raises InvalidInput, Refused, CommandFailed when nothing can be heard."""
        with self.live.adding() as collection:
            CollectMacs(
                self.interface, collection, on_news=self.live.heard, listen=self._listen
            ).run(context)

    def _listen(
        self,
        interface: InterfaceName,
        on_batch: Callable[[Batch], None],
        cancelled: Callable[[], bool],
    ) -> None:
        def ended() -> bool:
            self.live.save_sometimes()
            return cancelled()

        self.listen(interface, self.live.guarded(on_batch), ended)


def where_to_listen(site: Site | None, chosen: str | None) -> InterfaceName:
    """Return the interface that was chosen, or the private network's; raises InvalidInput."""
    if chosen is not None:
        return InterfaceName.parse(chosen)
    if site is not None:
        return site.private.interface
    raise InvalidInput.of(
        "macs.no-interface",
        "There is no site file yet, so nothing says where to listen.",
        "Name the private network's interface: haoscar macs collect --interface eth1",
    )
