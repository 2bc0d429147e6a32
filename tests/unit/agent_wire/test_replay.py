"""An attacker who records, holds back and replays, and a network that does whatever it likes."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from backend.agent.sessions import Decoded, Incoming, Refused
from backend.agent.wire import Hello, Reason
from tests.unit.agent_wire.talk import REQUEST, Datagram, Wire, never, reason, said, talk


def test_a_recorded_welcome_does_not_bring_a_dead_process_back() -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    recorded = list(wire.sent)
    wire.start(2)
    wire.introduce(2, 1)
    for one in recorded:
        assert isinstance(wire.arrive(one), Refused)
    talk(wire, 1, 2)


def test_what_a_dead_process_said_and_an_attacker_held_back_is_never_accepted() -> None:
    """It was never here before: only the proof of life keeps it out."""
    wire = Wire(1, 2)
    wire.introduce(2, 1, 1)
    held_message = wire.make(2, 1, 1, REQUEST)
    wire.processes[1].encode(2, 0, REQUEST)
    request = wire.make(1, 2, 0, REQUEST)
    wire.arrive(request, answered=False)
    held_proof = wire.sent[-1]
    assert held_proof.source == 2
    wire.start(2)
    wire.introduce(2, 1, 0)
    # Network 1 was cut off all the time; the old process was known there until the new one came.
    assert isinstance(wire.arrive(held_message), Refused)
    assert isinstance(wire.arrive(held_proof), Refused)
    talk(wire, 1, 2, 0)
    wire.send(2, 1, Hello(), 1)
    assert isinstance(wire.arrive(held_message), Refused)
    talk(wire, 1, 2, 1)


def test_what_was_sent_before_an_introduction_does_not_count_after_it() -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    wire.start(2)
    early = wire.make(2, 1, 0, REQUEST)  # to nobody it knows
    wire.introduce(2, 1)
    knowing = wire.make(2, 1, 0, REQUEST)
    wire.start(1)
    wire.introduce(1, 2)
    for one in (early, knowing):
        assert isinstance(wire.arrive(one), Refused)
    # It knows the receiver, but the receiver does not know it yet: refused once, refused for ever.
    wire.start(2)
    wire.arrive(wire.make(2, 1, 0, Hello()), lambda one: one.source == 2)
    assert wire.processes[2].knows(1, 0)
    between = wire.make(2, 1, 0, REQUEST)
    assert reason(wire.arrive(between, answered=False)) is Reason.STRANGER
    wire.now += 1_000_000  # Welcomes are limited
    wire.send(2, 1, Hello())
    assert reason(wire.arrive(between)) is Reason.REPLAY
    talk(wire, 1, 2)


def test_a_late_proof_of_an_earlier_process_loses_against_a_later_one() -> None:
    """The earlier process answered a later number: the order of the answers must not count."""
    wire = Wire(1, 2)
    early, late = wire.make(1, 2, 0, REQUEST), wire.make(1, 2, 0, REQUEST)
    wire.arrive(late, answered=False)  # the first process's proof, held back
    held = wire.sent[-1]
    wire.start(2)
    wire.arrive(early)  # the second process's proof
    assert wire.processes[1].knows(2, 0)
    assert reason(wire.arrive(held)) is Reason.WELCOME
    talk(wire, 1, 2)


PAIRS = ((1, 2), (2, 1), (1, 3), (2, 3), (3, 1), (3, 2))
WAYS = tuple((source, to, network) for source, to in PAIRS for network in (0, 1))


def lives(wire: Wire, chance: random.Random) -> set[bytes]:
    """Talk, lose, and restart for a while; returns what was lost, or held back."""
    held: set[bytes] = set()
    for _ in range(8):
        for source, to, network in WAYS:
            if chance.random() < 0.8:
                wire.send(source, to, Hello(), network)
            for _ in range(chance.randrange(8)):
                one = wire.make(source, to, network, said(source))
                if chance.random() < 0.8:
                    wire.arrive(one)
                else:
                    held.add(one.data)
        wire.start(chance.choice((1, 2, 3)))
        wire.now += 1_000_000
    for source, to, network in WAYS:
        wire.send(source, to, Hello(), network)
    return held


def replayed(wire: Wire) -> Counter[bytes]:
    """Let everything that was ever sent arrive at everybody on every network."""
    arrived: Counter[bytes] = Counter()
    for one in list(wire.sent):
        for member, receiver in wire.processes.items():
            for network in (0, 1):
                wire.now += 100
                found = receiver.decode(one.data, network, wire.now)
                arrived[one.data] += isinstance(found, Incoming)
                assert not isinstance(found, Incoming) or (member, network) == one[1:3]
                receiver.replies()
    return arrived


@pytest.mark.parametrize("seed", range(5))
def test_everything_ever_recorded_replayed_to_everybody_everywhere(seed: int) -> None:
    wire = Wire(1, 2, 3)
    held = lives(wire, random.Random(seed))
    living = {one._session for one in wire.processes.values()}
    arrived = replayed(wire)
    assert len(arrived) > 300
    # Nothing that was here before; what was held back once at most, and only between the living.
    for data, times in arrived.items():
        session, theirs = (int.from_bytes(data[i : i + 8], "big") for i in (10, 18))
        assert times <= (data in held and session in living and theirs in living)
    assert replayed(wire).total() == 0
    for source, to, network in WAYS:
        assert isinstance(wire.send(source, to, said(source), network), Incoming)


class Watched(Wire):
    """Checks, at each arrival, what must hold whatever the network does."""

    def __init__(self) -> None:
        super().__init__(1, 2, 3)
        self.chaos = True
        self.highest: dict[tuple[int, int], int] = {}
        self.accepted: set[bytes] = set()

    def arrive(
        self, one: Datagram, lost: Callable[[Datagram], bool] = never, answered: bool = True
    ) -> Decoded:
        if not self.chaos:
            return super().arrive(one, lost, answered)
        receiver = self.processes[one.to]
        found = receiver.decode(one.data, one.network, self.now)
        replies = [Datagram(one.to, to, one.network, data) for to, data in receiver.replies()]
        self.sent.extend(replies)
        if isinstance(found, Incoming):
            assert one.data not in self.accepted, "accepted twice"
            self.accepted.add(one.data)
            session = int.from_bytes(one.data[10:18], "big")
            assert one.data[18:26] == receiver._session.to_bytes(8, "big"), "for another process"
            place = id(receiver), one.source
            assert session >= self.highest.get(place, 0), "an earlier process after a later one"
            self.highest[place] = session
        return found


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_network_does(seed: int) -> None:
    chance = random.Random(seed)
    wire = Watched()
    kept = []  # processes stay referenced, so that id() tells them apart
    for _ in range(400):
        wire.now += chance.randrange(50_000)
        dice = chance.random()
        if dice < 0.02:
            member = chance.choice((1, 2, 3))
            kept.append(wire.processes[member])
            wire.start(member)
        elif dice < 0.4:
            source, to = chance.sample((1, 2, 3), 2)
            word = chance.choice((Hello(), said(source)))
            wire.make(source, to, chance.randrange(2), word)
        elif wire.sent:
            newest = min(len(wire.sent), chance.choice((3, 10, 1000)))
            wire.arrive(wire.sent[-chance.randint(1, newest)])
    # The network recovers: soon everybody hears everybody.
    wire.chaos = False
    for source, to, network in WAYS:
        wire.now += 1_000_000
        wire.send(source, to, Hello(), network)
    for source, to, network in WAYS:
        found = wire.send(source, to, said(source), network)
        assert isinstance(found, Incoming), (source, to, network, found)
