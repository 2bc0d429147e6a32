"""mon.cf as mon 1.3.6 reads it: mon's own examples, everything of its manual, and every mistake with its line."""

import shlex

import pytest

from backend.errors import InvalidInput
from backend.model.names import WatchName
from backend.model.watchlist import HostGroup, RunWhen
from backend.model.watchlist_values import AlertAfter, Duration
from backend.moncf.findings import DIFFERS
from backend.moncf.settings import LEFT as SETTINGS
from tests.unit.moncf.moncf_read import example, left, read, service, watch, wrong


def test_the_file_that_debian_installs():
    found = example("debian.cf")
    assert [str(one.name) for one in found.watch.services] == ["trap", "ping", "http", "smtp"]
    trap, ping, http, smtp = found.watch.services
    assert (str(trap.trap_timeout), str(trap.trap_duration), trap.periods[0].shown) == (
        "10m",
        "1h",
        "",
    )
    assert [one.shown for one in ping.periods] == ["wd {Mon-Fri} hr {7am-10pm}", "wd {Sat-Sun}"]
    assert str(ping.periods[0].alert_every) == "1h"
    assert (http.periods[0].max_alerts, smtp.parameters) == (10, "-t 60")
    assert [one.run for one in smtp.periods[0].alerts] == [RunWhen.DOWN, RunWhen.UP]
    settings = [text.split(" = ")[0] for _, text in left(found)]
    assert settings == [
        "logdir", "statedir", "cfbasedir", "historicfile", "authfile", "maxprocs", "histlength",
        "randstart", "dtlogging", "dtlogfile", "serverbind", "trapbind", "clientallow",
    ]  # fmt: skip
    assert len(found.reports) == len(settings)


def test_the_example_of_the_distribution():
    found = example("example.cf", missing=True)
    assert (len(found.watch.services), len(found.watch.groups)) == (21, 13)
    assert [(line, text) for line, text in left(found) if "=" not in text] == [
        (118, "service fping of mailhost, down to line 122"),
        (157, "allow_empty_group"), (164, "allow_empty_group"),
        (169, "service telnet of wwwservers, down to line 176"), (171, "allow_empty_group"),
    ]  # fmt: skip
    assert [one.place.line for one in found.reports if one.code == DIFFERS and one.place] == [110]
    by_ref = {str(one.ref): one for one in found.watch.services}
    assert by_ref["netapps:freespace"].parameters == "/f330:5000 /f540:5000 ;;"
    assert by_ref["dialin:555-1212"].monitor == "/usr/lib/mon/mon.d/dialin.monitor.wrap"
    assert str(by_ref["serversbd1:telnet"].periods[0].alert_after) == "2 30m"
    assert [str(one.label) for one in by_ref["routers:ping"].periods] == ["None", "LOGFILE"]
    up = by_ref["wwwservers:http"].periods[0].alerts[1]
    assert (up.run, shlex.split(up.parameters)) == (
        RunWhen.UP,
        ["-S", "web server is back up", "mis"],
    )
    news = found.watch.group("news")  # mon makes a group of a watch without one
    assert news == HostGroup(WatchName("news"), ("news",))


def test_the_simple_example_and_the_one_for_m4():
    assert [str(one.ref) for one in example("very-simple.cf").watch.services] == ["servers:ping", "servers:telnet"]  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        example("example.m4")
    assert [one.code for one in caught.value.reports] == ["moncf.m4"]
    assert wrong("define(_X_, `y')dnl\n" + watch()) == [(1, "This is written for m4, which mon runs first.")]  # fmt: skip


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_other_setting_is_named(name):
    assert left(read(f"{name} = 30s\n" + watch(before="\n"))) == [(1, f"{name} = 30s")]


def test_every_keyword_of_a_service():
    found = read(
        watch(
            "failure_interval 10s", "randskew 5s", "traptimeout 10m", "trapduration 1.5h",
            "description   what\tit is ", "exclude_hosts head1", "exclude_period hr {3}",
            "dep_memory 2m", "depend SELF:t && ! g:t", "monitordepend SELF:t", "hostdepend SELF:t",
            "redistribute trap.alert -H 'a b'", "unack_summary", "allow_empty_group", "SNMP_V=2c x", "_A=",
            "service t", "interval 2d", "monitor y.monitor -x;;",
        )
    )  # fmt: skip
    one, other = found.watch.services
    texts = {
        "interval": "1m", "failure_interval": "10s", "random_skew": "5s", "trap_timeout": "10m",
        "trap_duration": "90m", "description": "what it is", "exclude_period": "hr {3}",
        "depend_memory": "2m", "alert_depend": "SELF:t && ! g:t", "monitor_depend": "SELF:t",
        "host_depend": "SELF:t", "redistribute": "trap.alert -H 'a b'",
    }  # fmt: skip
    assert {key: str(getattr(one, key)) for key in texts} == texts
    assert one.exclude_hosts == ("head1",)
    assert one.unack_summary
    assert one.environment == (("SNMP_V", "2c x"), ("_A", ""))
    assert other.parameters == "-x ;;"
    assert left(found) == [(20, "allow_empty_group")]


def test_every_keyword_of_a_period():
    found = read(
        watch(
            "period day: wd {Mon-Fri}", "alertevery 24h strict", "alertafter 3 30m", "numalerts 5",
            "upalertafter 5m", "no_comp_alerts", "alert exit=10-20 mail.alert mis", "upalert mail.alert -u mis",
            "startupalert mail.alert boss", "ackalert mail.alert x", "disablealert mail.alert x", "alerts_dont_count",
            "period wd {Sat}", "alertevery 1h Observe_Detail", "alertafter 90s", "numalerts 0",
            "period", "alertevery 1h summary", "alertafter 3",
        )
    )  # fmt: skip
    day, saturday, always = found.watch.services[0].periods
    assert (str(day.label), day.shown, str(day.alert_every), str(day.alert_after)) == ("day", "wd {Mon-Fri}", "1d strict", "3 30m")  # fmt: skip
    assert (day.max_alerts, str(day.up_alert_after), day.no_comp_alerts) == (5, "5m", True)
    assert [(one.run.value, str(one.exit), one.program, one.parameters) for one in day.alerts] == [
        ("down", "10-20", "mail.alert", "mis"),
        ("up", "None", "mail.alert", "-u mis"),
        ("startup", "None", "mail.alert", "boss"),
    ]
    assert str(saturday.alert_every) == "1h observe_detail"
    assert saturday.alert_after == AlertAfter(None, Duration(90.0))
    assert saturday.max_alerts is None
    assert (always.when, str(always.alert_every), always.alert_after) == (None, "1h", AlertAfter(3))
    assert left(found) == [(16, "ackalert mail.alert x"), (17, "disablealert mail.alert x"), (18, "alerts_dont_count")]  # fmt: skip


def test_exit_codes_of_a_whole_period():
    found = read(watch("period", "alert a.alert", "alert exit=1-9 b.alert", "alert exit=9 c.alert", "upalert d.alert", "alertexitrange 2-5"))  # fmt: skip
    alerts = found.watch.services[0].periods[0].alerts
    assert [(one.program, str(one.exit)) for one in alerts] == [("a.alert", "2-5"), ("b.alert", "2-5"), ("d.alert", "None")]  # fmt: skip
    assert left(found) == [(10, "alert exit=9 c.alert")]


def test_settings_count_for_the_services_after_them():
    text = watch("depend SELF:t", "service t", "interval 1m", "monitor x.monitor")
    before = "dep_behavior = m\ndep_memory = 5m\nunack_summary = yes\nexclude_period = hr {3}\n\n"
    one, _ = read(before + text).watch.services
    assert (str(one.monitor_depend), one.alert_depend, str(one.depend_memory)) == (
        "SELF:t",
        None,
        "5m",
    )
    assert one.unack_summary
    assert str(one.exclude_period) == "hr {3}"
    one, _ = read(text + "\n" + before).watch.services
    assert (str(one.alert_depend), one.monitor_depend, one.depend_memory) == ("SELF:t", None, None)


def test_depend_goes_before_the_keyword_of_its_meaning():
    lines = ("alertdepend SELF:t", "depend g:t", "service t", "interval 1m", "monitor x.monitor")
    found = read(watch(*lines))
    assert str(found.watch.services[0].alert_depend) == "g:t"
    assert left(found) == [(7, "alertdepend SELF:t")]
    assert str(read(watch("dep_behavior hm", *lines)).watch.services[0].host_depend) == "g:t"


def test_comments_continued_lines_and_the_ends_of_lines():
    text = (
        "# a comment\r\nhostgroup g head1 \\  \r\n  # between\n     head2\r\n\n"
        "watch g\n  service s\n    interval \\\n   1m\n    monitor x.monitor a\\\n  b\n#\n    description d # no comment\n"
    )
    found = read(text).watch
    assert found.groups[0].hosts == ("head1", "head2")
    one = found.services[0]
    assert (str(one.interval), one.parameters, one.description) == ("1m", "ab", "d # no comment")
    assert left(read(watch("description x \\"))) == [(7, "description x")]


def test_arguments_are_parted_as_perl_does_it():
    def arguments(text: str) -> list[str]:
        return shlex.split(service(f"monitor x.monitor {text}").parameters)

    assert arguments(r'"a \b" c\ d') == ["a b", "c d"]
    assert arguments(r"'a\'b' \\x") == [r"a\'b", r"\x"]
    assert arguments("-p\t22  x") == ["-p", "22", "x"]
    assert wrong(watch("monitor x.monitor it's")) == [(7, "it's ends inside a quotation.")]


def test_hosts_that_are_disabled_and_groups_that_are_given_twice():
    text = "hostgroup g a.example\n\n" + watch(before="").replace("head2", "*head2")
    found = read(text)
    assert found.watch.groups == (
        HostGroup(WatchName("g"), ("head1", "head2"), disabled_hosts=("head2",)),
    )
    assert left(found) == [(1, "hostgroup g")]


def test_records_that_are_not_carried_over():
    text = "view v g\n  more\n\nalias a\n  line\n\nhostgroup empty\n\nwatch other\n\n" + watch()
    assert wrong("view v\n\n" + watch()) == [(1, "view v is not understood; mon passes over it.")]
    assert left(read(text)) == [
        (1, "view v g"), (2, "more"), (4, "alias a"), (5, "line"), (7, "hostgroup empty"), (9, "watch other"),
    ]  # fmt: skip


def test_a_service_for_traps_needs_no_host():
    text = "watch trap_service\n  service disks\n    traptimeout 10m\n    period\n      alert mail.alert x\n"
    found = read(text)
    assert found.watch.groups == (HostGroup(WatchName("trap_service")),)
    assert left(found) == [(1, "the host trap_service")]


def test_where_programs_are():
    text = "mondir = /opt/mon:rel\nbasedir = /usr/lib/mon\n\n" + watch("monitor probe.sh -x")
    assert read(text, "/opt/mon/probe.sh").watch.services[0].monitor == "/opt/mon/probe.sh"
    assert (
        read(text, "/usr/lib/mon/rel/probe.sh").watch.services[0].monitor
        == "/usr/lib/mon/rel/probe.sh"
    )
    assert read(watch(), "/usr/lib/mon/mon.d/x.monitor").watch.services[0].monitor == "x.monitor"
    shadowed = "mondir = /usr/lib/mon/mon.d\n\n" + watch()
    places = "/usr/local/lib/mon/mon.d/x.monitor", "/usr/lib/mon/mon.d/x.monitor"
    assert read(shadowed, *places).watch.services[0].monitor == places[1]
    original = watch("monitor netsnmp-proc.monitor")
    assert read(original, everything=False).watch.services[0].monitor == "netsnmp-proc.monitor"
