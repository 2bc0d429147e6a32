"""The sentences of the healing of a service."""

from __future__ import annotations

from backend.watch.core.recovery_state import State
from backend.watch.settings import Recovery

_NAMES = {"unit": "unit", "ocf": "agent", "resource": "resource"}


def thing(policy: Recovery) -> str:
    """Return what is restarted, for a sentence."""
    options = dict(policy.options)
    if policy.kind == "command":
        words = options.get("start", "").split()
        return words[0] if words else "its program"
    return options.get(_NAMES.get(policy.kind, ""), "") or "it"


def fails(state: State, head: str) -> str:
    """Return where and how often it fails."""
    count, of = state.failures(head), len(state.recent)
    often = f" ({count} of {of} check{'s' if of > 1 else ''})" if count else ""
    return f"{state.name} fails on {head}{often}"


def restarting(state: State, head: str, attempt: int) -> str:
    """Return that it is restarted."""
    what, most = thing(state.policy), state.policy.restarts
    return f"{fails(state, head)}: restarting {what} there, attempt {attempt} of {most}"


def spent(state: State, head: str, used: int) -> str:
    """Return why nothing is restarted on a head any more."""
    if not state.policy.kind:
        return f"{fails(state, head)}, and nothing is set that could restart it"
    if not used:
        return f"{fails(state, head)}, and it was given up there"
    within = span(state.policy.within)
    times = "restart" if used == 1 else "restarts"
    return f"{fails(state, head)} after {used} {times} within {within}"


def span(seconds: float) -> str:
    """Return a duration as a person says it."""
    for length, word in ((3600.0, "h"), (60.0, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {word}"
    return f"{seconds:g} s"


def held(head: str, what: str, why: str) -> str:
    """Return that nothing more is tried, and what a person can do."""
    return (
        f"{what}; {why}: nothing more is tried on {head}. Mend it; it is tried again when it has "
        "been well for 10 minutes, or after haoscar watch enable"
    )
