"""Following the agent: what is told when, with an agent that pretends."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.actions import process_client, status_follow
from backend.actions.status_follow import EVENTS_EVERY, FollowStatus, News
from backend.paths import Paths
from backend.tasks import CancelToken, Event, TaskContext
from tests.recorded_status import said

Answer = Callable[[str], Mapping[str, Any] | Exception]


class Agent:
    """Answers with what real agents said; counts what it is asked."""

    def __init__(self) -> None:
        self.name = "healthy-active"
        self.asked: list[str] = []
        self.problem: Exception | None = None
        self.changes: dict[str, Any] = {}

    def ask(self, _path: str, question: bytes, limit: float) -> bytes:
        assert limit <= 1.0  # a window waits for it
        command = json.loads(question)["command"]
        self.asked.append(command)
        if self.problem is not None:
            raise self.problem
        found = said(self.name)
        if command == "events":
            return json.dumps({"ok": True, "events": found["events"]}).encode() + b"\n"
        return json.dumps({**found["status"], **self.changes}).encode() + b"\n"


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    made = Agent()
    monkeypatch.setattr(process_client, "ask", made.ask)
    monkeypatch.setattr(status_follow, "EVERY", 0.001)
    monkeypatch.setattr(status_follow, "EVERY_WITHOUT", 0.001)
    return made


@pytest.fixture
def follow(agent: Agent, tmp_path: Path) -> FollowStatus:
    return FollowStatus(Paths(tmp_path), clock=lambda: 1000.0)


def test_a_look_gives_the_status_and_the_last_sentences(agent: Agent, follow: FollowStatus) -> None:
    news = follow.look()
    assert news.status is not None
    assert news.status.me == said("healthy-active")["status"]["me"]
    assert len(news.events) == len(said("healthy-active")["events"])
    assert news.problem is None
    assert agent.asked == ["status", "events"]


def run(follow: FollowStatus, told: Callable[[int, CancelToken], None]) -> int:
    """Run until ``told`` cancels it; returns how often the listener was called."""
    token, count = CancelToken(), 0

    def listener(_event: Event) -> None:
        nonlocal count
        count += 1
        told(count, token)

    follow.run(TaskContext(listener, token))
    return count


def test_the_sentences_are_asked_for_when_there_are_new_ones(
    agent: Agent, follow: FollowStatus
) -> None:
    def told(count: int, token: CancelToken) -> None:
        follow.take()
        agent.changes = {"term": 100 + count}  # something new in every look
        if count == EVENTS_EVERY - 1:
            token.cancel()

    run(follow, told)
    assert agent.asked.count("events") == 1
    number = said("healthy-active")["status"]["last_decision"]["number"]
    decision = {"number": number + 1, "time": 5.0, "kind": "decision", "sentence": "handed over"}
    agent.changes = {"last_decision": decision}
    follow.look()
    assert agent.asked.count("events") == 2


def test_what_nobody_takes_is_told_once_and_the_newest_is_what_is_taken(
    agent: Agent, follow: FollowStatus
) -> None:
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        agent.changes = {"term": looks}
        if looks == 20:
            token.cancel()
        return 0.0

    follow._clock = clock
    token = CancelToken()
    told: list[Event] = []
    follow.run(TaskContext(told.append, token))
    assert len(told) == 1
    news = follow.take()
    assert news.status is not None
    assert news.status.term == 19


def test_what_has_not_changed_is_not_told(agent: Agent, follow: FollowStatus) -> None:
    waits = 0

    class Token(CancelToken):
        def wait(self, seconds: float) -> bool:
            nonlocal waits
            waits += 1
            if waits == 30:
                self.cancel()
            return self.cancelled

    told: list[Event] = []

    def listener(event: Event) -> None:
        told.append(event)
        follow.take()

    follow.run(TaskContext(listener, Token()))
    assert waits == 30
    assert len(told) == 1


@pytest.mark.parametrize("problem", [FileNotFoundError(), ConnectionRefusedError()])
def test_no_agent_on_this_machine(
    agent: Agent, follow: FollowStatus, tmp_path: Path, problem: Exception
) -> None:
    agent.problem = problem
    news = follow.look()
    assert (news.status, news.installed) == (None, False)
    assert news.problem is not None
    assert news.problem.code == "status.not-installed"
    assert "Step 5" in news.problem.remedy
    (tmp_path / "etc/haoscar").mkdir(parents=True)
    (tmp_path / "etc/haoscar/agent.json").touch()
    news = follow.look()
    assert news.installed
    assert news.problem is not None
    assert news.problem.code == "status.stopped"
    assert "systemctl start haoscar-agent.service" in news.problem.remedy


@pytest.mark.parametrize(
    ("problem", "code"),
    [(TimeoutError("timed out"), "agent.silent"), (PermissionError(), "agent.permission")],
)
def test_an_agent_that_falls_silent_is_shown_as_it_was(
    agent: Agent, tmp_path: Path, problem: Exception, code: str
) -> None:
    now = 100.0
    follow = FollowStatus(Paths(tmp_path), clock=lambda: now)
    told: list[News] = []

    def listen(count: int, token: CancelToken) -> None:
        nonlocal now
        told.append(follow.take())
        agent.problem = problem
        now += 4.0
        if count == 3:
            token.cancel()

    run(follow, listen)
    first, *others = told
    assert first.problem is None
    for one in others:
        assert one.problem is not None
        assert one.problem.code == code
        assert one.status == first.status
        assert one.events == first.events
    assert [one.age for one in others] == [4.0, 8.0]


def test_an_agent_that_is_back_is_shown_as_it_is(agent: Agent, follow: FollowStatus) -> None:
    def told(count: int, token: CancelToken) -> None:
        news = follow.take()
        if count == 1:
            agent.problem = TimeoutError("timed out")
        elif count == 2:
            agent.problem, agent.name = None, "healthy-standby"
        else:
            assert news.problem is None
            assert news.status is not None
            assert news.status.role == "standby"
            token.cancel()

    assert run(follow, told) == 3


def test_an_answer_that_cannot_be_understood_does_not_end_it(
    agent: Agent, follow: FollowStatus
) -> None:
    agent.changes = {"voters": 5}
    news = follow.look()
    assert news.problem is not None
    assert news.problem.code == "agent.answer"
