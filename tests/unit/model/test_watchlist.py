"""The watch list as forms, its changes, and everything that may be wrong in it at once."""

from dataclasses import replace

import pytest

from backend.errors import InvalidInput
from backend.model.names import PeriodName, WatchName
from backend.model.periods import Period
from backend.model.recovery import Escalation, Failures, Recovery, RecoveryKind
from backend.model.watchlist import (
    Alert,
    AlertPeriod,
    DefinedPeriod,
    HostGroup,
    Ref,
    RunWhen,
    WatchedService,
    WatchList,
    default_watch_list,
)
from backend.model.watchlist_checks import Machines, problems, problems_of
from backend.model.watchlist_depend import Dependency
from backend.model.watchlist_form import (
    PeriodTexts,
    alert_line,
    field_of,
    read_alert_line,
    read_defined,
    read_group,
    read_service,
    texts_of,
)
from backend.model.watchlist_values import AlertAfter, AlertEvery, Duration, ExitCodes
from backend.reports import Severity

MACHINES = Machines(("head1", "head2"), ("node01",))
GROUP = WatchName("G")


def service(name: str = "s", **more) -> WatchedService:
    told = {"monitor": "tcp", "interval": Duration(60.0)} | more
    return WatchedService(GROUP, WatchName(name), **told)


def said(*services: WatchedService, group: HostGroup | None = None, periods=()):
    watch = WatchList((group or HostGroup(GROUP),), tuple(periods), services)
    return [(field_of(one.path[2:]), one.severity.value, one.text) for one in problems(watch, MACHINES)]  # fmt: skip


def needs(text: str) -> Dependency:
    return Dependency.parse(text)


def test_the_default_is_the_originals_three_rows():
    watch = default_watch_list()
    assert [
        (one.name, one.monitor, str(one.interval), [period.shown for period in one.periods])
        for one in watch.services
    ] == [
        ("process_server", "netsnmp-proc.monitor", "3s", ["wd {Sun-Sat}"]),
        ("loadaverage_server", "netsnmp-loadaverage.monitor", "20m", ["wd {Sun-Sat}"]),
        ("freespace_server", "netsnmp-freespace.monitor", "2h", ["wd {Sun-Sat}"]),
    ]
    assert {one.group for one in watch.services} == {"ServiceMonitor"}
    assert list(problems(watch, MACHINES)) == []


@pytest.mark.parametrize(
    ("change", "field", "severity", "shown"),
    [
        ({"group": WatchName("H")}, "group", "error", "no host group H"),
        ({"monitor": "tcq"}, "monitor", "error", "Nobody knows tcq"),
        ({"monitor": ""}, "monitor", "error", "Nothing checks"),
        ({"interval": None}, "interval", "error", "no interval"),
        ({"random_skew": Duration(60.0)}, "random_skew", "error", "not less than the interval"),
        ({"redistribute": "foo -x"}, "redistribute", "error", "Nobody knows foo"),
        ({"parameters": "--password=x"}, "parameters", "warning", "secret"),
        ({"exclude_period": Period.parse("wd {Sun-Sat}")}, "exclude_period", "error", "always"),
        ({"exclude_hosts": ("node01",)}, "exclude_hosts", "warning", "no host of G"),
        ({"exclude_hosts": ("head1", "HEAD2")}, "exclude_hosts", "error", "No host is left"),
        ({"alert_depend": needs("SELF:none")}, "alert_depend", "error", "no service G:none"),
        ({"host_depend": needs("X:y")}, "host_depend", "error", "no service X:y"),
        ({"monitor_depend": needs("SELF:s")}, "monitor_depend", "error", "G:s -> G:s"),
    ],
)
def test_what_is_wrong_with_a_service(change, field, severity, shown):
    ((where, how, text),) = said(replace(service(), **change))
    assert (where, how) == (field, severity)
    assert shown in text


@pytest.mark.parametrize(
    ("period", "field", "severity", "shown"),
    [
        (AlertPeriod(when=Period.parse("mo {feb} md {30}")), "period.1.when", "error", "never"),
        (AlertPeriod(defined=PeriodName("day")), "period.1.defined", "error", "no period day"),
        (
            AlertPeriod(alert_after=AlertAfter.parse("3 2m")),
            "period.1.alert_after", "error", "3 failures cannot happen within 2m",
        ),
        (AlertPeriod(alerts=(Alert("foo"),)), "period.1.alert.1.program", "error", "Nobody knows foo"),
        (AlertPeriod(alerts=(Alert("mail", RunWhen.UP),)), "period.1.alert.1.run", "warning", "none"),
        (
            AlertPeriod(alerts=(Alert("mail", RunWhen.STARTUP, exit=ExitCodes(1, 2)),)),
            "period.1.alert.1.exit", "error", "no exit code",
        ),
        (
            AlertPeriod(alerts=(Alert("mail", parameters="--token abc"),)),
            "period.1.alert.1.parameters", "warning", "secret",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_period(period, field, severity, shown):
    ((where, how, text),) = said(service(periods=(period,)))
    assert (where, how) == (field, severity)
    assert shown in text


def test_what_is_right():
    up = Alert("mail", RunWhen.UP)
    assert said(service(periods=(AlertPeriod(alerts=(Alert("mail"), up)),))) == []
    assert said(service(periods=(AlertPeriod(alerts=(up,), no_comp_alerts=True),))) == []
    assert said(service(periods=(AlertPeriod(alert_after=AlertAfter.parse("3 3m")),))) == []
    quick = service(
        failure_interval=Duration(1.0), periods=(AlertPeriod(alert_after=AlertAfter.parse("3 3s")),)
    )
    assert said(quick) == []
    assert said(service(monitor="", interval=None, trap_timeout=Duration(60.0))) == []
    assert said(service(periods=(AlertPeriod(when=Period.parse("none")),))) == []  # on purpose
    defined = DefinedPeriod(PeriodName("day"), Period.parse("hr {9am-5pm}"))
    assert said(service(periods=(AlertPeriod(defined=PeriodName("day")),)), periods=[defined]) == []


def test_two_of_one_name():
    period = AlertPeriod(when=Period.parse("wd {Mon}"))
    found = said(service("a", periods=(period, period)), service("a"))
    assert [one[:2] for one in found] == [("name", "error"), ("period.2", "error")]
    labelled = replace(period, label=PeriodName("two"))
    assert said(service(periods=(period, labelled))) == []


def test_rings_of_each_kind_are_told_apart():
    one = service("a", alert_depend=needs("SELF:b"))
    two = service("b", monitor_depend=needs("SELF:a"))
    assert said(one, two) == []  # mon follows each kind by itself
    found = said(one, replace(two, alert_depend=needs("!SELF:a || SELF:b")))
    assert {field for field, _, _ in found} == {"alert_depend"}
    assert any("G:a -> G:b -> G:a" in text for _, _, text in found)


def test_hosts_of_a_group():
    found = said(group=HostGroup(GROUP, ("head1", "haed2", "x.example.org", "10.0.0.9", "Head1")))
    assert [(how, text) for _, how, text in found] == [
        ("warning", "haed2 is no machine of this site."),
        ("error", "Head1 is given twice."),
    ]


def test_the_problems_of_one_service_only():
    watch = WatchList(
        (HostGroup(GROUP),), (), (service("a", monitor="x"), service("b", monitor="y"))
    )
    found = problems_of(watch, Ref(GROUP, WatchName("b")), MACHINES)
    assert [(one.path, one.severity) for one in found] == [(("monitor",), Severity.ERROR)]


# --- forms ------------------------------------------------------------------------------------

FULL = WatchedService(
    GROUP, WatchName("s"), "check_load", "-w '1 2'", Duration(90.0), Duration(1.0), "A thing",
    disabled=True, random_skew=Duration(2.0), alert_depend=needs("SELF:x"),
    depend_memory=Duration(300.0), exclude_hosts=("head2",), exclude_period=Period.parse("wd {Sun}"),
    trap_timeout=Duration(600.0), redistribute="trap.alert -x", unack_summary=True,
    environment=(("A", "1 2"), ("B", "it's")),
    periods=(
        AlertPeriod(
            Period.parse("wd {Mon-Fri}"), label=PeriodName("day"),
            alerts=(Alert("mail", parameters="root"), Alert("mail", RunWhen.UP, exit=ExitCodes(1, 9))),
            alert_every=AlertEvery.parse("1h strict"), alert_after=AlertAfter.parse("3 30m"),
            max_alerts=10, up_alert_after=Duration(60.0), no_comp_alerts=True,
        ),
    ),
    limit=Duration(5.0),
    recovery=Recovery(
        RecoveryKind.COMMAND, (("start", "/opt/a b"),), Failures(2, 3), 0, Duration(60.0),
        Duration(9.0), Duration(8.0), Escalation.TAKEOVER, True,
    ),
)  # fmt: skip


def test_a_service_is_the_same_after_it_was_texts():
    periods = [
        PeriodTexts(texts_of(one), [texts_of(alert) for alert in one.alerts])
        for one in FULL.periods
    ]
    assert read_service(texts_of(FULL), periods) == FULL
    for row in default_watch_list().services:
        assert read_service(texts_of(row), [PeriodTexts(texts_of(one)) for one in row.periods]) == row  # fmt: skip


def test_every_problem_of_a_form_is_at_its_field():
    texts = {
        "name": "a b",
        "interval": "0s",
        "monitor": "x y",
        "nonsense": "1",
        "disabled": "maybe",
    }
    period = PeriodTexts(
        {"when": "wd {Xyz}", "max_alerts": "-1"}, [{"program": "mail"}, {"run": "now"}]
    )
    with pytest.raises(InvalidInput) as caught:
        read_service(texts, [PeriodTexts({}), period])
    assert {one.place.field for one in caught.value.reports if one.place} == {
        "nonsense", "group", "name", "interval", "monitor", "disabled", "period.2.when",
        "period.2.max_alerts", "period.2.alert.2.program", "period.2.alert.2.run",
    }  # fmt: skip


def test_groups_and_defined_periods_of_forms():
    group = read_group({"name": "web", "hosts": "a, b.example.org 10.0.0.1", "disabled": "yes"})
    assert group == HostGroup(WatchName("web"), ("a", "b.example.org", "10.0.0.1"), disabled=True)
    assert read_group(texts_of(group)) == group
    assert str(read_defined({"name": "day", "when": "hr {9-17}"}).when) == "hr {9-17}"
    for wrong in ({"name": ""}, {"name": "a", "hosts": "-x"}, {"name": "a", "hosts": "10.0.0.300"}):
        with pytest.raises(InvalidInput):
            read_group(wrong)


@pytest.mark.parametrize(
    "line", ["down mail root", "up exit=1-9 page.alert -x 'a b'", "startup syslog"]
)
def test_an_alert_of_one_line(line):
    assert alert_line(read_alert_line(line)) == line


@pytest.mark.parametrize("line", ["", "down", "mail root", "down exit=x mail", "sideways mail"])
def test_what_is_no_alert(line):
    with pytest.raises(InvalidInput) as caught:
        read_alert_line(line)
    assert all(one.remedy for one in caught.value.reports)


# --- changes ----------------------------------------------------------------------------------


def test_changes_keep_the_order_and_the_rest():
    watch = default_watch_list()
    first, second, third = watch.services
    renamed = replace(second, name=WatchName("load"))
    assert watch.with_service(renamed, second.ref).services == (first, renamed, third)
    assert watch.with_service(service()).services[-1] == service()
    assert watch.without_service(second.ref).services == (first, third)
    assert watch.without_group("ServiceMonitor").empty
    moved = watch.with_group(HostGroup(WatchName("heads")), "ServiceMonitor")
    assert {one.group for one in moved.services} == {"heads"}
    assert [one.name for one in moved.groups] == ["heads"]
    day = DefinedPeriod(PeriodName("day"), Period.parse("hr {9-17}"))
    night = replace(day, when=Period.parse("hr {18-8}"))
    assert watch.with_period(day).with_period(night).periods == (night,)
    assert watch.with_period(day).without_period("day") == watch


def test_references():
    assert str(Ref.parse("ServiceMonitor:process_server")) == "ServiceMonitor:process_server"
    for wrong in ("", "x", ":x", "x:", "a b:c", "a:b:c"):
        with pytest.raises(InvalidInput):
            Ref.parse(wrong)
