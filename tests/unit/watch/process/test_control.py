"""The control socket and the asking of the agent: questions of every kind get an answer in time."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.system.agent.control_socket import ask
from backend.system.watch.agent_client import AgentSilent, ask_agent
from backend.system.watch.control_server import ControlServer
from backend.watch.control import Control
from backend.watch.link import LinkDown
from backend.watch.results import Outcome, Result
from backend.watch.role import Role, RoleWatch, agent_asker, read_role
from backend.watch.settings import Service, Settings
from tests.unit.watch.process.link_pair import go, settings, until

WATCHED = (Service("g", "s", ("h1",), "ping.monitor"), Service("g", "traps", ("h1",)))


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with a name short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hw") as name:
        yield Path(name)


class Engine:
    """What the commands were carried out with."""

    def __init__(self, active: bool = True, other: Mapping[str, Any] | None = None) -> None:
        self.settings: Settings = settings("head1", 1)._replace(services=WATCHED)
        self.active = active
        self.other = other
        self.done: list[tuple[object, ...]] = []

    def status(self) -> Mapping[str, Any]:
        return {"me": "head1", "services": []}

    def command(self, name: str, service: Service, text: str) -> str:
        self.done.append((name, service.ref, text))
        return f"{service.ref} was told {name}."

    def report(self, service: Service, result: Result) -> str:
        self.done.append(("report", service.ref, result))
        return "noted"

    async def test(self, service: Service, *, counted: bool) -> Result:
        self.done.append(("test", service.ref, counted))
        return Result(Outcome.FAILED, 1, "no answer", took=0.5)

    def history(self, service: str, since: float, most: int) -> list[dict[str, Any]]:
        self.done.append(("history", service, since, most))
        return []

    def availability(self, service: str) -> Mapping[str, Any]:
        self.done.append(("availability", service))
        return {}

    async def pass_on(self, question: Mapping[str, Any], limit: float) -> Mapping[str, Any]:
        del limit
        if self.other is None:
            raise LinkDown("there is no link to the watch process of head2")
        self.done.append(("passed", question["command"]))
        return self.other


def said(engine: Engine, passed: bool = False, **question: Any) -> dict[str, Any]:
    return dict(asyncio.run(Control(engine).answer(question, passed=passed)))


def test_commands_reach_the_engine() -> None:
    engine = Engine()
    for name in ("ack", "unack", "disable", "enable"):
        answer = said(engine, command=name, service="g:s", text="a\x1b\nb")
        assert answer == {"ok": True, "sentence": f"g:s was told {name}."}
    assert engine.done[0] == ("ack", "g:s", "a\\x1b b")
    tested = said(engine, command="test", service="g:s")
    assert (tested["outcome"], tested["summary"], tested["by"]) == ("failed", "no answer", "head1")
    said(engine, command="history", service="g:s", since=5, most=1e9)
    said(engine, command="history", since=float("nan"), most="x")
    said(engine, command="report", service="g:traps", outcome="failed", summary="s" * 999)
    assert engine.done[4:7] == [
        ("test", "g:s", True), ("history", "g:s", 5.0, 1000), ("history", "", 0.0, 50),
    ]  # fmt: skip
    reported = engine.done[7][2]
    assert isinstance(reported, Result)
    assert reported.outcome is Outcome.FAILED
    assert len(reported.summary) == 400


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ({"command": "format"}, "there is no such command; there are ack, "),
        ({}, "there is no such command"),
        ({"command": "ack"}, "there is no service 'None'"),
        ({"command": "ack", "service": ["g:s"]}, "there is no service"),
        ({"command": "ack", "service": "g:\x1b[2J"}, "there is no service 'g:\\x1b[2J'"),
        ({"command": "ack", "service": "g:s", "text": 5}, "text is no text"),
        (
            {"command": "report", "service": "g:s", "outcome": "good"},
            "must be one of ok, failed, unknown",
        ),
        ({"command": "test", "service": "g:traps"}, "it reports by itself"),
    ],
)
def test_what_cannot_be_done_is_refused(question: dict[str, Any], why: str) -> None:
    answer = said(Engine(), **question)
    assert answer["ok"] is False
    assert why in answer["error"]


def test_a_standby_passes_changes_on() -> None:
    engine = Engine(active=False, other={"ok": True, "sentence": "done there"})
    assert said(engine, command="ack", service="g:s")["sentence"] == "done there"
    assert said(engine, command="test", service="g:s")["sentence"] == "done there"
    assert engine.done == [("passed", "ack"), ("passed", "test")]
    assert "no service" in said(engine, command="ack", service="g:none")["error"]


def test_a_standby_without_a_link_says_so_but_shows_its_copy() -> None:
    engine = Engine(active=False)
    assert said(engine, command="status") == {"ok": True, "me": "head1", "services": []}
    error = said(engine, command="test", service="g:s")["error"]
    assert "this head does not serve, and there is no link" in error
    assert "--here" in error
    assert said(engine, command="test", service="g:s", here=True)["outcome"] == "failed"
    assert engine.done == [("test", "g:s", False)]


def test_a_standby_shows_what_the_active_head_knows() -> None:
    theirs = {
        "ok": True,
        "me": "head2",
        "active": True,
        "by": "head2",
        "copy": False,
        "services": [1],
    }
    answer = said(Engine(active=False, other=theirs), command="status")
    assert answer == {"ok": True, "me": "head1", "by": "head2", "copy": False, "services": [1]}
    refused = {"ok": False, "error": "head2 does not serve either"}
    answer = said(Engine(active=False, other=refused), command="status")
    assert answer == {"ok": True, "me": "head1", "services": []}


def test_two_standbys_do_not_pass_a_command_to_and_fro() -> None:
    answer = said(
        Engine(active=False, other={"ok": True}), passed=True, command="ack", service="g:s"
    )
    assert answer == {"ok": False, "error": "head1 does not serve either"}


def test_the_socket_is_its_owners_and_takes_rubbish(short: Path) -> None:
    async def work() -> None:
        path = str(short / "watch")
        Path(path).write_text("left by another")
        server = ControlServer(path, Control(Engine()).respond)
        await server.open()
        assert Path(path).stat().st_mode & 0o077 == 0
        loop, chance = asyncio.get_running_loop(), random.Random(4)
        trouble: list[object] = []
        loop.set_exception_handler(lambda _loop, what: trouble.append(what))

        def put(data: bytes) -> dict[str, Any]:
            found: dict[str, Any] = json.loads(ask(path, data, 5.0))
            return found

        for data in (b"", b"[]", b"{", b"\xff", b"[" * 60_000, b"x" * 70_000):
            assert (await loop.run_in_executor(None, put, data))["ok"] is False
        for _ in range(50):
            junk = chance.randbytes(chance.randint(0, 99)).replace(b"\n", b"")
            assert (await loop.run_in_executor(None, put, junk))["ok"] is False
        good = b'{"command": "status"}'
        assert (await loop.run_in_executor(None, put, good))["ok"] is True
        with socket.socket(socket.AF_UNIX) as gone:  # asks and goes
            gone.connect(path)
            gone.send(good + b"\n")
        assert (await loop.run_in_executor(None, put, good))["ok"] is True
        await server.close()
        assert not Path(path).exists()
        assert not trouble

    go(work)


class Agent:
    """An agent's control socket that answers as it is told."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.answer: bytes | None = b""
        self._server: asyncio.AbstractServer | None = None

    async def open(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            if self.answer is not None:
                writer.write(self.answer)
                writer.close()
            else:
                await reader.read()  # until the other end gives up
                writer.close()

        self._server = await asyncio.start_unix_server(serve, self.path)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        Path(self.path).unlink()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "not JSON"), (b"[]\n", "not a JSON object"), (b'{"ok":false,"error":"no"}\n', "refuses: no"),
        (None, "did not answer within"), (b"x" * 2_000_000, "not JSON"), (b"[" * 100_000 + b"\n", "not JSON"),
    ],
)  # fmt: skip
def test_an_agent_that_says_nothing_of_use(short: Path, answer: bytes | None, why: str) -> None:
    async def work() -> None:
        agent = Agent(str(short / "control"))
        await agent.open()
        agent.answer = answer
        with pytest.raises(AgentSilent, match=why):
            await ask_agent(agent.path, {"command": "role"}, 0.3)
        await agent.close()
        with pytest.raises(AgentSilent, match="no agent answers"):
            await ask_agent(agent.path, {"command": "role"}, 0.3)

    go(work)


def test_the_role_is_followed_and_three_seconds_of_silence_end_it(short: Path) -> None:
    async def work() -> None:
        agent, now, seen = Agent(str(short / "control")), [100.0], list[Role]()
        await agent.open()
        watch = RoleWatch(agent_asker(agent.path), seen.append, lambda: now[0])
        agent.answer = b'{"ok":true,"role":"active","term":7}\n'
        await watch.once()
        await watch.once()
        assert seen == [Role(True, 7, False, "")]
        await agent.close()
        now[0] += 2.9
        await watch.once()
        assert watch.role.active
        now[0] += 0.2
        await watch.once()
        assert not watch.role.active
        assert "no agent answers" in watch.role.why
        await agent.open()
        await watch.once()
        assert watch.role.active
        agent.answer = b'{"ok":true,"role":"standby","term":8}\n'
        await watch.once()
        assert seen[-1] == Role(False, 8, False, "")
        await agent.close()

    go(work)


def test_who_asks_at_once_shares_a_question() -> None:
    async def work() -> None:
        asked, now = [0], itertools.count()

        async def ask(_question: dict[str, Any]) -> Mapping[str, Any]:
            asked[0] += 1
            await asyncio.sleep(0.01)
            return {"role": "active", "settling": asked[0] > 1}

        watch = RoleWatch(ask, lambda _role: None, lambda: float(next(now)))
        first = asyncio.ensure_future(watch.once())  # it may have been answered already
        await asyncio.sleep(0)
        roles = await asyncio.gather(*(watch.now() for _ in range(50)))
        await first
        assert asked[0] == 3  # the first of them asks before the others want to know
        assert all(one.moving for one in roles)

    go(work)


def test_a_question_that_is_not_answered_yet_tells_nothing() -> None:
    async def work() -> None:
        now, ends = itertools.count(), list[asyncio.Future[str]]()

        async def ask(_question: dict[str, Any]) -> Mapping[str, Any]:
            ends.append(asyncio.get_running_loop().create_future())
            return {"role": await ends[-1]}

        watch = RoleWatch(ask, lambda _role: None, lambda: float(next(now)))
        first = asyncio.ensure_future(watch.now())
        second = asyncio.ensure_future(watch.now())  # waits for its turn
        await asyncio.sleep(0)
        usual = asyncio.ensure_future(watch.once())  # begins after both calls
        await asyncio.sleep(0)
        ends[0].set_result("standby")
        await first
        await until(lambda: len(ends) == 3, "a question of the second one")
        for end in ends[1:]:
            end.set_result("active")
        assert (await second).active
        await usual

    go(work)


@pytest.mark.parametrize(
    ("answer", "moving"),
    [
        ({"role": "active"}, False), ({"role": "active", "draining": True}, True),
        ({"role": "active", "settling": True}, True), ({"role": "standby"}, True),
        ({"role": "active", "settling": 1, "draining": "yes"}, False),
    ],
)  # fmt: skip
def test_when_the_role_is_moving(answer: dict[str, Any], moving: bool) -> None:
    assert read_role(answer).moving is moving


@pytest.mark.parametrize(
    "value", [{}, {"role": 1}, {"role": "active "}, {"term": "x", "role": None}]
)
def test_a_strange_role_is_none(value: dict[str, Any]) -> None:
    assert not read_role(value).active
