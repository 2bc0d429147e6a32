"""What outlives a failover, and rubbish that is read back."""

import json
import math
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.watch.core import events
from backend.watch.core.actions import Run
from backend.watch.core.board import Board
from backend.watch.results import Moment, Outcome, Result
from backend.watch.settings import STARTUP, UP, Alert
from tests.unit.watch.core.world import OTHER, WALL, World, period, service
from tests.unit.watch.core.world import settings as made


def services():
    return (
        service("s", period(every=600.0, failures=2), period(Alert("b"), Alert("up2", UP), name="q", most=2)),
        service("t", period(Alert("start", STARTUP)), monitor="", interval=0.0, trap_duration=60.0),
        service("u", depend_memory=100.0),
    )  # fmt: skip


def on_the_other(world: World) -> World:
    """Take over: another clock of intervals, the same time of day."""
    memory = json.loads(json.dumps(world.board.remember()))
    other = World(*services(), memory=memory, me=OTHER, begin=False)
    other.now = Moment(77.0, world.now.wall)
    other.step(events.Begin())
    return other


def test_a_failure_goes_on_after_a_failover():
    first = World(*services())
    first.well()
    first.wait(3)
    assert first.fails(detail="x") == ["b"]
    first.wait(5)
    assert first.fails() == ["mail", "b"]
    second = on_the_other(first)
    shown, before = second.shown(), first.shown()
    for key in ("state", "since", "first_failed", "last_check", "consecutive_failures", "summary", "alerts_sent", "last_success"):  # fmt: skip
        assert shown[key] == before[key], key
    assert second.tells() == []  # monitoring has moved, not started
    assert second.fails() == []  # neither the pause nor the number begins again
    assert second.well() == ["up", "up2"]


def test_what_people_said_survives():
    first = World(*services())
    first.fails()
    first.step(events.Acknowledge("g:s", "I know", "ann"))
    first.step(events.Disable("g:u"))
    second = on_the_other(first)
    assert second.shown()["acknowledged"]["by"] == "ann"
    assert second.shown("u")["state"] == "disabled"
    assert second.fails(summary="other") == []


def test_reports_and_unknown_results_survive():
    first = World(*services())
    first.step(events.Reported("g:t", Outcome.FAILED, "a1"))
    for _ in range(2):
        first.unknown()
    first.wait(30)
    second = on_the_other(first)
    assert second.shown()["state"] == "unknown"
    assert len(second.unknown()) == 2  # the third: both periods
    second.wait(29)
    assert second.shown("t")["state"] == "failed"
    second.wait(1)
    assert second.shown("t")["state"] == "ok"


def test_a_restart_on_the_same_head_is_a_start():
    first = World(*services())
    again = World(*services(), memory=first.board.remember())
    assert [one.alert.program for one in again.tells()] == ["start"]


def test_what_was_remembered_stays_until_something_happens():
    memory = World(*services()).board.remember()
    assert Board(made(*services()), memory).remember() == memory


def test_a_service_that_is_new_or_gone():
    memory = World(service("gone"), service("s")).board.remember()
    world = World(service("s"), service("new"), memory=memory)
    assert [world.shown(one)["state"] for one in ("s", "new")] == ["unchecked"] * 2


def test_a_clock_that_was_set_back_makes_nothing_lie_in_the_future():
    first = World(service())
    first.fails()
    memory = first.board.remember()
    world = World(service(), memory=memory, begin=False)
    world.now = Moment(5.0, WALL - 10_000)
    assert world.shown()["since"] == WALL - 10_000


RUBBISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["failed", "ok", 10**400, -1, math.inf]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def spoilt(value, paths, rubbish):
    """Return a table of which some values are rubbish."""
    for path in paths:
        table = value
        for key in path[:-1]:
            table = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table[path[-1]] = rubbish
    return value


def paths_of(value, before=()):
    found = []
    for key, one in value.items():
        found.append((*before, key))
        if isinstance(one, dict):
            found += paths_of(one, (*before, key))
    return found


def whole():
    world = World(*services())
    world.fails()
    world.step(events.Acknowledge("g:s", "", "ann"))
    world.step(events.Reported("g:t", Outcome.FAILED, "a1"))
    world.unknown("u")
    return json.dumps(world.board.remember())


WHOLE = whole()


@settings(max_examples=300)
@given(st.lists(st.sampled_from(paths_of(json.loads(WHOLE))), max_size=5), RUBBISH)
def test_rubbish_does_no_harm(paths, rubbish):
    memory = spoilt(json.loads(WHOLE), paths, rubbish)
    world = World(*services(), memory=memory)
    world.wait(40)
    world.fails()
    world.well("u")
    text = json.dumps([world.board.snapshot(world.now), world.board.remember()], allow_nan=False)
    assert "\\u0000" not in text


@given(RUBBISH)
def test_rubbish_alone_does_no_harm(rubbish):
    world = World(*services(), memory=rubbish)
    json.dumps(world.board.remember(), allow_nan=False)


def test_500_services_cost_little():
    many = [service(f"s{number}", interval=30.0) for number in range(500)]
    world = World(*many)
    begun, steps = time.process_time(), 0
    for _ in range(60):
        for action in world.wait(1.0):
            if isinstance(action, Run):
                world.step(events.Finished(action.ref, Result(Outcome.OK)))
                steps += 1
    each = (time.process_time() - begun) / steps
    assert steps >= 900
    assert each < 0.001  # seconds for a check: its beginning and its end
