"""Carries out what the board decides: runs checks, sends alerts, heals, notes. One at a time."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from backend.agent.chronicle import Chronicle
from backend.system.agent.process import boottime_us
from backend.watch.alerts.message import Message
from backend.watch.availability_book import Book
from backend.watch.core import events
from backend.watch.core.actions import Action, Cancel, Heal, Note, Run, Tell
from backend.watch.core.board import Board
from backend.watch.history import Entry
from backend.watch.results import Moment, Outcome, Result, harmless
from backend.watch.settings import Service, Settings


def moment() -> Moment:
    """Return now."""
    return Moment(boottime_us() / 1e6, time.time())


def not_silent(task: asyncio.Future[Any]) -> None:
    """Let the loop's handler hear of a task's mistake at once; for add_done_callback."""
    if not task.cancelled():
        task.result()


class Checks(Protocol):
    """What runs monitors; monitors.registry.Monitors."""

    async def check(self, service: Service, hosts: tuple[str, ...]) -> Result:
        """Check a service once."""

    async def close(self) -> None:
        """End."""


class Post(Protocol):
    """What sends alerts; alerts.post.AlertPost."""

    def send(self, message: Message) -> None:
        """Send one, some time."""


class Engine:
    """The watch list while this head is the active one."""

    def __init__(
        self, settings: Settings, board: Board, checks: Checks, post: Post, book: Book,
        chronicle: Chronicle, write: Callable[[str, str, str], Entry], heal: Callable[[Service, Result], None],
        moving: Callable[[], Awaitable[bool]],
    ) -> None:  # fmt: skip
        """``write`` adds to the history (service, kind, sentence); ``heal`` gets each result of a
        service with a recovery; ``moving`` tells whether the role is being given or taken now."""
        self.board = board
        self._settings = settings
        self._services = {one.ref: one for one in settings.services}
        self._checks, self._post, self._book = checks, post, book
        self._chronicle = chronicle
        self._write = write
        self._heal = heal
        self._moving = moving
        self._running: dict[str, asyncio.Future[None]] = {}
        self._waiting: dict[str, list[tuple[int, asyncio.Future[Result]]]] = {}
        self._turn: dict[str, int] = {}  # how often a check of a service has begun
        self.changed = False  # since somebody looked: more than times

    def step(self, event: events.Event) -> tuple[str, ...]:
        """Let an event be decided and carried out; returns the sentences."""
        now = moment()
        decision = self.board.step(event, now)
        for action in decision.actions:
            self._do(action, now)
        for sentence in decision.sentences:
            self._chronicle.decision(sentence)
        return decision.sentences

    def count(self) -> None:
        """Let the availability know the states of now."""
        now = moment()
        for one in self.board.snapshot(now):
            self._book.note(one["ref"], one["state"], now.mono, now.wall)

    async def test(self, service: Service) -> Result:
        """Check a service now and wait for the end of it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        # A check that runs already may have looked before what is to be tested was there.
        turn = self._turn.get(service.ref, 0) + 1
        self._waiting.setdefault(service.ref, []).append((turn, future))
        self.step(events.TestNow(service.ref))
        return await future

    async def check_once(self, service: Service) -> Result:
        """Check a service without counting it."""
        return await self._checked(service, service.hosts)

    async def close(self) -> None:
        """End all that runs."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._checks.close()
        for ref in list(self._waiting):
            self._answer(ref, Result(Outcome.UNKNOWN, summary="this head does not check any more"))

    # actions

    def _do(self, action: Action, now: Moment) -> None:
        if isinstance(action, Run):
            turn = self._turn[action.ref] = self._turn.get(action.ref, 0) + 1
            task = asyncio.ensure_future(self._run(action.ref, action.hosts, turn))
            self._running[action.ref] = task
            task.add_done_callback(not_silent)
        elif isinstance(action, Cancel):
            ended = self._running.pop(action.ref, None)
            if ended is not None:
                ended.cancel()
            self._answer(action.ref, Result(Outcome.UNKNOWN, summary="the check was ended"))
        elif isinstance(action, Tell):
            self._tell(action, now)
        elif isinstance(action, Note):
            self.changed = True
            self._write(action.ref, "state", action.sentence)
        elif isinstance(action, Heal):
            self._heal(self._services[action.ref], action.result)

    async def _run(self, ref: str, hosts: tuple[str, ...], turn: int) -> None:
        result = await self._checked(self._services[ref], hosts)
        # What the agent has stopped for the other head, or not started yet, has not failed.
        moving = result.outcome is Outcome.FAILED and await self._moving()
        if self._running.get(ref) is asyncio.current_task():
            del self._running[ref]
            # Either may begin the next check.
            self.step(events.Moving(ref) if moving else events.Finished(ref, result))
            self._answer(ref, result, turn)

    async def _checked(self, service: Service, hosts: tuple[str, ...]) -> Result:
        """Check; a monitor that fails in a way nobody has thought of says nothing of the service."""
        try:
            return await self._checks.check(service, hosts)
        except Exception as problem:  # noqa: BLE001 - one check must not end the others
            self._chronicle.alarm(f"The monitor of {service.ref} failed itself: {problem!r}.")
            return Result(
                Outcome.UNKNOWN, 2, harmless(f"the monitor failed itself: {problem!r}", 300)
            )

    def _answer(self, ref: str, result: Result, turn: float = math.inf) -> None:
        """Answer who waits for the end of this check, or of an earlier one."""
        left = []
        for wanted, future in self._waiting.pop(ref, []):
            if wanted > turn:
                left.append((wanted, future))
            elif not future.done():
                future.set_result(result)
        if left:
            self._waiting[ref] = left

    def _tell(self, action: Tell, now: Moment) -> None:
        self.changed = True
        message = Message(
            self._services[action.ref], action.alert, action.run, action.result, action.hosts,
            now.wall, action.every, action.first_failed, action.previous,
            action.last_success, action.last_failed, action.acknowledged,
        )  # fmt: skip
        self._post.send(message)
        words = " ".join((action.alert.program, *action.alert.words))
        self._write(action.ref, "alert", f"{action.run} alert to {harmless(words, 200)}")
