"""``haoscar drill`` from its arguments to what is printed, on pretended machines."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.actions import reaching
from backend.cli import main as cli
from backend.cli.app import App
from backend.cli.output import Output
from backend.drill import task
from backend.errors import HaoscarError, Refused
from backend.rollout.member import Member
from backend.system.links import NetworkSnapshot
from backend.system.runner import Runner
from backend.wiring import Wiring
from tests.fakes.drill_world import DrillWorld
from tests.fakes.pair_site import PAIR_SITE

SITE = f"""\
{PAIR_SITE}[[node]]
name = "node2"
address = "10.0.0.102"
[agent]
witnesses = ["node1", "node2"]
"""


class Head:
    """A head with a site file below a directory, and the members beside it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wiring = Wiring.rooted_at(root / "here")
        self.world = DrillWorld()
        self.unreached: set[str] = set()
        self.refused: set[str] = set()
        self.site(SITE)
        monkeypatch.setattr(reaching, "snapshot", NetworkSnapshot)
        monkeypatch.setattr(reaching, "reach", lambda *_arguments: self.reach)
        monkeypatch.setattr(task, "CALM", 0.005)
        monkeypatch.setattr(task, "STEP", 0.005)

    def site(self, text: str) -> None:
        self.wiring.paths.site_file.parent.mkdir(parents=True, exist_ok=True)
        self.wiring.paths.site_file.write_text(text)

    @contextmanager
    def reach(self, member: Member) -> Iterator[Runner]:
        if member.name in self.unreached:
            raise HaoscarError.of("ssh.not-reached", f"No SSH connection to {member.address}.")
        if member.name in self.refused:
            raise Refused.of("ssh.host-key-declined", "The host key was not confirmed.")
        yield self.world.machine(member.name)

    def run(self, *words: str, yes: bool = True, as_json: bool = False) -> int:
        args = cli.build_parser().parse_args(["drill", "--seconds", "0", *words])
        return cli.run(args, App(self.wiring, as_json, yes, 0, Output(as_json)))


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    return Head(tmp_path, monkeypatch)


Capture = pytest.CaptureFixture[str]


def test_it_is_said_what_will_happen_and_without_a_yes_nothing_does(
    head: Head, capsys: Capture
) -> None:
    assert head.run("--service", "ssh=22", "--fault", "power-loss", yes=False) == 3
    shown = capsys.readouterr()
    assert "head1 is active (term 7), head2 stands by." in shown.out
    assert "head1 is reset at once (sysrq b)" in shown.out
    assert "What can go wrong: what head1 has not yet written is lost" in shown.out
    assert "Measured on node1, every 5 ms: 10.0.0.1, ssh at 10.0.0.1:22." in shown.out
    assert "Each service gets 200 connections a second from each of them" in shown.out
    assert "Promised: no more than 110 ms without an answer." in shown.out
    assert "Reset head1 NOW, without shutting it down? Nobody can be asked here" in shown.err
    assert head.world.log == []


def test_a_drill_that_passes(head: Head, capsys: Capture) -> None:
    assert head.run("--service", "ssh=22") == 0
    shown = capsys.readouterr().out
    assert "under 15 ms" not in shown
    assert "8 ms" in shown
    assert "within the budget" in shown
    assert "Before: head1, term 7. After: head2, term 8." in shown
    assert "Passed: 10.0.0.1 did not answer node1 for 8 ms, within the budget." in shown
    assert "Not measured, no witness is on that network: 192.0.2.10" in shown
    assert head.world.log == ["head1 switchover"]


def test_one_that_fails_and_its_report(head: Head, capsys: Capture, tmp_path: Path) -> None:
    head.world.gap_ms = 900.0
    assert head.run("--report", str(tmp_path / "report"), as_json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert said["report"] == str(tmp_path / "report/report.html")
    assert {one["verdict"] for one in said["drills"][0]["rows"]} == {"too_long"}
    assert {one["witness"] for one in said["drills"][0]["rows"]} == {"node1", "node2"}
    data = json.loads((tmp_path / "report/report.json").read_text())
    assert data == {name: one for name, one in said.items() if name != "report"}
    assert "TOO LONG" in (tmp_path / "report/report.html").read_text()


def test_back_again(head: Head, capsys: Capture) -> None:
    assert head.run("--fault", "agent-frozen", "--return", as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["fault"] for one in said["drills"]] == ["agent-frozen", "planned"]
    assert [one["after"]["active"] for one in said["drills"]] == ["head2", "head1"]
    assert head.world.log == ["head1 freeze 5", "head1 thaw", "head2 switchover"]


def test_nothing_to_go_back_to(head: Head, capsys: Capture) -> None:
    assert head.run("--fault", "agent-killed", "--return") == 0
    assert "head1 has not lost its role: nothing to switch back." in capsys.readouterr().out
    assert head.world.log == ["head1 kill 111"]


def test_a_result_is_not_lost_when_the_way_back_fails(head: Head, capsys: Capture) -> None:
    head.world.on_fault = lambda: head.world.spoilt.update(head2={"refuse": True})
    assert head.run("--return", as_json=True) == 3
    shown = capsys.readouterr()
    assert [one["ok"] for one in json.loads(shown.out)["drills"]] == [True]
    assert "no switchover: not now" in shown.err


def test_witnesses(head: Head, capsys: Capture) -> None:
    head.unreached = {"node1"}
    assert head.run(as_json=True) == 0
    shown = capsys.readouterr()
    assert {one["witness"] for one in json.loads(shown.out)["drills"][0]["rows"]} == {"node2"}
    assert "No SSH connection to 10.0.0.101" in shown.err
    head.world.log.clear()
    assert head.run("--witness", "node1") == 3
    head.unreached = {"node1", "node2"}
    assert head.run() == 3
    head.unreached = {"head2"}
    assert head.run() == 3
    head.unreached, head.refused = set(), {"node1"}
    assert head.run() == 3
    assert head.run("--witness", "node9") == 4
    assert head.run("--witness", "head2") == 4
    assert head.world.log == []
    assert "The drill was not begun" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--service", "ssh"), "is no service"),
        (("--service", "web=10.0.0.9:80"), "is no virtual IP"),
        (("--seconds", "999"), "at most 120"),
        (("--fault", "power-loss", "--return"), "has just been reset"),
        (("--report", "/etc/passwd/drill"), "No report can be written to /etc/passwd/drill"),
    ],
)
def test_what_cannot_be_meant(
    head: Head, capsys: Capture, words: tuple[str, ...], said: str
) -> None:
    assert head.run(*words) == 4
    assert said in capsys.readouterr().err
    assert head.world.log == []


def test_a_site_without_witnesses(head: Head, capsys: Capture) -> None:
    head.site(SITE.replace('witnesses = ["node1", "node2"]', 'witnesses = []\ntakeover_without_witness = "hold"'))  # fmt: skip
    assert head.run() == 3
    assert "This site has no witness" in capsys.readouterr().err


def test_not_beside_an_installation(head: Head, capsys: Capture) -> None:
    with reaching.turn(head.wiring, "drill"):
        assert head.run() == 3
    assert "drill (process" in capsys.readouterr().err
