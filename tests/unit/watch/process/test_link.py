"""The link between the two watch processes: what belongs to it arrives, nothing else does."""

from __future__ import annotations

import asyncio
import random

import pytest

from backend.system.watch.tcp_link import FrameEnd, FrameStream, connect
from backend.watch import link
from backend.watch.link import LinkDown
from backend.watch.link_changes import apply, changes
from backend.watch.link_seal import (
    MAGIC,
    NONCE,
    VERSION,
    Handshake,
    LinkRefused,
    Seal,
    link_key,
)
from tests.unit.watch.process.link_pair import HERE, KEY, End, free_port, go, running, until

NAMES = ("head1", "head2")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon: how long the pause is makes no difference to what is tested here."""
    monkeypatch.setattr(link, "RETRY_FIRST", 0.1)
    monkeypatch.setattr(link, "RETRY_SECOND", 0.4)


def pair(key: bytes = KEY, cluster: str = "test") -> tuple[Handshake, Handshake]:
    one = Handshake(KEY, "test", NAMES, b"1" * NONCE, connecting=True)
    return one, Handshake(key, cluster, NAMES[::-1], b"2" * NONCE, connecting=False)


def sealed() -> tuple[Seal, Seal]:
    one, other = pair()
    proof, theirs = one.heard(other.hello), other.heard(one.hello)
    return one.proved(theirs), other.proved(proof)


def test_both_ends_prove_themselves_and_sign() -> None:
    one, other = sealed()
    for text in (b"", b"first", b"x" * 5000):
        assert other.open(one.seal(text)) == text
        assert one.open(other.seal(text)) == text


@pytest.mark.parametrize(("key", "cluster"), [(link_key(b"other" * 8), "test"), (KEY, "else")])
def test_another_key_or_cluster_is_refused(key: bytes, cluster: str) -> None:
    one, other = pair(key, cluster)
    one.heard(other.hello)
    with pytest.raises(LinkRefused, match="does not know"):
        one.proved(other.heard(one.hello))


def test_its_own_words_are_refused() -> None:
    one, _ = pair()
    with pytest.raises(LinkRefused, match="is not head2"):
        one.heard(one.hello)
    proof = one.heard(pair()[1].hello)
    with pytest.raises(LinkRefused, match="does not know"):
        one.proved(proof)


def test_another_version_is_refused_with_a_sentence() -> None:
    one, other = pair()
    newer = MAGIC + bytes([VERSION + 1]) + other.hello[len(MAGIC) + 1 :] + b"something new"
    with pytest.raises(LinkRefused, match=r"speaks version 2 .* install the same version"):
        one.heard(newer)


def test_what_is_played_again_or_changed_is_refused() -> None:
    one, other = sealed()
    first, second = one.seal(b"first"), one.seal(b"second")
    with pytest.raises(LinkRefused, match="order"):
        other.open(second)
    assert other.open(first) == b"first"
    with pytest.raises(LinkRefused, match="order"):
        other.open(first)
    with pytest.raises(LinkRefused, match="not signed"):
        one.open(second)  # sent back to where it came from
    for place in range(len(second)):
        changed = bytearray(second)
        changed[place] ^= 1
        with pytest.raises(LinkRefused):
            other.open(bytes(changed))
    for length in range(len(second)):
        with pytest.raises(LinkRefused):
            other.open(second[:length])
    assert other.open(second) == b"second"


def test_a_pair_talks_both_ways_over_one_connection() -> None:
    async def work() -> None:
        port = free_port()
        one, other = End("head1", port), End("head2", port)
        async with running(one, other):
            await until(lambda: one.link.connected and other.link.connected, "the link")
            large = "ä" * 1_500_000  # more than a frame
            assert one.link.tell("state", text=large)
            assert other.link.tell("note", number=1)
            await until(lambda: bool(one.heard and other.heard), "both messages")
            assert other.heard == [{"kind": "state", "text": large}]
            assert one.heard == [{"kind": "note", "number": 1}]
            assert await other.link.ask("fitness", 5.0, {"names": ["a"]}) == {
                "echo": {"names": ["a"]}
            }
            assert (one.met, other.met) == (1, 1)
        assert one.said[0] == "The watch process of head2 is connected."

    go(work)


def test_it_comes_back_when_the_other_one_does() -> None:
    async def work() -> None:
        port = free_port()
        one, other = End("head1", port), End("head2", port)
        async with running(one):
            async with running(other):
                await until(lambda: one.link.connected, "the link")
            await until(lambda: not one.link.connected, "its end")
            with pytest.raises(LinkDown, match="no link to the watch process of head2"):
                await one.link.ask("fitness", 1.0, {})
            again = End("head2", port)
            async with running(again):
                await until(lambda: one.link.connected and again.link.connected, "the link again")
        assert [text.split()[-1] for text in one.said[:1]] == ["connected."]
        assert "is not connected any more" in one.said[1]

    go(work)


def test_a_head_with_another_key_is_refused_counted_and_said_once() -> None:
    async def work() -> None:
        port = free_port()
        one, other = End("head1", port), End("head2", port, link_key(b"wrong" * 8))
        async with running(one, other):
            await until(lambda: sum(one.link.refused.values()) >= 2, "two refusals")
            assert not one.link.connected
            assert not other.link.connected
        assert len([text for text in one.said if "does not know the cluster's key" in text]) == 1

    go(work)


async def reach(port: int) -> FrameStream:
    """Connect to head1 as soon as it listens."""
    for _ in range(500):
        try:
            return await connect(HERE, port)
        except OSError:
            await asyncio.sleep(0.01)
    raise AssertionError("nobody listens")


async def spoken(stream: FrameStream) -> bytes:
    """Return everything that comes until the other end closes."""
    found = b""
    try:
        while True:
            found += await asyncio.wait_for(stream.read(), 10.0)
    except FrameEnd:
        return found


def test_rubbish_never_raises_and_never_stops_the_link() -> None:
    async def work() -> None:
        port, chance = free_port(), random.Random(5)
        one, other = End("head1", port), End("head2", port)
        trouble: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, what: trouble.append(what))
        async with running(one, other):
            await until(lambda: one.link.connected and other.link.connected, "the link")
            # What an eavesdropper has: a hello of the other head, old proofs, frames.
            shake = Handshake(b"?" * 32, "test", NAMES[::-1], b"3" * NONCE, connecting=True)
            pieces = [shake.hello, b"", MAGIC, MAGIC + b"\1", MAGIC + b"\2" + b"x" * 40, b"\0" * 32]
            for _ in range(60):
                stream = await connect(HERE, port)
                for _ in range(chance.randint(0, 3)):
                    data = bytearray(
                        chance.choice([*pieces, chance.randbytes(chance.randint(0, 80))])
                    )
                    if data and chance.random() < 0.3:
                        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                    try:
                        stream.write(bytes(data))
                    except FrameEnd:
                        break
                if chance.random() < 0.2:
                    stream._writer.write(b"\xff\xff\xff\xff")  # a frame of 4 GiB
                stream._writer.write_eof()
                await spoken(stream)
            assert one.link.connected
            assert await other.link.ask("fitness", 5.0, {}) == {"echo": {}}
            assert sum(one.link.refused.values()) > 20
            assert not one.heard
        assert not trouble

    go(work)


def test_a_signed_message_that_is_none_ends_the_connection() -> None:
    async def work() -> None:
        port = free_port()
        one = End("head1", port)
        async with running(one):
            for number, payload in enumerate((b"\0[]", b"\0{", b'\0{"a":1}', b"\7{}", b"")):
                stream = await reach(port)
                shake = Handshake(
                    KEY, "test", NAMES[::-1], bytes([number]) * NONCE, connecting=True
                )
                stream.write(shake.hello)
                stream.write(shake.heard(await stream.read()))
                seal = shake.proved(await stream.read())
                stream.write(seal.seal(payload))
                await spoken(stream)
            assert sum(one.link.refused.values()) == 5
            await until(lambda: not one.link.connected, "the end")

    go(work)


def test_strangers_leave_room_for_the_other_head() -> None:
    async def work() -> None:
        port = free_port()
        one, other = End("head1", port), End("head2", port)
        async with running(one):
            crowd = [await reach(port) for _ in range(20)]
            async with running(other):  # it comes from the loopback, too, but is asked by head1
                await until(lambda: one.link.connected, "the link")
            for stream in crowd:
                stream.abort()

    go(work)


def test_changes_make_the_old_into_the_new() -> None:
    chance = random.Random(3)

    def value(depth: int) -> object:
        if depth and chance.random() < 0.6:
            return {chance.choice("abcd"): value(depth - 1) for _ in range(chance.randint(0, 4))}
        return chance.choice([1, 2, "x", None, [1], [], True])

    for _ in range(2000):
        old = {key: value(7) for key in "abc"}
        new = {key: value(7) if chance.random() < 0.5 else old.get(key) for key in "bcd"}
        news = changes(old, new)
        apply(old, news)
        assert old == new
    assert changes({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}) == [[["a", "c"], 3]]


@pytest.mark.parametrize(
    "news",
    [None, "x", {}, [1], [[]], [[[]]], [[["a", "b"], 1]], [[["a"] * 9, 1]], [[[3], 1]], [["a", 1]]],
)
def test_changes_that_do_not_fit_are_refused(news: object) -> None:
    with pytest.raises(ValueError, match="change"):
        apply({"a": 1}, news)
