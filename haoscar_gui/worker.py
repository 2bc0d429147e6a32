"""The only place with threads: work runs in one of its own, and comes back in the window's thread.

What a task says waits in its mailbox. The window empties the mailboxes a few milliseconds at a
time, so that no flood of events keeps it from answering; a task that says more than can be shown
waits until there is room.
"""

import logging
import sys
import threading
import time
import tkinter as tk
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from backend.errors import Cancelled, HaoscarError
from backend.tasks import CancelToken, Event, Progress, TaskContext

log = logging.getLogger(__name__)

T = TypeVar("T")
Call = Callable[[], object]

EVERY = 25  # milliseconds between two looks into the mailboxes
BUDGET = 0.02  # seconds that one look may take
ROOM = 2000  # things that may wait in one mailbox


class Mailbox:
    """What one job has to say, in order; filled by its thread, emptied by the window's."""

    def __init__(self, token: CancelToken) -> None:
        self._token = token
        self._waiting: deque[Event | Call] = deque()
        self._room = threading.Condition()

    def put(self, event: Event | Call) -> None:
        """Add something; progress replaces older progress of the same step that nobody has seen.

        Waits while the box is full, unless the job is cancelled.
        """
        with self._room:
            last = self._waiting[-1] if self._waiting else None
            same = isinstance(last, Progress) and isinstance(event, Progress)
            if same and last.step == event.step:  # type: ignore[union-attr]
                self._waiting[-1] = event
                return
            while len(self._waiting) >= ROOM and not self._token.cancelled:
                self._room.wait(0.1)
            self._waiting.append(event)

    def take(self) -> Event | Call | None:
        """Return the oldest thing, None when there is none."""
        with self._room:
            if not self._waiting:
                return None
            self._room.notify()
            return self._waiting.popleft()


@dataclass
class Job:
    """Something that runs; its callbacks are called in the window's thread."""

    news: Callable[[Event], object]
    token: CancelToken = field(default_factory=CancelToken)
    ended: bool = False
    box: Mailbox = field(init=False)

    def __post_init__(self) -> None:
        self.box = Mailbox(self.token)

    def in_window(self, call: Call) -> None:
        """Let something be called in the window's thread, after what was said before."""
        self.box.put(call)


def _no_news(_event: Event) -> None:
    """Throw an event away: nobody asked for any."""


class Worker:
    """Starts jobs and hands on what they say; everything but the work itself in the window's thread."""

    def __init__(self, root: tk.Tk) -> None:
        self._root = root
        self._jobs: list[Job] = []
        self._ticking = False

    def start(
        self,
        work: Callable[[TaskContext, Job], T],
        done: Callable[[T], object],
        failed: Callable[[HaoscarError], object],
        news: Callable[[Event], object] = _no_news,
        token: CancelToken | None = None,
    ) -> Job:
        """Run ``work`` in a thread; exactly one of ``done`` and ``failed`` follows, after its news."""
        job = Job(news, token or CancelToken())
        self._jobs.append(job)

        def end(callback: Callable[[Any], object], value: object) -> None:
            job.ended = True
            callback(value)

        def run() -> None:
            try:
                result = work(TaskContext(job.box.put, job.token), job)
            except HaoscarError as problem:
                found: HaoscarError = problem
            except OSError as problem:
                found = HaoscarError.of("window.system", f"The system refused: {problem}.")
            except BaseException as mistake:
                log.exception("a mistake of the program")
                found = _mistake(mistake)
            else:
                job.in_window(lambda: end(done, result))
                return
            job.in_window(lambda: end(failed, found))

        threading.Thread(target=run, daemon=True, name="haoscar-work").start()
        if not self._ticking:
            self._ticking = True
            self._root.after(EVERY, self._tick)
        return job

    @property
    def reading(self) -> bool:
        """Whether anything runs that ends by itself, unlike what listens (it has news)."""
        return any(job.news is _no_news for job in self._jobs)

    def cancel_all(self) -> None:
        """Ask everything that runs to stop."""
        for job in self._jobs:
            job.token.cancel()

    def _tick(self) -> None:
        """Hand on what has come, a bit from each job in turn, for as long as the budget lasts."""
        until = time.monotonic() + BUDGET
        try:
            waiting = True
            while waiting and time.monotonic() < until:
                waiting = False
                for job in tuple(self._jobs):
                    waiting = self._hand_on(job) or waiting
        finally:
            self._jobs = [job for job in self._jobs if not job.ended]
            self._ticking = bool(self._jobs)
            if self._ticking:
                self._root.after(EVERY, self._tick)

    def _hand_on(self, job: Job) -> bool:
        """Hand on one thing; a callback that fails loses this thing and nothing else."""
        found = job.box.take()
        if found is None:
            return False
        try:
            if callable(found):
                found()
            else:
                job.news(found)
        except Exception:  # noqa: BLE001 - the window goes on, and tells
            self._root.report_callback_exception(*sys.exc_info())
        return True


def _mistake(mistake: BaseException) -> HaoscarError:
    return HaoscarError.of(
        "window.mistake",
        f"A mistake in HA-OSCAR itself ended this: {type(mistake).__name__}: {mistake}.",
        "A change that was being made has been taken back. The log says where; report it.",
    )


def cancelled(problem: HaoscarError) -> bool:
    """Tell whether it ended because somebody cancelled."""
    return isinstance(problem, Cancelled)
