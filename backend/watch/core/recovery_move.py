"""The other head's turn, or nobody's: giving the role away, holding."""

from __future__ import annotations

from backend.watch.core import recovery_words as words
from backend.watch.core.recovery_state import (
    ASK_LIMIT,
    MOVE_AGAIN,
    MOVE_LIMIT,
    Action,
    AskStandby,
    Decision,
    Escalate,
    Move,
    Phase,
    Standby,
    State,
    Stay,
    become,
)


def give_up(state: State, head: str, what: str, now: float) -> Decision:
    """Nothing more can be done on a head: the other one's turn, or hold."""
    given_up = tuple(dict.fromkeys((*state.given_up, head)))
    state = state._replace(given_up=given_up)
    why = _no_move(state, head)
    if why:
        return hold(state, head, what, why, now)
    state = become(state, Phase.ASKING, now, now + ASK_LIMIT, head)
    sentence = f"{what}: asking {state.other} whether it could run there"
    return Decision(state, (AskStandby(),), sentence)


def _no_move(state: State, head: str) -> str:
    """Return why the role must not be given away for it; empty when it may."""
    if not state.moves:
        return "no takeover is wanted for it"
    if head != state.me:
        return f"the role is on {state.me} anyway"
    if state.moved:
        return "the role was moved for it already"
    if state.other in state.given_up or state.other in state.failing:
        return f"it does not work on {state.other} either"
    return ""


def hold(state: State, head: str, what: str, why: str, now: float, *before: Action) -> Decision:
    """Try nothing more on a head, and have somebody told, once in an episode."""
    sentence = words.held(head, what, why)
    told = head in state.told
    state = become(state, Phase.HELD, now)
    if told:
        return Decision(state, before, sentence)
    state = state._replace(told=(*state.told, head))
    return Decision(state, (*before, Escalate(sentence)), sentence)


def answered(state: State, event: Standby, now: float) -> Decision:
    """The standby has said whether it is fit, asked or not."""
    what = f"{state.name} does not work on {state.me}"
    if state.phase is Phase.MOVING and (not event.alive or event.fit is False):
        why = event.why or "it does not answer"
        return refused(state, f"{state.other} cannot take it any more: {why}", now)
    if state.phase is not Phase.ASKING:
        return Decision(state)
    if event.fit is None and event.alive:
        return Decision(state)  # it may be able to tell before the time is over
    if not event.alive or not event.fit:
        silent = "it does not answer, or would not take the role"
        why = event.why or ("it is not fit" if event.alive else silent)
        return hold(state, state.me, what, f"{state.other} cannot take it: {why}", now)
    state = become(state._replace(moved=True), Phase.MOVING, now, now + MOVE_AGAIN, state.me)
    sentence = f"{what}, and {state.other} is fit for it: giving the role to {state.other}"
    return Decision(state, (Move(what),), sentence)


def refused(state: State, why: str, now: float) -> Decision:
    """The role was not given away: a person must look."""
    if state.phase is not Phase.MOVING:
        return Decision(state)
    what = f"{state.name} does not work on {state.me}"
    return hold(state, state.me, what, f"the role did not move: {why}", now, Stay())


def ask_over(state: State, now: float) -> Decision:
    """The standby has not said in time whether it is fit."""
    what = f"{state.name} does not work on {state.me}"
    return hold(state, state.me, what, f"{state.other} did not say whether it is fit", now)


def move_due(state: State, now: float) -> Decision:
    """The role is still here: tell the agent again, until it has taken too long."""
    end = state.since + MOVE_LIMIT
    if now >= end:
        return refused(state, f"not within {words.span(MOVE_LIMIT)}", now)
    state = state._replace(due=min(now + MOVE_AGAIN, end))
    return Decision(state, (Move(f"{state.name} does not work on {state.me}"),))
