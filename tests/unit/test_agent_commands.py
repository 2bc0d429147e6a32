"""``haoscar status``, ``switchover``, ``maintenance`` and ``events``, with an agent that pretends."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from backend.actions import process_client
from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.cli.output import Output
from backend.wiring import Wiring

HEALTH = {
    "networks": {"private": True}, "fit": True, "maintenance": False, "active": False, "stopping": False,
}  # fmt: skip
STATUS: dict[str, Any] = {
    "ok": True, "cluster": "c", "me": "head1", "role": "active", "term": 4, "lease_us": 300_000,
    "lease_remaining_us": 250_000, "serving_alone": False, "promised": False, "maintenance_seconds": 0.0,
    "health": {**HEALTH, "active": True},
    "peer": {"name": "head2", "alive": True, "heard_ago_us": 900, "health": HEALTH},
    "voters": [{"name": "node1", "head": False, "state": "granting", "granted_ago_us": 12_345}],
    "last_decision": {"time": 0.0, "sentence": "active, term 4: elected"}, "last_alarm": None,
    "virtual_ips": [{"address": "10.0.0.9", "network": "private", "interface": "eth0", "configured": True}],
    "links": [{"member": "head2", "network": "private", "age_us": 900, "loss": 0.015, "jitter_us": 40}],
    "resources": [{"name": "home", "state": "running", "why": ""}],
    "explain": ["the other head is ready to take over"], "risks": ["no witness"],
}  # fmt: skip

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any] | Exception]


@pytest.fixture
def haoscar(tmp_path, monkeypatch):
    def call(answer: Answer, *argv: str) -> int:
        def ask(path: str, question: bytes, _limit: float) -> bytes:
            assert path == str(tmp_path / "run/haoscar-agent/control")
            found = answer(json.loads(question))
            if isinstance(found, Exception):
                raise found
            return json.dumps(found).encode() + b"\n"

        monkeypatch.setattr(process_client, "ask", ask)
        as_json = "--json" in argv
        app = App(Wiring.rooted_at(tmp_path), json=as_json, yes=True, out=Output(as_json))
        return run(build_parser().parse_args(argv), app)

    return call


def test_status_says_who_serves_and_what_would_happen(haoscar, capsys):
    assert haoscar(lambda _question: STATUS, "status") == 0
    shown = capsys.readouterr().out
    for text in (
        "head1 is active (term 4, lease for 250 ms)", "head2 is standby", "RISK: no witness", "10.0.0.9",
        "12.3 ms ago", "1.5 %", "40 us", "home", "- the other head is ready to take over",
        "active, term 4: elected",
    ):  # fmt: skip
        assert text in shown
    assert haoscar(lambda _question: STATUS, "status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["term"] == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"peer": {**STATUS["peer"], "alive": False}},
        {"peer": {**STATUS["peer"], "health": {**HEALTH, "fit": False}}},
        {"peer": {**STATUS["peer"], "health": {**HEALTH, "active": True}}},
        {"role": "standby"},
        {"role": "standby", "promised": True, "peer": {**STATUS["peer"], "health": {**HEALTH, "active": True}}},
    ],
)  # fmt: skip
def test_a_pair_that_is_not_well_is_exit_code_1(haoscar, changes):
    assert haoscar(lambda _question: {**STATUS, **changes}, "status") == 1


@pytest.mark.parametrize(
    ("problem", "code"),
    [(FileNotFoundError(), 3), (PermissionError(), 3), (TimeoutError("timed out"), 1)],
)
def test_no_agent_is_told_with_what_to_do(haoscar, capsys, problem, code):
    assert haoscar(lambda _question: problem, "status") == code
    said = capsys.readouterr().err
    assert "haoscar install-agent" in said or "sudo" in said or "journalctl" in said


def test_a_switchover_waits_for_the_new_term(haoscar, capsys):
    asked: list[str] = []

    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(question["command"])
        if question["command"] == "switchover":
            return {"ok": True, "sentence": "switchover: asked the other head"}
        moved = {"role": "standby", "term": 5} if "switchover" in asked else {}
        return {**STATUS, **moved}

    assert haoscar(answer, "switchover") == 0
    assert "head2 is active now, term 5" in capsys.readouterr().out
    assert asked == ["status", "status", "switchover", "status"]


def test_a_switchover_that_does_not_happen_says_so(haoscar, capsys):
    assert haoscar(lambda _question: STATUS, "switchover", "--limit", "0") == 1
    assert "active, term 4: elected" in capsys.readouterr().err


def test_the_agents_no_is_passed_on(haoscar, capsys):
    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        no = {"ok": False, "error": "no switchover: the other head does not answer"}
        return STATUS if question["command"] == "status" else no

    assert haoscar(answer, "switchover") == 3
    assert "the other head does not answer" in capsys.readouterr().err


def test_maintenance_is_asked_for_in_seconds(haoscar, capsys):
    asked: list[Mapping[str, Any]] = []

    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(question)
        return {"ok": True, "maintenance_seconds": question["seconds"]}

    assert haoscar(answer, "maintenance", "on", "--minutes", "5") == 0
    assert haoscar(answer, "maintenance", "off") == 0
    assert [one["seconds"] for one in asked] == [300.0, 0.0]
    assert "ends by itself in 5 min 00 s" in capsys.readouterr().out
    assert haoscar(answer, "maintenance", "on", "--minutes", "0") == 4


def test_events_are_sentences_with_their_time(haoscar, capsys):
    events = [
        {"number": 1, "time": 0.0, "moment_us": 5, "kind": "alarm", "sentence": "the disk is full"}
    ]
    assert haoscar(lambda _question: {"ok": True, "events": events}, "events") == 0
    assert "alarm: the disk is full" in capsys.readouterr().out
