"""Two heads and three witnesses that talk in steps of a millisecond, for the judgement of links.

Network 0, "private", has everybody; network 1, "public", the heads only. Head 1 is active: it
renews as often as the agent does, which is faster once an answer was missed. A head looks at its
links as often, and says what it thinks of them with every word; the standby looks again before it
answers.
"""

import random

from backend.agent.core.steps import BRISK_TURN, CALM_TURN
from backend.agent.core.timing import MS
from backend.agent.links import Links
from backend.agent.settings import Member, Network, Settings

SETTINGS = Settings(
    cluster="demo",
    me=1,
    members=(
        Member(1, "one", True, ("10.0.0.1", "192.0.2.1")),
        Member(2, "two", True, ("10.0.0.2", "192.0.2.2")),
        Member(3, "w1", False, ("10.0.0.3", "")),
        Member(4, "w2", False, ("10.0.0.4", "")),
        Member(5, "w3", False, ("10.0.0.5", "")),
    ),
    networks=(Network("private", "eth0"), Network("public", "eth1")),
    virtual_ips=(),
    key_file="",
    state_directory="",
    run_directory="",
)
LEASE = SETTINGS.timing.lease
ROUND, REST = SETTINGS.timing.round // MS, SETTINGS.timing.rest // MS
KEPT_ALIVE = 2  # renewals, a lease
RETRY = SETTINGS.timing.retry // MS
LOOK = LEASE // 6 - SETTINGS.timing.retry  # between two looks, at least
PRIVATE, PUBLIC, BOTH = 0b01, 0b10, 0b11


class Speaker:
    """A head's book of links, and what it says."""

    def __init__(self, member: int, now: int) -> None:
        self.links = Links(SETTINGS._replace(me=member), now)
        self.bits = BOTH
        self.other = 0  # what the other head said last, and when
        self.told = 0


class World:
    """What happens on the wires; ``down`` holds (member, network) that are cut off silently."""

    def __init__(self, seed: int, witnesses: tuple[int, ...] = (3, 4, 5)) -> None:
        self.chance = random.Random(seed)
        self.now = 1_000_000_000 + self.chance.randrange(MS)
        self.heads = {member: Speaker(member, self.now) for member in (1, 2)}
        self.phase = {1: self.chance.randrange(300), 2: self.chance.randrange(300)}
        self.off = {3, 4, 5} - set(witnesses)
        self.dead = set(self.off)
        self.frozen: set[int] = set()
        self.down: set[tuple[int, int]] = set()
        self.loss = 0.0
        self.counters: dict[tuple[int, int, int], int] = {}
        self.step = 0
        self.brisk_until = 0
        self.looked = {1: 0, 2: 0}  # when
        self.awaited: set[int] = set()  # who has not answered the active head's round
        self.answered: set[int] = set()
        self.moves: list[int] = []  # when the active head found the other one better off
        self.seen: list[tuple[int, int]] = []  # what both said, at each look of the active head

    def ways(self, member: int) -> list[tuple[int, int]]:
        """Return to whom and on which network a head speaks."""
        return [(3, 0), (4, 0), (5, 0), (3 - member, 0), (3 - member, 1)]

    def heal(self) -> None:
        """Mend everything that was broken since the start."""
        self.down.clear()
        self.dead = set(self.off)
        for network in (0, 1):
            self.heads[1].links.carrier(network, True, self.now)

    def say(self, source: int, to: int, network: int) -> bool:
        """Send one datagram; returns whether it arrived."""
        way = source, to, network
        self.counters[way] = self.counters.get(way, 0) + 1
        off = {(source, network), (to, network)} & self.down or {source, to} & self.dead
        if off or to in self.frozen or self.chance.random() < self.loss:
            return False
        if to in self.heads:
            hearer = self.heads[to]
            hearer.links.heard(source, network, self.counters[way], self.now)
            if source in self.heads:
                hearer.other, hearer.told = self.heads[source].bits, self.now
        return True

    def ask(self, source: int, to: int, network: int) -> bool:
        """Send a datagram that is answered the same way; returns whether it was."""
        return (
            self.say(source, to, network)
            and to not in self.frozen
            and self.say(to, source, network)
        )

    def look(self, member: int) -> None:
        """Let a head judge its networks, and compare."""
        head, now = self.heads[member], self.now
        self.looked[member] = now
        head.bits = head.links.health_bits(now, serving=member == 1, other=head.other)
        for to, network in head.links.probes(now):
            self.ask(member, to, network)
        if member == 1:
            self.seen.append((head.bits, head.other))
            more = head.other.bit_count() > head.bits.bit_count()
            if more and head.other & ~head.bits and now - head.told < LEASE:
                self.moves.append(now)

    def run(self, milliseconds: int) -> None:
        """Let time pass."""
        for _ in range(milliseconds):
            self.step += 1
            self.now += MS
            if self.awaited and self.step % RETRY == 0 and 1 not in self.dead | self.frozen:
                self.renew()
            for member in (1, 2):
                turn = self.step + self.phase[member]
                every = ROUND if self.now < self.brisk_until else REST
                if member in self.dead or member in self.frozen or turn % every:
                    continue
                self.look(member)
                self.speak(member, turn // every)

    def renew(self) -> None:
        """Ask whoever has not answered the active head's round yet, on all networks."""
        asked = [way for way in self.ways(1) if way[0] in self.awaited]
        heard = [way for way in asked if self.say(1, *way) and way[0] not in self.frozen]
        if any(to == 2 for to, _network in heard) and self.now - self.looked[2] >= LOOK:
            self.look(2)
        self.answered |= {to for to, network in heard if self.say(to, 1, network)}
        self.awaited -= self.answered
        self.answered.clear()
        if self.awaited - self.dead:
            self.brisk_until = self.now + SETTINGS.timing.brisk

    def speak(self, member: int, turn: int) -> None:
        """The active head renews; the standby keeps its links alive once in a lease."""
        if member == 1:
            every = BRISK_TURN if self.now < self.brisk_until else CALM_TURN
            everybody = turn % every == 0
            self.awaited = {to for to, _network in self.ways(1) if to == 2 or everybody}
            self.renew()
        elif turn % KEPT_ALIVE == 0:
            for to, network in self.ways(2):
                if to == 1:
                    self.say(2, to, network)
                else:
                    self.ask(2, to, network)
