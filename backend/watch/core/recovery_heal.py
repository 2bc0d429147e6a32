"""What the checks say of a service, and the restarts that follow."""

from __future__ import annotations

from backend.watch.core import recovery_words as words
from backend.watch.core.recovery_move import give_up, hold
from backend.watch.core.recovery_state import (
    LOST_AFTER,
    NEVER,
    WELL_FOR,
    Checked,
    Decision,
    Phase,
    Restart,
    RestartEnded,
    State,
    Where,
    become,
)
from backend.watch.results import Outcome


def checked(state: State, event: Checked, now: float) -> Decision:
    """Count a check; one that could not look counts for nothing."""
    if event.outcome is Outcome.UNKNOWN:
        if state.phase is Phase.VERIFYING and state.due == NEVER:
            return Decision(state._replace(due=now + max(1.0, state.policy.verify)))
        return Decision(state)
    if state.phase in (Phase.RESTARTING, Phase.MOVING):
        return Decision(state)  # what is found in between says nothing of the end
    if state.phase is Phase.VERIFYING and now - event.took < state.since + state.policy.verify:
        return Decision(state)  # it began too early to tell
    failing = _heads(state, event)
    recent = (*state.recent, failing)[-max(1, state.policy.of) :]
    state = state._replace(recent=recent)
    if failing:
        return _failing(state._replace(well_since=None), now)
    return _well(state, now)


def _heads(state: State, event: Checked) -> tuple[str, ...]:
    """Return the heads where something is to be done; another machine's matter is the active's."""
    if event.outcome is Outcome.OK:
        return ()
    there = Where.THERE in event.where and state.policy.kind != "resource"
    here = event.where != {Where.THERE} or not there
    return ((state.me,) if here else ()) + ((state.other,) if there else ())


def _well(state: State, now: float) -> Decision:
    since = now if state.well_since is None else state.well_since
    state = state._replace(well_since=since)
    begun = state.given_up or state.moved or state.phase is Phase.HELD
    if begun and now - since >= WELL_FOR:
        sentence = (
            f"{state.name} has been well for {words.span(WELL_FOR)}: what failed is forgotten"
        )
        return Decision(fresh(state, now), (), sentence)
    if state.phase is Phase.VERIFYING:
        return _healed(state, now)
    if state.phase is Phase.ASKING:
        sentence = f"{state.name} is well again: the role stays"
        return Decision(become(state, Phase.HEALTHY, now), (), sentence)
    if state.phase is Phase.SUSPECT:
        return Decision(become(state, Phase.HEALTHY, now), (), f"{state.name} is well again")
    return Decision(state)


def fresh(state: State, now: float) -> State:
    """Return the state at rest and without the episode; the budget goes on looking back."""
    return become(forgotten(state)._replace(recent=()), Phase.HEALTHY, now)


def forgotten(state: State) -> State:
    """Return the state without what was given up, told and moved; what is under way goes on."""
    return state._replace(given_up=(), told=(), moved=False)


def _healed(state: State, now: float) -> Decision:
    """It works where it was restarted, or where the role has moved to."""
    works = f"{state.name} works on {state.target}"
    bad = [one for one in state.given_up if one in state.failing]
    if bad:
        return hold(state, bad[0], works, f"on {bad[0]} it still fails", now)
    return Decision(become(state, Phase.HEALTHY, now), (), works)


def _failing(state: State, now: float) -> Decision:
    """It failed in this check, somewhere."""
    if state.phase is Phase.ASKING:
        return Decision(state)
    if state.phase is Phase.VERIFYING:
        if state.target in state.failing:
            return _broken(state, state.target, now)
        done = _healed(state, now)
        return done if done.state.phase is Phase.HELD else _count(done.state, now, done.sentence)
    return _count(state, now)


def _count(state: State, now: float, said: str = "") -> Decision:
    """Act on the head where it has failed often enough, this one first."""
    held = state.phase is Phase.HELD
    for head in (state.me, state.other):
        if held and head in state.given_up:
            continue
        if head in state.failing and state.failures(head) >= state.policy.failures:
            return _broken(state, head, now)
    if held:
        return Decision(state, (), said)
    if state.phase is Phase.SUSPECT:
        return Decision(state, (), said)
    head = state.failing[0]
    sentence = said or f"{words.fails(state, head)}: suspect, not restarted yet"
    return Decision(become(state, Phase.SUSPECT, now), (), sentence)


def _broken(state: State, head: str, now: float) -> Decision:
    """It does not work on a head: restart it there, or give it up there."""
    if state.maintenance:
        sentence = f"{words.fails(state, head)}; maintenance mode is on: nothing is restarted"
        said = sentence if state.phase is not Phase.SUSPECT else ""
        return Decision(become(state, Phase.SUSPECT, now), (), said)
    used = state.used(head, now)
    if state.policy.kind and head not in state.given_up and used < state.policy.restarts:
        return _restart(state, head, used + 1, now)
    return give_up(state, head, words.spent(state, head, used), now)


def _restart(state: State, head: str, attempt: int, now: float) -> Decision:
    sentence = words.restarting(state, head, attempt)
    within = state.policy.within
    kept = tuple(one for one in state.restarts if now - one[1] < within)
    state = state._replace(restarts=(*kept, (head, now)), recent=())
    due = now + state.policy.limit + LOST_AFTER
    state = become(state, Phase.RESTARTING, now, due, head)
    return Decision(state, (Restart(state.where(head)),), sentence)


def restart_ended(state: State, event: RestartEnded, now: float) -> Decision:
    """Whether it works is told by the check that follows, also when the restart has failed."""
    if state.phase is not Phase.RESTARTING:
        return Decision(state)
    sentence = "" if event.ok else f"the restart on {state.target} failed: {event.why}"
    return Decision(verify(state, state.target, now), (), sentence)


def verify(state: State, head: str, now: float) -> State:
    """Let a check tell, ``verify`` seconds from now."""
    state = state._replace(phase=Phase.VERIFYING, since=now, recent=())
    return state._replace(target=head, due=now + state.policy.verify)
