"""Self-healing of one service: ``step(state, event, now)`` is all there is; it does nothing.

An episode begins with the first attempt to heal. In it each head gets one attempt, which is as
many restarts as the budget gives, and the role moves once at most. It ends when the service has
been well for ten minutes, or when an operator looks after it.
"""

from __future__ import annotations

from backend.watch.core.recovery_heal import checked, forgotten, fresh, restart_ended, verify
from backend.watch.core.recovery_move import answered, ask_over, move_due, refused
from backend.watch.core.recovery_state import (
    MOVE_LIMIT,
    NEVER,
    Action,
    Checked,
    CheckNow,
    Decision,
    Event,
    MoveRefused,
    Operator,
    Order,
    Phase,
    RestartEnded,
    Role,
    Standby,
    State,
    Stay,
    become,
)

_RESTING = (Phase.HEALTHY, Phase.SUSPECT, Phase.HELD)


def step(state: State, event: Event, now: float) -> Decision:
    """Return what follows from an event at ``now``; events must come in order of time."""
    if isinstance(event, Role):
        done = _role(state, event, now)
    elif not state.active:
        return Decision(state)
    elif isinstance(event, Checked):
        done = checked(state, event, now)
    elif isinstance(event, RestartEnded):
        done = restart_ended(state, event, now)
    elif isinstance(event, Standby):
        done = answered(state, event, now)
    elif isinstance(event, MoveRefused):
        done = refused(state, event.why, now)
    elif isinstance(event, Operator):
        done = _ordered(state, event.order, now)
    else:
        done = _tick(state, now)
    if done.sentence:
        return done._replace(state=done.state._replace(why=done.sentence))
    return done


def wake_at(state: State) -> float:
    """Return the moment of the next Tick that this state needs; NEVER when it needs none."""
    return state.due if state.active else NEVER


def _tick(state: State, now: float) -> Decision:
    if now < state.due:
        return Decision(state)
    state = state._replace(due=NEVER)
    if state.phase is Phase.VERIFYING:
        return Decision(state, (CheckNow(),))
    if state.phase is Phase.RESTARTING:
        return restart_ended(state, RestartEnded(False, "nobody knows how it ended"), now)
    if state.phase is Phase.ASKING:
        return ask_over(state, now)
    if state.phase is Phase.MOVING:
        return move_due(state, now)
    return Decision(state)


def _role(state: State, event: Role, now: float) -> Decision:
    before = state.active
    state = state._replace(active=event.active, maintenance=event.maintenance)
    if not event.active:
        gone = state.phase is Phase.MOVING and state.target == state.me
        return Decision(become(state, Phase.VERIFYING, now, target=state.other) if gone else state)
    if not before:
        return _taken(state, now)
    if event.maintenance and state.phase is Phase.ASKING:
        return Decision(become(state, Phase.SUSPECT, now), (), "maintenance mode: the role stays")
    if event.maintenance and state.phase is Phase.MOVING:
        state = become(state, Phase.SUSPECT, now)
        return Decision(state, (Stay(),), "maintenance mode: the role stays")
    return Decision(state)


def _taken(state: State, now: float) -> Decision:
    """This head serves from now on, or its watch process has just started: go on where the
    healing was. Whatever ran is taken as ended; the next check tells."""
    state = state._replace(recent=(), well_since=None if state.well_since is None else now)
    mine = state.target == state.me
    if state.phase is Phase.MOVING and mine:  # the process was away; the move may yet come
        return Decision(state._replace(since=now, due=now + MOVE_LIMIT))
    if state.phase in (Phase.RESTARTING, Phase.VERIFYING) and mine:
        return Decision(verify(state, state.target, now))
    if state.phase is Phase.ASKING and mine:
        return Decision(become(state, Phase.SUSPECT, now))
    if state.phase not in _RESTING:
        sentence = f"{state.me} serves now: looking whether {state.name} works there"
        return Decision(verify(state, state.me, now), (), sentence)
    return Decision(state._replace(due=NEVER))


def _ordered(state: State, order: Order, now: float) -> Decision:
    if order is Order.DISABLE:
        actions: tuple[Action, ...] = (Stay(),) if state.phase is Phase.MOVING else ()
        phase = Phase.HELD if state.phase is Phase.HELD else Phase.HEALTHY
        return Decision(become(state._replace(recent=()), phase, now), actions)
    begun = state.given_up or state.restarts or state.moved or state.phase is Phase.HELD
    if not begun or state.phase in (Phase.ASKING, Phase.MOVING):  # the role is on its way
        return Decision(state)
    state = fresh(state, now) if state.phase in _RESTING else forgotten(state)
    state = state._replace(restarts=())
    return Decision(state, (), f"{state.name}: an operator looks after it; healing begins anew")
