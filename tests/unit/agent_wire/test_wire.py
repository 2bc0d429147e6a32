"""The datagrams: every message comes back, no byte has changed, nothing impossible gets through."""

import hmac
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agent import wire
from backend.agent.core.messages import (
    Answer,
    Ask,
    Handover,
    Health,
    Invite,
    Kind,
    Message,
    Poll,
    Promise,
    Release,
    Request,
    Resign,
    Solicit,
    Status,
)
from backend.agent.core.timing import LONGEST, SHORTEST
from backend.agent.errors import AgentError
from backend.agent.wire import HIGH, Header, Hello, Reason, Welcome, Word
from tests.unit.agent_wire.talk import KEY, ONE_OF_EACH

GOLDEN = Path(__file__).parent / "golden.txt"
SESSION, THEIRS = 0x1122334455667788, 0x99AABBCCDDEEFF00

moments = st.integers(0, HIGH - 1)
numbers = st.integers(0, HIGH - 1)
ids = st.integers(0, 255)
left = st.integers(1 - HIGH, LONGEST)
healths = st.integers(0, 0xFFFFFFFF).map(Health)  # also bits that nobody knows yet
requests = st.builds(
    Request, numbers, st.sampled_from((Kind.RENEW, Kind.CAMPAIGN)), st.just(0),
    st.integers(SHORTEST, LONGEST), moments, healths, numbers,
)  # fmt: skip
transfers = st.builds(
    Request, numbers, st.just(Kind.TRANSFER), st.integers(1, 255),
    st.integers(SHORTEST, LONGEST), moments, healths, numbers,
)  # fmt: skip
words = st.one_of(
    requests,
    transfers,
    st.builds(Answer, st.booleans(), ids, numbers, left, moments, healths, numbers),
    st.builds(Poll, moments, healths),
    st.builds(Status, ids, numbers, left, moments, healths, numbers),
    st.builds(Resign, numbers, st.booleans()),
    st.builds(Invite, numbers),
    st.builds(Solicit, moments),
    st.builds(Handover, moments, st.integers(1, LONGEST), numbers),
    st.builds(Ask, numbers),
    st.builds(Promise, numbers),
    st.builds(Release, numbers),
    st.just(Hello()),
    st.builds(Welcome, st.integers(0, 2**64 - 1), st.booleans()),
)


def seal(word: Word) -> bytes:
    return wire.seal(KEY, 1, 2, 1, SESSION, THEIRS, 42, word)


def signed(data: bytes) -> bytes:
    return data + hmac.digest(KEY, data, "sha256")


def code_of(data: bytes) -> int:
    header = wire.unseal(KEY, data)
    assert isinstance(header, Header)
    return header.code


@given(words)
@settings(max_examples=400, deadline=None)
def test_every_message_comes_back(word: Word) -> None:
    data = seal(word)
    header = wire.unseal(KEY, data)
    assert isinstance(header, Header)
    assert header[:2] + header[3:] == (b"HAOA", 1, 1, 2, 1, 0, SESSION, THEIRS, 42)
    back = wire.read(header.code, data)
    assert type(back) is type(word)
    assert back == word
    assert [type(one) for one in back] == [type(one) for one in word]
    assert len(data) <= 140


def test_every_message_has_a_datagram() -> None:
    assert {type(one) for one in ONE_OF_EACH} == {*Message.__args__, Hello, Welcome}
    assert set(wire.CODES) == {type(one) for one in ONE_OF_EACH}


def test_no_byte_has_changed() -> None:
    """A difference here means that running agents no longer understand each other."""
    text = "".join(f"{type(one).__name__} {seal(one).hex()}\n" for one in ONE_OF_EACH)
    if os.environ.get("REGOLD"):
        GOLDEN.write_text(text, encoding="ascii")
    assert text == GOLDEN.read_text(encoding="ascii")


@pytest.mark.parametrize("word", ONE_OF_EACH, ids=lambda one: type(one).__name__)
def test_a_longer_body_of_a_newer_agent_is_understood(word: Word) -> None:
    data = signed(seal(word)[: -wire.TAG] + b"what a later release adds")
    assert wire.read(code_of(data), data) == word


@pytest.mark.parametrize("word", ONE_OF_EACH[1:], ids=lambda one: type(one).__name__)
def test_a_shorter_body_is_refused(word: Word) -> None:
    data = signed(seal(word)[: -wire.TAG - 1])
    assert wire.read(code_of(data), data) is Reason.MALFORMED


def test_the_zero_byte_and_unknown_types_are_no_error() -> None:
    data = bytearray(seal(Invite(3))[: -wire.TAG])
    data[9] = 0xFF
    assert wire.read(8, signed(bytes(data))) == Invite(3)
    data[5] = 200
    newer = signed(bytes(data))
    assert wire.read(code_of(newer), newer) is Reason.TYPE


def test_unknown_health_bits_are_kept() -> None:
    back = wire.read(5, seal(Poll(1, Health(0x8000_4000 | Health.FIT))))
    assert isinstance(back, Poll)
    assert int(back.health) == 0x8000_4100
    assert back.health & Health.FIT


GOOD = Request(5, Kind.RENEW, 0, 300_000, 1, Health.FIT, 0)
NONSENSE: tuple[Word, ...] = (
    GOOD._replace(length=0),
    GOOD._replace(length=-1),
    GOOD._replace(length=SHORTEST - 1),
    GOOD._replace(length=LONGEST + 1),
    GOOD._replace(length=2**63 - 1),
    GOOD._replace(kind=3),  # type: ignore[arg-type]
    GOOD._replace(kind=255),  # type: ignore[arg-type]
    GOOD._replace(kind=Kind.TRANSFER),  # of whose lease?
    GOOD._replace(previous=2),  # without a transfer
    GOOD._replace(term=HIGH),
    GOOD._replace(term=2**64 - 1),
    GOOD._replace(sent=-1),
    GOOD._replace(sent=HIGH),
    GOOD._replace(solo=HIGH),
    Answer(2, 1, 5, 1, 1),  # type: ignore[arg-type]
    Answer(True, 1, HIGH, 1, 1),
    Answer(True, 1, 5, LONGEST + 1, 1),
    Answer(True, 1, 5, -HIGH, 1),
    Answer(True, 1, 5, 1, -1),
    Answer(True, 1, 5, 1, 1, Health.NONE, HIGH),
    Poll(-1),
    Poll(HIGH),
    Status(1, HIGH, 1, 1),
    Status(1, 5, LONGEST + 1, 1),
    Status(1, 5, 1, -1),
    Status(1, 5, 1, 1, Health.NONE, HIGH),
    Resign(HIGH, False),
    Resign(1, 2),  # type: ignore[arg-type]
    Invite(HIGH),
    Solicit(-1),
    Solicit(HIGH),
    Handover(1, 0, 5),
    Handover(1, -1, 5),
    Handover(1, LONGEST + 1, 5),
    Handover(-1, 1, 5),
    Handover(1, 1, HIGH),
    Ask(HIGH),
    Promise(HIGH),
    Release(HIGH),
    Welcome(1, 2),  # type: ignore[arg-type]
)


@pytest.mark.parametrize("word", NONSENSE, ids=repr)
def test_nonsense_is_refused(word: Word) -> None:
    data = seal(word)
    assert wire.read(code_of(data), data) is Reason.MALFORMED


def test_what_is_no_datagram_has_a_reason() -> None:
    data = seal(GOOD)
    assert wire.unseal(KEY, b"") is Reason.SHORT
    assert wire.unseal(KEY, data[: wire.LEAST - 1]) is Reason.SHORT
    assert wire.unseal(KEY, data + b"x" * wire.MOST) is Reason.LONG
    assert wire.unseal(KEY, b"DHCP" + data[4:]) is Reason.MAGIC
    for place in range(4, len(data)):
        broken = bytearray(data)
        broken[place] ^= 0x10
        assert wire.unseal(KEY, bytes(broken)) is Reason.FORGED, place


def test_a_newer_version_is_told_from_a_forgery() -> None:
    body = bytearray(seal(GOOD)[: -wire.TAG])
    for version, expected in ((2, Reason.NEWER), (255, Reason.NEWER), (0, Reason.MALFORMED)):
        body[4] = version
        assert wire.unseal(KEY, signed(bytes(body))) is expected
        assert wire.unseal(KEY, bytes(body) + seal(GOOD)[-wire.TAG :]) is Reason.FORGED
    # Whatever a newer version looks like behind the first eight bytes, it is recognised.
    assert wire.unseal(KEY, signed(b"HAOA\x02\x63\x01\x02" + b"?" * 400)) is Reason.NEWER


def test_clusters_with_the_same_secret_do_not_hear_each_other() -> None:
    secret = bytes(range(40))
    one, other = wire.derive_key(secret, "one"), wire.derive_key(secret, "other")
    assert one != other
    assert one not in (secret, secret[:32])
    data = wire.seal(one, 1, 2, 0, SESSION, THEIRS, 1, GOOD)
    assert isinstance(wire.unseal(one, data), Header)
    assert wire.unseal(other, data) is Reason.FORGED


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(AgentError, match="31 bytes, at least 32"):
        wire.derive_key(b"x" * 31, "demo")
