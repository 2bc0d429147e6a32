"""The healer: what is decided is carried out here or there, and every end of it reaches the decisions again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from backend.watch.core import recovery_state as what
from backend.watch.healer import Healer, places
from backend.watch.healing import End
from backend.watch.link import LinkDown
from backend.watch.results import Outcome, Result
from backend.watch.role import Role
from backend.watch.settings import TAKEOVER, Head, Recovery, Service
from tests.unit.watch.core.world import settings
from tests.unit.watch.process.link_pair import go, until

UNIT = Recovery("unit", (("unit", "x.service"),), restarts=1, verify=60.0)
MOVES = UNIT._replace(kind="", restarts=0, escalate=TAKEOVER)
ACTIVE = Role(True, 1, why="", other_alive=True, other_willing=True)
HERE, THERE = ("head1",), ("head2",)


def service(recovery: Recovery = UNIT, name: str = "s") -> Service:
    return Service("g", name, ("head1", "head2"), "x", recovery=recovery)


def failed(hosts: tuple[str, ...] = HERE) -> Result:
    return Result(Outcome.FAILED, 1, " ".join(hosts), failed_hosts=hosts)


class World:
    """A healer, and what it has asked for."""

    def __init__(self, *services: Service) -> None:
        self.services = services
        self.ends: dict[str, asyncio.Future[End]] = {}
        self.agent: list[Mapping[str, Any]] = []
        self.agent_says: Mapping[str, Any] = {"ok": True}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.other_says: Mapping[str, Any] | Exception = {"ok": True}
        self.told: list[str] = []
        self.checked: list[str] = []
        self.said: list[str] = []
        self.stopped: list[str] = []
        self.healer = Healer(settings(*services), self, self, self)  # type: ignore[arg-type]
        self.healer.role(ACTIVE)
        self.healer.begin({})

    # the helper

    async def restart(self, one: Service) -> End:
        self.ends[one.name] = asyncio.get_running_loop().create_future()
        try:
            return await self.ends[one.name]
        except asyncio.CancelledError:
            self.stopped.append(one.name)
            raise

    async def ask_agent(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        self.agent.append(question)
        return self.agent_says

    # the link

    async def ask(
        self, question: str, _limit: float, values: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        self.asked.append((question, values))
        if isinstance(self.other_says, Exception):
            raise self.other_says
        return self.other_says

    # the watch list

    def check_now(self, ref: str) -> None:
        self.checked.append(ref)

    def escalated(self, _ref: str, sentence: str) -> None:
        self.told.append(sentence)

    def healing(self, _ref: str, sentence: str) -> None:
        self.said.append(sentence)

    # what is done

    def fails(self, hosts: tuple[str, ...] = HERE, number: int = 0) -> None:
        self.healer.result(self.services[number], failed(hosts))

    def phase(self, name: str = "s") -> str:
        return self.healer.texts().get(f"g:{name}", "healthy").partition(":")[0]

    async def becomes(self, phase: str) -> None:
        await until(lambda: self.phase() == phase, f"{phase}, not {self.phase()}")


@pytest.mark.parametrize("end", [End(True), End(False, "it is masked")])
def test_the_end_of_a_restart_reaches_the_decisions(end: End) -> None:
    async def work() -> None:
        world = World(service())
        world.fails()
        assert world.phase() == "restarting"
        await until(lambda: "s" in world.ends, "the restart")
        world.ends["s"].set_result(end)
        await world.becomes("verifying")
        assert ("the restart on head1 failed: it is masked" in world.said) is not end.ok
        assert (world.asked, world.agent) == ([], [])
        await world.healer.close()

    go(work)


def test_where_the_other_head_fails_it_is_asked_by_the_services_name_only() -> None:
    async def work() -> None:
        world = World(service())
        world.fails(THERE)
        await world.becomes("verifying")
        assert world.asked == [("restart", {"service": "g:s"})]
        assert world.ends == {}

    go(work)


def test_a_link_that_is_down_is_a_restart_that_failed() -> None:
    async def work() -> None:
        world = World(service())
        world.other_says = LinkDown("head2 does not answer")
        world.fails(THERE)
        await world.becomes("verifying")
        assert "the restart on head2 failed: head2 does not answer" in world.said

    go(work)


def test_one_restart_does_not_hold_up_another() -> None:
    async def work() -> None:
        world = World(service(), service(name="t"))
        world.fails()
        world.fails(number=1)
        await until(lambda: set(world.ends) == {"s", "t"}, "both restarts")
        world.ends["t"].set_result(End(True))
        await until(lambda: world.phase("t") == "verifying", "the end of the second")
        assert world.phase() == "restarting"
        await world.healer.close()

    go(work)


def test_a_restart_that_raises_is_heard_of() -> None:
    async def work() -> None:
        heard: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: heard.append(context["exception"]))
        world = World(service(), service(name="t"))
        world.fails()
        world.fails(number=1)
        await until(lambda: set(world.ends) == {"s", "t"}, "both restarts")
        world.ends["s"].set_exception(RuntimeError("a mistake"))
        await until(lambda: bool(heard), "the mistake")
        assert str(heard[0]) == "a mistake"
        world.ends["t"].set_result(End(True))
        await until(lambda: world.phase("t") == "verifying", "the end of the other")

    go(work)


@pytest.mark.parametrize("how", ["end", "close"])
def test_when_this_head_serves_no_more_what_runs_is_ended(how: str) -> None:
    async def work() -> None:
        world = World(service())
        world.fails()
        await until(lambda: "s" in world.ends, "the restart")
        if how == "end":
            world.healer.end()
        else:
            await world.healer.close()
        await until(lambda: world.stopped == ["s"], "the end of the restart")

    go(work)


def test_the_role_moves_when_the_other_head_is_fit_and_the_agent_is_told() -> None:
    async def work() -> None:
        world = World(service(MOVES))
        world.other_says = {"fit": True, "alive": True}
        world.fails()
        assert world.phase() == "asking"
        await world.becomes("moving")
        assert world.asked == [("fitness", {"service": "g:s"})]
        await until(lambda: bool(world.agent), "the agent's question")
        (told,) = world.agent
        assert (told["command"], told["fit"]) == ("health", False)
        assert "s does not work on head1" in told["why"]
        assert told["seconds"] >= 2 * what.MOVE_AGAIN
        assert world.told == []

    go(work)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"fit": False, "alive": True, "why": "its unit is masked"}, "its unit is masked"),
        ({"fit": True, "alive": False}, ""),
        ({}, ""),
        (LinkDown("nobody is there"), "nobody is there"),
    ],
)
def test_else_it_is_held_and_somebody_told(answer: Any, why: str) -> None:
    async def work() -> None:
        world = World(service(MOVES))
        world.other_says = answer
        world.fails()
        await world.becomes("held")
        assert len(world.told) == 1
        assert why in world.told[0]
        assert not any(one.get("fit") is False for one in world.agent)

    go(work)


def test_an_answer_that_is_none_moves_nothing() -> None:
    async def work() -> None:
        world = World(service(MOVES))
        world.other_says = {"fit": "yes", "alive": True}
        world.fails()
        await until(lambda: bool(world.asked), "the question")
        await asyncio.sleep(0)
        assert (world.phase(), world.agent) == ("asking", [])

    go(work)


def test_an_agent_that_would_not_take_the_role_is_not_asked_to() -> None:
    async def work() -> None:
        world = World(service(MOVES))
        world.healer.role(ACTIVE._replace(other_willing=False))
        world.other_says = {"fit": True, "alive": True}
        world.fails()
        await world.becomes("held")
        assert not any(one.get("fit") is False for one in world.agent)

    go(work)


def test_an_agent_that_refuses_the_move_is_said() -> None:
    async def work() -> None:
        world = World(service(MOVES))
        world.other_says = {"fit": True, "alive": True}
        world.agent_says = {"ok": False, "error": "there is no\x1b lease"}
        world.fails()
        await world.becomes("held")
        assert "there is no\\x1b lease" in world.told[0]
        await until(
            lambda: world.agent[-1] == {"command": "health", "fit": True}, "that it is taken back"
        )

    go(work)


def test_nothing_is_done_in_maintenance_or_for_services_without_recovery() -> None:
    async def work() -> None:
        world = World(service(), Service("g", "plain", ("head1",), "x"))
        world.healer.role(ACTIVE._replace(maintenance=True))
        world.fails()
        world.fails(number=1)
        await asyncio.sleep(0)
        assert (world.phase(), world.ends, world.asked) == ("suspect", {}, [])

    go(work)


def test_what_is_remembered_goes_on_elsewhere() -> None:
    async def work() -> None:
        world = World(service(MOVES))
        world.other_says = {"fit": False, "alive": True}
        world.fails()
        await world.becomes("held")
        after = World(service(MOVES))
        after.healer.begin(world.healer.remember())
        assert after.phase() == "held"
        after.healer.order(after.services[0], "enable")
        assert after.phase() == "healthy"
        for rubbish in (None, [], {"g:s": 7}, {"g:s": {"phase": "x"}}):
            after.healer.begin(rubbish)
            assert after.phase() == "healthy"

    go(work)


@pytest.mark.parametrize(
    ("hosts", "where"),
    [
        (("head1",), {what.Where.HERE}),
        (("head2.lab.example", "192.0.2.1"), {what.Where.HERE, what.Where.THERE}),
        (("node1",), {what.Where.ELSEWHERE}),
        ((), set()),
    ],
)
def test_where_it_failed(hosts: tuple[str, ...], where: set[what.Where]) -> None:
    me, other = Head("head1", ("192.0.2.1",)), Head("head2", ("192.0.2.2",))
    assert places(service(), failed(hosts), me, other) == where
    alone = service()._replace(hosts=("head2",))
    assert places(alone, failed(()), me, other) == {what.Where.THERE}
