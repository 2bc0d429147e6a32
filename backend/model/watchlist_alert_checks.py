"""What must be right within the alert periods of a service. Pure."""

from collections.abc import Iterator

from backend.model.watchlist import AlertPeriod, RunWhen, WatchedService, WatchList
from backend.model.watchlist_monitors import ALERTS, alert_of, similar
from backend.model.watchlist_problems import Path, Problem, doubt, meant, mistake, secrets
from backend.periods import can_match


def period_problems(watch: WatchList, service: WatchedService, path: Path) -> Iterator[Problem]:
    """Yield what is wrong or doubtful with a service's periods; ``path`` is the service's."""
    seen: set[str] = set()
    for number, period in enumerate(service.periods):
        here = (*path, "period", number)
        tag = str(period.label or period.shown)
        if tag in seen:
            text = f"The period {tag[:60]!a} is there twice."
            yield mistake(here, "site.duplicate", text, "Give one of them a label.")
        seen.add(tag)
        yield from _when(watch, period, here)
        yield from _reachable(service, period, here)
        yield from _alerts(period, here)


def _when(watch: WatchList, period: AlertPeriod, here: Path) -> Iterator[Problem]:
    if period.when is not None and period.defined is not None:
        text = "Both when and defined say when the period is."
        yield mistake((*here, "defined"), "site.watch-period", text, "Keep one of them.")
    if period.defined is not None and watch.period(period.defined) is None:
        known = [str(one.name) for one in watch.periods]
        remedy = meant(period.defined, known) or "Add it as [[period]]."
        text = f"There is no period {period.defined}."
        yield mistake((*here, "defined"), "site.watch-period", text, remedy)
    if period.when is not None and period.when.parts and not can_match(period.when):
        text = f"{str(period.when)[:60]} is never in force."
        yield mistake((*here, "when"), "site.watch-never", text, "Correct the days or hours.")


def _reachable(service: WatchedService, period: AlertPeriod, here: Path) -> Iterator[Problem]:
    """Yield that as many failures can never happen within the time that is given for them."""
    after = period.alert_after
    interval = service.failure_interval or service.interval
    if after is None or after.failures is None or after.within is None or interval is None:
        return
    needed = (after.failures - 1) * interval.seconds
    if needed >= after.within.seconds:
        text = (
            f"{after.failures} failures cannot happen within {after.within}, "
            f"since it is checked every {interval}."
        )
        remedy = "Allow more time, ask for fewer failures, or check more often."
        yield mistake((*here, "alert_after"), "site.watch-after", text, remedy)


def _alerts(period: AlertPeriod, here: Path) -> Iterator[Problem]:
    down = any(one.run is RunWhen.DOWN for one in period.alerts)
    for number, alert in enumerate(period.alerts):
        path = (*here, "alert", number)
        if alert.program and alert_of(alert.program).kind is None:
            text = f"Nobody knows {alert.program}."
            remedy = similar(alert.program, ALERTS)
            yield mistake((*path, "program"), "site.watch-alert", text, remedy)
        yield from secrets((*path, "parameters"), alert.parameters)
        if alert.exit is not None and alert.run is RunWhen.STARTUP:
            text = "An alert at the start follows no monitor, so there is no exit code."
            yield mistake((*path, "exit"), "site.watch-alert", text, "Leave exit out.")
        if alert.run is RunWhen.UP and not down and not period.no_comp_alerts:
            text = "An alert that the service is up again follows one that it is down, and there is none."  # fmt: skip
            remedy = "Add one, or write no_comp_alerts = true in the period."
            yield doubt((*path, "run"), "site.watch-alert", text, remedy)
