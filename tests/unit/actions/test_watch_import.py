"""mon.cf in and out, through the command line and as the window's action."""

import io
import json
import os

import pytest

from backend.actions.action import Person
from backend.actions.watch_import import ImportWatchList
from backend.cli import main
from backend.cli.app import App
from backend.cli.output import Output
from backend.errors import InvalidInput
from backend.tasks import TaskContext
from backend.wiring import Wiring

SITE = """\
# ours
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
MON = """\
maxprocs = 20

hostgroup g head1

watch g
    service s
        interval 1m
        monitor there.monitor -x
        allow_empty_group
"""


@pytest.fixture
def wiring(tmp_path) -> Wiring:
    made = Wiring.rooted_at(tmp_path / "root")
    made.paths.site_file.parent.mkdir(parents=True)
    made.paths.site_file.write_text(SITE)
    monitor = made.paths.at("/usr/lib/mon/mon.d/there.monitor")
    monitor.parent.mkdir(parents=True)
    monitor.write_text("#!/bin/sh\n")
    monitor.chmod(0o755)
    (tmp_path / "mon.cf").write_text(MON)
    return made


class Nobody(Person):
    """Never asked."""


@pytest.fixture
def run(wiring, tmp_path, capsys, monkeypatch):
    """Return a function that runs a command of watch: its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def ran(*argv: str, as_json: bool = False, yes: bool = True) -> tuple[int, str, str]:
        flags = [*(["--json"] if as_json else []), *(["--yes"] if yes else [])]
        args = main.build_parser().parse_args(["watch", *argv, *flags])
        app = App(wiring=wiring, json=as_json, yes=yes, out=Output(as_json))
        code = main.run(args, app)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return ran


def test_import_shows_what_is_left_out_and_the_change_then_writes_it(run, wiring):
    code, out, _ = run("import", "mon.cf")
    assert code == 0
    assert (
        "mon.cf:1: Not carried over: maxprocs = 20. The agent decides how many checks run at once."
        in out
    )
    assert "mon.cf:9: Not carried over: allow_empty_group." in out
    assert '+monitor = "there.monitor"' in out
    assert out.index("Not carried over") < out.index("What will change") < out.index("The watch list is in the site file.")  # fmt: skip
    site = wiring.store().load()
    assert [str(one.ref) for one in site.watch.services] == ["g:s"]
    assert wiring.paths.site_file.read_text().startswith("# ours\n")
    assert "It was like this already." in run("import", "mon.cf")[1]


def test_without_a_yes_nothing_is_changed(run, wiring, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run("import", "mon.cf", yes=False)[0] != 0
    assert wiring.paths.site_file.read_text() == SITE


def test_import_for_programs_and_with_add(run):
    run("add", "--defaults")
    code, out, err = run("import", "mon.cf", "--add", as_json=True)
    result = json.loads(out)
    assert (code, result["changed"], len(result["services"])) == (0, True, 4)
    assert [one["place"] for one in result["reports"]] == ["mon.cf:1", "mon.cf:9"]
    assert "moncf.not-carried" in err
    assert len(json.loads(run("import", "mon.cf", as_json=True)[1])["services"]) == 1


def test_all_mistakes_with_file_and_line_and_nothing_is_changed(run, wiring, tmp_path):
    (tmp_path / "mon.cf").write_text(MON.replace("1m", "0s").replace("there", "lost"))
    code, _, err = run("import", "mon.cf")
    assert code != 0
    assert "mon.cf:7: 0s is no time at all." in err
    assert "mon.cf:8: lost.monitor is not on this head." in err
    assert wiring.paths.site_file.read_text() == SITE
    assert not wiring.paths.journal.exists()
    assert run("import", "mon.cf", "--allow-missing")[0] != 0
    (tmp_path / "mon.cf").write_text(MON.replace("there", "lost"))
    assert run("import", "mon.cf", "--allow-missing")[0] == 0


def test_a_program_must_be_one(run, wiring):
    wiring.paths.at("/usr/lib/mon/mon.d/there.monitor").chmod(0o644)
    assert "there.monitor is not on this head." in run("import", "mon.cf")[2]


@pytest.mark.parametrize("name", ["nowhere.cf", "directory", "pipe", "x\0y"])
def test_what_is_no_file_is_refused_at_once(run, tmp_path, name):
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    code, _, err = run("import", name)
    assert code != 0
    assert "Give another path." in err


def test_export_and_back(run, wiring, tmp_path):
    run("import", "mon.cf")
    before = wiring.store().load().watch
    code, out, _ = run("export")
    assert code == 0
    assert "        monitor there.monitor -x\n" in out
    assert run("export", "new.cf")[1] == "The watch list is in new.cf.\n"
    assert (tmp_path / "new.cf").read_text() == out
    assert json.loads(run("export", as_json=True)[1]) == {"text": out, "reports": []}
    run("remove", "s")
    run("import", "new.cf")
    assert wiring.store().load().watch == before
    assert "could not be written" in run("export", "none/new.cf")[2]


def test_export_tells_what_mon_cannot(run):
    run("add", "--defaults")
    run("set", "process_server", "--disabled", "yes")
    _, out, _ = run("export", "new.cf")
    assert "ServiceMonitor:process_server: mon cannot: disabled = yes It is in the file as a comment, for HA-OSCAR." in out  # fmt: skip


def test_the_action_of_the_window(wiring, tmp_path):
    action = ImportWatchList(wiring, tmp_path / "mon.cf")
    prepared = action.prepare(TaskContext(), Nobody())
    assert [one.code for one in prepared.reports] == ["moncf.not-carried", "moncf.not-carried"]
    assert wiring.paths.site_file.read_text() == SITE
    prepared.tell(prepared.run(TaskContext()))
    assert len(wiring.store().load().watch.services) == 1
    (tmp_path / "mon.cf").write_text("nonsense\n")
    with pytest.raises(InvalidInput):
        action.prepare(TaskContext(), Nobody())
