"""Each takes one rule out of self-healing; the simulator must notice, and by which rule."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.simulation import recovery_world
from backend.watch.core import (
    recovery,
    recovery_heal,
    recovery_move,
    recovery_state,
)
from backend.watch.core.recovery_state import Checked, Decision, Escalate, Role, Standby, State
from backend.watch.results import Moment, Outcome

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


def changed_step(patch: Patch, change: Callable[[State, Any], tuple[State, Any]]) -> None:
    """Let every event, and the state that it meets, be changed before it is decided."""
    old = recovery_world.step

    def step(state: State, event: Any, now: float) -> Decision:
        return old(*change(state, event), now)

    patch.setattr(recovery_world, "step", step)


def forgetful(patch: Patch, **lost: Any) -> None:
    """Let a part of what is kept be lost."""
    old = recovery_world.remember
    patch.setattr(recovery_world, "remember", lambda *args: {**old(*args), **lost})


def no_budget(patch: Patch) -> None:
    patch.setattr(State, "used", lambda self, head, now: 0)


def budget_not_kept(patch: Patch) -> None:
    forgetful(patch, restarts=[])


def budget_of_another_clock(patch: Patch) -> None:
    """The clock of one head is taken for that of the other."""
    remember, recall = recovery_world.remember, recovery_world.recall

    def one_clock(now: Moment) -> Moment:
        return Moment(now.mono, now.mono)

    patch.setattr(recovery_world, "remember", lambda state, now: remember(state, one_clock(now)))
    patch.setattr(recovery_world, "recall", lambda *args: recall(*args[:-1], one_clock(args[-1])))


def restarts_what_nothing_can(patch: Patch) -> None:
    changed_step(
        patch, lambda state, event: (state._replace(policy=state.policy._replace(kind="x")), event)
    )


def moves_twice(patch: Patch) -> None:
    changed_step(patch, lambda state, event: (state._replace(moved=False, given_up=()), event))


def move_not_kept(patch: Patch) -> None:
    forgetful(patch, moved=False, given_up=[])


def moves_without_asking(patch: Patch) -> None:
    def change(state: State, event: Any) -> tuple[State, Any]:
        return state, event._replace(fit=True, alive=True) if isinstance(event, Standby) else event

    changed_step(patch, change)


def doubt_is_fit(patch: Patch) -> None:
    def change(state: State, event: Any) -> tuple[State, Any]:
        doubt = isinstance(event, Standby) and event.fit is None
        return state, event._replace(fit=True) if doubt else event

    changed_step(patch, change)


def moves_although_only_alerts(patch: Patch) -> None:
    patch.setattr(State, "moves", property(lambda self: True))


def no_maintenance(patch: Patch) -> None:
    changed_step(patch, lambda state, event: (state._replace(maintenance=False), event))


def unknown_is_failed(patch: Patch) -> None:
    def change(state: State, event: Any) -> tuple[State, Any]:
        unknown = isinstance(event, Checked) and event.outcome is Outcome.UNKNOWN
        return state, event._replace(outcome=Outcome.FAILED) if unknown else event

    changed_step(patch, change)


def acts_without_the_role(patch: Patch) -> None:
    """The process of the head that has given the role away goes on."""

    def change(state: State, event: Any) -> tuple[State, Any]:
        return (state if isinstance(event, Role) else state._replace(active=True)), event

    changed_step(patch, change)


def holds_in_silence(patch: Patch) -> None:
    old = recovery_world.step

    def step(*args: Any) -> Decision:
        done = old(*args)
        return done._replace(actions=tuple(a for a in done.actions if not isinstance(a, Escalate)))

    patch.setattr(recovery_world, "step", step)


def says_it_again_and_again(patch: Patch) -> None:
    old = recovery_world.step

    def step(state: State, event: Any, now: float) -> Decision:
        done = old(state, event, now)
        held = done.state.phase is recovery_state.Phase.HELD and isinstance(event, Checked)
        return done._replace(actions=(Escalate("held"),)) if held else done

    patch.setattr(recovery_world, "step", step)


def held_for_ever(patch: Patch) -> None:
    patch.setattr(recovery_heal, "WELL_FOR", 1e9)


def restart_awaited_for_ever(patch: Patch) -> None:
    patch.setattr(recovery_heal, "LOST_AFTER", 1e9)


def answer_awaited_for_ever(patch: Patch) -> None:
    patch.setattr(recovery, "ask_over", lambda state, now: Decision(state))
    old = recovery_heal._well

    def well(state: State, now: float) -> Decision:
        asking = state.phase is recovery_state.Phase.ASKING
        return Decision(state) if asking else old(state, now)

    patch.setattr(recovery_heal, "_well", well)


def move_awaited_for_ever(patch: Patch) -> None:
    patch.setattr(recovery_move, "MOVE_LIMIT", 1e9)
    patch.setattr(recovery, "MOVE_LIMIT", 1e9)


# With each, the rule that must notice.
MUTANTS: tuple[tuple[Mutant, str], ...] = (
    (no_budget, "budget"), (budget_not_kept, "budget"), (budget_of_another_clock, "budget"),
    (restarts_what_nothing_can, "budget"), (moves_twice, "moves"), (move_not_kept, "moves"),
    (moves_without_asking, "unfit"), (doubt_is_fit, "unfit"),
    (moves_although_only_alerts, "unwanted"), (no_maintenance, "maintenance"),
    (unknown_is_failed, "unknown"), (acts_without_the_role, "passive"),
    (holds_in_silence, "announce"), (says_it_again_and_again, "announce"),
    (held_for_ever, "stuck"), (restart_awaited_for_ever, "stuck"),
    (answer_awaited_for_ever, "stuck"), (move_awaited_for_ever, "stuck"),
)  # fmt: skip
