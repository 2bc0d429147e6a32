"""A mon.cf with mistakes, all of them told with their lines, and hostile ones."""

import random
import time

import pytest

from backend.errors import InvalidInput
from backend.model.watchlist import WatchList
from backend.moncf.findings import DIFFERS
from backend.moncf.merge import merged
from tests.unit.moncf.moncf_read import (
    left,
    read,
    watch,
    wrong,
)

MISTAKEN = """\
maxprocss = 3
randstart = soon
hostgroup g head1 under_score
hostgroup none

wacth g
watch g
    description too early
    service a
        interval 0s
        monitor nosuch.monitor
        period wd {Mon-Foo}
            alert nosuch.alert x
            alertafter 3 1d
            alertevery often
    service b
        interval 1w
        monitor probe
        depend g:a &&
        period hr {25}
        intervall 3
    service c
        interval 1m
        monitor there.monitor
        depend g:d
        unack_summary perhaps
        period md {31} mo {Feb}
            alertafter 30 1m
            interval 5m
    service d
        interval 1m
        monitor there.monitor
        depend g:c

watch none
    service a
    service a
        interval 5m
        monitor there.monitor
        alertdepend g:nosuch
"""


def test_all_mistakes_at_once():
    found = wrong(MISTAKEN, "/usr/lib/mon/mon.d/there.monitor")
    lines = [line for line, _ in found]
    assert lines == sorted(lines)
    assert lines == [
        1, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 25, 26, 27, 28, 29, 37, 40,
    ]  # fmt: skip
    texts = "\n".join(text for _, text in found)
    for one in (
        "mon has no setting maxprocss.", "hostgroup none: It has no hosts", "0s is no time at all.",
        "nosuch.monitor is not on this head.", "nosuch.alert is not on this head.", "probe is in none of mon's directories",
        "g:c -> g:d -> g:c: this goes round in a ring.", "md {31} mo {Feb} is never in force.",
        "There is no service g:nosuch.", "30 failures cannot happen within 1m", "interval stands in the wrong place.",
    ):  # fmt: skip
        assert one in texts


def test_the_line_that_is_meant_by_many_a_missing_empty_line():
    assert wrong("hostgroup g head1\n" + "watch g\n  service s\n") == [
        (2, "watch g stands inside a record that it does not belong to."),
        (3, "service s stands inside a record that it does not belong to."),
    ]
    assert [line for line, _ in wrong(watch() + "\n  service t\n")] == [8]


def test_missing_programs_may_be_allowed():
    text = watch("monitor probe", "period", "alert page.alert x")
    assert [line for line, _ in wrong(text, "/none")] == [7, 9]
    one = read(text, "/none", allow_missing=True).watch.services[0]
    assert (one.monitor, one.periods[0].alerts[0].program) == (
        "/usr/local/lib/mon/mon.d/probe",
        "page.alert",
    )


def test_notes_say_what_mon_cannot():
    text = "#haoscar: period day = hr {9-17}\n\n" + watch(
        "#haoscar: disabled = yes",
        "period day: hr {9-17}",
        "#haoscar: defined = day",
        "#haoscar: label =",
    ).replace("head2\n", "head2\n#haoscar: hosts =\n", 1)
    found = read(text)
    one = found.watch.services[0]
    assert (found.watch.groups[0].hosts, one.disabled, one.periods[0].shown) == ((), True, "day")
    assert found.reports == ()
    assert [one.code for one in read(text.replace("hr {9-17}", "hr {9}", 1)).reports] == [DIFFERS]
    assert [line for line, _ in wrong("#haoscar: nonsense\n#haoscar: disabled = yes\n" + watch("#haoscar: colour = red"))] == [1, 2, 9]  # fmt: skip


def test_adding_keeps_what_is_there():
    old, new = read(watch("description old")).watch, read(watch("description new")).watch
    more = read(watch().replace("service s", "service t")).watch
    assert merged(old, new) == new
    assert [str(one.name) for one in merged(old, more).services] == ["s", "t"]
    assert merged(WatchList(), new) == new


HOSTILE = {
    "nothing": b"",
    "binary": random.Random(1).randbytes(200_000),
    "binary without zeros": random.Random(2).randbytes(300_000).replace(b"\0", b"x"),
    "lines": b"hostgroup g a\n\n" * 50_000,
    "no sense": b"what is this\n" * 49_000,
    "services": b"watch g\n" + b"service s\n interval 1x\n" * 20_000,
    "views": b"view v g\n" * 40_000,
    "one huge line": b"hostgroup g " + b"head1 " * 500_000,
    "spaces": b"description a" + b" " * 1_000_000 + b"b",
    "backslashes": b"\\ " * 1_000_000 + b"\n" + b"x\\\n" * 40_000,
    "quotes": watch("monitor x.monitor " + "\"'\\" * 30_000 + "x").encode(),
    "control": watch("description \x1b[31m", "monitor x.monitor \x07").encode(),
    "braces": watch("period " + "wd {Mon} " * 20_000).encode(),
    "deep": watch("depend " + "(" * 50_000).encode(),
    "large": b"#" * 5_000_000,
}

HARMLESS = ("nothing", "views", "backslashes")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_quickly(name):
    began = time.process_time()
    try:
        reports = read(HOSTILE[name]).reports
    except InvalidInput as problem:
        reports = problem.reports
        wrong_ones = len(reports)
    else:
        wrong_ones = 0
    assert time.process_time() - began < 5
    assert (wrong_ones > 0) == (name not in HARMLESS)
    assert wrong_ones <= 1001
    for one in reports:
        assert str(one).isprintable()
        assert len(str(one)) < 2000
        assert one.place is not None
        assert one.place.source == "mon.cf"


def test_what_mon_would_refuse_in_lines_that_it_forgets():
    text = watch("interval 0s", "unack_summary perhaps", "unack_summary y", "dep_behavior z", "dep_behavior a", "exclude_period hr {x}", "exclude_period hr {1}", "period", "alertevery soon", "alertevery 1h", "alertafter 3", "alertafter 2 30m")  # fmt: skip
    lines = [line for line, _ in wrong(text)]
    assert lines == [7, 8, 10, 12, 15, 18]


def test_an_alert_of_the_start_follows_no_monitor():
    found = read(watch("period", "startupalert exit=1-9 a.alert", "startupalert exit=0-9 b.alert"))
    assert [(one.program, one.exit) for one in found.watch.services[0].periods[0].alerts] == [("b.alert", None)]  # fmt: skip
    assert left(found) == [(8, "startupalert exit=1-9 a.alert")]


def test_a_service_that_is_left_out_must_be_right_all_the_same():
    text = "watch g\n  service s\n    period\n      alertafter 3 1d\n"
    assert [line for line, _ in wrong(text)] == [4]
    assert [line for line, _ in wrong(text.replace("alertafter 3 1d", "max_alerts 3"))] == [4]
    assert [line for line, _ in wrong(text.replace(" 1d", "") + "    period\n")] == [5]
