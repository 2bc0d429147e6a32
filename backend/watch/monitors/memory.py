"""What the last checks of a service said, which a monitor of mon is told in its environment."""

from __future__ import annotations

from backend.watch.results import Outcome, Result
from backend.watch.settings import Service

_LONGEST = 2000  # characters of the last output


class Memory:
    """Remembers for each service as much as mon(8) tells under "MONITOR PROGRAMS"."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, str]] = {}

    def note(self, service: Service, result: Result, wall: float) -> None:
        """Remember a result; unknown ones are none of mon's."""
        if result.outcome is Outcome.UNKNOWN:
            return
        told = self._told.setdefault(service.ref, {})
        when = str(int(wall))
        failing = result.outcome is Outcome.FAILED
        before = told.get("last")
        told["last"] = "bad" if failing else "good"
        if failing:
            told["MON_LAST_FAILURE"] = when
            if before != "bad":
                told["MON_FIRST_FAILURE"] = when
        else:
            told["MON_LAST_SUCCESS"] = when
            if before != "good":
                told["MON_FIRST_SUCCESS"] = when
        told["MON_LAST_SUMMARY"] = result.summary
        told["MON_LAST_OUTPUT"] = result.detail[:_LONGEST]

    def environment(self, service: Service) -> tuple[tuple[str, str], ...]:
        """Return the variables for a monitor."""
        told = {
            key: value for key, value in self._told.get(service.ref, {}).items() if key != "last"
        }
        told.update(MON_GROUP=service.group, MON_SERVICE=service.name)
        if service.description:
            told["MON_DESCRIPTION"] = service.description
        return tuple(sorted(told.items()))
