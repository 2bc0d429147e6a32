"""The engine: one check's mistake stops no other, what was ended says nothing any more, each alert is passed on whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from backend.agent.chronicle import Chronicle
from backend.watch.alerts.message import Message
from backend.watch.core import events
from backend.watch.core.board import Board
from backend.watch.engine import Engine, not_silent
from backend.watch.history import Entry
from backend.watch.results import Outcome, Result
from backend.watch.settings import Service
from tests.unit.watch.core.world import RECOVERY, period, service, settings
from tests.unit.watch.process.link_pair import go, until

WELL, BAD = Result(Outcome.OK), Result(Outcome.FAILED, 1, "a1", "no answer\n", ("a1",))


class Checks:
    """Monitors whose ends the test decides."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, asyncio.Future[Result]]] = []
        self.cancelled: list[str] = []
        self.closed = False

    async def check(self, service: Service, hosts: tuple[str, ...]) -> Result:
        """Wait for the test."""
        assert hosts == service.hosts
        end: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.asked.append((service.name, end))
        try:
            return await end
        except asyncio.CancelledError:
            self.cancelled.append(service.name)
            raise

    async def close(self) -> None:
        self.closed = True

    def last(self, name: str) -> asyncio.Future[Result]:
        return next(end for one, end in reversed(self.asked) if one == name)

    def count(self, name: str) -> int:
        return sum(1 for one, _ in self.asked if one == name)


class World:
    """An engine, and what it has caused."""

    def __init__(self, *services: Service) -> None:
        self.checks = Checks()
        self.sent: list[Message] = []
        self.healed: list[tuple[str, Result]] = []
        self.noted: list[tuple[str, str, str]] = []
        self.lines: list[str] = []
        self.states: dict[str, str] = {}
        self.moves = False  # whether the role is moving
        told = settings(*services)
        chronicle = Chronicle(self.lines.append, time.time, lambda: 0)
        self.board = Board(told)
        self.engine = Engine(
            told, self.board, self.checks, self, self, chronicle, self.write,  # type: ignore[arg-type]
            lambda one, result: self.healed.append((one.name, result)), self.moving,
        )  # fmt: skip

    async def moving(self) -> bool:
        return self.moves

    def write(self, service: str, kind: str, sentence: str) -> Entry:
        self.noted.append((service, kind, sentence))
        return Entry("head1", 1, 0.0, service, kind, sentence)

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def note(self, ref: str, state: str, _mono: float, _wall: float) -> None:
        self.states[ref] = state

    def state(self, name: str) -> str:
        self.engine.count()
        return self.states[f"g:{name}"]

    async def begun(self, *names: str) -> None:
        """Begin, and have a check of each of these run."""
        self.engine.step(events.Begin())
        for name in names:
            if not self.checks.count(name):
                self.engine.step(events.TestNow(f"g:{name}"))
        await until(lambda: all(map(self.checks.count, names)), "the checks")

    async def ends(self, name: str, result: Result | Exception) -> None:
        """Let the running check of a service end."""
        end = self.checks.last(name)
        if isinstance(result, Exception):
            end.set_exception(result)
        else:
            end.set_result(result)
        await until(lambda: end is not self.checks.last(name) or not self.runs(name), "its end")

    def runs(self, name: str) -> bool:
        return f"g:{name}" in self.engine._running


def test_a_monitor_that_raises_is_unknown_and_stops_no_other() -> None:
    async def work() -> None:
        world = World(service("bad"), service("good"))
        await world.begun("bad", "good")
        await world.ends("bad", RuntimeError("no\x1bthing"))
        assert world.state("bad") == "unknown"
        assert "The monitor of g:bad failed itself" in " ".join(world.lines)
        assert "no\x1bthing" not in str(world.noted)
        await world.ends("good", WELL)
        assert world.state("good") == "ok"
        world.engine.step(events.TestNow("g:bad"))
        await until(lambda: world.checks.count("bad") == 2, "the next check")
        await world.ends("bad", WELL)
        assert world.state("bad") == "ok"
        await world.engine.close()

    go(work)


@pytest.mark.parametrize("event", [events.Retire(), events.Disable("g:s")])
def test_what_was_ended_says_nothing_any_more(event: events.Event) -> None:
    async def work() -> None:
        world = World(service("s", period(), recovery=RECOVERY))
        await world.begun("s")
        waiting = asyncio.ensure_future(world.engine.test(world.board._table.service("g:s")))
        await asyncio.sleep(0)
        world.engine.step(event)
        answer = await asyncio.wait_for(waiting, 5)
        assert (answer.outcome, answer.summary) == (Outcome.UNKNOWN, "the check was ended")
        await until(lambda: world.checks.cancelled == ["s"], "the end of the check")
        assert (world.sent, world.healed) == ([], [])
        await world.engine.close()

    go(work)


def test_what_fails_while_the_role_moves_has_not_failed() -> None:
    async def work() -> None:
        world = World(service("s", period(), recovery=RECOVERY))
        await world.begun("s")
        await world.ends("s", WELL)
        for moves, state in ((True, "ok"), (False, "failed")):
            world.engine.step(events.TestNow("g:s"))
            await until(lambda: not world.checks.last("s").done(), "the check")
            world.moves = moves
            await world.ends("s", BAD)
            assert world.state("s") == state
            assert bool(world.sent) is not moves
        assert [result.outcome for _, result in world.healed] == [Outcome.OK, Outcome.FAILED]
        held = "is not checked: the role is moving between the heads"
        assert ("g:s", "state", held) in world.noted
        await world.engine.close()

    go(work)


def test_a_test_waits_for_a_check_that_begins_after_it() -> None:
    async def work() -> None:
        world = World(service("s"))
        await world.begun("s")
        waiting = asyncio.ensure_future(world.engine.test(world.board._table.service("g:s")))
        await asyncio.sleep(0)
        await world.ends("s", BAD)  # it may have looked before there was anything to be tested
        await until(lambda: world.checks.count("s") == 2, "another check")
        assert not waiting.done()
        await world.ends("s", WELL)
        assert (await asyncio.wait_for(waiting, 5)).outcome is Outcome.OK
        await world.engine.close()

    go(work)


def test_close_ends_all_and_answers_who_waits() -> None:
    async def work() -> None:
        world = World(service("s"), service("t"))
        await world.begun("s", "t")
        waiting = asyncio.ensure_future(world.engine.test(world.board._table.service("g:t")))
        await asyncio.sleep(0)
        await world.engine.close()
        assert sorted(world.checks.cancelled) == ["s", "t"]
        assert world.checks.closed
        assert "does not check any more" in (await asyncio.wait_for(waiting, 5)).summary

    go(work)


def test_an_alert_has_all_that_is_known_and_is_noted() -> None:
    async def work() -> None:
        world = World(service("s", period(every=60.0), recovery=RECOVERY))
        await world.begun("s")
        await world.ends("s", WELL)
        world.engine.step(events.TestNow("g:s"))
        await until(lambda: world.checks.count("s") == 2, "the next check")
        before = time.time()
        await world.ends("s", BAD)
        (told,) = world.sent
        assert (told.service.name, told.alert.program, told.run) == ("s", "mail", "down")
        assert (told.result, told.hosts, told.every) == (BAD, ("a1", "b1"), 60.0)
        for moment in (told.wall, told.first_failed, told.last_failed):
            assert abs(moment - before) < 5
        assert 0 < told.last_success <= told.first_failed
        assert ("g:s", "alert", "down alert to mail") in world.noted
        assert world.healed == [("s", WELL), ("s", BAD)]
        assert world.engine.changed
        await world.engine.close()

    go(work)


def test_a_mistake_of_a_task_is_not_silent() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        heard: list[Any] = []
        loop.set_exception_handler(lambda _loop, context: heard.append(context["exception"]))

        async def fails() -> None:
            raise RuntimeError("a mistake")

        async def lasts() -> None:
            await asyncio.sleep(60)

        tasks = [asyncio.ensure_future(one()) for one in (fails, lasts)]
        for task in tasks:
            task.add_done_callback(not_silent)
        tasks[1].cancel()
        done: Callable[[], bool] = lambda: all(one.done() for one in tasks) and bool(heard)  # noqa: E731
        await until(done, "the mistake")
        assert [str(one) for one in heard] == ["a mistake"]

    go(work)
