"""The watch list in the site file: judged whole, and edited without losing what people wrote."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from backend.model.watchlist_depend import Dependency
from backend.model.watchlist_values import AlertAfter, AlertEvery, Duration, ExitCodes, Repeat
from backend.site.draft import Findings, read_draft
from backend.site.render import edited, fresh
from backend.site.source import read_toml
from backend.site.store import examine, parse_site

FILE = Path("/etc/haoscar/site.toml")
BASE = """\
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
HAND = (
    BASE
    + """
# whom we watch
[[host_group]] # both heads
name = "ServiceMonitor"

[[period]]
name = "day"   # office
when = "hr {9am-5pm}"

# the daemons
[[watch]]
group = "ServiceMonitor"
name = "process_server"
monitor = "netsnmp-proc.monitor"
interval = '3s'  # as ever

  # by day
  [[watch.period]]
  defined = "day"
  alert_after = "3 30m"

    [[watch.period.alert]]
    program = "mail"  # to the boss
    parameters = "root@localhost"

  [[watch.period]]
  when = "wd {Sat-Sun}"

# ---- slow ones ----

[[watch]]
group = "ServiceMonitor"
name = "freespace_server"
monitor = "netsnmp-freespace.monitor"
interval = "2h"

[[node]]
name = "n1"
"""
)


def said(text: str) -> list[tuple[int | None, str, str]]:
    found = examine(text, FILE)
    assert all(one.place and one.place.source == FILE and one.remedy for one in found)
    assert all(str(one).isprintable() for one in found)
    return [(one.place and one.place.line, one.code, one.text) for one in found]


def line_of(wanted: str, text: str = HAND) -> int:
    return text[: text.index(wanted)].count("\n") + 1


def change(watch: WatchList, text: str = HAND) -> str:
    """Return the text after the watch list was replaced; it must have been edited, not written anew."""
    document, where = read_toml(text, FILE)
    draft = read_draft(document, Findings(FILE, where))
    wanted = replace(parse_site(text, FILE), watch=watch)
    new = edited(wanted, text, draft)
    assert new is not None
    assert parse_site(new, FILE) == wanted
    return new


def test_a_file_written_by_hand():
    assert said(HAND) == []
    watch = parse_site(HAND, FILE).watch
    assert watch.groups == (HostGroup(WatchName("ServiceMonitor")),)
    first, second = watch.services
    assert first.interval == Duration(3.0)
    assert first.periods[0] == AlertPeriod(
        defined=PeriodName("day"), alert_after=AlertAfter(3, Duration(1800.0)),
        alerts=(Alert("mail", parameters="root@localhost"),),
    )  # fmt: skip
    assert first.periods[1].shown == "wd {Sat-Sun}"
    assert second.periods == ()


@pytest.mark.parametrize(
    ("old", "new", "code", "shown"),
    [
        ("interval = '3s'", "interval = '0s'", "watch.zero", "interval: '0s' is no time"),
        ("interval = '3s'", "interval = 3", "site.value", "3 must be text"),
        ("interval = '3s'", "intervall = '3s'", "site.unknown-key", "Did you mean interval?"),
        ("interval = '3s'", "# none", "site.watch-interval", "no interval"),
        ('monitor = "netsnmp-proc.monitor"', 'monitor = "x"', "site.watch-monitor", "Nobody knows x"),
        ('monitor = "netsnmp-proc.monitor"', 'monitor = "a b"', "watch.program", "not the name of a monitor"),
        ('group = "ServiceMonitor"', 'group = "ServiceMonitr"', "site.watch-group", "Did you mean ServiceMonitor?"),
        ('name = "freespace_server"', 'name = "process_server"', "site.duplicate", "given twice"),
        ('when = "wd {Sat-Sun}"', 'when = "wd {Xyz}"', "period.malformed", "not a day of the week"),
        ('when = "wd {Sat-Sun}"', 'when = "md {31} mo {jun}"', "site.watch-never", "never in force"),
        ('when = "hr {9am-5pm}"', 'when = "hr {}"', "site.watch-never", "never in force"),
        ('defined = "day"', 'defined = "dya"', "site.watch-period", "Did you mean day?"),
        ('defined = "day"', 'defined = "day"\nwhen = ""', "site.watch-period", "Both when and defined"),
        ('program = "mail"', 'program = "fax"', "site.watch-alert", "Nobody knows fax"),
        ('program = "mail"', 'programm = "mail"', "site.unknown-key", "in watch.period.alert"),
        ("alert_after = ", "max_alerts = 0\nalert_after = ", "site.value", "whole number from 1"),
        ("interval = '3s'", "interval = '3s'\nalert_depend = 'SELF:process_server'", "site.watch-ring", "ring"),
        ("interval = '3s'", "interval = '3s'\nenvironment = { a = 'x' }", "watch.variable", "no name of a variable"),
        ('"ServiceMonitor"\n\n[[period]]', '"ServiceMonitor"\nhosts = ["-x"]\n[[period]]', "name.domain", "hosts:"),
    ],
)  # fmt: skip
def test_each_problem_has_its_line(old, new, code, shown):
    assert old in HAND
    text = HAND.replace(old, new, 1)
    with pytest.raises(InvalidInput) as caught:
        parse_site(text, FILE)
    report = next(one for one in caught.value.reports if one.code == code)
    assert shown in str(report)
    where = report.place.line if report.place else None
    start = line_of(new.split("\n")[0], text)
    assert where is not None
    if code not in ("site.duplicate", "site.watch-interval"):  # those are about the table
        assert start <= where <= start + new.count("\n")


def test_what_could_not_be_read_is_not_judged_again():
    text = HAND.replace("interval = '3s'", "interval = 'x'").replace('"freespace_server"', '"a b"')
    assert [code for _, code, _ in said(text)] == ["watch.duration", "name.watch"]
    text = HAND.replace('monitor = "netsnmp-proc.monitor"', "monitor = 3")
    assert [code for _, code, _ in said(text)] == ["site.value"]


def test_all_problems_at_once_with_their_lines():
    text = (
        BASE
        + """
[[watch]]
group = "nobody"
name = "a"
monitor = "/bin/x"
interval = "0m"
alert_depend = "SELF:b"
[[watch.period]]
when = "mo {feb} md {30}"
[[watch.period.alert]]
program = "fax"
[[watch]]
group = "nobody"
name = "b"
monitor = "zzz"
interval = "1m"
alert_depend = "SELF:a"
"""
    )
    assert [(line - 11 if line else 0, code) for line, code, _ in said(text)] == [
        (2, "site.watch-group"),
        (5, "watch.zero"),
        (6, "site.watch-ring"),
        (8, "site.watch-never"),
        (10, "site.watch-alert"),
        (12, "site.watch-group"),
        (14, "site.watch-monitor"),
    ]


@pytest.mark.parametrize(
    "wrong",
    ['watch = "x"\n' + BASE, BASE + "[watch]\n", BASE + "watch = [1]\n", BASE + "[[watch]]\nperiod = 1\n",
     BASE + "[[watch]]\nperiod = [1]\n", BASE + "[[watch]]\n[watch.period]\nx = 1\n"],
)  # fmt: skip
def test_wrong_shapes_are_said(wrong):
    codes = [code for _, code, _ in said(wrong)]
    assert "site.shape" in codes or "site.unknown-key" in codes


def test_doubts_do_not_stop():
    text = HAND.replace(
        '"ServiceMonitor"\n\n', '"ServiceMonitor"\nhosts = ["head1", "haed1"]\n\n', 1
    )
    ((line, code, shown),) = said(text)
    assert code == "site.watch-host"
    assert line == line_of("hosts =", text)
    assert "haed1" in shown
    assert parse_site(text, FILE).watch.groups[0].hosts == ("head1", "haed1")


# --- editing ----------------------------------------------------------------------------------


def test_nothing_changes_where_nothing_changed():
    assert change(parse_site(HAND, FILE).watch) == HAND


def test_one_value_changes_one_line():
    watch = parse_site(HAND, FILE).watch
    service = watch.services[0]
    new = change(watch.with_service(replace(service, interval=Duration(5.0))))
    assert new == HAND.replace("'3s'  # as ever", '"5s"  # as ever')
    periods = (replace(service.periods[0], max_alerts=4), service.periods[1])
    new = change(watch.with_service(replace(service, periods=periods)))
    assert new.replace("max_alerts = 4\n", "", 1).replace("  \n", "\n") == HAND
    alert = replace(service.periods[0].alerts[0], parameters="ada")
    periods = (replace(service.periods[0], alerts=(alert,)), service.periods[1])
    new = change(watch.with_service(replace(service, periods=periods)))
    assert new == HAND.replace("root@localhost", "ada")


def test_a_period_that_goes_takes_only_itself():
    watch = parse_site(HAND, FILE).watch
    service = watch.services[0]
    new = change(watch.with_service(replace(service, periods=service.periods[1:])))
    for kept in (
        "# as ever",
        "wd {Sat-Sun}",
        "# ---- slow ones ----",
        "# whom we watch",
        "# office",
    ):
        assert kept in new
    for gone in ("boss", "3 30m", "by day"):
        assert gone not in new


def test_a_service_that_goes_takes_its_periods_and_no_more():
    watch = parse_site(HAND, FILE).watch
    new = change(watch.without_service(watch.services[0].ref))
    assert "[[watch.period" not in new
    assert "# ---- slow ones ----" in new
    assert new.index("freespace_server") < new.index("[[node]]")


def test_what_is_added_stands_with_its_like():
    watch = parse_site(HAND, FILE).watch
    row = replace(default_watch_list().services[1], name=WatchName("load"))
    new = change(watch.with_service(row))
    assert new.index("freespace_server") < new.index('"load"') < new.index("[[node]]")
    last = watch.services[1]
    periods = (AlertPeriod(when=Period.parse("wd {Mon}"), alerts=(Alert("syslog"),)),)
    new = change(watch.with_service(replace(last, periods=periods)))
    assert new.index("freespace_server") < new.index("wd {Mon}") < new.index("syslog")
    assert new.index("syslog") < new.index("[[node]]")


def test_services_change_places_with_all_that_is_theirs():
    watch = parse_site(HAND, FILE).watch
    new = change(replace(watch, services=watch.services[::-1]))
    assert new.index("freespace_server") < new.index("process_server") < new.index("boss")
    assert change(watch, new).index("boss") < change(watch, new).index("freespace_server")


def test_the_watch_list_of_a_new_file():
    site = replace(parse_site(BASE, FILE), watch=default_watch_list())
    text = fresh(site)
    assert parse_site(text, FILE) == site
    assert text.count("[[watch.period]]") == 3
    assert change(default_watch_list(), BASE).startswith(BASE)


# --- any watch list at all --------------------------------------------------------------------

names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,5}", fullmatch=True).map(WatchName)
durations = st.integers(1, 400_000).map(lambda seconds: Duration(float(seconds)))
whens = st.sampled_from(("wd {Sun-Sat}", "wd {Mon-Fri} hr {9am-5pm}", "md {1} mo {jan}", "none"))
lines = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\"'\\"), max_size=12).map(str.strip)  # fmt: skip
maybe = st.none()

alerts = st.builds(
    Alert, st.sampled_from(("x.alert", "/bin/x")), st.sampled_from((RunWhen.DOWN, RunWhen.UP)),
    lines, maybe | st.builds(lambda low, more: ExitCodes(low, low + more), st.integers(0, 99), st.integers(0, 99)),
)  # fmt: skip
alert_periods = st.builds(
    AlertPeriod,
    when=maybe | whens.map(Period.parse),
    alerts=st.lists(alerts, max_size=3).map(tuple),
    alert_every=maybe | st.builds(AlertEvery, durations, st.sampled_from(Repeat)),
    alert_after=maybe | st.integers(1, 9).map(AlertAfter),
    max_alerts=maybe | st.integers(1, 99),
    up_alert_after=maybe | durations,
    no_comp_alerts=st.booleans(),
)

recoveries = st.builds(
    Recovery,
    st.just(RecoveryKind.UNIT),
    st.sampled_from(((("unit", "a"),), (("unit", "b.service"),))),
    st.sampled_from((Failures(1, 1), Failures(2, 3))),
    st.integers(0, 9),
    durations,
    durations,
    durations,
    st.sampled_from(Escalation),
    st.booleans(),
)


@st.composite
def watch_lists(draw) -> WatchList:
    """Any watch list that is right."""
    groups = tuple(
        HostGroup(name, draw(st.sampled_from(((), ("head1",), ("head1", "10.0.0.7")))))
        for name in draw(st.lists(names, min_size=1, max_size=3, unique=True))
    )
    services = []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        periods = draw(st.lists(alert_periods, max_size=3))
        labels = (PeriodName(f"p{number}") for number in draw(st.permutations(range(3))))
        services.append(
            WatchedService(
                draw(st.sampled_from(groups)).name, name, draw(st.sampled_from(("ping.monitor", "/bin/x"))), draw(lines),
                draw(durations), draw(maybe | durations), draw(lines), draw(st.booleans()),
                host_depend=draw(maybe | st.just(Dependency.parse(f"SELF:{name}"))),
                environment=draw(st.sampled_from(((), (("A", "1"), ("B_2", "x y"))))),
                periods=tuple(replace(one, label=label) for one, label in zip(periods, labels, strict=False)),
                limit=draw(maybe | durations), recovery=draw(maybe | recoveries),
            )
        )  # fmt: skip
    defined = draw(st.lists(st.sampled_from("abc"), max_size=2, unique=True))
    periods = tuple(DefinedPeriod(PeriodName(one), Period.parse(draw(whens))) for one in defined)
    return WatchList(groups, periods, tuple(services))


@settings(max_examples=60, deadline=None)
@given(watch_lists(), watch_lists())
def test_any_list_reads_back_and_can_become_any_other(first, second):
    text = fresh(replace(parse_site(BASE, FILE), watch=first))
    assert parse_site(text, FILE).watch == first
    commented = "\n".join(f"{line} # {n}" if line.startswith("[") else line for n, line in enumerate(text.split("\n")))  # fmt: skip
    new = change(second, commented)
    assert change(second, new) == new
    header = next(line for line in commented.split("\n") if line.startswith("[cluster]"))
    assert header in new


def test_references_are_by_group_and_name():
    watch = parse_site(HAND, FILE).watch
    assert watch.service(Ref.parse("ServiceMonitor:process_server")) == watch.services[0]
