"""The watch list: which services are checked how and how often, and who hears of it; as typed values.

The words are mon's. What runs the checks is the agent; here is only what it is told.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

from backend.errors import InvalidInput
from backend.model.agent import Options
from backend.model.names import PeriodName, WatchName
from backend.model.periods import Period
from backend.model.recovery import Recovery
from backend.model.watchlist_depend import Dependency
from backend.model.watchlist_values import AlertAfter, AlertEvery, Duration, ExitCodes
from backend.reports import Place


class RunWhen(enum.StrEnum):
    """When an alert is sent (mon's alert, upalert, startupalert)."""

    DOWN = "down"
    UP = "up"
    STARTUP = "startup"


@dataclass(frozen=True, slots=True)
class Ref:
    """A service by its group and name."""

    group: WatchName
    name: WatchName

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return what a text such as ServiceMonitor:process_server names; raises InvalidInput."""
        group, colon, name = text.strip().partition(":")
        if not colon:
            raise InvalidInput.of(
                "watch.reference", f"{text[:60]!a} does not name a group and a service.",
                "Write group:service.", place,
            )  # fmt: skip
        return cls(WatchName.parse(group, place), WatchName.parse(name, place))

    def __str__(self) -> str:
        return f"{self.group}:{self.name}"


@dataclass(frozen=True, slots=True)
class HostGroup:
    """Hosts that are checked alike."""

    name: WatchName
    hosts: tuple[str, ...] = ()  # names or addresses; none: both heads
    disabled: bool = False
    disabled_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DefinedPeriod:
    """A period that services use by its name."""

    name: PeriodName
    when: Period


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is sent or run."""

    program: str
    run: RunWhen = RunWhen.DOWN
    parameters: str = ""
    exit: ExitCodes | None = None  # only with these codes of the monitor


@dataclass(frozen=True, slots=True)
class AlertPeriod:
    """When alerts are sent, which, and how many."""

    when: Period | None = None  # with neither of the two: always
    defined: PeriodName | None = None
    label: PeriodName | None = None
    alerts: tuple[Alert, ...] = ()
    alert_every: AlertEvery | None = None  # None: each time that the monitor fails
    alert_after: AlertAfter | None = None  # None: at once
    max_alerts: int | None = None  # for one failure
    up_alert_after: Duration | None = None  # only when it was down for as long
    no_comp_alerts: bool = False  # up-alerts also without a down-alert before

    @property
    def shown(self) -> str:
        """The period as the table of the watch list shows it."""
        if self.defined is not None:
            return str(self.defined)
        return str(self.when) if self.when is not None else ""


@dataclass(frozen=True, slots=True)
class WatchedService:
    """One service of a host group."""

    group: WatchName
    name: WatchName
    monitor: str = ""  # empty: it reports by itself, by traps
    parameters: str = ""
    interval: Duration | None = None
    failure_interval: Duration | None = None  # while it fails
    description: str = ""
    disabled: bool = False
    random_skew: Duration | None = None  # how much earlier or later a check may be
    alert_depend: Dependency | None = None  # no alerts unless this is well
    monitor_depend: Dependency | None = None  # no checks unless this is well
    host_depend: Dependency | None = None  # hosts that fail there are left out here
    depend_memory: Duration | None = None  # how long a failure there counts after its end
    exclude_hosts: tuple[str, ...] = ()
    exclude_period: Period | None = None  # no checks then
    trap_timeout: Duration | None = None  # it failed when it says nothing for as long
    trap_duration: Duration | None = None  # how long a trap keeps its state
    redistribute: str = ""  # an alert program with its parameters, told of every result
    unack_summary: bool = False  # another summary ends an acknowledgement
    environment: Options = ()  # of its monitor and alerts
    periods: tuple[AlertPeriod, ...] = ()
    limit: Duration | None = None  # how long a check may take
    recovery: Recovery | None = None  # None: it is never restarted

    @property
    def ref(self) -> Ref:
        """Its group and name."""
        return Ref(self.group, self.name)


@dataclass(frozen=True, slots=True)
class WatchList:
    """All that is watched."""

    groups: tuple[HostGroup, ...] = ()
    periods: tuple[DefinedPeriod, ...] = ()
    services: tuple[WatchedService, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is written in it."""
        return not (self.groups or self.periods or self.services)

    def group(self, name: str) -> HostGroup | None:
        """Return the host group of that name, or None."""
        return next((one for one in self.groups if one.name == name), None)

    def period(self, name: str) -> DefinedPeriod | None:
        """Return the defined period of that name, or None."""
        return next((one for one in self.periods if one.name == name), None)

    def service(self, ref: Ref) -> WatchedService | None:
        """Return the service of that name, or None."""
        return next((one for one in self.services if one.ref == ref), None)

    def of_group(self, name: str) -> tuple[WatchedService, ...]:
        """Return the services of a host group."""
        return tuple(one for one in self.services if one.group == name)

    def with_service(self, service: WatchedService, before: Ref | None = None) -> "WatchList":
        """Return the list with a service at the end, or in the place of the one called ``before``."""
        old = self.service(before if before is not None else service.ref)
        return replace(self, services=_put(self.services, service, old))

    def without_service(self, ref: Ref) -> "WatchList":
        """Return the list without that service."""
        return replace(self, services=tuple(one for one in self.services if one.ref != ref))

    def with_group(self, group: HostGroup, before: str = "") -> "WatchList":
        """Return the list with a host group; one that is renamed keeps its services."""
        groups = _put(self.groups, group, self.group(before or group.name))
        services = (
            replace(one, group=group.name) if before and one.group == before else one
            for one in self.services
        )
        return replace(self, groups=groups, services=tuple(services))

    def without_group(self, name: str) -> "WatchList":
        """Return the list without a host group and its services."""
        return replace(
            self,
            groups=tuple(one for one in self.groups if one.name != name),
            services=tuple(one for one in self.services if one.group != name),
        )

    def with_period(self, period: DefinedPeriod) -> "WatchList":
        """Return the list with a defined period added or changed."""
        return replace(self, periods=_put(self.periods, period, self.period(period.name)))

    def without_period(self, name: str) -> "WatchList":
        """Return the list without a defined period."""
        return replace(self, periods=tuple(one for one in self.periods if one.name != name))


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def _put(all_of_them: Iterable[N], new: N, old: N | None) -> tuple[N, ...]:
    if old is None:
        return (*all_of_them, new)
    return tuple(new if one is old else one for one in all_of_them)


@dataclass(frozen=True, slots=True)
class _Default:
    name: str
    monitor: str
    interval: str
    description: str


DEFAULT_GROUP = WatchName("ServiceMonitor")
DEFAULT_PERIOD = "wd {Sun-Sat}"
_DEFAULTS = (
    _Default("process_server", "netsnmp-proc.monitor", "3s", "The processes of a head"),
    _Default("loadaverage_server", "netsnmp-loadaverage.monitor", "20m", "The load of a head"),
    _Default("freespace_server", "netsnmp-freespace.monitor", "2h", "The disks of a head"),
)


def default_watch_list() -> WatchList:
    """Return the original's three rows, for both heads."""
    period = AlertPeriod(when=Period.parse(DEFAULT_PERIOD))
    services = (
        WatchedService(
            DEFAULT_GROUP, WatchName(one.name), one.monitor,
            interval=Duration.parse(one.interval), description=one.description, periods=(period,),
        )
        for one in _DEFAULTS
    )  # fmt: skip
    return WatchList(groups=(HostGroup(DEFAULT_GROUP),), services=tuple(services))
