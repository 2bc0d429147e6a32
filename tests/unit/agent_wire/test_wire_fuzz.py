"""A hundred thousand malformed or forged datagrams: no exception, none accepted, all counted.

``corpus.txt`` holds one datagram on a line, after the reason for which member 2 refuses it on
network 0 before it has met anybody. Lines that once made trouble belong there.
"""

import hmac
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.agent import wire
from backend.agent.core.timing import LONGEST, SHORTEST
from backend.agent.sessions import Refused, Sessions
from backend.agent.wire import Reason, derive_key
from tests.unit.agent_wire.talk import KEY, ONE_OF_EACH, Datagram, Wire, process, talk

CORPUS = [
    (Reason[line.split()[0]], bytes.fromhex("".join(line.split()[1:])))
    for line in (Path(__file__).parent / "corpus.txt").read_text(encoding="ascii").splitlines()
]
SESSION = 0x0202020202020202  # of member 2, for the corpus
OTHER_KEY = derive_key(bytes(range(32)), "another cluster")
COUNT = 100_000


@pytest.mark.parametrize(("expected", "data"), CORPUS, ids=lambda one: getattr(one, "name", ""))
def test_the_corpus(expected: Reason, data: bytes) -> None:
    receiver = process(2, SESSION)
    found = receiver.decode(data, 0, 1_000_000)
    assert isinstance(found, Refused)
    assert found.reason is expected
    assert receiver.refused() == {one.name.lower(): one is expected for one in Reason}
    assert not any(receiver.knows(member, 0) for member in (1, 3, 4, 5))


def test_the_corpus_knows_every_reason() -> None:
    assert {expected for expected, _ in CORPUS} == set(Reason) - {Reason.REPLAY}


def signed(data: bytes, key: bytes = KEY) -> bytes:
    return data + hmac.digest(key, data, "sha256")


def flipped(dice: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for place in dice.sample(range(len(data)), min(len(data), dice.randint(1, 4))):
        changed[place] ^= dice.randint(1, 255)
    return bytes(changed)


def cut(dice: random.Random, data: bytes) -> bytes:
    return data[: dice.randrange(len(data))]


def longer(dice: random.Random, data: bytes) -> bytes:
    return data + dice.randbytes(dice.randint(1, 500))


def noise(dice: random.Random, data: bytes) -> bytes:
    return dice.choice((b"", data[:4], data[:34])) + dice.randbytes(dice.randrange(600))


def wrong_key(dice: random.Random, data: bytes) -> bytes:
    return signed(data[: -wire.TAG], dice.choice((OTHER_KEY, bytes(32), bytes(range(32)))))


def wrong_tag(dice: random.Random, data: bytes) -> bytes:
    return flipped(dice, data[: -wire.TAG]) + data[-wire.TAG :]


def newer(dice: random.Random, data: bytes) -> bytes:
    head = data[:4] + bytes((dice.randint(2, 255),)) + data[5:10]
    return signed(head + dice.randbytes(dice.randint(24, 300)))


def elsewhere(dice: random.Random, data: bytes) -> bytes:
    changed = bytearray(data[: -wire.TAG])
    place = dice.choice((6, 7, 8))  # source, destination, network
    changed[place] = (changed[place] + dice.randint(10, 200)) % 256
    return signed(bytes(changed))


def of_nobody(dice: random.Random, data: bytes) -> bytes:
    """A member's key, a random session, type and content."""
    head = data[:5] + bytes((dice.randrange(20),)) + data[6:10] + dice.randbytes(24)
    return signed(head + dice.randbytes(dice.randrange(60)))


def nonsense(dice: random.Random, data: bytes) -> bytes:
    """A request of the right session for an impossible time; or a body that is too short."""
    if data[5] != 3 or dice.random() < 0.3:
        body = {1: b"\0"}.get(data[5], data[34 : -wire.TAG - 1])
        return signed(data[:34] + body) if data[5] != 1 else cut(dice, data)
    length = dice.choice((dice.randrange(-(2**63), SHORTEST), dice.randrange(LONGEST + 1, 2**63)))
    return signed(data[:44] + length.to_bytes(8, "big", signed=True) + data[52 : -wire.TAG])


WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    flipped, cut, longer, noise, wrong_key, wrong_tag, newer, elsewhere, of_nobody, nonsense,
)  # fmt: skip


def mutants(dice: random.Random, fresh: list[Datagram], old: list[Datagram]) -> Iterator[bytes]:
    good = {one.data for one in fresh}
    known = [data for _, data in CORPUS]
    for number in range(COUNT // 2):
        way = WAYS[number % len(WAYS)]
        data = way(dice, dice.choice(fresh).data)
        if number % 50 == 0:
            data = dice.choice(old).data  # a replay
        elif number % 51 == 0:
            data = flipped(dice, dice.choice(known) or b"x" * 9)
        if data in good:
            data = data[1:]
        yield data


def fingerprint(receiver: Sessions) -> object:
    return [
        (number, network, member.session, link.theirs, link.top, link.seen, link.floor)
        for number, member in receiver._members.items()
        for network, link in member.links.items()
    ]


@pytest.mark.parametrize("victim", [2, 3])
def test_nothing_of_it_is_accepted(victim: int) -> None:
    talking = Wire(1, victim)
    talking.introduce(1, victim)
    allowed = ONE_OF_EACH if victim == 2 else (ONE_OF_EACH[2], ONE_OF_EACH[4], ONE_OF_EACH[6])
    for word in allowed:
        talking.send(1, victim, word)
    old = [one for one in talking.sent if one.to == victim]
    fresh = [talking.make(1, victim, 0, word) for word in allowed]
    receiver = talking.processes[victim]
    before, refused = fingerprint(receiver), sum(receiver.refused().values())
    began = time.monotonic()
    for data in mutants(random.Random(victim), fresh, old):
        talking.now += 100
        found = receiver.decode(data, 0, talking.now)
        assert isinstance(found, Refused), data.hex()
        receiver.replies()
    assert time.monotonic() - began < 30
    assert fingerprint(receiver) == before
    assert sum(receiver.refused().values()) - refused == COUNT // 2
    counted = receiver.refused()
    expected = set(Reason) - {Reason.MALFORMED, Reason.WELCOME}
    assert all(counted[one.name.lower()] > 20 for one in expected - {Reason.ROLE}), counted
    assert counted["malformed"] > 20
    # What was not touched is still good, once.
    for one in fresh:
        assert not isinstance(talking.arrive(one), Refused)
    talk(talking, 1, victim) if victim == 2 else talking.send(victim, 1)
