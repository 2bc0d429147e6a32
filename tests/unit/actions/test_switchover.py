"""Switchover and maintenance as actions, with an agent that pretends."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.actions import process_client
from backend.actions.maintenance import MaintenanceAction
from backend.actions.switchover import SwitchoverAction
from backend.change.preview import ChangeKind
from backend.errors import Cancelled, HaoscarError, InvalidInput, Refused
from backend.tasks import CancelToken, TaskContext
from backend.wiring import Wiring
from tests.unit.actions.test_standby import Nobody
from tests.unit.test_agent_commands import STATUS

Say = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Agent:
    """Answers as told, and remembers what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.status: dict[str, Any] = dict(STATUS)
        self.moves = True

        def ask(_path: str, question: bytes, _limit: float) -> bytes:
            found = json.loads(question)
            self.asked.append(found)
            return json.dumps(self.answer(found)).encode()

        monkeypatch.setattr(process_client, "ask", ask)

    def answer(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        if question["command"] == "switchover" and self.moves:
            self.status.update(role="standby", term=self.status["term"] + 1)
        if question["command"] == "maintenance":
            return {"ok": True, "maintenance_seconds": question["seconds"]}
        return self.status


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    return Agent(monkeypatch)


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    return Wiring.rooted_at(tmp_path)


def test_what_moves_is_shown_on_both_heads(agent: Agent, wiring: Wiring) -> None:
    made = SwitchoverAction(wiring).prepare(TaskContext(), Nobody())
    assert [one.title for one in made.groups] == ["head1", "head2"]
    shown = [[one.sentence for one in group.changes] for group in made.groups]
    assert shown == [
        ["Resources are stopped: home.", "It gives up the virtual IPs 10.0.0.9."],
        ["It becomes the active head and takes the virtual IPs.", "Resources are started: home."],
    ]
    assert {one["command"] for one in agent.asked} == {"status"}
    switched = made.run(TaskContext())
    assert made.tell(switched).sentence == "head2 is active now, term 5."


def test_a_role_that_has_moved_meanwhile_is_not_moved_back(agent: Agent, wiring: Wiring) -> None:
    made = SwitchoverAction(wiring).prepare(TaskContext(), Nobody())
    agent.status["role"] = "standby"
    with pytest.raises(Refused, match="head1 is not the active head any more"):
        made.run(TaskContext())
    assert "switchover" not in {one["command"] for one in agent.asked}


def test_who_gives_up_waiting_is_told_that_it_goes_on(agent: Agent, wiring: Wiring) -> None:
    agent.moves = False
    made = SwitchoverAction(wiring).prepare(TaskContext(), Nobody())
    token = CancelToken()
    context = TaskContext(lambda event: token.cancel() if "Waiting" in str(event) else None, token)
    with pytest.raises(Cancelled, match="goes on"):
        made.run(context)


def test_a_peer_that_is_silent_is_a_doubt(agent: Agent, wiring: Wiring) -> None:
    agent.status["peer"] = {**STATUS["peer"], "alive": False}
    made = SwitchoverAction(wiring).prepare(TaskContext(), Nobody())
    assert [one.text for one in made.reports] == ["head2 does not answer head1 now."]


def test_maintenance_is_asked_for_when_it_was_confirmed(agent: Agent, wiring: Wiring) -> None:
    made = MaintenanceAction(wiring, on=True, minutes=15).prepare(TaskContext(), Nobody())
    assert agent.asked == []
    assert made.groups[0].changes[0].kind is ChangeKind.UNIT
    assert "15 min" in made.sentence
    found = made.run(TaskContext())
    assert agent.asked == [{"command": "maintenance", "seconds": 900.0}]
    assert made.tell(found).sentence == "Maintenance is on; it ends by itself in 15 min 00 s."


@pytest.mark.parametrize("minutes", [0.0, -1.0, 10081.0, float("nan"), float("inf")])
def test_minutes_that_cannot_be_meant(wiring: Wiring, minutes: float) -> None:
    with pytest.raises(InvalidInput, match="at most 10080 minutes"):
        MaintenanceAction(wiring, on=True, minutes=minutes).prepare(TaskContext(), Nobody())


def test_without_an_agent_it_says_what_to_do(wiring: Wiring) -> None:
    with pytest.raises(HaoscarError, match="No agent runs here"):
        SwitchoverAction(wiring).prepare(TaskContext(), Nobody())
