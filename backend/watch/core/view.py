"""What people are shown of a service, as values that fit into JSON. Pure."""

from __future__ import annotations

from typing import Any

from backend.watch.core.schedule import ALERT, HOST, MONITOR, Dependencies, Needs
from backend.watch.core.state import State, wall
from backend.watch.results import Moment

DEPENDS = (("alert", ALERT), ("monitor", MONITOR), ("host", HOST))


def described(one: Needs, state: State, depend: Dependencies, now: Moment) -> dict[str, Any]:
    """Return everything about one service; moments are seconds since 1970, None for never."""
    service, result = one.service, state.result

    def moment(value: float | None) -> float | None:
        return None if value is None else round(wall(value, now), 3)

    return {
        "ref": service.ref, "group": service.group, "service": service.name,
        "description": service.description, "hosts": list(service.hosts),
        "state": state.shown, "known": state.known.value, "since": moment(state.since),
        "summary": result.summary if result else "",
        "detail": result.detail if result else "",
        "failed_hosts": list(result.failed_hosts) if result else [],
        "code": result.code if result else None, "took": result.took if result else None,
        "running": state.running, "held": state.held, "skipped": state.skipped,
        "next_check": moment(state.due), "last_check": moment(state.checked),
        "last_success": moment(state.last_success), "first_failed": moment(state.first_failed),
        "consecutive_failures": state.failures, "consecutive_unknown": state.unknowns,
        "acknowledged": _acknowledged(state, now), "disabled": state.disabled,
        "alerts_sent": state.alerts,
        "depends": {name: list(one.depends[kind].services) for name, kind in DEPENDS},
        "depends_not_well": list(depend.failing(service.ref, ALERT, now.mono)),
    }  # fmt: skip


def _acknowledged(state: State, now: Moment) -> dict[str, Any] | None:
    known = state.acknowledged
    if known is None:
        return None
    return {"by": known.who, "text": known.text, "at": round(wall(known.at, now), 3)}
