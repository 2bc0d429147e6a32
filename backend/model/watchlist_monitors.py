"""What can check a service and what can send an alert: built in, or programs of other projects. Pure."""

import difflib
import enum
import re
from dataclasses import dataclass

from backend.errors import InvalidInput
from backend.model.watchlist_values import shown
from backend.reports import Place

MONITORS = {
    "netsnmp-proc.monitor": "processes that snmpd watches (proc in snmpd.conf)",
    "netsnmp-loadaverage.monitor": "the load average (load in snmpd.conf)",
    "netsnmp-freespace.monitor": "free disk space (disk in snmpd.conf)",
    "systemd-unit": "whether a systemd unit is active",
    "tcp": "whether a TCP port accepts connections",
    "http": "whether a web server answers",
    "icmp": "whether a host answers to ping",
    "dns": "whether a name server answers",
    "ntp": "how far a clock is off",
    "nfs": "whether an export can be written",
    "slurm": "whether the Slurm controller answers",
    "dhcp": "whether a DHCP server answers",
    "file-age": "how old a file is",
}
ALERTS = {
    "mail": "a mail; the parameters are addresses",
    "webhook": "a JSON message to a web address",
    "syslog": "a line in the system's log",
    "snmp-trap": "an SNMP trap to a host",
}
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
OCF = re.compile(r"ocf:([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_.-]{1,64})")
MON = ("/usr/local/lib/mon", "/usr/lib/mon", "/usr/lib64/mon")
PLUGINS = ("/usr/lib/nagios/plugins", "/usr/lib64/nagios/plugins", "/usr/lib/monitoring-plugins")
MONITOR_PLACES = tuple(f"{base}/{sub}" for base in MON for sub in ("mon.d", "mon-local.d"))
ALERT_PLACES = tuple(f"{base}/alert.d" for base in MON)


class Kind(enum.StrEnum):
    """Where a monitor or an alert comes from."""

    BUILT_IN = "built in"
    MON = "of mon"
    PLUGIN = "a Nagios plugin"
    OCF = "an OCF resource agent"
    PROGRAM = "a program"


@dataclass(frozen=True, slots=True)
class Program:
    """A monitor or an alert by its name; ``kind`` None is one that nobody knows."""

    name: str
    kind: Kind | None

    @property
    def places(self) -> tuple[str, ...]:
        """The paths of which one must be there; none for what is built in."""
        if self.kind is Kind.PROGRAM:
            return (self.name,)
        if self.kind is Kind.PLUGIN:
            return tuple(f"{place}/{self.name}" for place in PLUGINS)
        if self.kind is Kind.MON:
            places = ALERT_PLACES if self.name.endswith(".alert") else MONITOR_PLACES
            return tuple(f"{place}/{self.name}" for place in places)
        found = OCF.fullmatch(self.name)
        return (f"/usr/lib/ocf/resource.d/{found[1]}/{found[2]}",) if found else ()


def monitor_of(name: str) -> Program:
    """Return what a monitor's name means."""
    if OCF.fullmatch(name):
        return Program(name, Kind.OCF)
    return _program(name, MONITORS, ".monitor")


def alert_of(name: str) -> Program:
    """Return what an alert's name means."""
    return _program(name, ALERTS, ".alert")


def _program(name: str, built_in: dict[str, str], ending: str) -> Program:
    if name in built_in:
        return Program(name, Kind.BUILT_IN)
    if name.startswith("/"):
        return Program(name, Kind.PROGRAM)
    if name.endswith(ending):
        return Program(name, Kind.MON)
    if ending == ".monitor" and name.startswith("check_"):
        return Program(name, Kind.PLUGIN)
    return Program(name, None)


def parse_monitor(text: str, place: Place | None = None) -> str:
    """Return the name or path of a monitor, known or not; raises InvalidInput."""
    return _parse(
        text, "a monitor", "tcp, ping.monitor, check_load, ocf:heartbeat:nfsserver", place
    )


def parse_alert(text: str, place: Place | None = None) -> str:
    """Return the name or path of an alert program, known or not; raises InvalidInput."""
    return _parse(text, "an alert program", "mail, page.alert", place)


def _parse(text: str, what: str, examples: str, place: Place | None) -> str:
    name = text.strip()
    if name.startswith("/"):
        parts = name.split("/")[1:]
        right = len(name) <= 255 and name.isprintable() and not re.search(r"\s", name)
        if right and all(parts) and not {".", ".."} & set(parts):
            return name
    elif NAME.fullmatch(name) or OCF.fullmatch(name):
        return name
    raise InvalidInput.of(
        "watch.program", f"{shown(text)} is not the name of {what}.",
        f"Write a name, or a path from the root: {examples}.", place,
    )  # fmt: skip


def similar(name: str, known: dict[str, str]) -> str:
    """Return what to do about a name that nobody knows."""
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Built in are {', '.join(known)}; others are given with their path."
