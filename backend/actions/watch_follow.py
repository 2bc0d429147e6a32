"""Following what the watch process of this head knows, every two seconds, in the background."""

from dataclasses import dataclass

from backend.actions.watch_live import WATCH_SOCKET, Live, read_live
from backend.errors import HaoscarError
from backend.paths import Paths
from backend.reports import Report, error, warning
from backend.rollout import places
from backend.tasks import Progress, TaskContext

EVERY = 2.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class WatchNews:
    """What the watch process says, or why nothing is known."""

    live: Live | None = None
    problem: Report | None = None


class FollowWatch:
    """Looks until it is cancelled. The listener only hears that there is something new: ``take``
    returns the newest, and what a slow window has not taken meanwhile is gone."""

    title = "Watch list"

    def __init__(self, paths: Paths, *, socket: str = WATCH_SOCKET) -> None:
        self._paths = paths
        self._socket = socket
        self._news = WatchNews()
        self._told = False  # the listener has heard of something that nobody has taken yet

    def take(self) -> WatchNews:
        """Return the newest; may be called from any thread."""
        self._told = False  # first: what comes from now on is told again
        return self._news

    def run(self, context: TaskContext) -> None:
        """See Task.run; ends when it is cancelled, and raises nothing for a process that is away."""
        while not context.cancel.cancelled:
            news = self.look()
            changed, self._news = news != self._news, news
            if changed and not self._told:
                self._told = True
                context.listener(Progress(self.title))
            context.cancel.wait(EVERY)

    def look(self) -> WatchNews:
        """Return what the watch process says now, or why it says nothing."""
        try:
            return WatchNews(read_live(self._paths, self._socket)[0])
        except HaoscarError as problem:
            return WatchNews(problem=self._why(problem.reports[0]))

    def _why(self, report: Report) -> Report:
        """Return what is missing, and what to do about it."""
        if report.code != "watch.not-running":
            return report
        if not self._paths.at(places.WATCH_CONFIG).exists():
            return warning(
                "watch.not-installed",
                "No watch process is installed on this head: nothing is checked from here.",
                "Step 5, Complete installation, installs it on both heads, with the agents.",
            )
        return error(
            "watch.stopped",
            "The watch process is installed on this head but does not run: nothing is checked from here.",
            f"Start it: systemctl start {places.WATCH_UNIT}. Why it ended: journalctl -u {places.WATCH_UNIT}.",
        )
