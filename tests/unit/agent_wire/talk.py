"""A wire between agents that remembers every datagram, loses and repeats them as it is told."""

from collections.abc import Callable
from typing import NamedTuple

from backend.agent.core.messages import (
    Answer,
    Ask,
    Handover,
    Health,
    Invite,
    Kind,
    Poll,
    Promise,
    Release,
    Request,
    Resign,
    Solicit,
    Status,
)
from backend.agent.core.timing import Members
from backend.agent.sessions import Decoded, Incoming, Sessions
from backend.agent.wire import Hello, Reason, Welcome, Word, derive_key

KEY = derive_key(bytes(range(32)), "demo")
HEADS, WITNESSES = (1, 2), (3, 4, 5)
REQUEST = Request(5, Kind.RENEW, 0, 300_000, 1_000_000, Health.FIT | Health.ACTIVE | 3)
ANSWER = Answer(True, 1, 5, 300_000, 1_000_000)
ONE_OF_EACH: tuple[Word, ...] = (
    Hello(),
    Welcome(77, True),
    Request(5, Kind.TRANSFER, 2, 300_000, 123_456_789, Health.FIT | Health.ACTIVE | 3, 9),
    Answer(True, 2, 6, -5, 123_456_789, Health.PROMISED | 1, 9),
    Poll(123_456_789, Health.MAINTENANCE),
    Status(1, 7, 299_999, 123_456_789, Health.SOLO, 10),
    Resign(8, True),
    Invite(9),
    Solicit(123_456_789),
    Handover(123_456_789, 250_000, 10),
    Ask(11),
    Promise(12),
    Release(13),
)


class Datagram(NamedTuple):
    source: int
    to: int
    network: int
    data: bytes


def process(member: int, session: int, key: bytes = KEY) -> Sessions:
    return Sessions(Members(member, HEADS, WITNESSES), key, session)


def never(_datagram: Datagram) -> bool:
    return False


class Wire:
    """The members' processes of now, and everything that was ever sent."""

    def __init__(self, *members: int) -> None:
        self.now = 1_000_000
        self.sent: list[Datagram] = []
        self.starts = 0
        self.processes: dict[int, Sessions] = {}
        for member in members:
            self.start(member)

    def start(self, member: int) -> None:
        """Start a member's process, or start it anew."""
        self.starts += 1
        self.processes[member] = process(member, 0xABCD_0000_0000_0000 + self.starts)

    def make(self, source: int, to: int, network: int, word: Word) -> Datagram:
        """Let a member make a datagram, and remember it."""
        one = Datagram(source, to, network, self.processes[source].encode(to, network, word))
        self.sent.append(one)
        return one

    def arrive(
        self, one: Datagram, lost: Callable[[Datagram], bool] = never, answered: bool = True
    ) -> Decoded:
        """Let a datagram arrive, and what is sent back, and so on."""
        receiver = self.processes[one.to]
        found = receiver.decode(one.data, one.network, self.now)
        for to, data in receiver.replies():
            reply = Datagram(one.to, to, one.network, data)
            self.sent.append(reply)
            if answered and to in self.processes and not lost(reply):
                self.arrive(reply, lost)
        return found

    def send(self, source: int, to: int, word: Word = REQUEST, network: int = 0) -> Decoded:
        """Make a datagram and let it arrive."""
        return self.arrive(self.make(source, to, network, word))

    def introduce(self, source: int, to: int, network: int = 0) -> None:
        """Say Hello; afterwards both know each other there."""
        self.send(source, to, Hello(), network)
        assert self.processes[source].knows(to, network)
        assert self.processes[to].knows(source, network)


def reason(found: Decoded) -> Reason | None:
    return None if isinstance(found, Incoming) else found.reason


def said(source: int) -> Word:
    """What a member may say to any head, and a head to any member."""
    return Poll(1) if source in HEADS else ANSWER


def talk(wire: Wire, one: int, other: int, network: int = 0) -> None:
    """Both directions work, at once."""
    for source, to in ((one, other), (other, one)):
        word = said(source)
        found = wire.send(source, to, word, network)
        assert isinstance(found, Incoming), found
        assert (found.source, found.network, found.message) == (source, network, word)
