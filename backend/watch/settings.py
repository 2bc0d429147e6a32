"""What the watch process is told by its configuration file, as values; config.py reads the file."""

from __future__ import annotations

from typing import NamedTuple

from backend.periods import Period

DOWN, UP, STARTUP = "down", "up", "startup"  # when an alert is sent
SUMMARY, DETAIL, STRICT, IGNORE_SUMMARY = "", "observe_detail", "strict", "ignore_summary"
TAKEOVER, ALERT = "takeover", "alert"  # what follows when a service cannot be healed here


class Alert(NamedTuple):
    """Something that is sent or run."""

    program: str  # "mail", "mail.alert", "/opt/site/page"
    run: str = DOWN
    words: tuple[str, ...] = ()  # its parameters
    exit: tuple[int, int] | None = None  # only with these codes of the monitor


class AlertPeriod(NamedTuple):
    """When alerts are sent, which, and how many; mon(8), "period definitions"."""

    when: Period
    name: str  # unique among the periods of its service; counters are kept by it
    alerts: tuple[Alert, ...] = ()
    every: float = 0.0  # seconds between two alerts about one failure; 0: each time that it fails
    repeat: str = SUMMARY  # what breaks that pause
    failures: int = 0  # alert only after so many, one after another or within ``within``
    within: float = 0.0  # seconds; without ``failures``: only when it fails for longer
    most: int = 0  # alerts about one failure; 0: unlimited
    up_after: float = 0.0  # an up-alert only when it was down for as long
    no_comp: bool = False  # up-alerts also without a down-alert before


class Recovery(NamedTuple):
    """How a service is healed, and what follows when it cannot be."""

    kind: str = ""  # "unit", "ocf", "command", "resource"; "": nothing can restart it
    options: tuple[tuple[str, str], ...] = ()  # as those of a resource of the agent
    failures: int = 1  # suspect, then broken: after so many failures ...
    of: int = 1  # ... in so many checks
    restarts: int = 3  # at most so many ...
    within: float = 3600.0  # ... in so many seconds
    verify: float = 3.0  # seconds after a restart at which it is checked
    limit: float = 60.0  # seconds that a restart may take
    escalate: str = ALERT  # or TAKEOVER
    critical: bool = False  # a head on which it is broken gives the role away when the other is fit


class Service(NamedTuple):
    """One service of a host group, with the hosts that are left to be checked."""

    group: str
    name: str
    hosts: tuple[str, ...]
    monitor: str = ""  # "": it reports by itself
    words: tuple[str, ...] = ()  # its parameters, before the hosts
    interval: float = 0.0  # seconds
    failure_interval: float = 0.0  # 0: the interval
    skew: float = 0.0  # how much earlier or later a check may come
    description: str = ""
    disabled: bool = False
    alert_depend: str = ""  # expressions of group:service; SELF is already replaced
    monitor_depend: str = ""
    host_depend: str = ""
    depend_memory: float = 0.0
    exclude: Period | None = None  # no checks then
    trap_timeout: float = 0.0
    trap_duration: float = 0.0
    redistribute: Alert | None = None
    unack_summary: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    periods: tuple[AlertPeriod, ...] = ()
    limit: float = 60.0  # seconds that a check may take
    recovery: Recovery | None = None

    @property
    def ref(self) -> str:
        """Its group and name, as everybody calls it."""
        return f"{self.group}:{self.name}"


class Head(NamedTuple):
    """One of the two heads."""

    name: str
    addresses: tuple[str, ...]  # IPv4, the private one first


class Settings(NamedTuple):
    """The whole file."""

    cluster: str
    me: Head
    other: Head
    key_file: str  # of the agent; what the heads tell each other is signed with a key made from it
    state_directory: str  # results, history and availability
    run_directory: str  # the control socket "watch"
    agent_socket: str  # of the agent on this head
    services: tuple[Service, ...]
    port: int = 4748  # TCP, between the heads
    snmp_file: str = ""  # 0600: community, or user and keys; "": the usual community of this site
    mail_from: str = ""  # "": root at this host
    smtp: str = ""  # host:port; "": the local sendmail program

    def service(self, ref: str) -> Service | None:
        """Return a service by its group and name, or None."""
        return next((one for one in self.services if one.ref == ref), None)
