"""A mon.cf as the settings of the watch process: by the project's own import and generator, and by
a short way of the tests' own, for thousands of files."""

from dataclasses import replace
from pathlib import Path

from backend.agentfile.watch import generate_watch
from backend.model.periods import Period as ModelPeriod
from backend.model.watchlist import Alert as ModelAlert
from backend.model.watchlist import AlertPeriod as ModelAlertPeriod
from backend.model.watchlist import WatchedService, WatchList
from backend.model.watchlist_checks import Machines
from backend.model.watchlist_values import words
from backend.moncf.convert import convert
from backend.periods import Period
from backend.site.store import parse_site
from backend.watch.config import understand
from backend.watch.settings import Alert, AlertPeriod, Head, Service, Settings

HEADS = (Head("head1", ("192.0.2.1",)), Head("head2", ("192.0.2.2",)))
MACHINES = Machines(("head1", "head2"), ())

SITE = """\
version = 1
[cluster]
name = "lab"
domain = "lab.example.org"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
virtual_ip = "10.0.0.1"
[primary]
name = "head1"
private_address = "10.0.0.2"
[[image]]
name = "i"
client = "head1"
[[standby]]
name = "head2"
image = "i"
address = "10.0.0.3"
"""


def generated_settings(text: str) -> Settings:
    """Return what the first head's watch process is told when a mon.cf is imported."""
    site = parse_site(SITE, Path("site.toml"))
    watch = convert(text.encode(), "mon.cf", MACHINES, lambda _: False, allow_missing=True).watch
    made = generate_watch(replace(site, watch=watch))
    settings = understand(made[0].content.decode()).settings
    assert settings is not None
    return settings


def settings_of(text: str) -> Settings:
    """Return what the engine is told by a mon.cf; raises InvalidInput when it is refused."""
    watch = convert(text.encode(), "mon.cf", MACHINES, lambda _: False, allow_missing=True).watch
    services = tuple(_service(one, watch) for one in watch.services)
    return Settings("lab", *HEADS, "", "", "", "", services)


def _seconds(value: object) -> float:
    return float(getattr(value, "seconds", 0.0))


def _when(period: ModelPeriod | None) -> Period:
    return Period.read(str(period or ""))


def _service(one: WatchedService, watch: WatchList) -> Service:
    group = next(each for each in watch.groups if each.name == one.group)
    out = {*group.disabled_hosts, *one.exclude_hosts}
    depend = [str(each or "").replace("SELF:", f"{one.group}:") for each in (one.alert_depend, one.monitor_depend, one.host_depend)]  # fmt: skip
    redistribute = one.redistribute.split(None, 1)
    return Service(
        group=str(one.group), name=str(one.name), hosts=tuple(each for each in group.hosts if each not in out),
        monitor=one.monitor, words=words(one.parameters), interval=_seconds(one.interval),
        failure_interval=_seconds(one.failure_interval), skew=_seconds(one.random_skew), disabled=one.disabled or group.disabled,
        alert_depend=depend[0], monitor_depend=depend[1], host_depend=depend[2], depend_memory=_seconds(one.depend_memory),
        exclude=_when(one.exclude_period) if one.exclude_period else None, trap_timeout=_seconds(one.trap_timeout),
        trap_duration=_seconds(one.trap_duration), unack_summary=one.unack_summary,
        redistribute=Alert(redistribute[0], words=words(" ".join(redistribute[1:]))) if redistribute else None,
        periods=tuple(_period(each, watch) for each in one.periods),
    )  # fmt: skip


def _period(one: ModelAlertPeriod, watch: WatchList) -> AlertPeriod:
    defined = next((each.when for each in watch.periods if each.name == one.defined), one.when)
    every, after = one.alert_every, one.alert_after
    return AlertPeriod(
        when=_when(defined), name=str(one.label or one.shown), alerts=tuple(_alert(each) for each in one.alerts),
        every=every.pause.seconds if every else 0.0, repeat=every.repeat.value if every else "",
        failures=(after.failures or 0) if after else 0, within=_seconds(after.within) if after else 0.0,
        most=one.max_alerts or 0, up_after=_seconds(one.up_alert_after), no_comp=one.no_comp_alerts,
    )  # fmt: skip


def _alert(one: ModelAlert) -> Alert:
    codes = (one.exit.low, one.exit.high) if one.exit else None
    return Alert(one.program.rpartition("/")[2], one.run.value, words(one.parameters), codes)
