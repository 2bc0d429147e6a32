"""The watch process's configuration is judged whole: every problem at once, with line and remedy."""

import copy
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agent.main import main
from backend.agentfile.generate import as_json
from backend.watch.config import is_watch, load, understand
from backend.watch.config_schema import SECTIONS
from backend.watch.settings import TAKEOVER, Alert, Recovery
from tests.unit import changed_json
from tests.unit.changed_json import REMOVED, texts

GOOD = {
    "version": 1,
    "kind": "watch",
    "cluster": "beowulf",
    "me": {"name": "head1", "addresses": ["10.0.0.2", "192.0.2.2"]},
    "other": {"name": "head2", "addresses": ["10.0.0.3"]},
    "key_file": "/etc/haoscar/agent.key",
    "state_directory": "/var/lib/haoscar-watch",
    "run_directory": "/run/haoscar-watch",
    "agent_socket": "/run/haoscar-agent/control",
    "mail_from": "haoscar@example.org",
    "smtp": "mail.example.org:25",
    "services": [
        {
            "group": "G", "name": "ping", "hosts": ["head1", "10.0.0.9"], "monitor": "icmp",
            "interval": 3, "skew": 0.5, "words": ["-c", "a b"], "limit": 10, "exclude": "wd {Sun}",
            "environment": {"SNMPVERS": "2c", "N": 1}, "redistribute": {"program": "trap.alert"},
            "periods": [
                {"when": "wd {Mon-Fri}", "name": "work", "every": 60, "repeat": "strict",
                 "alerts": [{"program": "mail", "words": ["root"], "exit": [1, 9]},
                            {"program": "/opt/page", "run": "up"}]},
                {"when": "", "name": ""},
            ],
            "recovery": {"kind": "unit", "options": {"unit": "x.service"}, "failures": 2, "of": 3,
                         "escalate": "takeover", "critical": True},
        },
        {"group": "G", "name": "traps", "hosts": [], "trap_timeout": 600, "alert_depend": "G:ping && !G:traps"},
    ],
}  # fmt: skip
FIRST, SECOND = ("services", 0), ("services", 1)
RECOVERY, PERIOD = (*FIRST, "recovery"), (*FIRST, "periods", 0)


def changed(*changes):
    return changed_json.changed(GOOD, *changes)


def said(text):
    return [text for _, text in texts(understand(text).problems)]


def test_a_good_file_becomes_settings():
    found = understand(as_json(GOOD).decode())
    assert found.problems == ()
    told = found.settings
    assert (told.me.name, told.me.addresses) == ("head1", ("10.0.0.2", "192.0.2.2"))
    assert (told.other.name, told.port, told.snmp_file) == ("head2", 4748, "")
    ping, traps = told.services
    assert told.service("G:traps") is traps
    assert ping.words == ("-c", "a b")
    assert (ping.interval, ping.skew, ping.limit, ping.failure_interval) == (3.0, 0.5, 10.0, 0.0)
    assert ping.environment == (("SNMPVERS", "2c"), ("N", "1"))
    assert ping.redistribute == Alert("trap.alert")
    assert ping.exclude.contains(datetime.fromisoformat("2026-11-22"))
    work, always = ping.periods
    assert work.alerts == (Alert("mail", "down", ("root",), (1, 9)), Alert("/opt/page", "up"))
    assert (work.every, work.repeat, always.name, always.alerts) == (60.0, "strict", "", ())
    assert ping.recovery == Recovery(
        "unit", (("unit", "x.service"),), 2, 3, escalate=TAKEOVER, critical=True
    )
    assert (traps.recovery, traps.monitor, traps.limit) == (None, "", 60.0)


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        (("kind",), "agent", "kind: 'agent' is none of the choices."),
        (("kind",), REMOVED, "The file has no key kind: that this is the watch list"),
        (("version",), 2, "The file is of the form 2"),
        (("other",), REMOVED, "The file has no key other: the other head."),
        (("other", "name"), "HEAD1", "Both heads are called HEAD1."),
        (("other", "addresses"), ["10.0.0.2"], "10.0.0.2 is an address of both heads."),
        (("other", "addresses"), [], "addresses: head2 has none."),
        (("other", "addresses"), ["127.0.0.1"], "addresses: 127.0.0.1 is no address that other"),
        (("run_directory",), "/var/lib/haoscar-watch", "state_directory and run_directory are both"),
        (("smtp",), "mail", "smtp: 'mail' is no server with a port."),
        (("smtp",), "mail:99999", "smtp: 'mail:99999' is no server"),
        (("mail_from",), "a b@c", "mail_from: 'a b@c' is no mail address."),
        (("mail_from",), "-oQ/tmp\n@c", "mail_from: "),
        (("services",), {}, "services: an object is not a list."),
        (SECOND, 7, "services: 7 is not an object."),
        ((*SECOND, "name"), "ping", "Two services are called 'G:ping'; the first is in line"),
        ((*SECOND, "alert_depend"), "G:pong", "alert_depend: there is no service G:pong."),
        ((*SECOND, "alert_depend"), "G:ping G:", "alert_depend: 'G:ping G:': ' G:' is not understood."),
        ((*SECOND, "hosts"), ["a b"], "hosts: 'a b' is not a host name"),
        ((*SECOND, "hosts"), ["-x"], "hosts: '-x' is not a host name"),
        ((*FIRST, "interval"), REMOVED, "The service has a monitor and no interval."),
        ((*FIRST, "interval"), 0, "The service has a monitor and no interval."),
        ((*FIRST, "interval"), "3s", "interval: '3s' is not 0, or a number of seconds"),
        ((*FIRST, "skew"), 3, "skew: 3 is not less than the interval, 3."),
        ((*FIRST, "limit"), 0, "limit: 0 is not a number of seconds"),
        ((*FIRST, "monitor"), "a b", "monitor: 'a b' is not a program."),
        ((*FIRST, "monitor"), "-x", "monitor: '-x' is not a program."),
        ((*FIRST, "words"), ["\x1b[0m"], "words: '\\x1b[0m' is too long or has control characters."),
        ((*FIRST, "exclude"), "wd {Foo}", "exclude: 'foo' is not a day of the week."),
        ((*FIRST, "exclude"), "x" * 5000, "exclude: "),
        ((*FIRST, "environment"), {"a": "b"}, "environment: 'a' is no name of a variable."),
        ((*FIRST, "intervall"), 3, "There is no key 'intervall' in services."),
        ((*PERIOD, "name"), "", "Two periods of a service are called 'always'"),
        ((*PERIOD, "when"), 7, "when: 7 is not text."),
        ((*PERIOD, "alerts", 0, "exit"), [9, 1], "exit: These are no exit codes."),
        ((*PERIOD, "alerts", 0, "run"), "startup", "An alert at the start follows no monitor"),
        ((*PERIOD, "alerts", 0, "program"), REMOVED, "Alert has no key program: what is sent or run."),
        ((*PERIOD, "alert"), [], "There is no key 'alert' in periods."),
        ((*RECOVERY, "kind"), "magic", "kind: 'magic' is none of the choices."),
        ((*RECOVERY, "kind"), "command", "options: start is missing"),
        ((*RECOVERY, "kind"), "", "options: nothing is restarted"),
        ((*RECOVERY, "options"), {}, "options: unit is missing: the systemd unit."),
        ((*RECOVERY, "options"), {"unit": "a b"}, "options: unit is not of the right form: 'a b'."),
        ((*RECOVERY, "failures"), 4, "4 checks of 3 can never fail."),
        (RECOVERY, [], "recovery: a list is not an object."),
        ((*FIRST, "redistribute"), {}, "Alert that is told of every result has no key program"),
    ],
)  # fmt: skip
def test_each_problem_is_found(path, value, shown):
    text = changed((path, value))
    assert any(one.startswith(shown) for one in said(text)), said(text)
    assert understand(text).settings is None


def test_all_problems_at_once_in_the_order_of_the_file():
    text = changed((("cluster",), "a b"), ((*SECOND, "name"), "ping"), ((*RECOVERY, "failures"), 9))
    lines = [one.line for one in understand(text).problems]
    assert len(lines) == 4  # the second service depends on itself, by its name from before
    assert lines == sorted(lines)


def test_a_period_may_go_over_lines():
    when = "wd {Mon}\n\thr {1}"
    found = understand(changed(((*PERIOD, "when"), when))).settings
    assert str(found.services[0].periods[0].when) == when
    assert said(changed(((*PERIOD, "when"), "wd {Mon}\x1b")))


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from([key.name for one in SECTIONS for key in one.keys] + ["services", "me", "x"]),
            inner, max_size=4,
        ),
    ),
    st.sampled_from([(), FIRST, PERIOD, RECOVERY, ("me",), (*PERIOD, "alerts", 0)]),
)  # fmt: skip
def test_anything_is_judged_and_nothing_raises(value, path):
    text = changed((path, value)) if path else as_json({"version": 1, "services": value}).decode()
    for one in understand(text).problems:
        assert one.sentence("f").isprintable()


@pytest.fixture
def place(tmp_path):
    """Return a directory with a good file, and the key that it names."""
    (tmp_path / "key").write_bytes(b"k" * 32)
    (tmp_path / "key").chmod(0o600)
    document = {
        **copy.deepcopy(GOOD), "key_file": str(tmp_path / "key"),
        "snmp_file": str(tmp_path / "snmp"), "state_directory": str(tmp_path / "state"),
        "run_directory": str(tmp_path / "run"),
    }  # fmt: skip
    (tmp_path / "watch.json").write_bytes(as_json(document))
    return tmp_path


def test_the_files_are_looked_at(place):
    file = str(place / "watch.json")
    found = load(file)
    assert found.settings is not None
    assert [(one.weight, "snmp" in one.text) for one in found.problems] == [("warning", True)]
    (place / "snmp").write_text("community x\n")
    (place / "snmp").chmod(0o600)
    assert load(file).problems == ()
    (place / "snmp").chmod(0o644)
    assert "others than its owner may use" in load(file).problems[0].text
    (place / "key").unlink()
    assert load(file).settings is None
    (place / "watch.json").chmod(0o666)
    assert "Somebody else could change it" in load(file).problems[0].text
    assert "does not exist" in load(str(place / "none")).problems[0].text


def test_check_knows_which_of_both_files_it_is(place, capsys):
    file = str(place / "watch.json")
    assert is_watch(file)
    assert main(["check", "--config", file]) == 0
    assert capsys.readouterr().out.endswith("\nok\n")
    text = Path(file).read_text().replace('"interval": 3', '"interval": -3')
    Path(file).write_text(text)
    assert main(["check", "--config", file]) == 1
    shown = capsys.readouterr().out
    assert ": error: interval: -3 is not" in shown
    assert "ok\n" not in shown
    Path(file).write_text(text.replace('"kind": "watch"', '"kind": "agent"'))
    assert not is_watch(file)
    assert main(["check", "--config", file]) == 1
    Path(file).write_text("{")
    assert main(["check", "--config", file]) == 1


def test_watch_starts_the_daemon_with_its_settings(place, monkeypatch, capsys):
    calls = []
    module = ModuleType("backend.watch.daemon")
    module.run = lambda told: calls.append(told) or 7  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "backend.watch.daemon", module)
    monkeypatch.setattr("backend.watch.daemon", module, raising=False)
    file = str(place / "watch.json")
    assert main(["watch", "--config", file]) == 7
    assert [one.me.name for one in calls] == ["head1"]
    assert "warning: snmp_file" in capsys.readouterr().err
    for name in ("state", "run"):
        assert (place / name).stat().st_mode & 0o777 == 0o700
    (place / "key").unlink()
    assert main(["watch", "--config", file]) == 78
    assert len(calls) == 1


def test_five_thousand_services_are_read_soon_enough():
    many = [{**GOOD["services"][1], "name": f"s{n}", "alert_depend": ""} for n in range(5000)]
    found = understand(as_json({**GOOD, "services": many}).decode())
    assert len(found.settings.services) == 5000
    assert said(as_json({**GOOD, "services": [*many, many[0]]}).decode()) == [
        "services has 5001 entries, more than 5000."
    ]


def test_the_documentation_knows_every_key():
    page = Path(__file__).parents[4].joinpath("docs/watch-agent.md").read_text()
    for section in SECTIONS:
        for key in section.keys:
            default = "required" if key.required else key.default
            row = f"| `{key.name}` | {key.meaning} | {key.values} | {default} | `{key.example}` |"
            assert row in page
    (example,) = (one.split("```")[0] for one in page.split("```json\n")[1:])
    found = understand(example)
    assert found.problems == ()
    assert len(found.settings.services) == 2
