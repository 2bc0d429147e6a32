"""``haoscar watch list``, ``test``, ``ack`` and so on, with a watch process that pretends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.actions import process_client
from backend.amounts import share
from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.cli.output import Output
from backend.cli.watch_history import since
from backend.errors import InvalidInput
from backend.wiring import Wiring

SITE = """\
version = 1
[cluster]
name = "c"
domain = "d.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
[primary]
name = "head1"
private_address = "10.0.0.2"
"""
REF = "ServiceMonitor:process_server"
SERVICE: dict[str, Any] = {
    "ref": REF, "state": "failed", "since": 1.0, "summary": "head2", "last_check": 2.0,
    "next_check": None, "running": True, "held": "", "consecutive_failures": 2,
    "acknowledged": {"by": "root", "text": "known", "at": 1.0}, "recovery": "held: it stays so",
}  # fmt: skip
STATUS: dict[str, Any] = {
    "ok": True, "me": "head1", "active": True, "by": "head1", "copy": False, "why": "",
    "connected": True, "services": [SERVICE],
}  # fmt: skip
Answer = Any
Call = Callable[..., int]


@pytest.fixture
def haoscar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    wiring = Wiring.rooted_at(tmp_path)
    wiring.paths.site_file.parent.mkdir(parents=True)
    wiring.paths.site_file.write_text(SITE)

    def call(answer: Answer, *argv: str) -> int:
        def ask(path: str, question: bytes, _limit: float) -> bytes:
            assert path == str(tmp_path / "run/haoscar-watch/watch")
            asked.append(json.loads(question))
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n"

        monkeypatch.setattr(process_client, "ask", ask)
        as_json = "--json" in argv
        words = [one for one in argv if one != "--json"]
        app = App(wiring, json=as_json, yes=True, out=Output(as_json))
        return run(build_parser().parse_args(words), app)

    assert call(FileNotFoundError(), "watch", "add", "--defaults") == 0
    asked.clear()
    return call


asked: list[dict[str, Any]] = []


def test_the_list_has_the_state_where_the_process_answers(haoscar: Call, capsys: Any) -> None:
    capsys.readouterr()
    assert haoscar(STATUS, "watch", "list") == 0
    shown = capsys.readouterr().out
    for text in (
        "failed",
        "acknowledged by root: known",
        "held: it stays so",
        "head1 checks them.",
        "now",
    ):
        assert text in shown
    assert haoscar({**STATUS, "active": False, "copy": True, "by": "head2", "why": "no link", "connected": False}, "watch", "list") == 0  # fmt: skip
    shown = capsys.readouterr().out
    assert "This is what head2 knew when it was last heard: no link." in shown
    assert "have no link" in shown
    assert haoscar(STATUS, "watch", "list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["live"]["services"][0]["state"] == "failed"
    assert len(found["services"]) == 3


def test_offline_the_list_says_so(haoscar: Call, capsys: Any) -> None:
    capsys.readouterr()
    assert haoscar(FileNotFoundError(), "watch", "list") == 0
    shown = capsys.readouterr().out
    assert "Monitoring periods" in shown
    assert "Without their state: No watch process runs here" in shown
    assert haoscar(FileNotFoundError(), "watch", "list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["live"] is None
    assert "No watch process runs here" in found["offline"]


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b"[" * 100_000, {"ok": True}, {**STATUS, "services": [1]}]
)
def test_an_answer_that_is_none_is_said(haoscar: Call, capsys: Any, answer: Answer) -> None:
    capsys.readouterr()
    assert haoscar(answer, "watch", "list") == 0
    assert "Without their state: The " in capsys.readouterr().out


def test_commands_are_passed_to_the_process(haoscar: Call, capsys: Any) -> None:
    done = {"ok": True, "sentence": "done"}
    assert haoscar(done, "watch", "ack", "process_server", "paper is ordered") == 0
    assert haoscar(done, "watch", "disable", REF) == 0
    assert haoscar(done, "watch", "report", REF, "failed", "no paper") == 0
    assert asked == [
        {"command": "ack", "service": REF, "text": "paper is ordered"},
        {"command": "disable", "service": REF, "text": ""},
        {"command": "report", "service": REF, "outcome": "failed", "summary": "no paper"},
    ]
    assert "done" in capsys.readouterr().out
    assert haoscar({"ok": False, "error": "it is gone"}, "watch", "enable", REF) != 0
    assert "it is gone" in capsys.readouterr().err
    assert haoscar(done, "watch", "ack", "unheard_of") != 0


def test_a_test_ends_with_its_result(haoscar: Call, capsys: Any) -> None:
    found = {"ok": True, "outcome": "failed", "by": "head1", "took": 0.25, "summary": "head2"}
    assert haoscar(found, "watch", "test", REF) == 1
    assert f"{REF} is failed, seen from head1, in 0.2 s." in capsys.readouterr().out
    assert haoscar({**found, "outcome": "ok"}, "watch", "test", REF, "--here") == 0
    assert asked[-1]["here"] is True


def test_history_and_availability(haoscar: Call, capsys: Any) -> None:
    entry = {"time": 1.0, "service": REF, "kind": "state", "sentence": "has failed", "by": "head2"}
    assert haoscar({"ok": True, "history": [entry]}, "watch", "history", "--since", "2h") == 0
    assert "has failed" in capsys.readouterr().out
    assert abs(asked[-1]["since"] - (time.time() - 7200)) < 60
    spans = {"day": {"share": 0.999999}, "week": {"share": None}, "month": {"share": 1.0}}
    answer = {"ok": True, "availability": {REF: spans}}
    assert haoscar(answer, "watch", "history", "--availability") == 0
    shown = capsys.readouterr().out
    assert "99.999 %" in shown
    assert "100 %" in shown
    assert haoscar({"ok": True, "history": [7]}, "watch", "history") != 0


def test_times_and_shares() -> None:
    assert since(None) == 0.0
    assert share(0.5) == "50.000 %"
    for text in ("2", "h", "-1h", "٣h", "2026-99-01", ""):
        with pytest.raises(InvalidInput):
            since(text)
