"""Parameters that can never work are named before the watch process gets them: at their line, with what to do."""

from pathlib import Path

import pytest

from backend.errors import InvalidInput
from backend.model.watchlist_checks import Machines
from backend.model.watchlist_monitors import ALERTS, MONITORS
from backend.moncf.convert import convert
from backend.site.store import examine
from backend.site.watch_words import word_problems
from backend.watch.alerts.program import BUILT_IN
from backend.watch.monitors.parameters import FORMS

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
[[host_group]]
name = "heads"
"""
SERVICE = """\
[[watch]]
group = "heads"
name = "s"
interval = "1m"
monitor = "{monitor}"
parameters = "{words}"
"""
ALERT = """\
[[watch.period]]
when = "wd {{Sun-Sat}}"
[[watch.period.alert]]
program = "{alert}"
parameters = "{words}"
"""


def said(text: str) -> list[tuple[int | None, str]]:
    """Return the errors after BASE: the line there, and the words."""
    found = examine(BASE + text, Path("site.toml"))
    lines = BASE.count("\n")
    return [
        (one.place.line - lines if one.place and one.place.line else None, str(one))
        for one in found
    ]


@pytest.mark.parametrize(
    ("monitor", "words", "what"),
    [
        ("tcp", "", "tcp takes a port and timeout=VALUE. See docs/monitors.md."),
        ("tcp", "ssh", "'ssh' is not a whole number from 1 to 65535"),
        ("http", "/ tls=maybe", "not one of yes, no"),
        ("netsnmp-proc.monitor", "community=x", "takes no secrets"),
        ("file-age", "/x", "needs older=VALUE, such as older=10m."),
        ("ocf:heartbeat:Dummy", "x", "is not NAME=VALUE"),
    ],
)
def test_a_monitors_parameters(monitor: str, words: str, what: str) -> None:
    text = SERVICE.format(monitor=monitor, words=words)
    if not words:
        text = text.replace('parameters = ""\n', "")
    ((line, shown),) = said(text)
    assert line == (6 if words else 5)
    assert what in shown


@pytest.mark.parametrize(
    ("alert", "words", "what"),
    [
        (
            "mail",
            "not@an@address",
            "is no mail address. Write name@domain, or the name of a local user.",
        ),
        ("mail", "", "no address is given. Write at least one, such as root@localhost."),
        ("webhook", "ftp://x", "this is no web address. Write https://host/path."),
        ("syslog", "loud", "the only parameter is a facility"),
        ("snmp-trap", "--quick manager", "is no option. Known are --inform, --credentials."),
    ],
)
def test_an_alerts_parameters(alert: str, words: str, what: str) -> None:
    text = SERVICE.format(monitor="icmp", words="tries=2") + ALERT.format(alert=alert, words=words)
    found = [(line, shown) for line, shown in said(text) if what in shown]
    assert [line for line, _ in found] == [11 if words else 10]


def test_what_is_told_of_every_result_is_an_alert_too() -> None:
    text = SERVICE.format(monitor="icmp", words="tries=2") + 'redistribute = "syslog loud"\n'
    ((line, shown),) = said(text)
    assert line == 7
    assert "a facility" in shown


@pytest.mark.parametrize(
    ("monitor", "words"),
    [
        ("tcp", "22"),
        ("ping.monitor", "whatever --it=takes"),
        ("check_load", "-w 1"),
        ("/opt/x", "y"),
        ("dns", ""),
    ],
)
def test_what_can_work_and_what_only_its_program_can_judge(monitor: str, words: str) -> None:
    text = SERVICE.format(monitor=monitor, words=words) + ALERT.format(
        alert="page.alert", words="-x"
    )
    assert said(text) == []


def test_a_name_that_nobody_knows_is_said_once() -> None:
    ((line, shown),) = said(SERVICE.format(monitor="tpc", words="ssh"))
    assert (line, "Nobody knows tpc" in shown) == (5, True)


def test_an_import_names_the_line_of_the_file() -> None:
    text = b"""\
hostgroup heads head1

watch heads
    service s
        interval 1m
        monitor tcp ssh
        period wd {Sun-Sat}
            alert mail a@b@c
"""
    machines = Machines(("head1",))
    with pytest.raises(InvalidInput) as caught:
        convert(text, "mon.cf", machines, lambda _: False, word_problems)
    places = [one.place.line for one in caught.value.reports if one.place]
    assert places == [6, 8]
    assert "'ssh' is not a whole number" in str(caught.value)


def test_the_example_of_the_guide_is_right() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "watch-list.md").read_text(encoding="utf-8")
    example = guide[guide.index("    [[watch]]\n") :].partition("\n1. ")[0]
    text = "\n".join(line[4:] for line in example.splitlines())
    assert "[watch.recovery]" in text
    assert said(text.replace('group = "ServiceMonitor"', 'group = "heads"')) == []


def test_both_sides_know_the_same_names() -> None:
    assert set(MONITORS) == set(FORMS)
    assert set(ALERTS) == set(BUILT_IN)
