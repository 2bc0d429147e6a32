"""The watch list of the site file: reading it, what is doubtful about it, and writing it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.change.plan import Plan
from backend.change.preview import ChangeKind, preview
from backend.change.records import ChangeRecord
from backend.errors import InvalidInput, Refused
from backend.model.site import Site
from backend.model.watchlist import WatchList, default_watch_list
from backend.model.watchlist_checks import Machines, problems
from backend.model.watchlist_form import field_of
from backend.model.watchlist_monitors import (
    ALERT_PLACES,
    ALERTS,
    MONITOR_PLACES,
    MONITORS,
    PLUGINS,
    Program,
    alert_of,
    monitor_of,
)
from backend.model.watchlist_problems import Path as Where
from backend.model.watchlist_values import words
from backend.paths import Paths
from backend.periods import can_match, next_change
from backend.reports import Place, Report, Severity, warning
from backend.site.watch_words import word_problems
from backend.tasks import TaskContext
from backend.wiring import Wiring

NEXT = "The heads check by it once Step 5, Complete installation, has given it to them."


@dataclass(frozen=True, slots=True)
class Watched:
    """The watch list, and what may be chosen in it."""

    watch: WatchList
    proposed: bool  # none is stored yet: these are the original's three rows
    machines: Machines
    monitors: tuple[str, ...]  # built in, and those of other projects on this head
    alerts: tuple[str, ...]
    reports: tuple[Report, ...]  # what is doubtful about it

    @property
    def stored(self) -> WatchList:
        """The list as the site file has it."""
        return WatchList() if self.proposed else self.watch


def look(wiring: Wiring) -> Watched:
    """Read the watch list; raises InvalidInput for a missing or damaged site file."""
    site = wiring.store().load()
    watch = default_watch_list() if site.watch.empty else site.watch
    return Watched(
        watch,
        site.watch.empty,
        machines(site),
        (*MONITORS, *_found(wiring.paths, MONITOR_PLACES, "*.monitor"),
         *_found(wiring.paths, PLUGINS, "check_*")),
        (*ALERTS, *_found(wiring.paths, ALERT_PLACES, "*.alert")),
        doubts(watch, machines(site), wiring.paths),
    )  # fmt: skip


def machines(site: Site) -> Machines:
    """Return the machines that hosts may name. Pure."""
    heads = (site.primary.name, *(one.name for one in site.standbys))
    resources = tuple(one.name for one in site.resources)
    return Machines(heads, tuple(one.name for one in site.nodes), resources)


def _found(paths: Paths, places: tuple[str, ...], pattern: str) -> tuple[str, ...]:
    """Return the names of the programs in some directories."""
    names = {one.name for place in places for one in paths.at(place).glob(pattern)}
    return tuple(sorted(names))


def doubts(
    watch: WatchList, known: Machines, paths: Paths, now: datetime | None = None
) -> tuple[Report, ...]:
    """Return what is doubtful: also programs that this head lacks, and periods that are over."""
    found = [
        one.report(place_of(watch, one.path))
        for one in problems(watch, known)
        if one.severity is Severity.WARNING
    ]
    moment = now if now is not None else datetime.now()  # noqa: DTZ005 - the wall clock
    return (*found, *_missing(watch, paths), *_over(watch, moment))


def _missing(watch: WatchList, paths: Paths) -> Iterator[Report]:
    told: set[str] = set()
    for where, program in _programs(watch):
        places = program.places
        if program.name in told or not places or any(paths.at(one).exists() for one in places):
            continue
        told.add(program.name)
        yield warning(
            "watch.no-program", f"{program.name} is not on this head.",
            f"Install it there: {places[0]}", place_of(watch, where),
        )  # fmt: skip


def _programs(watch: WatchList) -> Iterator[tuple[Where, Program]]:
    """Yield every monitor and alert with the path of the value that names it."""
    for number, service in enumerate(watch.services):
        if service.monitor:
            yield ("watch", number, "monitor"), monitor_of(service.monitor)
        for program in words(service.redistribute)[:1]:
            yield ("watch", number, "redistribute"), alert_of(program)
        for place, period in enumerate(service.periods):
            for which, alert in enumerate(period.alerts):
                where = ("watch", number, "period", place, "alert", which, "program")
                yield where, alert_of(alert.program)


def _over(watch: WatchList, now: datetime) -> Iterator[Report]:
    """Yield periods that can be in force, but were so for the last time."""
    periods = [
        (("watch", number, "period", place, "when"), one.when)
        for number, service in enumerate(watch.services)
        for place, one in enumerate(service.periods)
        if one.when is not None
    ]
    for where, when in periods:
        if can_match(when) and not when.contains(now) and next_change(when, now) is None:
            yield warning(
                "watch.over", f"{str(when)[:60]} will never be in force again.",
                "Correct the year.", place_of(watch, where),
            )  # fmt: skip


def place_of(watch: WatchList, where: Where) -> Place:
    """Return where a problem is, for people and for a form: ServiceMonitor:ping [period.1.when]. Pure."""
    table, number, *rest = where
    field = field_of(tuple(rest)) or "name"
    if table == "watch":
        return Place(str(watch.services[int(number)].ref), field=field)
    named = watch.groups if table == "host_group" else watch.periods
    return Place(str(named[int(number)].name), field=field)


def require_sound(watch: WatchList, known: Machines) -> None:
    """Raise InvalidInput with everything that is wrong between the values. Pure."""
    wrong = [
        one.report(place_of(watch, one.path))
        for one in (*problems(watch, known), *word_problems(watch))
        if one.severity is Severity.ERROR
    ]
    if wrong:
        raise InvalidInput(*wrong)


def save_plan(wiring: Wiring, before: WatchList, watch: WatchList) -> Plan:
    """Return the plan that writes a watch list in place of ``before``, the stored one.

    Raises InvalidInput with everything that is wrong with it, Refused when somebody else has
    changed the stored one meanwhile.
    """
    store = wiring.store()
    site = store.load()
    if site.watch != before:
        raise Refused.of(
            "watch.changed-meanwhile",
            f"Somebody else has changed the watch list in {store.file} meanwhile.",
            "Read it again, then make your changes anew.",
        )
    require_sound(watch, machines(site))
    sentence = "Only the watch list in the site file changes; nothing else is touched."
    step = store.write_step(replace(site, watch=watch))
    return Plan("Save the watch list", sentence, (step,))


@dataclass(frozen=True, slots=True)
class SaveWatchList:
    """Writes the watch list into the site file. An Action."""

    wiring: Wiring
    before: WatchList  # as it was read from the site file
    watch: WatchList

    @property
    def title(self) -> str:
        """See Action.title."""
        return "Save the watch list"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord]:
        """See Action.prepare."""
        del person
        context.step("Comparing with the site file")
        plan = save_plan(self.wiring, self.before, self.watch)
        known = machines(self.wiring.store().load())
        changes = tuple(preview(plan, self.wiring.paths))
        return Prepared(
            plan.title,
            plan.sentence,
            (Group("This head", changes),),
            run=lambda task: self.wiring.journal().apply(plan, task),
            tell=_told,
            reports=doubts(self.watch, known, self.wiring.paths),
            idle=all(one.kind is ChangeKind.UNCHANGED for one in changes),
        )


def _told(record: ChangeRecord) -> Outcome:
    return Outcome("The watch list is in the site file.", undo=record.id, next=NEXT)
