"""A watch list as a mon.cf that mon 1.3.6 reads, and that reads back as the same watch list. Pure.

What mon has no words for stands in comments that only HA-OSCAR reads: ``#haoscar: key = value``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from backend.model.watchlist import (
    Alert,
    AlertPeriod,
    HostGroup,
    RunWhen,
    WatchedService,
    WatchList,
)
from backend.model.watchlist_form import texts_of
from backend.model.watchlist_monitors import (
    ALERT_PLACES,
    MONITOR_PLACES,
    Kind,
    alert_of,
    monitor_of,
)
from backend.model.watchlist_values import AlertAfter, Duration
from backend.moncf.services import SERVICE, SIGNS
from backend.moncf.words import SPACE, for_mon

HEADER = """\
# mon.cf for mon 1.3.6, written by HA-OSCAR from the watch list.
#
# Lines that begin with #haoscar: say what mon has no words for, or what it would refuse. They are comments for mon; 'haoscar
# watch import' takes what they say, and not what the lines around them say.
"""
WIDTH = 100
LATER = ("group", "name", "monitor", "parameters", "environment")  # written in their own way


@dataclass(slots=True)
class Export:
    """The text of a mon.cf, and what mon will not do of it, by service."""

    text: str = ""
    missing: list[tuple[str, str]] = field(default_factory=list)  # a service or group, and what


def write(watch: WatchList, heads: Sequence[str]) -> Export:
    """Return a mon.cf; host groups without hosts get the heads."""
    export = Export()
    writer = _Writer(watch, tuple(heads), export)
    export.text = "\n".join((HEADER, *writer.lines(), ""))
    return export


@dataclass(slots=True)
class _Writer:
    watch: WatchList
    heads: tuple[str, ...]
    export: Export

    def lines(self) -> Iterator[str]:
        yield f"mondir = {_directories(self.watch, MONITOR_PLACES)}"
        yield f"alertdir = {_directories(self.watch, ALERT_PLACES)}"
        yield from (
            f"#haoscar: period {one.name} = {_line(str(one.when))}" for one in self.watch.periods
        )
        for group in self.watch.groups:
            yield ""
            yield from self._group(group)
        for group in self.watch.groups:
            services = self.watch.of_group(group.name)
            if services:
                yield from ("", f"watch {group.name}")
            for service in services:
                yield from self._service(service)

    def _lacks(self, where: object, what: str) -> None:
        self.export.missing.append((str(where), what))

    def _group(self, group: HostGroup) -> Iterator[str]:
        off = {one.lower() for one in group.disabled_hosts}
        hosts = group.hosts or self.heads
        marked = [f"*{one}" if one.lower() in off else one for one in hosts]
        yield from _wrapped(f"hostgroup {group.name}", marked)
        if not group.hosts:
            yield _note("hosts", "")
        read_back = tuple(one for one in hosts if one.lower() in off)
        if read_back != group.disabled_hosts:
            yield _note("disabled_hosts", " ".join(group.disabled_hosts))
        if group.disabled:
            yield _note("disabled", "yes")
            self._lacks(group.name, "mon cannot disable it in its file, and would check it.")

    def _service(self, service: WatchedService) -> Iterator[str]:
        yield f"    service {service.name}"
        texts = texts_of(service)
        for key, write_value in SERVICE_LINES.items():
            yield from self._value(service, key, texts[key], write_value(service), 8)
        for key in (
            "disabled",
            *(one for one in texts if one not in (*SERVICE_LINES, *LATER, "disabled")),
        ):
            if texts[key] not in ("", "no"):
                yield from self._value(service, key, texts[key], None, 8)
        if service.monitor:
            yield f"        monitor {service.monitor} {for_mon(service.parameters)}".rstrip()
            self._known(service, service.monitor, monitor_of(service.monitor).kind)
        elif service.parameters:
            yield " " * 8 + _note("parameters", service.parameters)
        yield from self._environment(service, texts["environment"])
        for period in service.periods:
            yield from self._period(service, period)

    def _value(
        self, where: WatchedService, key: str, text: str, line: str | None, indent: int
    ) -> Iterator[str]:
        """Yield mon's line for a value, or a note where mon has none (``line`` is None)."""
        if line is None:
            yield " " * indent + _note(key, text)
            self._lacks(where.ref, f"mon cannot: {key} = {text}")
        elif line:
            yield " " * indent + line

    def _known(self, where: WatchedService, program: str, kind: Kind | None) -> None:
        if kind is Kind.BUILT_IN and not program.endswith(".monitor"):
            self._lacks(where.ref, f"mon has no {program}; it is built into HA-OSCAR.")
        elif kind in (Kind.PLUGIN, Kind.OCF):
            self._lacks(where.ref, f"mon cannot run {program}: it is {kind}.")

    def _environment(self, service: WatchedService, text: str) -> Iterator[str]:
        wrong = [value for _, value in service.environment if _unfit(value)]
        if wrong:
            yield from self._value(service, "environment", text, None, 8)
            return
        yield from (f"        {name}={value}" for name, value in service.environment)

    def _period(self, service: WatchedService, period: AlertPeriod) -> Iterator[str]:
        defined = self.watch.period(period.defined) if period.defined is not None else None
        when = defined.when if defined is not None else period.when
        label = period.label or period.defined
        tag = f"{label}: " if label else ""
        yield f"        period {tag}{_line(str(when or ''))}".rstrip()
        if period.defined is not None:
            yield " " * 12 + _note("defined", period.defined)
            if period.label is None:
                yield " " * 12 + _note("label", "")
        texts = texts_of(period)
        interval = service.interval
        after = _after(period.alert_after, interval)
        yield from self._value(service, "alert_after", texts["alert_after"], after, 12)
        every = f"alertevery {_short(period.alert_every.pause)} {period.alert_every.repeat}".rstrip() if period.alert_every else ""  # fmt: skip
        yield from self._value(service, "alert_every", texts["alert_every"], every, 12)
        up_after = f"upalertafter {_short(period.up_alert_after)}" if period.up_alert_after else ""
        yield from self._value(service, "up_alert_after", texts["up_alert_after"], up_after, 12)
        if period.max_alerts is not None:
            yield f"            numalerts {period.max_alerts}"
        if period.no_comp_alerts:
            yield "            no_comp_alerts"
        for alert in period.alerts:
            yield f"            {_alert(alert)}"
            self._known(service, alert.program, alert_of(alert.program).kind)


def _directories(watch: WatchList, places: Sequence[str]) -> str:
    """Return the directories for mon; the last lets it find programs that are given with their path."""
    programs = [one.monitor for one in watch.services]
    programs += [
        alert.program for one in watch.services for period in one.periods for alert in period.alerts
    ]
    programs += [one.redistribute for one in watch.services]
    absolute = any(one.startswith("/") for one in programs)
    return ":".join((*places, "/.") if absolute else places)


def _wrapped(start: str, words: Sequence[str]) -> Iterator[str]:
    line = start
    for word in words:
        if len(line) + len(word) > WIDTH:
            yield f"{line} \\"
            line = "   "
        line += f" {word}"
    yield line


def _note(key: str, text: str) -> str:
    return f"#haoscar: {key} = {text}".rstrip()


def _line(text: str) -> str:
    return SPACE.sub(" ", text).strip()


def _unfit(text: str) -> bool:
    """Whether a line that ends with this text would be read otherwise."""
    return text.endswith("\\") or text != text.strip() or not text.isprintable()


def _short(span: Duration) -> str:
    number, unit = span.parts
    return f"{int(number) * 7}d" if unit == "w" else f"{number}{unit}"


def _span(keyword: str, span: Duration | None) -> str:
    return f"{keyword} {_short(span)}" if span is not None else ""


def _after(after: AlertAfter | None, interval: Duration | None) -> str | None:
    """Return mon's line: whole hours, minutes or seconds, in which as many failures are possible."""
    if after is None:
        return ""
    if after.within is None:
        return f"alertafter {after.failures}"
    seconds = after.within.seconds
    if seconds != int(seconds):
        return None
    if after.failures is not None:
        between = interval.seconds if interval is not None else 0
        if (after.failures - 1) * between >= seconds:
            return None
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "m"), (1, "s")) if seconds % size == 0)  # fmt: skip
    failures = f"{after.failures} " if after.failures is not None else ""
    return f"alertafter {failures}{seconds // size:.0f}{unit}"


def _depend(text: str) -> str:
    """Return an expression that Perl can read: it takes no list for one."""
    return text if SIGNS.search(text) else " && ".join(SERVICE.findall(text))


def _described(service: WatchedService) -> str | None:
    text = service.description
    if text and _unfit(text):
        return None
    return f"description {text}" if text else ""


def _period_of(service: WatchedService) -> str:
    period = service.exclude_period
    return f"exclude_period {_line(str(period))}" if period is not None else ""


def _needs(keyword: str, need: object) -> str:
    return f"{keyword} {_depend(str(need))}" if need is not None else ""


def _told(service: WatchedService) -> str:
    program, _, parameters = service.redistribute.partition(" ")
    return f"redistribute {program} {for_mon(parameters)}".rstrip() if program else ""


def _alert(alert: Alert) -> str:
    keyword = {RunWhen.DOWN: "alert", RunWhen.UP: "upalert", RunWhen.STARTUP: "startupalert"}
    codes = f"exit={alert.exit} " if alert.exit is not None else ""
    return f"{keyword[alert.run]} {codes}{alert.program} {for_mon(alert.parameters)}".rstrip()


# mon sends no alerts at all for alertdepend, but understands depend, whose meaning is the same.
SERVICE_LINES: dict[str, Callable[[WatchedService], str | None]] = {
    "description": _described,
    "interval": lambda one: _span("interval", one.interval),
    "failure_interval": lambda one: _span("failure_interval", one.failure_interval),
    "random_skew": lambda one: _span("randskew", one.random_skew),
    "trap_timeout": lambda one: _span("traptimeout", one.trap_timeout),
    "trap_duration": lambda one: _span("trapduration", one.trap_duration),
    "alert_depend": lambda one: _needs("depend", one.alert_depend),
    "monitor_depend": lambda one: _needs("monitordepend", one.monitor_depend),
    "host_depend": lambda one: f"hostdepend {one.host_depend}" if one.host_depend else "",
    "depend_memory": lambda one: _span("dep_memory", one.depend_memory),
    "exclude_hosts": lambda one: " ".join(("exclude_hosts", *one.exclude_hosts)) if one.exclude_hosts else "",
    "exclude_period": _period_of,
    "redistribute": _told,
    "unack_summary": lambda one: "unack_summary yes" if one.unack_summary else "",
}  # fmt: skip
