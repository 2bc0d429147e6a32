"""Makes the watch process's configuration of each head from the site; docs/watch-agent.md explains the keys."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from backend.agent.config_draft import ERROR, INFO
from backend.agentfile.generate import Generated, Object, as_json
from backend.agentfile.members import PRIVATE, PUBLIC, Participant, participants
from backend.errors import InvalidInput
from backend.model.recovery import Monitoring, Recovery, RecoveryKind
from backend.model.site import Site
from backend.model.watchlist import Alert, AlertPeriod, HostGroup, WatchedService
from backend.model.watchlist_depend import Dependency
from backend.model.watchlist_values import Duration, words
from backend.reports import Place, Report, error, info, warning
from backend.watch.config import understand
from backend.watch.config_schema import KIND, VERSION

NO_HOSTS = ";;"  # as the last parameter it says that no hosts follow
SELF = re.compile(r"(?<![A-Za-z0-9_.-])SELF:")


class WatchPlaces(NamedTuple):
    """Where the files of a watch process are on its head."""

    key_file: str = "/etc/haoscar/agent.key"
    state_directory: str = "/var/lib/haoscar-watch"
    run_directory: str = "/run/haoscar-watch"
    agent_socket: str = "/run/haoscar-agent/control"
    snmp_file: str = ""  # where the site file names none


USUAL = WatchPlaces()


def generate_watch(site: Site, places: WatchPlaces = USUAL) -> tuple[Generated, ...]:
    """Return the configuration of the watch process of each head, the primary first; empty when nothing is watched.

    Raises Refused when the site has not two heads, InvalidInput when a configuration would be refused.
    """
    if not site.watch.services:
        return ()
    heads = [one for one in participants(site) if one.head]
    made = []
    for me, other in ((heads[0], heads[1]), (heads[1], heads[0])):
        content = as_json(_document(site, me, other, places))
        address = str(me.addresses.get(PRIVATE) or me.addresses[PUBLIC])
        made.append(Generated(me.name, True, address, content, _judged(me.name, content)))
    return tuple(made)


def _judged(name: str, content: bytes) -> tuple[Report, ...]:
    """Judge a configuration as its process will; raises InvalidInput."""
    say = {ERROR: error, INFO: info}
    found = understand(content.decode()).problems
    place = Place(f"the watch process of {name}")
    reports = [
        say.get(one.weight, warning)(f"agentfile.watch-{one.weight}", one.text, one.remedy, place)
        for one in found
    ]
    if any(one.weight == ERROR for one in found):
        raise InvalidInput(*reports)
    return tuple(reports)


def _document(site: Site, me: Participant, other: Participant, places: WatchPlaces) -> Object:
    told = site.monitoring or Monitoring()
    heads = _Heads(site, (me.name, other.name))
    return {
        "version": VERSION,
        "kind": KIND,
        "cluster": str(site.cluster),
        "me": _head(me),
        "other": _head(other),
        **places._asdict(),
        "port": told.port,
        "snmp_file": told.snmp_file or places.snmp_file,
        "mail_from": told.mail_from,
        "smtp": told.smtp,
        "services": [_Maker(site, heads, one).service() for one in site.watch.services],
    }


def _head(one: Participant) -> Object:
    networks = [network for network in (PRIVATE, PUBLIC) if network in one.addresses]
    return {"name": str(one.name), "addresses": [str(one.addresses[name]) for name in networks]}


@dataclass(frozen=True, slots=True)
class _Heads:
    """The heads, as hosts may be called."""

    site: Site
    names: tuple[str, str]

    def __call__(self, host: str) -> str:
        """Return a host as it is asked; a head by its own name, however that was written."""
        domain = f".{self.site.domain}".lower()
        short = host.lower().removesuffix(domain)
        return next((one for one in self.names if one.lower() == short), host)

    @property
    def both(self) -> tuple[str, ...]:
        """The primary first, on either head."""
        return tuple(sorted(self.names, key=lambda one: one != self.site.primary.name))


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes one service."""

    site: Site
    heads: _Heads
    told: WatchedService

    def service(self) -> Object:
        told = self.told
        group = self.site.watch.group(told.group) or HostGroup(told.group)
        hosts, parameters = self._hosts(group), words(told.parameters)
        alone = not told.monitor or parameters[-1:] == (NO_HOSTS,)
        made: Object = {
            "group": str(told.group),
            "name": str(told.name),
            "hosts": hosts,
            "monitor": told.monitor,
            "words": list(parameters),
            "interval": _seconds(told.interval),
            "failure_interval": _seconds(told.failure_interval),
            "skew": _seconds(told.random_skew),
            "limit": _seconds(told.limit),
            "description": told.description,
            "disabled": told.disabled or group.disabled or not (hosts or alone),
            "alert_depend": self._needs(told.alert_depend),
            "monitor_depend": self._needs(told.monitor_depend),
            "host_depend": self._needs(told.host_depend),
            "depend_memory": _seconds(told.depend_memory),
            "exclude": None if told.exclude_period is None else str(told.exclude_period),
            "trap_timeout": _seconds(told.trap_timeout),
            "trap_duration": _seconds(told.trap_duration),
            "redistribute": _redistribute(told.redistribute),
            "unack_summary": told.unack_summary,
            "environment": dict(told.environment),
            "periods": self._periods(),
            "recovery": None if told.recovery is None else _recovery(told.recovery),
        }
        return _said(made, ("hosts",))

    def _hosts(self, group: HostGroup) -> list[str]:
        """Return the hosts that are checked."""
        named = [self.heads(one) for one in group.hosts or self.heads.both]
        out = {self.heads(one).lower() for one in (*group.disabled_hosts, *self.told.exclude_hosts)}
        return [one for one in dict.fromkeys(named) if one.lower() not in out]

    def _needs(self, need: Dependency | None) -> str:
        return "" if need is None else SELF.sub(f"{self.told.group}:", need.text)

    def _periods(self) -> list[Object]:
        names: list[str] = []
        made = []
        for period in self.told.periods:
            name = " ".join(str(period.label or period.shown).split())
            while name in names:  # two that differ in their blanks only
                name += "'"
            names.append(name)
            made.append({"when": self._when(period), "name": name, **_period(period)})
        return made

    def _when(self, period: AlertPeriod) -> str:
        """Return when it is; an empty period is always in force."""
        if period.defined is not None:
            defined = self.site.watch.period(period.defined)
            assert defined is not None  # the site was checked
            return str(defined.when)
        return "" if period.when is None else str(period.when)


def _period(period: AlertPeriod) -> Object:
    after, every = period.alert_after, period.alert_every
    return _said(
        {
            "every": 0 if every is None else _seconds(every.pause),
            "repeat": "" if every is None else str(every.repeat),
            "failures": 0 if after is None else after.failures or 0,
            "within": 0 if after is None else _seconds(after.within),
            "most": period.max_alerts or 0,
            "up_after": _seconds(period.up_alert_after),
            "no_comp": period.no_comp_alerts,
            "alerts": [_alert(one) for one in period.alerts],
        }
    )


def _alert(alert: Alert) -> Object:
    codes = None if alert.exit is None else [alert.exit.low, alert.exit.high]
    return _said({
        "program": alert.program, "run": str(alert.run), "words": list(words(alert.parameters)),
        "exit": codes,
    })  # fmt: skip


def _redistribute(line: str) -> Object | None:
    found = words(line)
    return _said({"program": found[0], "words": list(found[1:])}) if found else None


def _recovery(told: Recovery) -> Object:
    return _said(
        {
            "kind": "" if told.kind is RecoveryKind.NONE else str(told.kind),
            "options": dict(told.options),
            "failures": told.failures.failures,
            "of": told.failures.of,
            "restarts": told.restarts,
            "within": _seconds(told.within),
            "verify": _seconds(told.verify),
            "limit": _seconds(told.limit),
            "escalate": str(told.escalate),
            "critical": told.critical,
        },
        ("kind", "restarts"),
    )


def _said(made: Mapping[str, Any], always: tuple[str, ...] = ()) -> Object:
    """Return an object without what is empty, 0 or false: the file's defaults say that."""
    return {key: value for key, value in made.items() if value or key in always}


def _seconds(span: Duration | None) -> float:
    """Return a span in seconds, 0 for none."""
    if span is None:
        return 0
    return int(span.seconds) if span.seconds.is_integer() else span.seconds
