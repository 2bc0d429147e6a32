"""A witness's votes, without sockets."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.agent import witness as module
from backend.agent.core.messages import Answer, Invite, Kind, Message, Poll, Request, Resign, Status
from backend.agent.core.timing import Timing
from backend.agent.core.voter import Voter
from backend.agent.settings import Member, Network, Settings

LEASE = Timing().lease


class Post:
    def __init__(self, *_parts: object) -> None:
        self.sent: list[tuple[int, int, Message]] = []

    def reply(self, to: int, network: int, message: Message) -> None:
        self.sent.append((to, network, message))


class Clock(SimpleNamespace):
    now: int


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(now=10_000_000)
    monkeypatch.setattr(module, "boottime_us", lambda: clock.now)
    monkeypatch.setattr(module, "Post", Post)
    monkeypatch.setattr(module, "new_sessions", lambda _settings: None)
    return clock


def settings(tmp_path: Path) -> Settings:
    members = (
        Member(1, "a", True, ("",)),
        Member(2, "b", True, ("",)),
        Member(3, "w", False, ("",)),
    )
    return Settings(
        "c", 3, members, (Network("private", ""),), (), "", str(tmp_path), str(tmp_path)
    )


def request(term: int, kind: Kind = Kind.CAMPAIGN) -> Request:
    return Request(term, kind, 0, LEASE, 77)


def answers(witness: module.Witness) -> list[Message]:
    post = witness._post
    assert isinstance(post, Post)
    found = [message for _to, _network, message in post.sent]
    post.sent.clear()
    return found


def test_it_grants_nothing_before_a_lease_is_over_after_its_start(
    clock: Clock, tmp_path: Path
) -> None:
    witness = module.Witness(settings(tmp_path))
    witness._answer(1, 0, request(5))
    assert answers(witness) == [Answer(False, 0, 0, LEASE, 77)]
    clock.now += LEASE
    witness._answer(1, 0, request(5))
    assert answers(witness) == [Answer(True, 1, 5, LEASE, 77)]
    witness._answer(2, 0, request(6))
    assert answers(witness) == [Answer(False, 1, 5, LEASE, 77)]


def test_only_heads_are_answered(clock: Clock, tmp_path: Path) -> None:
    witness = module.Witness(settings(tmp_path))
    clock.now += LEASE
    witness._answer(4, 0, request(5))
    witness._answer(1, 0, Invite(5))
    assert answers(witness) == []


def test_a_poll_binds_nobody_and_a_resignation_frees(clock: Clock, tmp_path: Path) -> None:
    witness = module.Witness(settings(tmp_path))
    clock.now += LEASE
    witness._answer(2, 0, Poll(9))
    assert answers(witness) == [Status(0, 0, 0, 9)]
    witness._answer(1, 0, request(5))
    witness._answer(1, 0, Resign(5, False))
    answers(witness)
    witness._answer(2, 0, request(6))
    assert answers(witness) == [Answer(True, 2, 6, LEASE, 77)]


def test_term_and_holder_survive_a_restart(clock: Clock, tmp_path: Path) -> None:
    first = module.Witness(settings(tmp_path))
    clock.now += LEASE
    first._answer(1, 0, request(5))
    second = module.Witness(settings(tmp_path))
    assert (second.voter.term, second.voter.holder) == (5, 1)
    clock.now += LEASE
    second._answer(2, 0, request(5))  # the term is the other head's
    assert not answers(second)[0].granted  # type: ignore[union-attr]
    second._answer(1, 0, request(5, Kind.RENEW))
    assert answers(second)[0].granted  # type: ignore[union-attr]


def test_a_damaged_memory_does_not_stop_it(
    clock: Clock, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "witness.json").write_text("rubbish")
    witness = module.Witness(settings(tmp_path))
    assert isinstance(witness.voter, Voter)
    assert witness.voter.term == 0
    assert "cannot be used" in capfd.readouterr().err
