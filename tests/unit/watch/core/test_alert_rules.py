"""Who is told, and when: each of mon's rules for itself."""

from backend.periods import Period
from backend.watch.core import events
from backend.watch.results import REPORT, SILENCE, Outcome
from backend.watch.settings import (
    DETAIL,
    IGNORE_SUMMARY,
    STARTUP,
    STRICT,
    Alert,
)
from tests.unit.watch.core.world import WALL, World, period, service


def world(**values) -> World:
    return World(service("s", period(**values)))


def test_each_failure_is_told_and_that_it_is_up_once():
    watched = world()
    assert watched.well() == []
    assert [watched.fails(), watched.fails()] == [["mail"], ["mail"]]
    assert [watched.well(), watched.well()] == [["up"], []]


def test_the_pause_is_broken_by_another_summary_only():
    watched = world(every=60.0)
    assert [watched.fails(), watched.fails(), watched.fails(detail="x")] == [["mail"], [], []]
    assert watched.fails(summary="a1 b1") == ["mail"]
    watched.wait(61)
    assert watched.fails(summary="a1 b1") == ["mail"]


def test_a_check_that_ends_some_milliseconds_early_is_told_as_mon_tells_it():
    watched = world(every=60.0)
    watched.fails()
    watched.wait(59.9)
    assert watched.fails() == ["mail"]


def test_observe_detail_looks_at_the_details_too():
    watched = world(every=60.0, repeat=DETAIL)
    assert [watched.fails(), watched.fails()] == [["mail"], []]
    assert watched.fails(detail="other") == ["mail"]


def test_strict_and_ignore_summary_differ_after_it_was_well():
    strict = world(every=60.0, repeat=STRICT)
    ignoring = world(every=60.0, repeat=IGNORE_SUMMARY)
    for watched in (strict, ignoring):
        assert [watched.fails(), watched.fails(summary="b1")] == [["mail"], []]
    silent = World(service("s", period(Alert("mail"), every=60.0, repeat=STRICT)))
    assert [silent.fails(), silent.well(), silent.fails()] == [["mail"], [], []]
    assert [ignoring.well(), ignoring.fails()] == [["up"], ["mail"]]


def test_alert_after_so_many_failures_in_a_row():
    watched = world(failures=3)
    assert [watched.fails(), watched.fails(), watched.well()] == [[], [], []]
    assert [watched.fails() for _ in range(4)] == [[], [], ["mail"], ["mail"]]


def test_alert_after_a_time_of_failure():
    watched = world(within=20.0)
    told = []
    for _ in range(4):
        told.append(watched.fails())
        watched.wait(10)
    assert told == [[], [], [], ["mail"]]  # longer than 20 s, not 20 s


def test_alert_after_so_many_failures_within_a_time():
    watched = world(failures=3, within=60.0)
    assert [watched.fails(), watched.fails(), watched.fails()] == [[], [], ["mail"]]
    watched.wait(61)
    assert [watched.fails(), watched.fails(), watched.fails()] == [[], [], ["mail"]]


def test_at_most_so_many_about_one_failure():
    watched = world(most=2)
    assert [watched.fails() for _ in range(3)] == [["mail"], ["mail"], []]
    assert [watched.well(), watched.fails()] == [["up"], ["mail"]]


def test_alerts_of_exit_codes():
    watched = World(service("s", period(Alert("low", exit=(1, 2)), Alert("high", exit=(3, 9)))))
    told = [watched.fails(code=code) for code in (1, 3, 20)]
    assert told == [["low"], ["high"], []]


def test_up_only_when_it_was_down_for_long():
    watched = world(up_after=60.0)
    watched.fails()
    watched.wait(30)
    assert watched.well() == []
    watched.fails()
    watched.wait(61)
    assert watched.well() == ["up"]


def test_up_without_down_before_is_told_once():
    watched = world(no_comp=True, failures=3)
    assert [watched.fails(), watched.well()] == [[], ["up"]]
    assert [watched.fails(), watched.well()] == [[], []]  # as in mon: until something was told


def test_only_periods_in_force_tell():
    watched = World(
        service(
            "s",
            period(Alert("never"), when=Period.read("none"), name="a"),
            period(Alert("now"), when=Period.read("yr {2026}"), name="b"),
            period(Alert("later"), when=Period.read("yr {2027}"), name="c"),
        )
    )
    assert watched.fails() == ["now"]


def test_startup_is_told_once_and_counts_as_in_mon():
    watched = World(service("s", period(Alert("start", STARTUP), Alert("mail"), most=1)))
    assert [one.alert.program for one in watched.tells()] == ["start"]
    assert [watched.fails(), watched.well(), watched.fails()] == [[], [], ["mail"]]


def test_redistribute_hears_of_every_result():
    watched = World(service("s", period(failures=2), redistribute=Alert("all")))
    told = [[one.run for one in watched.tells()]]
    told += [[(one.run) for one in watched.ends(code=code)] for code in (0, 1, 0)]
    assert told == [["startup"], ["up"], ["down"], ["up"]]


def test_what_an_alert_is_told():
    watched = World(service("s", period(every=60.0)))
    watched.well()
    watched.wait(5)
    (down,) = watched.ends(summary="a1", code=3, detail="more")
    assert (down.result.summary, down.result.detail, down.result.code) == ("a1", "more", 3)
    assert (down.run, down.hosts, down.every, down.previous) == (
        "down",
        ("a1", "b1"),
        60.0,
        "fine\n",
    )
    assert abs(down.first_failed - (WALL + 5)) < 0.001
    assert abs(down.last_success - WALL) < 0.001
    assert abs(down.last_failed - (WALL + 5)) < 0.001
    watched.wait(60)
    (again,) = watched.ends(summary="a1", detail="other")
    assert (again.previous, again.first_failed) == ("a1\nmore\n", down.first_failed)
    assert abs(again.last_failed - (WALL + 65)) < 0.001
    watched.step(events.Acknowledge("g:s", "the disk is on its way", "root"))
    watched.wait(5)
    (up,) = watched.ends(summary="fine", code=0)
    assert (up.run, up.result.summary, up.result.code) == ("up", "a1", 0)  # as mon sends it
    assert (up.acknowledged, up.last_success) == ("the disk is on its way", down.last_success)
    assert up.last_failed == again.last_failed
    assert up.result.outcome.value == "ok"
    (next_down,) = watched.ends(summary="a1")
    assert (next_down.previous, next_down.acknowledged) == ("fine\n", "")
    assert abs(next_down.last_success - (WALL + 70)) < 0.001


def test_what_comes_from_a_report_and_from_its_absence_is_told_apart():
    watched = World(service("s", period(), monitor="", trap_timeout=30.0))
    watched.step(events.Reported("g:s", Outcome.FAILED, "a1", "line 1\nline\x1b2"))
    (told,) = watched.tells()
    assert (told.result.source, told.result.detail) == (REPORT, "line 1\nline\\x1b2")
    watched.wait(30)
    (told,) = watched.tells()
    assert (told.result.source, told.result.summary) == (SILENCE, "trap timeout")
