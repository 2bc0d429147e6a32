"""When a service is checked, and on which hosts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from backend.watch.core.depend import BadExpression, Expression, named_hosts, parse
from backend.watch.core.state import Known, State
from backend.watch.results import Moment
from backend.watch.settings import Service

FIRST = 30.0  # seconds over which the first checks are spread, at most
# Seconds between two moments at which checks begin. A process that has slept is slow at first: checks
# that begin together cost less than the same ones each on its own.
SLOT = 0.5
HOLD = 1.0  # seconds after which a check that must wait is tried again, as in mon
DEEPEST = 10  # dependencies of dependencies, as in mon
NO_HOSTS = ";;"  # the last parameter of a monitor that is given no hosts
ALERT, MONITOR, HOST = 0, 1, 2  # which dependency

NEVER = float("inf")


class Needs(NamedTuple):
    """A service with its dependencies, read."""

    service: Service
    depends: tuple[Expression, Expression, Expression]  # ALERT, MONITOR, HOST
    problems: tuple[str, ...] = ()


def needs_of(service: Service) -> Needs:
    """Return a service with its dependencies; one that cannot be read is left out and named."""
    texts = (service.alert_depend, service.monitor_depend, service.host_depend)
    read = tuple(_read(text) for text in texts)
    alert, monitor, host = (one for one, _ in read)
    return Needs(service, (alert, monitor, host), tuple(said for _, said in read if said))


def _read(text: str) -> tuple[Expression, str]:
    try:
        return parse(text), ""
    except BadExpression as problem:
        said = f"has a dependency that is not understood, and is left out: {problem}"
        return Expression(), said


def first_check(service: Service, place: int, count: int, now: float) -> float | None:
    """Return when the service at ``place`` of ``count`` is checked first."""
    if not service.monitor or not service.interval:
        return None
    after = min(service.interval, FIRST) * place / max(count, 1)
    return now + after // SLOT * SLOT


def pace(service: Service, state: State) -> float:
    """Return the seconds between two checks."""
    if state.known is Known.FAILED and service.failure_interval:
        return service.failure_interval
    return service.interval


def next_check(
    service: Service, state: State, base: float, now: float, random: Callable[[], float]
) -> float | None:
    """Return when it is checked after ``base``; what was missed is not made up for."""
    wait = pace(service, state)
    if not service.monitor or not wait:
        return None
    if service.skew:
        wait = max(wait + (2 * random() - 1) * service.skew, min(wait, 1.0))
    return base + wait if base + wait > now else now + wait


def wakes(state: State) -> float:
    """Return when something of a service is due."""
    return min(
        NEVER if state.due is None else state.due,
        NEVER if state.report_due is None else state.report_due,
        NEVER if state.report_ends is None else state.report_ends,
    )


def excluded(service: Service, now: Moment) -> bool:
    """Whether it is not checked at this time."""
    if service.exclude is None or not str(service.exclude):
        return False
    return service.exclude.contains(datetime.fromtimestamp(now.wall).astimezone())


class Dependencies:
    """Answers whether what a service depends on is well, from the states of all."""

    def __init__(self, needs: Mapping[str, Needs], states: Mapping[str, State]) -> None:
        self._needs = needs
        self._states = states

    def hold(self, ref: str, kind: int, now: float, depth: int = 0) -> bool:
        """Whether a dependency is fulfilled; one on nothing is."""
        expression = self._needs[ref].depends[kind]
        if not expression.services:
            return True
        return expression.holds(lambda other: self._well(ref, other, kind, now, depth))

    def failing(self, ref: str, kind: int, now: float) -> tuple[str, ...]:
        """Return the services of a dependency that are not well."""
        expression = self._needs[ref].depends[kind]
        return expression.failing(lambda other: self._well(ref, other, kind, now, 0))

    def hosts(self, ref: str, now: float) -> tuple[str, ...]:
        """Return the hosts to check: not those that fail where ``host_depend`` says."""
        service, depends, _ = self._needs[ref]
        if not depends[HOST].services or service.words[-1:] == (NO_HOSTS,):
            return service.hosts
        left_out: set[str] = set()
        for other in depends[HOST].services:
            state = self._states.get(other)
            if state is None:
                continue
            if state.known is Known.FAILED and state.last:
                left_out.update(named_hosts(state.last.failed_hosts, state.last.summary))
            elif self._fresh(ref, other, state, now):
                left_out.update(state.fell)
        return tuple(one for one in service.hosts if one not in left_out)

    def _well(self, ref: str, other: str, kind: int, now: float, depth: int) -> bool:
        """mon's rule: unchecked and unknown count as well; what it depends on counts, too."""
        state = self._states.get(other)
        if state is None or depth > DEEPEST:
            return True
        if state.known is Known.FAILED or self._fresh(ref, other, state, now):
            return False
        return self.hold(other, kind, now, depth + 1)

    def _fresh(self, ref: str, other: str, state: State, now: float) -> bool:
        """Whether a failure there has ended so recently that it still counts."""
        services = (self._needs[ref].service, self._needs[other].service)
        memory = max(one.depend_memory for one in services)
        return state.ended is not None and round(now - state.ended) < memory
