"""When services are checked."""

from backend.periods import Period
from backend.watch.core import events
from backend.watch.core.actions import Run
from backend.watch.core.board import Board
from backend.watch.results import Moment
from tests.unit.watch.core.world import Cancel, World, service, settings


def test_first_checks_are_spread_evenly():
    services = [service(f"s{number}", interval=60.0) for number in range(30)]
    world = World(*services)
    begun = [len(world.runs())]
    for _ in range(30):
        world.wait(1)
        begun += [len(world.runs())]
    assert begun == [1] * 30 + [0]


def test_checks_begin_together_at_moments_half_a_second_apart():
    world = World(*(service(f"s{number}", interval=3.0) for number in range(23)))
    began = {0.0: len(world.runs())}
    while sum(began.values()) < 23:
        world.wait(world.board.wake_at() - world.now.mono)
        began[round(world.now.mono - 5000.0, 6)] = len(world.runs())
    assert began == {0.0: 4, 0.5: 4, 1.0: 4, 1.5: 4, 2.0: 4, 2.5: 3}


def test_a_short_interval_begins_within_it():
    world = World(*(service(f"s{number}", interval=3.0) for number in range(6)))
    world.wait(2.9)
    assert all(world.shown(f"s{number}")["running"] for number in range(6))


def test_checks_keep_their_interval_whatever_they_take():
    world = World(service())
    begun = [5000.0]
    for _ in range(5):
        world.wait(3.3)
        world.ends(code=0)
        world.wait(world.board.wake_at() - world.now.mono)
        begun.append(world.now.mono)
        assert world.runs() == ["g:s"]
    assert begun == [5000.0 + 10 * number for number in range(6)]


def test_never_two_at_once_and_what_was_due_is_counted():
    world = World(service())
    assert [one for one in world.wait(35) if isinstance(one, Run)] == []
    assert world.shown()["skipped"] == 3
    world.ends(code=0)
    world.wait(5)
    assert world.runs() == ["g:s"]


def test_while_it_fails_it_is_checked_otherwise():
    world = World(service(failure_interval=2.0))
    world.fails()
    assert world.board.wake_at() == world.now.mono + 2
    world.wait(2)
    world.fails()
    world.wait(2)
    world.well()
    assert world.board.wake_at() == world.now.mono + 10
    world.wait(10)
    world.unknown()
    assert world.board.wake_at() == world.now.mono + 10


def test_the_skew_comes_from_what_is_passed_in():
    values = iter((0.0, 1.0, 0.5, 0.5))
    board = Board(settings(service(skew=4.0)), None, lambda: next(values))
    now = 0.0
    waits = []
    board.begin(Moment(now, now))
    for _ in range(3):
        waits.append(board.wake_at() - now)
        now = board.wake_at()
        board.step(events.Tick(), Moment(now, now))
    assert waits == [6.0, 14.0, 10.0]


def test_after_a_standstill_nothing_is_made_up_for():
    world = World(service())
    world.ends(code=0)
    world._go(world.now.mono + 3600)
    world.step(events.Tick())
    assert world.runs() == ["g:s"]
    world.ends(code=0)
    assert world.wait(9.9) == []


def test_no_checks_in_the_exclude_period():
    world = World(
        service(exclude=Period.read("sec {0-39}"), interval=10.0)
    )  # it begins at second 20
    assert world.runs() == []
    assert "exclude_period" in world.sentences[0]
    world.wait(19)
    assert world.runs() == []
    assert world.sentences == []
    world.wait(2)
    assert world.runs() == ["g:s"]


def test_what_a_check_depends_on_holds_it_back():
    world = World(service("up"), service("s", monitor_depend="g:up"))
    world.fails("up")
    world.wait(9)
    assert world.runs() == []
    assert "g:up" in world.shown("s")["held"]
    world.well("up")
    world.wait(1)
    assert "g:s" in world.runs()


def test_hosts_that_fail_elsewhere_are_left_out():
    world = World(service("up"), service("s", host_depend="g:up", hosts=("a1", "a10", "b1")))
    world.fails("up", summary="a1: no answer.")
    world.wait(5)
    assert world.kinds(Run) == [Run("g:s", ("a10", "b1"))]
    world.well()
    world.fails("up", summary="a1 a10 b1")
    world.wait(10)
    assert [one for one in world.kinds(Run) if one.ref == "g:s"] == []
    assert "no host is left" in world.shown("s")["held"]
    world.step(events.TestNow("g:s"))
    assert world.kinds(Run) == [Run("g:s", ("a1", "a10", "b1"))]


def test_a_failure_elsewhere_is_remembered():
    world = World(service("up"), service("s", alert_depend="g:up", depend_memory=60.0))
    assert world.fails() == ["mail"]
    world.fails("up")
    assert world.fails() == []
    world.well("up")
    world.wait(59)
    assert world.fails() == []
    world.wait(1)
    assert world.fails() == ["mail"]


def test_a_test_by_hand_runs_at_once_and_again_when_one_runs():
    world = World(service(interval=3600.0))
    world.step(events.TestNow("g:s"))
    assert world.runs() == []
    world.ends(code=0)
    assert world.runs() == ["g:s"]  # what was asked for while it ran
    world.ends(code=0)
    assert world.runs() == []
    world.step(events.TestNow("g:s"))
    assert world.runs() == ["g:s"]


def test_a_head_that_retires_does_nothing_more():
    world = World(service("a"), service("b"))
    world.wait(6)
    world.step(events.Retire())
    assert world.kinds(Cancel) == [Cancel("g:a"), Cancel("g:b")]
    assert world.board.wake_at() == float("inf")
    assert world.wait(100) == []
    world.step(events.TestNow("g:a"))
    assert "not the active one" in world.sentences[0]
    world.step(events.Begin())
    assert world.runs() == ["g:a"]


def test_what_was_cancelled_does_not_count():
    world = World(service())
    world.step(events.Disable("g:s"))
    world.step(events.Finished("g:s", None))
    assert world.actions == []


def test_a_monitor_without_hosts_runs_only_when_it_wants_none():
    world = World(service("a", hosts=()), service("b", hosts=(), words=("-x", ";;")))
    world.wait(5)
    assert world.runs() == ["g:b"]
    assert "no host is left" in world.shown("a")["held"]


def test_the_heap_does_not_grow():
    world = World(*(service(f"s{number}") for number in range(20)))
    for _ in range(50):
        world.wait(1)
        for number in range(20):
            world.fails(f"s{number}")
    assert len(world.board._table._heap) <= 200
