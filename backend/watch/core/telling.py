"""How the rules of a service's periods become alerts that are sent. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from backend.watch.core import alerts
from backend.watch.core.actions import Tell
from backend.watch.core.alerts import Due, Told
from backend.watch.core.state import State, wall
from backend.watch.results import Moment, Result, printed
from backend.watch.settings import DOWN, Alert, AlertPeriod, Service

Rule = Callable[[AlertPeriod, Told], Due]


def ask_periods(
    service: Service, state: State, rule: Rule, run: str, result: Result, now: Moment
) -> tuple[State, tuple[Tell, ...]]:
    """Ask each period that is in force what it sends; ``state`` is the one before the result."""
    told, tells = list(state.told), []
    for place, period in _in_force(service, now):
        told[place], due = rule(period, told[place])
        tells += [
            _tell(service, state, one, run, result, now)._replace(every=period.every) for one in due
        ]
    if not tells and tuple(told) == state.told:
        return state, ()
    after = state._replace(told=tuple(told), alerts=state.alerts + len(tells))
    return after, tuple(tells)


def tell_unknown(service: Service, state: State, result: Result, now: Moment) -> tuple[Tell, ...]:
    """Return what is sent when a service cannot be checked: no pause, no counter, no code."""
    return tuple(
        _tell(service, state, one, DOWN, result, now)._replace(
            every=period.every, first_failed=wall(state.unknown_since, now)
        )
        for _, period in _in_force(service, now)
        for one in alerts.unknown(period)
    )


def redistributed(
    service: Service, state: State, run: str, result: Result, now: Moment
) -> tuple[Tell, ...]:
    """Return the alert that hears of every result, whoever is silent."""
    if service.redistribute is None:
        return ()
    return (_tell(service, state, service.redistribute, run, result, now),)


def _in_force(service: Service, now: Moment) -> list[tuple[int, AlertPeriod]]:
    if not service.periods:
        return []
    when = datetime.fromtimestamp(now.wall).astimezone()  # the clock on the wall
    return [(place, one) for place, one in enumerate(service.periods) if one.when.contains(when)]


def _tell(
    service: Service, state: State, alert: Alert, run: str, result: Result, now: Moment
) -> Tell:
    return Tell(
        service.ref, alert, run, result, service.hosts, every=0.0,
        first_failed=wall(state.first_failed, now),
        previous=printed(state.last) if state.last else "",
        last_success=wall(state.last_success, now), last_failed=wall(state.last_failed, now),
        acknowledged=state.acknowledged.text if state.acknowledged else "",
    )  # fmt: skip
