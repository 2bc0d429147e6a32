"""The members' messages in and out: sessions decide what is believed, sockets carry it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from backend.agent.core.messages import Message
from backend.agent.sessions import Incoming, Sessions
from backend.agent.settings import Settings
from backend.system.agent.udp import Endpoint

if TYPE_CHECKING:
    from backend.agent.links import Links

MOST_AT_ONCE = 256  # datagrams of one socket before everything else gets its turn


class Arrived(NamedTuple):
    """A message that is believed."""

    source: int
    network: int
    message: Message


class Post:
    """All sockets of this member; used from the agent's one thread."""

    def __init__(self, settings: Settings, sessions: Sessions, links: Links | None = None) -> None:
        """Without ``links`` no account of them is kept; raises OSError."""
        self._sessions = sessions
        self._links = links
        self._port = settings.port
        mine = settings.myself.addresses
        self._ends = {
            index: Endpoint(network.interface, mine[index], settings.port)
            for index, network in enumerate(settings.networks)
            if mine[index]
        }
        self._numbers = {end.fileno(): network for network, end in self._ends.items()}
        # For each member, the networks that both ends have: the ways a message goes.
        self._ways = {
            member.id: tuple(
                (index, member.addresses[index]) for index in self._ends if member.addresses[index]
            )
            for member in settings.members
            if member.id != settings.me
        }
        self._heard: set[tuple[int, int]] = set()  # members on networks, since something went there
        self.errors = 0

    def filenos(self) -> dict[int, int]:
        """Return the network of each socket's file descriptor; they stay the same."""
        return self._numbers

    def send(self, to: int, message: Message) -> None:
        """Send over every network that both ends have."""
        for network, address in self._ways[to]:
            self._put(to, network, address, self._sessions.encode(to, network, message))

    def reply(self, to: int, network: int, message: Message) -> None:
        """Send over one network: the way a question came."""
        self._put_back(to, network, self._sessions.encode(to, network, message))

    def greet(self) -> None:
        """Say hello to everybody on every network, so that the first request is not lost."""
        for to in self._ways:
            self._greet(to)

    def show_presence(self, talker: int) -> None:
        """Keep every link known before it is needed. Others are greeted and answer; ``talker`` speaks
        by itself, and only has to hear that this member is there."""
        for to, ways in self._ways.items():
            if to != talker:
                self._greet(to)
                continue
            for network, address in ways:
                self._put(to, network, address, self._sessions.presence(to, network))

    def probe(self, ways: Iterable[tuple[int, int]]) -> None:
        """Ask members on networks whether they are there."""
        for to, network in ways:
            self._put_back(to, network, self._sessions.hello(to, network))

    def receive(self, network: int, now: int) -> Iterator[Arrived]:
        """Yield what has arrived and is believed."""
        end = self._ends[network]
        for _ in range(MOST_AT_ONCE):
            data = end.receive()
            if data is None:
                return
            taken = self._sessions.decode(data, network, now)
            for to, reply in self._sessions.replies():
                self._put_back(to, network, reply)
            if isinstance(taken, Incoming):
                self._heard.add((taken.source, network))
                if self._links is not None:
                    self._links.heard(taken.source, network, taken.counter, now)
                if taken.message is not None:
                    yield Arrived(taken.source, network, taken.message)

    def follow(self) -> None:
        """Bind again to interfaces that were made anew."""
        for end in self._ends.values():
            end.follow()

    def close(self) -> None:
        """Close the sockets."""
        for end in self._ends.values():
            end.close()

    def _greet(self, to: int) -> None:
        for network, address in self._ways[to]:
            self._put(to, network, address, self._sessions.hello(to, network))

    def _put_back(self, to: int, network: int, data: bytes) -> None:
        for way, address in self._ways.get(to, ()):
            if way == network:
                self._put(to, network, address, data)

    def _put(self, to: int, network: int, address: str, data: bytes) -> None:
        way = to, network
        heard = way in self._heard
        self._heard.discard(way)
        if not self._ends[network].send(address, data, heard=heard):
            self.errors += 1
