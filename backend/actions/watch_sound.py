"""Everything that is wrong with a watch list, as the site file and the watch process will judge it."""

from collections.abc import Iterator

from backend.actions.watch_list import Watched, look
from backend.agent.config_resources import wrong_options
from backend.model.watchlist import Ref, WatchList
from backend.model.watchlist_checks import Machines, problems
from backend.model.watchlist_problems import Problem, mistake
from backend.site.watch_words import word_problems
from backend.watch.config_schema import RECOVERY_OPTIONS
from backend.wiring import Wiring


def look_and_judge(wiring: Wiring) -> Watched:
    """Read the watch list; what judging takes is loaded then, and keeps no window waiting later."""
    watched = look(wiring)
    tuple(all_problems(watched.watch, watched.machines))
    return watched


def all_problems(watch: WatchList, machines: Machines) -> Iterator[Problem]:
    """Yield what is wrong or doubtful between the values."""
    yield from problems(watch, machines)
    yield from word_problems(watch)
    for number, service in enumerate(watch.services):
        recovery = service.recovery
        if recovery is not None:
            for text, remedy in wrong_options(recovery.kind, recovery.options, RECOVERY_OPTIONS):
                plain = remedy.replace('"', "").replace(": ", "=", 1)
                where = ("watch", number, "recovery_options")
                yield mistake(where, "site.options", text.removeprefix("options: "), plain)


def problems_of(watch: WatchList, ref: Ref, machines: Machines) -> list[Problem]:
    """Return what concerns one service, with paths that begin at the service."""
    number = next((n for n, one in enumerate(watch.services) if one.ref == ref), None)
    return [
        one.within(("watch", number))
        for one in all_problems(watch, machines)
        if number is not None and one.path[:2] == ("watch", number)
    ]
