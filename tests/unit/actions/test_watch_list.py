"""The watch list read, judged, shown and saved; by the window's action and by the commands."""

import io
import json
from dataclasses import replace
from datetime import datetime

import pytest

from backend.actions import watch_list
from backend.actions.action import Person
from backend.actions.watch_list import SaveWatchList
from backend.change.preview import ChangeKind
from backend.cli import main
from backend.cli.app import App
from backend.cli.output import Output
from backend.cli.watch_when import answers
from backend.errors import InvalidInput, Refused
from backend.model.names import WatchName
from backend.model.periods import Period
from backend.model.watchlist import WatchList, default_watch_list
from backend.model.watchlist_values import Duration
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


class Nobody(Person):
    """Never asked."""


@pytest.fixture
def wiring(tmp_path) -> Wiring:
    made = Wiring.rooted_at(tmp_path)
    made.paths.site_file.parent.mkdir(parents=True)
    made.paths.site_file.write_text(SITE)
    return made


def carry_out(action: SaveWatchList):
    prepared = action.prepare(TaskContext(), Nobody())
    return prepared, prepared.tell(prepared.run(TaskContext()))


def test_a_site_without_a_watch_list_gets_the_original_proposed(wiring):
    found = watch_list.look(wiring)
    assert found.proposed
    assert found.watch == default_watch_list()
    assert found.stored == WatchList()
    assert found.monitors[0] == "netsnmp-proc.monitor"
    assert "mail" in found.alerts
    assert found.reports == ()


def test_programs_of_this_head_are_offered(wiring):
    for name in ("/usr/lib/mon/mon.d/ping.monitor", "/usr/lib/nagios/plugins/check_load",
                 "/usr/lib/mon/alert.d/page.alert", "/usr/lib/mon/mon.d/README"):  # fmt: skip
        path = wiring.paths.at(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = watch_list.look(wiring)
    assert found.monitors[-2:] == ("ping.monitor", "check_load")
    assert found.alerts[-1] == "page.alert"
    assert "README" not in found.monitors


def test_saving_shows_the_diff_writes_and_can_be_undone(wiring):
    prepared, outcome = carry_out(SaveWatchList(wiring, WatchList(), default_watch_list()))
    ((change,),) = [group.changes for group in prepared.groups]
    assert change.kind is ChangeKind.CHANGED
    assert '+name = "process_server"' in change.diff
    assert not prepared.idle
    assert wiring.paths.site_file.read_text().startswith(SITE)
    found = watch_list.look(wiring)
    assert not found.proposed
    assert found.watch == default_watch_list()
    wiring.journal().undo(outcome.undo, TaskContext())
    assert wiring.paths.site_file.read_text() == SITE


def test_saving_what_is_there_is_idle(wiring):
    carry_out(SaveWatchList(wiring, WatchList(), default_watch_list()))
    watch = default_watch_list()
    assert SaveWatchList(wiring, watch, watch).prepare(TaskContext(), Nobody()).idle


def test_nothing_is_written_over_somebody_elses_changes(wiring):
    carry_out(SaveWatchList(wiring, WatchList(), default_watch_list()))
    before = wiring.paths.site_file.read_bytes()
    with pytest.raises(Refused):
        SaveWatchList(wiring, WatchList(), WatchList()).prepare(TaskContext(), Nobody())
    assert wiring.paths.site_file.read_bytes() == before


def test_all_mistakes_are_said_with_service_and_field_and_nothing_is_written(wiring):
    row = default_watch_list().services[0]
    wrong = replace(default_watch_list(), services=(
        replace(row, monitor="zzz"), replace(row, name=WatchName("b"), group=WatchName("none")),
    ))  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        SaveWatchList(wiring, WatchList(), wrong).prepare(TaskContext(), Nobody())
    assert [str(one.place) for one in caught.value.reports] == [
        "ServiceMonitor:process_server [monitor]", "none:b [group]",
    ]  # fmt: skip
    assert wiring.paths.site_file.read_text() == SITE


def test_doubts_missing_programs_and_periods_that_are_over(wiring):
    row = default_watch_list().services[0]
    period = row.periods[0]
    old = replace(period, when=Period.parse("yr {2001}"))
    watch = WatchList(default_watch_list().groups, (), (
        replace(row, monitor="ping.monitor", periods=(old,)),
        replace(row, name=WatchName("b"), monitor="ping.monitor"),
        replace(row, name=WatchName("c"), monitor="/opt/check"),
    ))  # fmt: skip
    known = watch_list.machines(wiring.store().load())
    found = watch_list.doubts(watch, known, wiring.paths, datetime.fromisoformat("2026-01-01"))
    assert [(str(one.place), one.code) for one in found] == [
        ("ServiceMonitor:process_server [monitor]", "watch.no-program"),
        ("ServiceMonitor:c [monitor]", "watch.no-program"),
        ("ServiceMonitor:process_server [period.1.when]", "watch.over"),
    ]
    program = wiring.paths.at("/opt/check")
    program.parent.mkdir(parents=True)
    program.touch()
    assert len(watch_list.doubts(watch, known, wiring.paths)) == 2


def test_without_a_site_file_it_is_said(wiring):
    wiring.paths.site_file.unlink()
    with pytest.raises(InvalidInput) as caught:
        watch_list.look(wiring)
    assert caught.value.reports[0].code == "site.missing"


# --- the commands -----------------------------------------------------------------------------


@pytest.fixture
def haoscar(wiring, capsys):
    def run(*argv: str, code: int = 0):
        args = main.build_parser().parse_args(["watch", *argv, "--json", "--yes"])
        app = App(wiring=wiring, json=True, yes=True, out=Output(as_json=True))
        assert main.run(args, app) == code
        captured = capsys.readouterr()
        return json.loads(captured.out) if code == 0 else captured.err

    return run


def test_list_add_show_set_remove(haoscar, wiring):
    assert haoscar("list")["stored"] is False
    assert haoscar("add", "--defaults")["changed"] is True
    assert haoscar("add", "--defaults")["changed"] is False
    haoscar(
        "set", "process_server", "--interval", "5s", "--parameters", "-t 3", "--alert-every", "1h",
        "--alert", "down mail root", "--alert", "up mail root",
    )  # fmt: skip
    shown = haoscar("show", "process_server")
    assert (shown["interval"], shown["parameters"]) == ("5s", "-t 3")
    assert [one["run"] for one in shown["periods"][0]["alerts"]] == ["down", "up"]
    haoscar("set", "process_server", "--period", "2", "--when", "wd {Mon}", "--parameters", "")
    haoscar("set", "process_server", "--delete-period", "1", "--rename", "ServiceMonitor:procs")
    shown = haoscar("show", "ServiceMonitor:procs")
    assert [one["when"] for one in shown["periods"]] == ["wd {Mon}"]
    assert shown["parameters"] == ""
    haoscar("remove", "freespace_server")
    names = [one["name"] for one in haoscar("list")["services"]]
    assert names == ["procs", "loadaverage_server"]
    assert wiring.store().load().watch.services[0].interval == Duration(5.0)


def test_healing_and_the_limit_of_a_check(haoscar, wiring):
    haoscar("add", "--defaults")
    haoscar(
        "set", "process_server", "--limit", "10s", "--recovery-kind", "command",
        "--recovery-options", "start='/opt/app restart'", "--recovery-failures", "2 of 3",
        "--recovery-critical", "yes",
    )  # fmt: skip
    shown = haoscar("show", "process_server")
    assert shown["limit"] == "10s"
    assert shown["recovery"] == {
        "kind": "command", "options": {"start": "/opt/app restart"}, "failures": "2 of 3",
        "restarts": 3, "within": "1h", "verify": "3s", "limit": "1m", "escalate": "alert",
        "critical": True,
    }  # fmt: skip
    haoscar("set", "process_server", "--interval", "9s")
    assert haoscar("show", "process_server")["recovery"] == shown["recovery"]
    assert "[watch.recovery]" in wiring.paths.site_file.read_text()
    assert "start is missing" in haoscar("set", "process_server", "--recovery-options", "", code=4)
    wrong = haoscar("set", "freespace_server", "--recovery-restarts", "2", code=4)
    assert "Nothing says what restarts the service" in wrong
    haoscar("set", "process_server", "--recovery-kind", "", "--limit", "")
    shown = haoscar("show", "process_server")
    assert (shown["recovery"], shown["limit"]) == (None, None)
    assert "recovery" not in wiring.paths.site_file.read_text()


def test_groups_and_defined_periods(haoscar):
    haoscar("group", "set", "web", "--hosts", "head1 10.0.0.9")
    haoscar("period", "set", "day", "hr {9am-5pm}")
    haoscar("add", "web:http", "--monitor", "http", "--interval", "1m", "--defined", "day")
    haoscar("group", "set", "web", "--rename", "www", "--disabled", "yes")
    assert haoscar("group", "list")["groups"] == [
        {"name": "www", "hosts": ["head1", "10.0.0.9"], "disabled": True, "disabled_hosts": []}
    ]
    (period,) = haoscar("show", "www:http")["periods"]
    assert (period["defined"], period["when"]) == ("day", None)
    assert "no period day" in haoscar("period", "remove", "day", code=4)
    haoscar("group", "remove", "www")
    assert haoscar("period", "remove", "day")["services"] == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("add", "x:y", "--monitor", "tcq", "--interval", "0s", "--when", "wd {Xyz}"), ("interval", "period.1.when")),
        (("add", "x:y", "--monitor", "tcq", "--interval", "1m"), ("no host group x", "Did you mean tcp?")),
        (("add", "ServiceMonitor:process_server"), ("already",)),
        (("add",), ("Which service",)),
        (("set", "nothing", "--interval", "1s"), ("no service",)),
        (("set", "process_server", "--period", "9", "--label", "x"), ("no 9",)),
        (("set", "process_server", "--alert", "sideways mail"), ("sideways",)),
        (("set", "process_server", "--rename", "ServiceMonitor:freespace_server"), ("already",)),
        (("group", "remove", "nothing"), ("no host group",)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_changes(haoscar, wiring, argv, said):
    haoscar("add", "--defaults")
    before = wiring.paths.site_file.read_bytes()
    error = haoscar(*argv, code=4)
    for one in said:
        assert one in error
    assert wiring.paths.site_file.read_bytes() == before


def test_one_name_in_two_groups_must_be_told_apart(haoscar):
    haoscar("add", "--defaults")
    haoscar("group", "set", "other")
    haoscar(
        "add", "other:process_server", "--monitor", "tcp", "--parameters", "22", "--interval", "1m"
    )
    assert "Name the group" in haoscar("show", "process_server", code=4)
    shown = haoscar("show", "other:process_server")
    assert shown["monitor"] == "tcp"
    assert [one["when"] for one in shown["periods"]] == ["wd {Sun-Sat}"]  # as in the wizard


# --- when -------------------------------------------------------------------------------------


def test_when(haoscar):
    argv = ("when", "wd {Mon-Fri} hr {9am-5pm}", "--at", "2026-11-22T10:00:00")
    assert haoscar(*argv) == {
        "period": "wd {Mon-Fri} hr {9am-5pm}", "at": "2026-11-22T10:00:00", "match": False,
        "next_change": "2026-11-23T09:00:00",
    }  # fmt: skip
    assert haoscar("when", "")["next_change"] is None
    assert "day of the week" in haoscar("when", "wd {Xyz}", code=4)
    assert "no time" in haoscar("when", "wd {Mon}", "--at", "tomorrow", code=4)
    haoscar("when", code=4)


def test_many_questions_each_get_an_answer():
    lines = [
        '{"period": "wd {Sun}", "at": "2026-11-22T10:00:00"}',
        "",
        '{"period": "wd {Mon}", "at": "2026-11-22T10:00:00"}',
        '{"period": "wd {Xyz}", "at": "2026-11-22T10:00:00"}',
        '{"period": "wd {Sun}, wd {Xyz}", "at": "2026-11-22T10:00:00"}',
        '{"period": "", "at": 0}',
        '{"period": ""}',
        '{"period": 3}',
        '{"period": "none", "at": -1}',
        '{"period": "none", "at": true}',
        "[" * 90_000,
        "\x00",
    ]
    found = list(answers(line + "\n" for line in lines))
    assert found[:2] == [True, False]
    assert found[3:6] == [True, True, True]
    wrong = [found[2], *found[6:]]
    assert all(isinstance(one, dict) and set(one) == {"error"} and one["error"] for one in wrong)


def test_the_batch_reads_standard_input(wiring, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO('{"period": "wd {}", "at": 1}\nx\n'))
    args = main.build_parser().parse_args(["watch", "when", "--batch"])
    assert main.run(args, App(wiring=wiring)) == 0
    assert capsys.readouterr().out.splitlines() == ["false", '{"error": "This is no JSON."}']
