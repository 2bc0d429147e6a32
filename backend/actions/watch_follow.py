"""Following what the watch process of this head knows, every two seconds, in the background."""

from dataclasses import dataclass

from backend.actions.follow import Follower
from backend.actions.watch_live import WATCH_SOCKET, Live, read_live
from backend.errors import HaoscarError
from backend.paths import Paths
from backend.reports import Report, error, warning
from backend.rollout import places

EVERY = 2.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class WatchNews:
    """What the watch process says, or why nothing is known."""

    live: Live | None = None
    problem: Report | None = None


class FollowWatch(Follower[WatchNews]):
    """Looks until it is cancelled; see Follower."""

    title = "Watch list"

    def __init__(self, paths: Paths, *, socket: str = WATCH_SOCKET) -> None:
        super().__init__(WatchNews())
        self._paths = paths
        self._socket = socket

    def pause(self, _news: WatchNews) -> float:
        """See Follower.pause."""
        return EVERY

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
