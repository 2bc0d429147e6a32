"""What of a healing outlives the process and the head: as JSON, and back from what is not trusted.

Moments are kept as seconds since 1970, because the other head's clock of the other kind is
another one, in whole ones, so that equal states look equal. A clock that is wrong cannot give a
budget back: what lies ahead counts as now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from backend.watch.core.recovery_state import NEVER, Phase, State, begin
from backend.watch.results import Moment, harmless
from backend.watch.settings import Service

MOST_RESTARTS = 1000
LONGEST_WHY = 600  # characters


def remember(state: State, now: Moment) -> dict[str, Any]:
    """Return what must be kept; it changes only when the state does."""
    ahead = now.wall - now.mono
    well = state.well_since
    return {
        "phase": state.phase.value,
        "target": state.target,
        "since": math.ceil(state.since + ahead),
        "restarts": [[head, math.ceil(at + ahead)] for head, at in state.restarts],
        "given_up": list(state.given_up),
        "told": list(state.told),
        "moved": state.moved,
        "well_since": None if well is None else math.ceil(well + ahead),
        "why": state.why,
    }


def recall(data: object, service: Service, me: str, other: str, now: Moment) -> State:
    """Return the state of a process that has just begun or taken over; tell it its Role then.

    What is missing or makes no sense is left out, so that the healing begins anew.
    """
    state = begin(service, me, other)
    if not isinstance(data, Mapping):
        return state
    heads = (me, other)
    try:
        phase = Phase(data.get("phase"))
    except ValueError:
        phase = Phase.HEALTHY
    target = data.get("target")
    target = target if isinstance(target, str) and target in heads else ""
    if not target and phase not in (Phase.HEALTHY, Phase.SUSPECT, Phase.HELD):
        phase = Phase.SUSPECT
    why = data.get("why")
    well = data.get("well_since")
    return state._replace(
        phase=phase,
        target=target,
        since=_moment(data.get("since"), now),
        due=NEVER,
        restarts=_restarts(data.get("restarts"), heads, now, service),
        given_up=_heads(data.get("given_up"), heads),
        told=_heads(data.get("told"), heads),
        moved=data.get("moved") is True,
        well_since=None if well is None else _moment(well, now),
        why=harmless(why, LONGEST_WHY) if isinstance(why, str) else "",
    )


def _moment(value: object, now: Moment) -> float:
    """Return a wall time on this head's other clock, now at most."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or value != value:
        return now.mono
    return now.mono - max(0.0, now.wall - float(value))  # type: ignore[arg-type]


def _heads(value: object, heads: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(one for one in value if isinstance(one, str) and one in heads))


def _restarts(
    value: object, heads: tuple[str, ...], now: Moment, service: Service
) -> tuple[tuple[str, float], ...]:
    found = []
    within = service.recovery.within if service.recovery else 0.0
    for one in value[-MOST_RESTARTS:] if isinstance(value, list) else ():
        if not isinstance(one, list) or len(one) != 2 or one[0] not in heads:
            continue
        at = _moment(one[1], now)
        if now.mono - at < within:
            found.append((str(one[0]), at))
    return tuple(sorted(found, key=lambda pair: pair[1]))
