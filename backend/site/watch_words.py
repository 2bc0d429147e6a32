"""What the watch process will say against the parameters of monitors and alerts: here before it runs. Pure."""

from collections.abc import Iterable, Iterator

from backend.model.watchlist import Alert, WatchedService, WatchList
from backend.model.watchlist_monitors import alert_of, monitor_of
from backend.model.watchlist_problems import Path, Problem, mistake
from backend.model.watchlist_values import words
from backend.watch.settings import Alert as Told
from backend.watch.settings import Service

MONITOR, ALERT = "docs/monitors.md", "docs/alerts.md"


def word_problems(watch: WatchList) -> Iterator[Problem]:
    """Yield a mistake for each parameter with which a service can never be checked, an alert never be sent.

    What nobody knows by its name is not judged: that has been said already.
    """
    for number, service in enumerate(watch.services):
        path: Path = ("watch", number)
        if service.monitor and monitor_of(service.monitor).kind is not None:
            yield from _monitor(path, service)
        told = words(service.redistribute)
        if told:
            yield from _alert((*path, "redistribute"), told[0], told[1:])
        for place, period in enumerate(service.periods):
            for which, alert in enumerate(period.alerts):
                where = (*path, "period", place, "alert", which, _key(alert))
                yield from _alert(where, alert.program, words(alert.parameters))


def _monitor(path: Path, service: WatchedService) -> Iterator[Problem]:
    # Imported late: this takes what all monitors need, and most commands check nothing.
    from backend.watch.monitors.registry import problems

    told = Service(
        str(service.group), str(service.name), (), service.monitor, words(service.parameters)
    )
    key = "parameters" if service.parameters else "monitor"
    yield from _mistakes((*path, key), problems(told), MONITOR)


def _alert(path: Path, program: str, parameters: tuple[str, ...]) -> Iterator[Problem]:
    if not program or alert_of(program).kind is None:
        return
    from backend.watch.alerts.checks import problems

    yield from _mistakes(path, problems(Told(program, words=parameters)), ALERT)


def _key(alert: Alert) -> str:
    return "parameters" if alert.parameters else "program"


def _mistakes(path: Path, sentences: Iterable[str], guide: str) -> Iterator[Problem]:
    for sentence in sentences:
        what, stop, remedy = sentence.rpartition(". ")
        text = what + "." if stop else sentence
        yield mistake(path, "site.watch-parameters", text, remedy if stop else f"See {guide}.")
