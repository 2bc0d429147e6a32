"""The watch list as forms: texts become typed values, and typed values become texts. Pure.

The keys are those of the site file, for the command line and the service editor alike. What is wrong
with a text is reported with its key as the field, with all other problems.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from backend.errors import InvalidInput
from backend.model import watchlist_fields as read
from backend.model.names import PeriodName, WatchName
from backend.model.periods import Period
from backend.model.recovery_form import RECOVERY, take_recovery, texts_of_recovery
from backend.model.watchlist import (
    Alert,
    AlertPeriod,
    DefinedPeriod,
    HostGroup,
    RunWhen,
    WatchedService,
)
from backend.model.watchlist_depend import Dependency
from backend.model.watchlist_fields import Entry
from backend.model.watchlist_monitors import parse_alert, parse_monitor
from backend.model.watchlist_problems import Path
from backend.model.watchlist_values import (
    AlertAfter,
    AlertEvery,
    Duration,
    ExitCodes,
    parse_line,
    parse_parameters,
    parse_times,
)
from backend.reports import Place, Report, error

YES, NO = read.YES, read.NO


GROUP = (
    Entry("name", "Group name", WatchName.parse, needed=True),
    Entry("hosts", "Member hosts", read.hosts),
    Entry("disabled", "Nothing in it is checked", read.truth),
    Entry("disabled_hosts", "Hosts left out", read.hosts),
)
DEFINED = (
    Entry("name", "Period name", PeriodName.parse, needed=True),
    Entry("when", "Days and times", Period.parse, needed=True),
)
SERVICE = (
    Entry("group", "Host group to watch", WatchName.parse, needed=True),
    Entry("name", "Name of service", WatchName.parse, needed=True),
    Entry("interval", "Check every", Duration.parse),
    Entry("description", "Description", parse_line),
    Entry("monitor", "Using monitor", parse_monitor),
    Entry("parameters", "Monitor parameters", parse_parameters),
    Entry("failure_interval", "While it fails, check every", Duration.parse),
    Entry("disabled", "It is not checked", read.truth),
    Entry("exclude_hosts", "Hosts left out", read.hosts),
    Entry("exclude_period", "Not checked during", Period.parse),
    Entry("alert_depend", "No alerts unless well", Dependency.parse),
    Entry("monitor_depend", "No checks unless well", Dependency.parse),
    Entry("host_depend", "Leave out hosts that fail at", Dependency.parse),
    Entry("depend_memory", "A failure there counts for", Duration.parse),
    Entry("random_skew", "Earlier or later by", Duration.parse),
    Entry("trap_timeout", "Must report every", Duration.parse),
    Entry("trap_duration", "What it reports counts for", Duration.parse),
    Entry("redistribute", "Tell every result to", parse_parameters),
    Entry("unack_summary", "Another summary ends an acknowledgement", read.truth),
    Entry("environment", "Environment variables", read.environment),
    Entry("limit", "A check may take", Duration.parse),
    *RECOVERY,
)
PERIOD = (
    Entry("when", "Time::Period string", Period.parse),
    Entry("defined", "Defined period", PeriodName.parse),
    Entry("label", "Label", PeriodName.parse),
    Entry("alert_every", "Send alert every", AlertEvery.parse),
    Entry("alert_after", "Failures before alert", AlertAfter.parse),
    Entry("max_alerts", "Maximum alerts to send", parse_times),
    Entry("up_alert_after", "Tell that it is up again after", Duration.parse),
    Entry("no_comp_alerts", "Tell that it is up also without a down alert", read.truth),
)
ALERT = (
    Entry("program", "Alert", parse_alert, needed=True),
    Entry("run", "Run when", read.one_of(RunWhen, "run", "says not when")),
    Entry("parameters", "Additional parameters", parse_parameters),
    Entry("exit", "Exit codes", ExitCodes.parse),
)
LABELS: Mapping[str, str] = {one.key: one.label for one in (*PERIOD, *SERVICE)}


@dataclass(frozen=True, slots=True)
class PeriodTexts:
    """A period of the service editor."""

    fields: Mapping[str, str]
    alerts: Sequence[Mapping[str, str]] = ()


@dataclass(slots=True)
class _Reader:
    """Reads texts and collects what is wrong."""

    reports: list[Report]

    def read(
        self, entries: Sequence[Entry], texts: Mapping[str, str], prefix: str = ""
    ) -> dict[str, Any]:
        """Return the values of the fields that are filled in and right."""
        known = {one.key for one in entries}
        for key in texts:
            if key not in known:
                self.add(prefix + key, "form.unknown", f"There is no field {key!a}.", "")
        values: dict[str, Any] = {}
        for entry in entries:
            text = texts.get(entry.key, "").strip()
            if text:
                self._one(entry, text, values, Place(field=prefix + entry.key))
            elif entry.needed:
                self.add(prefix + entry.key, "form.empty", f'"{entry.label}" is empty.', "Fill it in.")  # fmt: skip
        return values

    def _one(self, entry: Entry, text: str, values: dict[str, Any], place: Place) -> None:
        try:
            values[entry.key] = entry.parse(text, place)
        except InvalidInput as problem:
            self.reports += [replace(one, place=place) for one in problem.reports]

    def add(self, key: str, code: str, text: str, remedy: str) -> None:
        """Note a problem."""
        self.reports.append(error(code, text, remedy, Place(field=key)))

    def finish(self) -> None:
        """Raise InvalidInput when anything was wrong."""
        if self.reports:
            raise InvalidInput(*self.reports)


def field_of(path: Path) -> str:
    """Return the field that a path below a service belongs to: places are counted from 1."""
    return ".".join(str(one + 1) if isinstance(one, int) else one for one in path)


def read_service(texts: Mapping[str, str], periods: Sequence[PeriodTexts]) -> WatchedService:
    """Return a service; raises InvalidInput with every problem.

    Fields of a period are reported as period.1.when, those of its second alert as period.1.alert.2.program.
    """
    reader = _Reader([])
    values = reader.read(SERVICE, texts)
    found = []
    for number, period in enumerate(periods, 1):
        prefix = f"period.{number}."
        alerts = [
            reader.read(ALERT, one, f"{prefix}alert.{place}.")
            for place, one in enumerate(period.alerts, 1)
        ]
        found.append((reader.read(PERIOD, period.fields, prefix), alerts))
    recovery = take_recovery(values, reader.add)
    reader.finish()
    made = tuple(
        AlertPeriod(**one, alerts=tuple(Alert(**alert) for alert in alerts))
        for one, alerts in found
    )
    return WatchedService(**values, recovery=recovery, periods=made)


def read_group(texts: Mapping[str, str]) -> HostGroup:
    """Return a host group; raises InvalidInput with every problem."""
    reader = _Reader([])
    values = reader.read(GROUP, texts)
    reader.finish()
    return HostGroup(**values)


def read_defined(texts: Mapping[str, str]) -> DefinedPeriod:
    """Return a defined period; raises InvalidInput with every problem."""
    reader = _Reader([])
    values = reader.read(DEFINED, texts)
    reader.finish()
    return DefinedPeriod(**values)


def read_alert_line(line: str) -> Alert:
    """Return an alert of one line, such as ``down exit=1-9 mail root``; raises InvalidInput."""
    run, _, rest = line.strip().partition(" ")
    texts = {"run": run}
    rest = rest.strip()
    if rest.startswith("exit="):
        texts["exit"], _, rest = rest.removeprefix("exit=").partition(" ")
    texts["program"], _, texts["parameters"] = rest.strip().partition(" ")
    reader = _Reader([])
    values = reader.read(ALERT, texts)
    if reader.reports:
        rule = "Write when, what and its parameters: down mail root@localhost."
        raise InvalidInput(*(
            replace(one, remedy=one.remedy or rule, place=Place(field="alert"))
            for one in reader.reports
        ))  # fmt: skip
    return Alert(**values)


def alert_line(alert: Alert) -> str:
    """Return an alert as one line."""
    codes = f"exit={alert.exit}" if alert.exit is not None else ""
    return " ".join(filter(None, (alert.run, codes, alert.program, alert.parameters)))


def texts_of(
    value: HostGroup | DefinedPeriod | WatchedService | AlertPeriod | Alert,
) -> dict[str, str]:
    """Return the texts of all fields that read as this value again."""
    texts = {
        one.name: read.text_of(getattr(value, one.name))
        for one in fields(value)
        if one.name not in ("periods", "alerts", "recovery")
    }
    if isinstance(value, WatchedService):
        texts |= texts_of_recovery(value.recovery)
    return texts
