"""How long each part of the bench takes, and how far it is."""

import time
from dataclasses import dataclass

from backend.lab.monitoring.mix import MANY
from backend.lab.monitoring.results import SIZES
from backend.tasks import TaskContext

WORLD = 4.0  # seconds to start it and to begin
RESTART = 1.8  # seconds for watch processes that begin anew
SETTLE = 4.8  # seconds for SNMP agents that begin anew: two polls of each


@dataclass(frozen=True, slots=True)
class Plan:
    """All times are seconds."""

    alone: float  # the three default rows; 0: not measured
    calm: float  # until the first checks and connections are over
    usual: float  # the default rows and 20 more
    looked: float  # over which their lateness is watched; 0: it is not
    many: int  # services
    many_interval: float
    intervals: float  # over which many are watched, after the first checks
    polled: float  # for each size of message
    sizes: tuple[int, ...] = SIZES

    @property
    def seconds(self) -> float:
        """All together."""
        parts = (
            WORLD, self.alone and RESTART + self.calm + self.alone,
            RESTART + self.calm + self.usual, self.looked, self.many_seconds,
            RESTART, len(self.sizes) * (SETTLE + self.polled),
        )  # fmt: skip
        return sum(parts)

    @property
    def many_seconds(self) -> float:
        """Of the part with many services: the first checks are spread over the interval."""
        return RESTART + (1 + self.intervals) * self.many_interval


FULL = Plan(12.0, 6.0, 36.0, 9.0, MANY, 30.0, 2.2, 6.2)
QUICK = Plan(0.0, 2.0, 5.0, 0.0, MANY // 20, 1.5, 2.2, 2.9, (1, 20))


class Clock:
    """Says what is being done and how far the whole is, in seconds of work as planned."""

    def __init__(self, context: TaskContext, total: float) -> None:
        self._context = context
        self._total = total
        self._what = "Starting the world"
        self._done = 0.0  # before the present piece of work
        self._piece = WORLD
        self._began = time.monotonic()
        context.step("Measuring")

    def say(self, what: str, seconds: float) -> None:
        """Begin a piece of work."""
        self._done += self._piece
        self._what, self._piece, self._began = what, seconds, time.monotonic()
        self.went()

    def went(self) -> None:
        """Say how far it is; a piece that takes longer than planned counts as almost done."""
        part = min(time.monotonic() - self._began, self._piece)
        self._context.progress(self._done + part, self._total, "", self._what)
