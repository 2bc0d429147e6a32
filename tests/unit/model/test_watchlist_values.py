"""Values of the watch list: written as mon writes them, and read back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.model.watchlist_days import DaysAndHours
from backend.model.watchlist_depend import Dependency
from backend.model.watchlist_monitors import (
    Kind,
    alert_of,
    monitor_of,
    parse_alert,
    parse_monitor,
)
from backend.model.watchlist_rings import rings
from backend.model.watchlist_values import (
    AlertAfter,
    AlertEvery,
    Duration,
    ExitCodes,
    parse_parameters,
    parse_times,
    words,
)


@pytest.mark.parametrize(
    ("text", "seconds", "shown"),
    [
        ("3s", 3, "3s"),
        ("20m", 1200, "20m"),
        ("2h", 7200, "2h"),
        ("1d", 86400, "1d"),
        ("2w", 1209600, "2w"),
        ("1.5h", 5400, "90m"),
        ("90s", 90, "90s"),
        (" 60S ", 60, "1m"),
        ("1.25s", 1.25, "1.25s"),
    ],
)
def test_durations_as_mon_reads_them(text, seconds, shown):
    found = Duration.parse(text)
    assert found.seconds == seconds
    assert str(found) == shown
    assert Duration.parse(shown) == found


@pytest.mark.parametrize(
    "text", ["", "3", "s", "0s", "0.0h", "-3s", "3 s", "3x", "1e3s", "0.5s", "400d", "9" * 40 + "s", "\u0663s"]
)  # fmt: skip
def test_what_is_no_duration(text):
    with pytest.raises(InvalidInput) as caught:
        Duration.parse(text)
    assert caught.value.reports[0].remedy


@given(st.integers(1, 366 * 86_400))
def test_a_duration_reads_back(seconds):
    found = Duration(float(seconds))
    assert Duration.parse(str(found)) == found


@pytest.mark.parametrize("text", ["1h", "36h strict", "10m observe_detail", "1d ignore_summary"])
def test_alert_every(text):
    assert str(AlertEvery.parse(text)) == text


@pytest.mark.parametrize("text", ["", "1h always", "strict", "0s strict", "1h strict strict"])
def test_what_is_no_alert_every(text):
    with pytest.raises(InvalidInput):
        AlertEvery.parse(text)


@pytest.mark.parametrize(
    ("text", "failures", "within"), [("3", 3, None), ("3 30m", 3, 1800), ("30m", None, 1800)]
)
def test_alert_after_has_three_forms(text, failures, within):
    found = AlertAfter.parse(text)
    assert found.failures == failures
    assert (found.within and found.within.seconds) == within
    assert str(found) == text


@pytest.mark.parametrize(
    "text", ["", "0", "3 3", "x", "3 30m 4", "0 30m", "30m 3", "-1", "99999999"]
)
def test_what_is_no_alert_after(text):
    with pytest.raises(InvalidInput):
        AlertAfter.parse(text)


def test_exit_codes_and_numbers():
    assert ExitCodes.parse("10-20") == ExitCodes(10, 20)
    assert str(ExitCodes.parse("2")) == "2"
    assert parse_times("10") == 10
    for wrong in ("", "20-10", "256", "1-2-3", "x"):
        with pytest.raises(InvalidInput):
            ExitCodes.parse(wrong)
    for wrong in ("", "0", "-1", "1.5", "10001", "\u0661"):
        with pytest.raises(InvalidInput):
            parse_times(wrong)


def test_parameters_are_split_without_a_shell():
    text = parse_parameters("""-t 10 'two words' "a$HOME" `id` ; rm *""")
    assert words(text) == ("-t", "10", "two words", "a$HOME", "`id`", ";", "rm", "*")
    for wrong in ('"open', "it's", "a\nb", "x" * 1001, "\x1b[2J"):
        with pytest.raises(InvalidInput):
            parse_parameters(wrong)


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("SELF:ping", ("SELF:ping",)),
        ("a:b && (c:d || !e:f)", ("a:b", "c:d", "e:f")),
        ("not a:b and c:d or a:b", ("a:b", "c:d")),
        ("routers:ping serversbd2:ping", ("routers:ping", "serversbd2:ping")),
        ("a.b-c_d:e.f", ("a.b-c_d:e.f",)),
    ],
)
def test_dependencies_name_services(text, services):
    assert Dependency.parse(text).services == services


@pytest.mark.parametrize(
    "text",
    ["", "ping", "a:b &&", "&& a:b", "(a:b", "a:b)", "a:b && system('x')", "a:b || c:d e:f", "a:b & c:d",
     "!" , "()", "(" * 60 + "a:b" + ")" * 60, "a:b; c:d", "a::b"],
)  # fmt: skip
def test_what_is_no_dependency(text):
    with pytest.raises(InvalidInput) as caught:
        Dependency.parse(text)
    assert str(caught.value.reports[0]).isprintable()


def test_self_is_the_own_group():
    assert Dependency.parse("SELF:a && x:b").of_group("g") == ("g:a", "x:b")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("netsnmp-proc.monitor", Kind.BUILT_IN),
        ("tcp", Kind.BUILT_IN),
        ("ping.monitor", Kind.MON),
        ("check_load", Kind.PLUGIN),
        ("ocf:heartbeat:nfsserver", Kind.OCF),
        ("/opt/x/check", Kind.PROGRAM),
        ("tcq", None),
    ],
)
def test_what_a_monitor_is(name, kind):
    found = monitor_of(parse_monitor(name))
    assert found.kind is kind
    assert bool(found.places) == (kind not in (Kind.BUILT_IN, None))


def test_what_an_alert_is():
    assert alert_of(parse_alert("mail")).kind is Kind.BUILT_IN
    assert alert_of("mail.alert").places[0] == "/usr/local/lib/mon/alert.d/mail.alert"
    assert alert_of("check_x").kind is None
    for wrong in ("", "a b", "../x", "/a/../b", "/a//b", "-x", "a;b", "/a b", "$(x)"):
        with pytest.raises(InvalidInput):
            parse_alert(wrong)


def test_rings_are_found_whatever_their_length():
    assert rings({"a": ["b"], "b": []}) == []
    assert rings({"a": ["a"]}) == [("a",)]
    found = rings({"a": ["b"], "b": ["c"], "c": ["a"], "x": ["y"], "y": ["x"], "z": ["a"]})
    assert [sorted(one) for one in found] == [["a", "b", "c"], ["x", "y"]]
    chain = {str(n): [str(n + 1)] for n in range(5000)}
    assert rings(chain) == []
    assert len(rings(chain | {"5000": ["0"]})[0]) == 5001


@pytest.mark.parametrize(
    ("text", "days", "hours"),
    [
        ("wd {Sun-Sat}", None, None),
        ("", None, None),
        ("wd {Mon-Fri}", ("Mon", "Fri"), None),
        ("wd{monday-FRI} hr {9am-5pm}", ("Mon", "Fri"), ("9am", "5pm")),
        ("hr { 9am - 17 }", None, ("9am", "17")),
    ],
)
def test_days_and_hours(text, days, hours):
    found = DaysAndHours.of(text)
    assert found == DaysAndHours(days, hours)
    assert DaysAndHours.of(found.text) == found


@pytest.mark.parametrize(
    "text",
    ["wd {Mon}", "wd {1-5}", "wd {Mon-Fri}, wd {Sun}", "md {1-3}", "none", "wd {Mon-Wed Fri-Sat}", "wd {xx-yy}"],
)  # fmt: skip
def test_what_is_more_than_days_and_hours(text):
    assert DaysAndHours.of(text) is None
