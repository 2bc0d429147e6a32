"""``haoscar changes``, ``undo``, ``uninstall`` and ``site`` from the command line."""

import json
from pathlib import Path

import pytest

from backend.change.plan import MakeDirectory, Plan, WriteFile
from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.cli.output import Output
from backend.rollout.member import Member
from backend.rollout.record import Record
from backend.tasks import TaskContext
from backend.wiring import Wiring

CONF = Path("/etc/dhcp/haoscar.conf")
SITE = """\
version = 1
[cluster]
name = "beowulf"
domain = "example.org"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
[primary]
name = "head1"
private_address = "10.0.0.2"
"""


@pytest.fixture
def wiring(tmp_path) -> Wiring:
    return Wiring.rooted_at(tmp_path)


@pytest.fixture
def haoscar(wiring):
    def call(*argv: str, yes: bool = True) -> int:
        as_json = "--json" in argv
        app = App(wiring, json=as_json, yes=yes, out=Output(as_json))
        return run(build_parser().parse_args(argv), app)

    return call


def change(wiring: Wiring, content: bytes = b"ours\n") -> str:
    steps = (WriteFile(CONF, content, "our part"), MakeDirectory(Path("/srv/tftp"), "boot files"))
    return wiring.journal().apply(Plan("Configure DHCP", "", steps), TaskContext()).id


def test_list_and_show(haoscar, wiring, capsys):
    assert haoscar("changes", "list") == 0
    assert "changed nothing" in capsys.readouterr().out
    record = change(wiring)
    assert haoscar("changes", "list") == 0
    shown = capsys.readouterr().out
    assert record in shown
    assert "Configure DHCP" in shown
    assert haoscar("changes", "show", record) == 0
    shown = capsys.readouterr().out
    assert f"new file {CONF}" in shown
    assert "our part" in shown
    assert haoscar("changes", "show", "--json", record) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["subject"] == str(CONF)
    assert haoscar("changes", "show", "nonsense") == 4
    assert haoscar("changes", "recover") == 0


def test_undo_shows_asks_and_does(haoscar, wiring, capsys):
    assert haoscar("undo") == 3
    record = change(wiring)
    assert haoscar("undo", yes=False) == 3  # nobody can be asked
    assert wiring.paths.at(CONF).exists()
    assert haoscar("undo", record) == 0
    shown = capsys.readouterr().out
    assert f"remove {CONF}" in shown
    assert "Undone: Configure DHCP." in shown
    assert not wiring.paths.at("/etc").exists()
    assert haoscar("undo", record) == 3


def test_uninstall_stops_at_foreign_changes_and_goes_on_with_force(haoscar, wiring, capsys):
    change(wiring)
    change(wiring, b"more\n")
    wiring.paths.at(CONF).write_text("by hand\n")
    assert haoscar("uninstall") == 3
    assert str(CONF) in capsys.readouterr().err
    assert haoscar("uninstall", "--force", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["undone"]) == 2
    assert result["left"] == [str(wiring.paths.state)]
    assert not wiring.paths.at("/etc").exists()
    assert haoscar("uninstall") == 0


def test_site_show_check_and_keys(haoscar, wiring, capsys, tmp_path):
    assert haoscar("site", "check") == 4
    assert "no site file" in capsys.readouterr().err
    wiring.paths.site_file.parent.mkdir(parents=True)
    wiring.paths.site_file.write_text(SITE)
    assert haoscar("site", "check") == 0
    assert haoscar("site", "show") == 0
    assert "10.0.0.0/24" in capsys.readouterr().out
    assert haoscar("site", "show", "--json") == 0
    assert json.loads(capsys.readouterr().out)["primary"]["name"] == "head1"
    other = tmp_path / "other.toml"
    other.write_text(SITE.replace("head1", "head 1").replace("10.0.0.2", "10.0.0.0"))
    assert haoscar("site", "check", "--json", str(other)) == 4
    found = capsys.readouterr()
    assert [one["place"] for one in json.loads(found.out)["reports"]] == [f"{other}:9", f"{other}:10"]  # fmt: skip
    assert haoscar("site", "keys") == 0
    assert "primary_public_interface" in capsys.readouterr().out


def test_uninstall_does_not_begin_while_agents_run(haoscar, wiring, capsys):
    change(wiring)
    record = Record(wiring.paths)
    record.add(Member("head2", head=True, address="10.0.0.3", config=b"{}"))
    assert haoscar("uninstall") == 3
    assert "haoscar remove-agent" in capsys.readouterr().err
    assert wiring.paths.at(CONF).exists()
    record.drop(["head2"])
    assert haoscar("uninstall") == 0
    assert not wiring.paths.at(CONF).exists()
