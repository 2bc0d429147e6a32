"""Starts in order and in parallel, stops the other way round, and what happens when one fails."""

from backend.agent.resources.planner import settling
from backend.agent.resources.state import SETTLES, Drain, Forget, Retire, Serve
from backend.system.agent.program import How
from tests.unit.agent_resources.world import OCF_NOT_RUNNING, World, blind, ocf

UP = {"disk": "running", "log": "running", "db": "running", "web": "running"}


def stack(**more: object) -> World:
    """Two that are independent, a third on one of them, a fourth on both."""
    return World(ocf("disk"), ocf("log"), ocf("db", "disk", **more), ocf("web", "db", "log"))


def serving(world: World) -> World:
    world.tell(Serve(1))
    while world.running:
        world.end(next(iter(world.running)))
    assert set(world.phases().values()) == {"running"}
    world.order.clear()
    world.said.clear()
    return world


def test_starts_go_in_parallel_where_they_may() -> None:
    world = stack()
    world.tell(Serve(1))
    assert list(world.running) == ["start disk", "start log"]
    assert world.phases()["db"] == "blocked"
    assert "disk" in world.board.item("db").why
    world.end("start disk")
    assert list(world.running) == ["start log", "start db"]
    world.ends("start db", "start log")
    assert list(world.running) == ["start web"]
    world.end("start web")
    assert world.phases() == UP
    assert world.board.fit
    assert not world.board.all_stopped


def test_a_head_settles_until_all_that_can_run_runs() -> None:
    world = stack()
    assert not settling(world.board, world.now)
    world.tell(Serve(1))
    assert settling(world.board, world.now)
    world.ends("start disk", "start log", "start db")
    assert settling(world.board, world.now)
    world.end("start web")
    assert not settling(world.board, world.now)
    world.tell(Drain())
    assert not settling(world.board, world.now)


def test_a_head_does_not_wait_for_what_has_failed_nor_for_ever() -> None:
    world = stack()
    world.tell(Serve(1))
    assert not settling(world.board, world.now + SETTLES)
    world.end("start log")
    world.end("start disk", 6)
    world.ends(*list(world.running))
    assert world.phases()["web"] == "blocked"
    assert not settling(world.board, world.now)


def test_stops_go_the_other_way_round() -> None:
    world = serving(stack())
    world.tell(Retire())
    assert list(world.running) == ["stop web"]
    world.end("stop web")
    assert list(world.running) == ["stop db", "stop log"]
    world.end("stop db")
    assert list(world.running) == ["stop log", "stop disk"]
    world.ends("stop log")
    assert not world.board.all_stopped
    world.end("stop disk")
    assert world.board.all_stopped
    assert world.board.fit


def test_a_failed_start_is_cleaned_up_and_the_independent_ones_stay() -> None:
    world = stack()
    world.tell(Serve(1))
    world.ends("start disk", "start log")
    world.end("start db", 6, output="no such table\n")
    assert world.last == (
        "db did not start: it is not configured properly (its resource agent ended with exit "
        "code 6: no such table); what it started is stopped; web cannot run without it"
    )
    assert list(world.running) == ["stop db"]
    world.end("stop db")
    assert world.phases() == {"disk": "running", "log": "running", "db": "failed", "web": "blocked"}
    assert "db, which does not run" in world.board.item("web").why
    assert not world.board.fit
    world.tell(Retire())
    world.ends("stop log", "stop disk")
    assert world.board.all_stopped
    assert not world.board.fit  # it is not tried here again before somebody has looked


def test_a_failure_that_is_forgotten_is_tried_again() -> None:
    world = stack()
    world.tell(Serve(1))
    world.ends("start disk", "start log")
    world.end("start db", 1)
    world.end("stop db")
    world.tell(Forget("db"))
    world.ends("start db", "start web")
    assert world.phases() == UP
    assert world.board.fit


def test_a_head_that_must_serve_tries_again_in_the_next_term() -> None:
    world = World(ocf("db"))
    world.tell(Serve(1))
    world.end("start db", 1)
    world.end("stop db")
    world.tell(Retire())
    assert not world.board.fit
    world.tell(Serve(2))
    world.end("start db")
    assert world.board.fit


def test_retire_in_the_middle_of_starting_breaks_the_start_off() -> None:
    world = stack()
    world.tell(Serve(1))
    world.end("start log")
    world.tell(Retire())
    assert world.cancelled == ["start disk"]
    assert list(world.running) == ["start disk", "stop log"]
    world.end("start disk", how=How.CANCELLED)
    assert "stop disk" in world.running  # half started is not stopped
    world.ends("stop disk", "stop log")
    assert world.board.all_stopped
    assert world.board.fit  # nobody's fault
    assert "start db" not in world.order


def test_a_start_that_was_too_quick_to_be_broken_off_is_stopped() -> None:
    world = World(ocf("db"))
    world.tell(Serve(1))
    world.tell(Retire())
    world.end("start db")
    world.end("stop db")
    assert world.board.all_stopped


def test_takeover_while_still_stopping_waits_for_the_stop() -> None:
    world = serving(stack())
    world.tell(Retire())
    world.tell(Serve(2))
    assert list(world.running) == ["stop web"]  # the others never went down
    world.end("stop web")
    world.end("start web")
    assert world.phases() == UP
    assert world.order == ["stop web", "start web"]


def test_serve_again_while_a_start_is_being_broken_off_begins_cleanly() -> None:
    world = World(ocf("db"))
    world.tell(Serve(1))
    world.tell(Retire())
    world.tell(Serve(2))
    world.end("start db", how=How.CANCELLED)
    assert list(world.running) == ["stop db"]
    world.end("stop db")
    world.end("start db")
    assert world.phases() == {"db": "running"}


def test_an_error_of_stop_is_none_when_it_does_not_run() -> None:
    world = serving(World(ocf("db")))
    world.tell(Retire())
    world.end("stop db", 1)
    world.end("probe db", OCF_NOT_RUNNING)
    assert world.board.all_stopped
    assert world.board.fit


def test_what_does_not_stop_is_told_tried_again_and_does_not_hold_the_rest_up() -> None:
    world = serving(stack())
    world.tell(Retire())
    world.end("stop web", how=How.TIMED_OUT)
    world.end("probe web")
    assert "web did not stop" in world.last
    assert list(world.running) == ["stop db", "stop log"]
    world.ends("stop db", "stop log", "stop disk")
    assert not world.board.all_stopped
    assert not world.board.fit
    assert world.wanted == []  # nothing exclusive: no reset
    world.advance(31)
    world.end("stop web")
    assert world.board.all_stopped
    assert world.board.fit


def test_serving_again_takes_what_did_not_stop_as_it_is() -> None:
    world = serving(World(ocf("db")))
    world.tell(Retire())
    world.end("stop db", 1)
    world.end("probe db", 0)
    world.tell(Serve(2))
    world.end("probe db", 0)
    assert world.phases() == {"db": "running"}
    assert world.board.fit


def test_a_failed_check_starts_it_again_once_with_what_needs_it() -> None:
    world = serving(stack())
    world.advance(10.5)
    world.end("check db", 1)
    assert "db has failed" in world.last
    assert "starting it again" in world.last
    world.ends("check disk", "check log")
    world.end("check web", how=How.CANCELLED)
    world.ends("stop web", "stop db", "start db", "start web")
    assert world.phases() == UP
    assert world.order[-4:] == ["stop web", "stop db", "start db", "start web"]
    assert world.board.fit


def test_a_second_failure_within_ten_minutes_is_the_other_heads_turn() -> None:
    world = serving(World(ocf("db")))
    for _ in range(2):
        world.advance(10.5)
        world.end("check db", OCF_NOT_RUNNING)
        world.end("stop db")
        if world.running:
            world.end("start db")
    assert world.phases() == {"db": "failed"}
    assert not world.board.fit
    assert any("db has failed again" in one for one in world.said)


def test_a_check_that_cannot_tell_is_never_a_failure() -> None:
    world = serving(World(ocf("db")))
    for end in ({"how": How.TIMED_OUT}, {"how": How.NOT_STARTED}, {"code": 5}, {"how": How.STUCK}):
        world.advance(10.5)
        world.end("check db", **end)  # type: ignore[arg-type]
        assert world.phases() == {"db": "running"}
    assert world.board.fit
    assert len([one for one in world.said if "cannot tell" in one]) == 1
    world.advance(10.5)
    world.end("check db")
    assert "can be looked at again" in world.last
    assert world.order == ["check db"] * 5


def test_a_restarted_agent_adopts_what_runs() -> None:
    world = World(ocf("disk"), ocf("db", "disk"), probed=False)
    world.tell(Serve(7))
    assert sorted(world.running) == ["probe db", "probe disk"]
    world.ends("probe disk", "probe db")
    assert len(world.order) == 2
    assert world.phases() == {"disk": "running", "db": "running"}


def test_a_restarted_standby_stops_what_it_finds() -> None:
    world = World(ocf("disk"), ocf("db", "disk"), blind("tail"), probed=False)
    assert "stop tail" in world.running  # nobody can look: make sure
    assert not world.board.all_stopped
    world.end("probe disk", OCF_NOT_RUNNING)
    world.end("probe db", 0)
    world.ends("stop tail", "stop db")
    assert world.board.all_stopped


def test_a_probe_that_cannot_tell_starts_nothing_and_stops_nothing_on_the_serving_head() -> None:
    world = World(ocf("db"), probed=False)
    world.tell(Serve(1))
    for _ in range(6):
        world.end("probe db", how=How.TIMED_OUT)
        world.advance(3)
    assert set(world.order) == {"probe db"}
    assert not world.board.fit
    world.end("probe db", 0)
    assert world.phases() == {"db": "running"}
    assert world.board.fit


def test_something_found_broken_is_stopped_before_it_is_started() -> None:
    world = World(ocf("db"), probed=False)
    world.tell(Serve(1))
    world.end("probe db", 1)
    world.end("stop db")
    world.end("start db")
    assert world.phases() == {"db": "running"}


def test_drain_stops_everything_while_active_and_serve_takes_it_back() -> None:
    world = serving(World(ocf("disk"), ocf("db", "disk")))
    world.tell(Drain())
    world.ends("stop db", "stop disk")
    assert world.board.all_stopped
    assert world.board.exclusive_stopped
    assert world.board.serving
    world.tell(Serve(1))
    world.ends("start disk", "start db")
    assert world.phases() == {"disk": "running", "db": "running"}
    assert not world.board.exclusive_stopped


def test_what_nobody_can_look_at_is_started_and_never_checked() -> None:
    world = World(blind("hook"))
    world.tell(Serve(1))
    world.end("start hook")
    world.advance(100)
    assert world.order == ["start hook"]


def test_a_program_whose_end_nobody_reports_is_given_up() -> None:
    world = World(ocf("db", start_limit=10.0))
    world.tell(Serve(1))
    job = world.running.pop("start db")  # the worker has forgotten it
    world.advance(31)
    assert "was lost" in " ".join(world.said)
    assert "stop db" in world.running
    assert job not in world.running.values()


def test_an_end_that_comes_after_it_was_given_up_changes_nothing() -> None:
    world = World(ocf("db", start_limit=10.0))
    world.tell(Serve(1))
    late = world.running.pop("start db")
    world.advance(31)
    before = world.board
    world.running["start db"] = late
    world.programs.clear()
    from backend.agent.resources.planner import step
    from backend.agent.resources.state import Finished
    from backend.system.agent.program import Ended

    assert step(before, Finished(Ended(late, How.EXITED)), world.now).state == before
