"""``install-agent`` and ``remove-agent`` from the arguments to what is printed, on pretended members."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.actions import install_agent as action
from backend.actions import reaching
from backend.cli import main as cli
from backend.cli.app import App
from backend.cli.output import Output
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.model.secrets import Secret
from backend.rollout import key
from backend.rollout.member import Member
from backend.rollout.places import CONFIG, HEAD_UNIT, KEY, PROGRAM
from backend.rollout.record import Record
from backend.rollout.source import chosen, members_of
from backend.site.store import parse_site
from backend.system.links import NetworkSnapshot
from backend.system.runner import Runner
from backend.wiring import Wiring
from tests.fakes.agent_member import BAD, BETTER, GOOD, FakeCluster
from tests.fakes.pair_site import PAIR_SITE

NAMES = ("head1", "head2", "node1")


class Head:
    """A head with a site file below a directory, and the members beside it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wiring = Wiring.rooted_at(root / "here")
        self.cluster = FakeCluster()
        self.unreached: set[str] = set()
        self.refused: set[str] = set()
        self.program = GOOD
        for name in NAMES:
            self.cluster.add(root / "members", name)
        self.wiring.paths.site_file.parent.mkdir(parents=True)
        self.wiring.paths.site_file.write_text(PAIR_SITE)
        monkeypatch.setattr(action, "build", lambda: self.program)
        monkeypatch.setattr(reaching, "snapshot", NetworkSnapshot)
        monkeypatch.setattr(reaching, "reach", lambda *_arguments: self.reach)
        monkeypatch.setattr(action, "PATIENCE", self.cluster.patience)

    @contextmanager
    def reach(self, member: Member) -> Iterator[Runner]:
        if member.name in self.unreached:
            raise HaoscarError.of("ssh.not-reached", f"No SSH connection to {member.address}.")
        if member.name in self.refused:
            raise Refused.of("ssh.host-key-declined", "The host key was not confirmed.")
        yield self.cluster.members[member.name]

    def run(self, *words: str, yes: bool = True, as_json: bool = False) -> int:
        args = cli.build_parser().parse_args([*words])
        return cli.run(args, App(self.wiring, as_json, yes, 0, Output(as_json)))

    def files(self) -> dict[str, dict[str, bytes]]:
        return {name: one.files() for name, one in self.cluster.members.items()}


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    return Head(tmp_path, monkeypatch)


def test_what_will_change_is_shown_and_without_a_yes_nothing_changes(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    before = head.files()
    assert head.run("install-agent", yes=False) == 3
    shown = capsys.readouterr()
    assert (
        "What will change: Install the failover agent on node1 (witness, 10.0.0.101)" in shown.out
    )
    assert (
        "New file /etc/haoscar/agent.key (mode 0600, 65 bytes): the content is secret" in shown.out
    )
    assert "New file /usr/local/lib/haoscar/haoscar-agent.pyz (mode 0755" in shown.out
    assert '+  "me": "node1",' in shown.out
    assert "Service haoscar-witness.service: start it at boot and start it." in shown.out
    assert "Nobody can be asked here, so nothing was changed." in shown.err
    assert head.files() == before
    assert not (head.wiring.paths.state / "agent.key").exists()


def test_installed_upgraded_and_removed(head: Head, capsys: pytest.CaptureFixture[str]) -> None:
    before = head.files()
    assert head.run("install-agent") == 0
    assert "The agent is well on: node1, head1, head2." in capsys.readouterr().out
    kept = head.wiring.paths.state / "agent.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    secret = kept.read_text()
    assert len(bytes.fromhex(secret)) == 32
    assert {one.at(KEY).read_text() for one in head.cluster.members.values()} == {secret}
    assert set(Record(head.wiring.paths).members()) == set(NAMES)

    assert head.run("install-agent") == 0
    assert "Nothing to do: head1, head2, node1" in capsys.readouterr().out

    head.program = BETTER
    assert head.run("install-agent", as_json=True) == 0
    shown = capsys.readouterr()
    result = json.loads(shown.out)
    assert [(one["name"], one["done"]) for one in result["members"]] == [
        ("node1", True), ("head2", True), ("head1", True),
    ]  # fmt: skip
    assert [change["path"] for change in result["members"][0]["changes"]] == [PROGRAM, ""]
    assert "the other head takes over before its agent restarts" in shown.err
    assert secret.strip() not in shown.out + shown.err

    assert head.run("remove-agent") == 0
    assert "Nothing of the agent is left on: head1, head2, node1." in capsys.readouterr().out
    assert head.files() == before
    assert not kept.exists()
    assert head.run("remove-agent", "node1") == 0


def test_a_refused_host_key_or_a_machine_that_is_off_changes_nothing(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    before = head.files()
    head.refused, head.unreached = {"head2"}, {"node1"}
    assert head.run("install-agent") == 3
    said = capsys.readouterr().err
    assert "head2 (head, 10.0.0.3): The host key was not confirmed." in said
    assert "node1 (witness, 10.0.0.101): No SSH connection" in said
    head.refused = set()
    assert head.run("install-agent") == 3
    shown = capsys.readouterr()
    assert "Nothing was changed on any member." in shown.out + shown.err
    assert "--skip-unreachable" in shown.out + shown.err
    assert head.files() == before


def test_an_upgrade_that_clients_will_feel_is_announced(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    assert head.run("install-agent") == 0
    head.cluster.members["head2"].units[HEAD_UNIT].state = "inactive"
    head.unreached = {"head2"}
    head.program = BETTER
    assert head.run("install-agent", "--skip-unreachable") == 0
    shown = capsys.readouterr()
    assert "head1 is active and the other head does not answer." in shown.out + shown.err


def test_a_head_that_is_off_still_counts_the_votes_it_knew(
    head: Head, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nodes = {n: f'[[node]]\nname = "node{n}"\naddress = "10.0.0.10{n}"\n' for n in (2, 3)}
    for number in nodes:
        head.cluster.add(tmp_path / "members", f"node{number}")
    agent = '[agent]\nwitnesses = ["node1", "node2"{}]\n'
    one_more = PAIR_SITE + nodes[2] + agent.format("")
    two_more = PAIR_SITE + nodes[2] + nodes[3] + agent.format(', "node3"')
    file = head.wiring.paths.site_file
    assert head.run("install-agent") == 0
    head.unreached = {"head2"}
    file.write_text(one_more)
    assert head.run("install-agent", "--skip-unreachable") == 0
    file.write_text(two_more)
    capsys.readouterr()
    assert head.run("install-agent", "--skip-unreachable") == 3
    said = capsys.readouterr().err
    assert "head2 (head, 10.0.0.3): its agent counts the votes of other members" in said
    assert "head1 (head" not in said
    head.unreached = set()
    file.write_text(one_more)
    assert head.run("install-agent") == 0
    file.write_text(two_more)
    assert head.run("install-agent") == 0


def test_going_on_without_a_machine_that_is_off(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    head.unreached = {"node1"}
    assert head.run("install-agent", "--skip-unreachable", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == ["node1"]
    head.unreached = set()
    assert head.run("install-agent") == 0
    assert "The agent is well on: node1." in capsys.readouterr().out
    head.unreached = {"node1"}
    assert head.run("remove-agent", "--skip-unreachable") == 0
    assert set(Record(head.wiring.paths).members()) == {"node1"}
    assert (head.wiring.paths.state / "agent.key").exists()


def test_a_failure_half_way_and_the_next_run(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    assert head.run("install-agent", "node1") == 0
    head.program = BAD
    assert head.run("install-agent") == 1
    said = capsys.readouterr().err
    assert "What ran before runs again." in said
    assert "Not begun: head1, head2." in said
    head.program = GOOD
    assert head.run("install-agent") == 0
    assert "The agent is well on: head1, head2." in capsys.readouterr().out


def test_a_former_member_is_named_and_can_still_be_removed(
    head: Head, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert head.run("install-agent") == 0
    gone = '[[node]]\nname = "node1"\naddress = "10.0.0.101"\n'
    more = 'takeover_without_witness = "hold"\n'
    head.wiring.paths.site_file.write_text(PAIR_SITE.replace(gone, f"[agent]\n{more}"))
    assert head.run("install-agent") == 0
    said = capsys.readouterr().out
    assert (
        "No members any more, but they have the agent: node1. Run: haoscar remove-agent node1"
        in said
    )
    assert head.run("remove-agent", "node1") == 0
    assert not head.cluster.members["node1"].at(PROGRAM).exists()
    assert head.cluster.members["head1"].at(PROGRAM).exists()


def test_unknown_members_and_ports_are_invalid(head: Head) -> None:
    assert head.run("install-agent", "node9") == 4
    assert head.run("install-agent", "--ssh-port", "70000") == 4
    assert head.run("install-agent", "--ssh-user", "a b") == 4
    assert head.run("install-agent", "--ask-password") == 3  # no terminal


def test_two_installers_take_turns(head: Head, capsys: pytest.CaptureFixture[str]) -> None:
    with reaching.turn(head.wiring, "install-agent"):
        assert head.run("install-agent") == 3
    assert "Another change is being made: install-agent" in capsys.readouterr().err


def test_a_hostile_file_of_a_member_cannot_steer_the_terminal(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    node = head.cluster.members["node1"]
    node.at(CONFIG).parent.mkdir(parents=True)
    node.at(CONFIG).write_text("\x1b[2J{old}\u202e\n")
    assert head.run("install-agent", yes=False) == 3
    shown = capsys.readouterr().out
    assert r"-\x1b[2J{old}\u202e" in shown
    assert "\x1b[2J" not in shown


def test_the_key_survives_a_cloned_head_and_a_damaged_one_is_not_used(tmp_path: Path) -> None:
    paths = Wiring.rooted_at(tmp_path).paths
    first, new = key.cluster_key(paths)
    assert new
    assert first != key.cluster_key(paths)[0]
    paths.at(KEY).parent.mkdir(parents=True)
    paths.at(KEY).write_text(first.reveal())
    assert key.cluster_key(paths) == (first, False)
    key.keep(paths, first)
    paths.at(KEY).unlink()
    assert key.cluster_key(paths) == (Secret(first.reveal()), False)
    (paths.state / "agent.key").write_bytes(b"\0" * 32)
    with pytest.raises(InvalidInput, match=r"agent\.key"):
        key.cluster_key(paths)


def test_members_of_a_site(tmp_path: Path) -> None:
    members, reports = members_of(parse_site(PAIR_SITE, tmp_path / "site.toml"))
    assert [(one.name, one.head, one.address, one.preferred) for one in members] == [
        ("head1", True, "10.0.0.2", True), ("head2", True, "10.0.0.3", False),
        ("node1", False, "10.0.0.101", False),
    ]  # fmt: skip
    document = json.loads(members[0].config)
    assert document["key_file"] == KEY
    assert document["run_directory"] == "/run/haoscar-agent"
    assert len(set(reports)) == len(reports)
    assert chosen(members, ["node1", "node1"]) == [members[2]]
    assert members[0].unit == HEAD_UNIT
