"""What must be right between the values of a watch list; each problem with the path of its value. Pure.

A path is that of the site file: ("watch", 2, "period", 0, "when"). Empty names are of values that
could not be read; what is wrong with those has been said already.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.model.watchlist import HostGroup, Ref, WatchedService, WatchList
from backend.model.watchlist_alert_checks import period_problems
from backend.model.watchlist_monitors import ALERTS, MONITORS, alert_of, monitor_of, similar
from backend.model.watchlist_problems import Path, Problem, doubt, meant, mistake, secrets
from backend.model.watchlist_recovery_checks import recovery_problems
from backend.model.watchlist_rings import rings
from backend.model.watchlist_values import words
from backend.periods import always_matches, can_match

DEPENDS = ("alert_depend", "monitor_depend", "host_depend")


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines of a site, as hosts may name them."""

    heads: tuple[str, ...]
    others: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()  # what the active head runs

    @property
    def all(self) -> frozenset[str]:
        """All of them, in small letters."""
        return frozenset(one.lower() for one in (*self.heads, *self.others))


def problems(watch: WatchList, machines: Machines) -> Iterator[Problem]:
    """Yield everything that is wrong or doubtful between the values."""
    yield from _twice("host_group", [str(one.name) for one in watch.groups], "host group")
    yield from _twice("period", [str(one.name) for one in watch.periods], "period")
    names = [str(one.ref) if one.group and one.name else "" for one in watch.services]
    yield from _twice("watch", names, "service")
    for number, group in enumerate(watch.groups):
        yield from _group(("host_group", number), group, machines)
    for number, period in enumerate(watch.periods):
        if period.when.parts and not can_match(period.when):
            yield mistake(
                ("period", number, "when"), "site.watch-never",
                f"{str(period.when)[:60]} is never in force.", "Correct the days or hours.",
            )  # fmt: skip
    known = _Known(
        {str(one.name): one for one in watch.groups},
        {str(one.ref): number for number, one in enumerate(watch.services)},
        machines,
    )
    for number, service in enumerate(watch.services):
        yield from _Service(known, service, ("watch", number)).problems()
        yield from period_problems(watch, service, ("watch", number))
        hosts = known.groups[service.group].hosts if service.group in known.groups else ()
        yield from recovery_problems(
            service, hosts or machines.heads, machines.heads, machines.resources, ("watch", number)
        )
    for key in DEPENDS[:2]:
        yield from _circles(watch, key)


def _twice(table: str, names: Sequence[str], what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name and name in seen:
            text = f"The {what} {name} is given twice."
            yield mistake(
                (table, number, "name"), "site.duplicate", text, "Give each its own name."
            )
        seen.add(name)


def _group(path: Path, group: HostGroup, machines: Machines) -> Iterator[Problem]:
    seen: set[str] = set()
    known = machines.all | {"localhost"}
    for host in group.hosts:
        if host.lower() in seen:
            text = f"{host} is given twice."
            yield mistake((*path, "hosts"), "site.watch-host", text, "Name each host once.")
        seen.add(host.lower())
        if "." not in host and host.lower() not in known:
            remedy = meant(host, known) or "It must be known to DNS or /etc/hosts."
            text = f"{host} is no machine of this site."
            yield doubt((*path, "hosts"), "site.watch-host", text, remedy)
    yield from _strangers((*path, "disabled_hosts"), group.disabled_hosts, group, machines)


def _strangers(
    path: Path, hosts: Collection[str], group: HostGroup, machines: Machines
) -> Iterator[Problem]:
    """Yield a doubt for each host that is not in a group."""
    members = {one.lower() for one in group.hosts or machines.heads}
    for host in hosts:
        if host.lower() not in members:
            text = f"{host} is no host of {group.name or 'its group'}."
            yield doubt(path, "site.watch-host", text, "Correct the name, or take it out.")


@dataclass(frozen=True, slots=True)
class _Known:
    """What services may name."""

    groups: Mapping[str, HostGroup]
    services: Mapping[str, int]  # group:service, and its number
    machines: Machines


@dataclass(frozen=True, slots=True)
class _Service:
    """Judges one service within its watch list."""

    known: _Known
    service: WatchedService
    path: Path

    def problems(self) -> Iterator[Problem]:
        yield from self._of_group()
        yield from self._of_monitor()
        yield from self._of_times()
        yield from self._of_hosts()
        yield from self._of_dependencies()

    def _at(self, key: str) -> Path:
        return (*self.path, key)

    def _of_group(self) -> Iterator[Problem]:
        name = self.service.group
        if name and name not in self.known.groups:
            remedy = meant(name, self.known.groups) or "Add it as [[host_group]]."
            text = f"There is no host group {name}."
            yield mistake(self._at("group"), "site.watch-group", text, remedy)

    def _of_monitor(self) -> Iterator[Problem]:
        service = self.service
        if not service.monitor:
            if service.trap_timeout is None and service.trap_duration is None:
                text = f"Nothing checks the service {service.name}."
                remedy = "Give a monitor, or trap_timeout if it reports by itself."
                yield mistake(self._at("monitor"), "site.watch-monitor", text, remedy)
            return
        if service.interval is None:
            text = f"The service {service.name} has a monitor and no interval."
            yield mistake(self._at("interval"), "site.watch-interval", text, 'Add: interval = "1m"')
        if monitor_of(service.monitor).kind is None:
            text = f"Nobody knows {service.monitor}."
            remedy = similar(service.monitor, MONITORS)
            yield mistake(self._at("monitor"), "site.watch-monitor", text, remedy)
        yield from secrets(self._at("parameters"), service.parameters)
        told = words(service.redistribute)[:1]
        if told and alert_of(told[0]).kind is None:
            text = f"Nobody knows {told[0]}."
            yield mistake(
                self._at("redistribute"), "site.watch-alert", text, similar(told[0], ALERTS)
            )

    def _of_times(self) -> Iterator[Problem]:
        service = self.service
        skew, interval = service.random_skew, service.interval
        if skew is not None and interval is not None and skew >= interval:
            text = f"{skew} is not less than the interval, {interval}."
            yield mistake(self._at("random_skew"), "site.watch-skew", text, "Use a shorter one.")
        excluded = service.exclude_period
        if excluded is not None and always_matches(excluded):
            text = f"{str(excluded)[:60] or 'An empty period'} is always in force, so it is never checked."  # fmt: skip
            remedy = "Correct it, or write disabled = true."
            yield mistake(self._at("exclude_period"), "site.watch-never", text, remedy)

    def _of_hosts(self) -> Iterator[Problem]:
        group = self.known.groups.get(self.service.group)
        if group is None:
            return
        excluded, machines = self.service.exclude_hosts, self.known.machines
        yield from _strangers(self._at("exclude_hosts"), excluded, group, machines)
        members = {one.lower() for one in group.hosts or machines.heads}
        if excluded and members <= {one.lower() for one in excluded}:
            text = "No host is left to be checked."
            remedy = "Leave one in, or write disabled = true."
            yield mistake(self._at("exclude_hosts"), "site.watch-host", text, remedy)

    def _of_dependencies(self) -> Iterator[Problem]:
        known = self.known.services
        for key in DEPENDS:
            dependency = getattr(self.service, key)
            if dependency is None or not self.service.group:
                continue
            for name in dependency.of_group(self.service.group):
                if name in known:
                    continue
                others = [one for one in known if one != str(self.service.ref)]
                remedy = meant(name, others) or "Add it as [[watch]]."
                text = f"There is no service {name}."
                yield mistake(self._at(key), "site.watch-depend", text, remedy)


def _circles(watch: WatchList, key: str) -> Iterator[Problem]:
    """Yield the services that depend on themselves; mon follows a dependency's dependencies."""
    places = {str(one.ref): number for number, one in enumerate(watch.services)}
    graph = {
        str(one.ref): getattr(one, key).of_group(one.group)
        for one in watch.services
        if getattr(one, key) is not None
    }
    for ring in rings(graph):
        first = min(ring, key=lambda name: places[name])
        turn = ring.index(first)
        chain = " -> ".join((*ring[turn:], *ring[:turn], first))
        yield mistake(
            ("watch", places[first], key), "site.watch-ring",
            f"{chain}: this goes round in a ring.", "Take one of them out.",
        )  # fmt: skip


def problems_of(watch: WatchList, ref: Ref, machines: Machines) -> list[Problem]:
    """Return what concerns one service, with paths that begin at the service."""
    number = next((n for n, one in enumerate(watch.services) if one.ref == ref), None)
    return [
        one.within(("watch", number))
        for one in problems(watch, machines)
        if number is not None and one.path[:2] == ("watch", number)
    ]
