"""Long work: a task reports sentences, progress and remaining time, and can be cancelled.

A task runs in any thread. Its context only calls the listener it was given; the window's listener
puts events on a queue, the command line's prints them.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from backend.errors import Cancelled
from backend.reports import Report, info

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a task says: the step it is in, how far it is, how fast, and how long it will take."""

    step: str
    done: float = 0.0
    total: float | None = None
    unit: str = ""  # "bytes", "files", "machines" or "" when only the share matters
    rate: float | None = None  # units a second, over the last seconds
    remaining: float | None = None  # seconds, when it can be known
    detail: str = ""

    @property
    def share(self) -> float | None:
        """The finished part, 0.0 to 1.0, or None when the total is not known."""
        if not self.total:
            return None
        return min(1.0, max(0.0, self.done / self.total))


Event = Progress | Report
Listener = Callable[[Event], None]


class CancelToken:
    """Set by the user, looked at by the task; may be used from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the task to stop; returns at once."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep at most ``seconds``; returns True as soon as somebody cancels."""
        return self._event.wait(seconds)


class Meter:
    """Rate and remaining time from the last ten seconds of progress; pure, time is passed in."""

    WINDOW = 10.0

    def __init__(self) -> None:
        self._samples: list[tuple[float, float]] = []

    def update(
        self, now: float, done: float, total: float | None
    ) -> tuple[float | None, float | None]:
        """Take a sample (seconds, units); returns (rate, remaining), None where not yet known."""
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[0][0] > self.WINDOW:
            self._samples.pop(0)
        first_time, first_done = self._samples[0]
        if now - first_time < 0.2 or done <= first_done:
            return None, None
        rate = (done - first_done) / (now - first_time)
        return rate, (total - done) / rate if total else None


def _ignore(_event: Event) -> None:
    """Throw an event away: the listener of nobody."""


@dataclass
class TaskContext:
    """What a running task talks to; used from the task's thread only."""

    listener: Listener = _ignore
    cancel: CancelToken = field(default_factory=CancelToken)
    clock: Callable[[], float] = time.monotonic
    _step: str = ""
    _meter: Meter = field(default_factory=Meter)

    def step(self, sentence: str) -> None:
        """Begin a step; raises Cancelled when the user asked for it."""
        self.check_cancelled()
        self._step = sentence
        self._meter = Meter()
        self.listener(Progress(step=sentence))

    def progress(self, done: float, total: float | None, unit: str = "", detail: str = "") -> None:
        """Say how far the current step is; raises Cancelled when the user asked for it."""
        self.check_cancelled()
        rate, remaining = self._meter.update(self.clock(), done, total)
        self.listener(Progress(self._step, done, total, unit, rate, remaining, detail))

    def say(self, report: Report | str) -> None:
        """Pass on a report, or a plain sentence."""
        self.listener(info("task.note", report) if isinstance(report, str) else report)

    def check_cancelled(self) -> None:
        """Raise Cancelled when the user asked for it."""
        if self.cancel.cancelled:
            raise Cancelled(info("task.cancelled", "Cancelled on your request."))


class Task(Protocol[T_co]):
    """A piece of long work: made by a panel or the command line, run by the shell."""

    @property
    def title(self) -> str:
        """What the task does, as a heading."""

    def run(self, context: TaskContext) -> T_co:
        """Do it, in the calling thread; raises HaoscarError."""
