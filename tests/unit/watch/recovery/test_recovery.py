"""The healing of a service, told as stories."""

import json

import pytest

from backend.watch.core.recovery import step, wake_at
from backend.watch.core.recovery_memory import recall, remember
from backend.watch.core.recovery_state import (
    NEVER,
    AskStandby,
    Checked,
    CheckNow,
    Escalate,
    Move,
    MoveRefused,
    Operator,
    Order,
    Phase,
    Restart,
    RestartEnded,
    Role,
    Standby,
    Stay,
    Where,
    begin,
)
from backend.watch.results import Moment, Outcome
from backend.watch.settings import Recovery
from tests.unit.watch.recovery.told import HERE, THERE, UNIT, Told, service

FIT = Standby(True)


def heal(told: Told, *, works: bool, where: Where = HERE) -> None:
    """Let the restart that was ordered end, and a check tell."""
    assert told.state.phase is Phase.RESTARTING
    told.happen(RestartEnded(True))
    assert told.advance(UNIT.verify) == [CheckNow()]
    if works:
        told.works()
    else:
        told.fails(where)


def worn_out(told: Told) -> None:
    """Let it fail until the budget is used up."""
    told.fails()
    for _ in range(told.state.policy.restarts):
        heal(told, works=False)


def test_it_is_restarted_where_it_fails_and_verified() -> None:
    told = Told()
    assert told.fails() == [Restart(HERE)]
    assert told.last == (
        "process_server fails on head1 (1 of 1 check): restarting sshd.service there, attempt 1 of 3"
    )
    heal(told, works=True)
    assert told.last == "process_server works on head1"
    assert told.state.phase is Phase.HEALTHY
    assert told.fails(THERE) == [Restart(THERE)]
    assert (
        "fails on head2 (1 of 1 check): restarting sshd.service there, attempt 1 of 3" in told.last
    )


def test_it_is_suspect_until_it_has_failed_often_enough() -> None:
    told = Told(UNIT._replace(failures=2, of=3))
    assert told.fails() == []
    assert told.last == "process_server fails on head1 (1 of 1 check): suspect, not restarted yet"
    told.works()
    assert told.state.phase is Phase.HEALTHY
    assert told.fails() == [Restart(HERE)]
    assert "(2 of 3 checks): restarting" in told.last
    heal(told, works=True)
    told.fails()
    assert told.state.phase is Phase.SUSPECT, "what failed before the restart does not count"


def test_another_machines_failure_is_the_active_heads_matter() -> None:
    told = Told()
    assert told.fails(Where.ELSEWHERE) == [Restart(HERE)]
    other = Told(UNIT._replace(kind="resource", options=(("resource", "db"),)))
    assert other.fails(THERE) == [Restart(HERE)]
    assert "restarting db there" in other.last


def test_killed_again_and_again_it_moves_once_and_then_is_held() -> None:
    told = Told()
    for _ in range(3):
        assert told.fails() == [Restart(HERE)]
        heal(told, works=True)
        told.advance(30)
    assert told.fails() == [AskStandby()]
    assert told.last == (
        "process_server fails on head1 (1 of 1 check) after 3 restarts within 1 h: "
        "asking head2 whether it could run there"
    )
    assert told.happen(FIT) == [Move("process_server does not work on head1")]
    assert "head2 is fit for it: giving the role to head2" in told.last
    kept = remember(told.state, Moment(told.now, 5000.0))
    told.happen(Role(False))
    assert told.fails() == [], "the other head's matter now"

    there = recall(json.loads(json.dumps(kept)), service(), "head2", "head1", Moment(77.0, 5001.0))
    other = Told(state=there, now=77.0)
    assert other.state.phase is Phase.VERIFYING
    for _ in range(3):
        other.advance(10)
        assert other.fails() == [Restart(HERE)]
        heal(other, works=True)
    assert other.alarms == []
    assert [type(one) for one in other.fails()] == [Escalate]
    assert other.state.phase is Phase.HELD
    assert "the role was moved for it already: nothing more is tried on head2" in other.last
    for _ in range(20):
        other.advance(3)
        assert other.fails() == []
    assert len(other.alarms) == 1


def test_a_restart_that_fails_is_followed_by_a_check_all_the_same() -> None:
    told = Told()
    told.fails()
    assert told.happen(RestartEnded(False, "exit code 1")) == []
    assert told.last == "the restart on head1 failed: exit code 1"
    assert told.advance(3) == [CheckNow()]
    told.works()
    assert told.state.phase is Phase.HEALTHY


def test_a_check_that_began_before_the_restart_ended_does_not_count() -> None:
    told = Told()
    told.fails()
    assert told.fails() == [], "it is being restarted"
    told.happen(RestartEnded(True))
    told.advance(1)
    assert told.fails() == [], "it may not be up yet"
    told.advance(2)
    assert told.happen(Checked(Outcome.FAILED, frozenset({HERE}), took=2.5)) == []
    assert told.happen(Checked(Outcome.FAILED, frozenset({HERE}), took=0.0)) == [Restart(HERE)]


def test_a_restart_whose_end_nobody_tells_does_not_hang() -> None:
    told = Told()
    told.fails()
    assert told.advance(UNIT.limit + 20) == [CheckNow()]
    assert "nobody knows how it ended" in told.last


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Standby(False, "the unit sshd.service is masked there"), "sshd.service is masked"),
        (Standby(True, "", alive=False), "does not answer"),
        (Standby(None, "", alive=False), "does not answer"),
    ],
)
def test_an_unfit_or_dead_standby_gets_nothing(answer: Standby, why: str) -> None:
    told = Told()
    worn_out(told)
    assert told.state.phase is Phase.ASKING
    assert told.happen(answer) == [Escalate(told.last)]
    assert f"head2 cannot take it: {why}" in told.last or why in told.last
    assert told.state.phase is Phase.HELD
    assert told.count(Move) == 0


def test_a_standby_that_cannot_tell_gets_nothing() -> None:
    told = Told()
    worn_out(told)
    assert told.happen(Standby(None, "it cannot tell")) == []
    assert [type(one) for one in told.advance(5)] == [Escalate]
    assert "head2 did not say whether it is fit" in told.last
    assert told.happen(FIT) == [], "too late"


def test_what_fails_on_both_heads_is_held() -> None:
    told = Told()
    told.fails(HERE, THERE)
    for _ in range(3):
        told.happen(RestartEnded(True))
        told.advance(3)
        told.fails(HERE, THERE)
    assert told.state.phase is Phase.HELD
    assert "it does not work on head2 either: nothing more is tried on head1" in told.last
    assert told.fails(HERE, THERE) == [Restart(THERE)], "the other one gets its attempt, too"


def test_what_fails_on_the_other_head_only_moves_nothing() -> None:
    told = Told()
    told.fails(THERE)
    for _ in range(3):
        heal(told, works=False, where=THERE)
    assert told.state.phase is Phase.HELD
    assert "the role is on head1 anyway" in told.last
    assert told.fails(HERE) == [Restart(HERE)], "what is held there does not keep this head ill"
    heal(told, works=False, where=THERE)
    assert told.state.phase is Phase.HELD
    assert len(told.alarms) == 1


def test_without_a_takeover_it_is_held() -> None:
    told = Told(Recovery("unit", (("unit", "a.service"),), restarts=1))
    worn_out(told)
    assert told.state.phase is Phase.HELD
    assert "after 1 restart within 1 h; no takeover is wanted for it" in told.last
    critical = Told(Recovery(restarts=3, critical=True))
    assert critical.fails() == [AskStandby()]
    assert "nothing is set that could restart it" in critical.last


def test_a_move_that_does_not_come_is_taken_back() -> None:
    told = Told()
    worn_out(told)
    told.happen(FIT)
    again = told.advance(119)
    assert {type(one) for one in again} == {Move}
    assert len(again) == 11
    done = told.advance(2)
    assert [type(one) for one in done] == [Stay, Escalate]
    assert "the role did not move: not within 2 min" in told.last


def test_a_refused_move_is_held_at_once() -> None:
    for event in (MoveRefused("maintenance mode is on"), Standby(True, "", alive=False)):
        told = Told()
        worn_out(told)
        told.happen(FIT)
        assert [type(one) for one in told.happen(event)] == [Stay, Escalate]
        worn_out_again = told.fails()
        assert worn_out_again == []


def test_unknown_heals_and_moves_nothing() -> None:
    for phase in Phase:
        state = Told().state._replace(phase=phase, target="head1", due=NEVER, given_up=("head1",))
        done = step(state, Checked(Outcome.UNKNOWN), 2000.0)
        assert (done.actions, done.sentence, done.state.phase) == ((), "", phase)
    told = Told()
    told.fails()
    told.happen(RestartEnded(True))
    told.advance(3)
    told.happen(Checked(Outcome.UNKNOWN))
    assert told.advance(3) == [CheckNow()], "it is looked at again"


def test_in_maintenance_nothing_is_done() -> None:
    told = Told()
    told.happen(Role(True, maintenance=True))
    for _ in range(5):
        assert told.fails() == []
    assert told.said == [
        "process_server fails on head1 (1 of 1 check); maintenance mode is on: nothing is restarted"
    ]
    told.happen(Role(True))
    assert told.fails() == [Restart(HERE)]


def test_maintenance_ends_a_move() -> None:
    told = Told()
    worn_out(told)
    told.happen(FIT)
    assert told.happen(Role(True, maintenance=True)) == [Stay()]
    told.happen(Role(True))
    assert [type(one) for one in told.fails()] == [Escalate]


def test_a_hold_ends_after_ten_good_minutes() -> None:
    told = Told(UNIT._replace(escalate="alert", within=60.0))
    worn_out(told)
    for _ in range(19):
        told.works()
        told.advance(30)
        assert told.state.phase is Phase.HELD
    told.advance(30)
    told.works()
    assert told.state.phase is Phase.HEALTHY
    assert told.last == "process_server has been well for 10 min: what failed is forgotten"
    assert told.fails() == [Restart(HERE)]


def test_an_operator_ends_a_hold_and_disabling_leaves_it_alone() -> None:
    for order in (Order.ENABLE, Order.ACK):
        told = Told(UNIT._replace(escalate="alert"))
        worn_out(told)
        told.happen(Operator(order))
        assert told.fails() == [Restart(HERE)]
        assert "attempt 1 of 3" in told.last
    told.happen(Operator(Order.DISABLE))
    assert (told.state.phase, wake_at(told.state)) == (Phase.HEALTHY, NEVER)
    told.happen(RestartEnded(True))
    assert told.state.phase is Phase.HEALTHY


def test_an_operator_is_heard_while_a_restart_is_verified() -> None:
    for order in (Order.ENABLE, Order.ACK):
        told = Told(UNIT._replace(escalate="alert", restarts=1))
        told.fails()
        told.happen(Operator(order))
        assert told.state.phase is Phase.RESTARTING, "what is under way goes on"
        heal(told, works=False)
        assert "attempt 1 of 1" in told.last, "the restart before the order is not counted"
        told.happen(RestartEnded(True))
        told.happen(Operator(order))
        assert told.state.phase is Phase.VERIFYING
        told.advance(UNIT.verify)
        assert told.fails() == [Restart(HERE)]
        heal(told, works=False)
        assert told.state.phase is Phase.HELD


def test_the_budget_looks_back_only_so_far() -> None:
    told = Told(UNIT._replace(restarts=1, within=60.0))
    told.fails()
    heal(told, works=True)
    told.advance(60)
    assert told.fails() == [Restart(HERE)]


def test_a_process_that_was_killed_goes_on_where_it_was() -> None:
    told = Told()
    told.fails()
    kept = remember(told.state, Moment(told.now, 9000.0))
    again = recall(kept, service(), "head1", "head2", Moment(told.now + 5, 9005.0))
    other = Told(state=again, now=told.now + 5)
    assert other.state.phase is Phase.VERIFYING
    other.advance(3)
    other.fails()
    assert "attempt 2 of 3" in other.last


def test_what_is_kept_does_not_change_with_time() -> None:
    told = Told()
    told.fails()
    kept = remember(told.state, Moment(told.now, 9000.25))
    assert kept == remember(told.state, Moment(told.now + 500, 9500.25))


@pytest.mark.parametrize(
    "data",
    [
        None, [], "x", 7, {}, {"phase": "moving"}, {"phase": 3, "target": "head9"},
        {"phase": "held", "given_up": "head1", "told": [7], "restarts": {"a": 1}},
        {"phase": "verifying", "target": "head1", "since": "x", "restarts": [["head1", "x"], [1]]},
        {"phase": "restarting", "target": ["head1"], "well_since": float("nan"), "moved": 1},
        {"phase": "healthy", "restarts": [["head1", 1e99], ["head1", float("inf")]], "why": "\x1b[2J"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out(data: object) -> None:
    state = recall(data, service(), "head1", "head2", Moment(50.0, 1e9))
    assert "\x1b" not in state.why
    told = Told(state=state, now=51.0)
    told.advance(200)
    told.works()
    told.advance(601)
    told.works()
    assert told.state.phase is Phase.HEALTHY
    assert isinstance(json.dumps(remember(told.state, Moment(told.now, 1e9))), str)


def test_a_clock_that_is_wrong_gives_no_budget_back() -> None:
    kept = {"phase": "healthy", "restarts": [["head1", 2e9]] * 3}
    state = recall(kept, service(), "head1", "head2", Moment(50.0, 1e9))
    assert state.used("head1", 50.0) == 3
    assert begin(service(), "head1", "head2").used("head1", 50.0) == 0
