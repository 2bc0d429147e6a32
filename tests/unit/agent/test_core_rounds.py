"""Whom an active head asks in its rounds, and how long before its lease runs out."""

import itertools

import pytest

from backend.agent.core.actions import Send
from backend.agent.core.events import Received, Tick
from backend.agent.core.head import step, wake_at
from backend.agent.core.lease import without_peer
from backend.agent.core.messages import Answer, Request
from backend.agent.core.state import Head, Role
from backend.agent.core.steps import BRISK_TURN, CALM_TURN
from backend.agent.core.timing import MS
from tests.unit.agent.test_core_rules import LEASE, TIMING, WELL, active

PEER, WITNESSES = 2, (3, 4, 5)
TRIP = MS  # from a question to its answer


class Story:
    """An active head whose questions are answered by whoever is not in ``silent``."""

    def __init__(self) -> None:
        self.head: Head = active()
        self.now = self.head.next_round
        self.silent: set[int] = set()
        self.asked: list[tuple[int, frozenset[int]]] = []  # the rounds: when, and whom

    def granted(self, voter: int) -> int:
        """Return when the question was sent that a voter has granted last."""
        return self.head.acks[self.head.place(voter)]

    def round(self) -> None:
        """Let the head do what it does until its next round begins."""
        self._act(begins=True)
        while wake_at(self.head, self.now) < self.head.next_round:
            self.now = wake_at(self.head, self.now)
            self._act(begins=False)
        self.now = self.head.next_round

    def _act(self, *, begins: bool) -> None:
        decision = step(self.head, Tick(0), self.now)
        self.head = decision.state
        sends = [
            one
            for one in decision.actions
            if isinstance(one, Send) and isinstance(one.message, Request)
        ]
        if begins:
            self.asked.append((self.now, frozenset(to for one in sends for to in one.to)))
        for send in sends:
            for to in send.to:
                self._answer(to, send.message)

    def _answer(self, source: int, message: object) -> None:
        if source in self.silent or not isinstance(message, Request):
            return
        answer = Answer(True, 1, message.term, LEASE, message.sent, WELL)
        self.head = step(self.head, Received(source, answer), self.now + TRIP).state


def test_in_calm_the_witnesses_are_asked_in_every_third_round() -> None:
    story = Story()
    for _ in range(5 * CALM_TURN):
        story.round()
        assert without_peer(story.head, story.now), "the witnesses are known to be there"
        assert story.head.lease_until > story.now
    assert all(PEER in whom for _when, whom in story.asked)
    turns = [place for place, (_when, whom) in enumerate(story.asked) if whom >= set(WITNESSES)]
    assert [after - before for before, after in itertools.pairwise(turns)] == [CALM_TURN] * 4
    rests = {after[0] - before[0] for before, after in itertools.pairwise(story.asked)}
    assert rests == {TIMING.rest}


def test_after_a_missed_answer_they_are_asked_in_every_second_round() -> None:
    story = Story()
    story.round()
    story.silent = {PEER}
    story.round()
    story.silent = set()
    story.round()
    story.asked.clear()
    for _ in range(4 * BRISK_TURN):
        story.round()
    assert sum(whom >= set(WITNESSES) for _when, whom in story.asked) == 4


@pytest.mark.parametrize("rounds", range(2 * CALM_TURN))
def test_when_the_other_head_is_silent_the_witnesses_are_asked_in_time(rounds: int) -> None:
    story = Story()
    for _ in range(rounds + CALM_TURN):
        story.round()
    story.silent = {PEER}
    last, ends = story.granted(PEER), story.head.lease_until
    while min(map(story.granted, WITNESSES)) <= last:
        story.round()
        assert story.head.role is Role.ACTIVE
    assert max(map(story.granted, WITNESSES)) <= ends - LEASE // 3, "a third is left for tries"
    for _ in range(20):
        story.round()
    assert story.head.role is Role.ACTIVE
    assert story.head.lease_until > story.now
