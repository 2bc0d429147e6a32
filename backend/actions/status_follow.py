"""Following what the agent of this head knows, several times a second, in the background."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.actions.agent_client import SOCKET, ask_agent
from backend.actions.follow import Follower
from backend.actions.status import Entry, Status, entries
from backend.errors import HaoscarError
from backend.paths import Paths
from backend.reports import Report, error
from backend.rollout import places

EVERY = 0.3  # seconds between two looks
EVERY_WITHOUT = 1.0  # while nobody answers
LIMIT = 1.0  # seconds for an answer; it comes within milliseconds
EVENTS_EVERY = 10  # looks; a decision or an alarm is fetched at once
KEPT = 50  # sentences


@dataclass(frozen=True, slots=True)
class News:
    """The newest that is known; ``problem`` says why it is not new."""

    status: Status | None = None
    events: tuple[Entry, ...] = ()  # the newest last
    problem: Report | None = None
    installed: bool = True  # whether this machine has an agent at all
    age: float = 0.0  # whole seconds since ``status`` was true, 0 while there is no problem


class FollowStatus(Follower[News]):
    """Looks until it is cancelled; see Follower."""

    title = "Cluster status"

    def __init__(
        self, paths: Paths, *, socket: str = SOCKET, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(News())
        self._paths = paths
        self._socket = socket
        self._clock = clock
        self._at = 0.0  # when the status was read
        self._newest: tuple[Entry | None, Entry | None] = (None, None)
        self._looks = 0

    def pause(self, news: News) -> float:
        """See Follower.pause."""
        return EVERY if news.problem is None else EVERY_WITHOUT

    def look(self) -> News:
        """Return what the agent says now, or what it said last and why nothing comes."""
        try:
            answer = ask_agent(self._paths, "status", socket=self._socket, limit=LIMIT)
            status = Status.of(answer)
            events = self._events(status)
        except HaoscarError as problem:
            return self._without(problem)
        self._at = self._clock()
        return News(status, events)

    def _events(self, status: Status) -> tuple[Entry, ...]:
        """Return the last sentences; all anew, because an agent that was restarted counts anew."""
        newest = status.last_decision, status.last_alarm
        due = self._looks % EVENTS_EVERY == 0 or newest != self._newest
        self._looks += 1
        if not due:
            return self._news.events
        answer = ask_agent(
            self._paths, "events", socket=self._socket, limit=LIMIT, since=0, most=KEPT
        )
        self._newest = newest
        return entries(answer)

    def _without(self, problem: HaoscarError) -> News:
        report = problem.reports[0]
        installed = True
        if report.code == "agent.not-running":
            installed = self._paths.at(places.CONFIG).exists()
            report = _stopped(self._paths) if installed else _not_installed()
        age = float(int(self._clock() - self._at)) if self._news.status else 0.0
        return replace(self._news, problem=report, installed=installed, age=age)


def _not_installed() -> Report:
    return error(
        "status.not-installed",
        "No failover agent is installed on this machine.",
        "Install it with Step 5, Complete installation, or: haoscar install-agent.",
    )


def _stopped(paths: Paths) -> Report:
    return error(
        "status.stopped",
        f"The failover agent is installed on this machine ({paths.at(places.CONFIG)}) but does not run.",
        f"Start it: systemctl start {places.HEAD_UNIT}. Why it ended: journalctl -u {places.HEAD_UNIT}.",
    )
