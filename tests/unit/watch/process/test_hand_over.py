"""One head's process hands over what waits there when the role has gone, and keeps it when nobody takes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.agent.chronicle import Chronicle
from backend.watch.availability import day_of
from backend.watch.engine import moment
from backend.watch.head import WatchHead
from backend.watch.link import LinkDown
from backend.watch.role import Role
from backend.watch.settings import Alert, Service
from tests.unit.watch.alerts.world import message
from tests.unit.watch.core.world import period
from tests.unit.watch.process.link_pair import go, settings, until

ACTIVE = Role(True, 1, why="")
ALERT = Alert("/nowhere/page")
SERVICE = Service("g", "s", ("head1",), "tcp", ("1",), 3600.0, periods=(period(ALERT),))


class Wire:
    """A link that hands on at once what it is told, while it is up."""

    def __init__(self) -> None:
        self.other: WatchHead | None = None
        self.connected = True
        self.bytes_sent, self.refused = 0, {}
        self.told: list[str] = []

    def tell(self, kind: str, **values: Any) -> bool:
        self.told.append(kind)
        if self.connected and self.other is not None:
            self.other.hear({"kind": kind, **values})
        return self.connected

    async def ask(
        self, question: str, _limit: float, values: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if not self.connected or self.other is None:
            raise LinkDown("nobody is there")
        return await self.other.asked({"what": question, "values": values})


def head(name: str, directory: Path) -> tuple[WatchHead, Wire, list[str]]:
    lines: list[str] = []

    async def look() -> Role:
        """The agent says nothing new."""
        return made.role

    place = directory / name
    place.mkdir()
    told = settings(name, 1, str(place))._replace(services=(SERVICE,))
    made = WatchHead(told, Chronicle(lines.append, time.time, lambda: 0), lambda: None, look)
    wire = Wire()
    made.open(wire)  # type: ignore[arg-type]
    return made, wire, lines


@pytest.mark.parametrize("connected", [True, False])
def test_alerts_that_wait_go_to_the_head_that_serves_now(tmp_path: Path, connected: bool) -> None:
    async def work() -> None:
        (one, wire, _), (other, back, _) = head("head1", tmp_path), head("head2", tmp_path)
        wire.other, back.other = other, one
        one.role_changed(ACTIVE)
        await until(lambda: one.engine is not None, "the first head")
        one.post.send(message(ALERT, of=SERVICE, wall=time.time()))
        assert len(one.post.snapshot()) == 1
        wire.connected = back.connected = connected
        one.role_changed(Role(why="another head serves"))
        assert one.engine is None
        here, there = len(one.post.snapshot()), len(other.post.snapshot())
        assert (here, there) == ((0, 1) if connected else (1, 0))
        await asyncio.gather(one.close(), other.close())

    go(work)


def test_the_head_that_begins_goes_on_where_the_other_one_was(tmp_path: Path) -> None:
    async def work() -> None:
        (one, wire, _), (other, back, _) = head("head1", tmp_path), head("head2", tmp_path)
        wire.other, back.other = other, one
        one.role_changed(ACTIVE)
        await until(lambda: one.engine is not None, "the first head")
        control = {"command": "disable", "service": SERVICE.ref}
        assert (await one.control.answer(control))["ok"] is True
        one.role_changed(Role(why="another head serves"))
        other.role_changed(ACTIVE)
        await until(lambda: other.engine is not None, "the second head")
        answer = await other.control.answer({"command": "status"})
        (shown,) = answer["services"]
        assert (answer["by"], shown["state"]) == ("head2", "disabled")
        # The standby passes a command on, and what comes from there is the active one's word.
        enabled = await one.control.answer({**control, "command": "enable"})
        assert enabled == {
            "ok": True,
            "sentence": f"{SERVICE.ref} was enabled: it is checked again.",
        }
        await asyncio.gather(one.close(), other.close())

    go(work)


def test_the_availability_of_the_last_minute_is_handed_over(tmp_path: Path) -> None:
    async def work() -> None:
        (one, wire, _), (other, back, _) = head("head1", tmp_path), head("head2", tmp_path)
        wire.other, back.other = other, one
        one.role_changed(ACTIVE)
        await until(lambda: one.engine is not None, "the first head")
        one.tick()  # the first count
        counted = moment().mono
        await until(lambda: moment().mono > counted + 0.02, "some time to count")
        one.role_changed(Role(why="another head serves"))
        day = day_of(time.time())
        assert one.book.day(day) == other.book.day(day)
        assert one.book.day(day)
        await asyncio.gather(one.close(), other.close())

    go(work)


def test_without_the_other_head_it_begins_with_what_is_on_the_disk(tmp_path: Path) -> None:
    async def work() -> None:
        one, wire, _ = head("head1", tmp_path)
        wire.connected = False
        one.role_changed(ACTIVE)
        await until(lambda: one.engine is not None, "the beginning")
        await one.control.answer({"command": "disable", "service": SERVICE.ref})
        await one.close()
        again = WatchHead(one.settings, one.chronicle, lambda: None, one._look)
        again.open(wire)  # type: ignore[arg-type]
        again.role_changed(ACTIVE)
        await until(lambda: again.engine is not None, "the second beginning")
        (shown,) = (await again.control.answer({"command": "status"}))["services"]
        assert shown["state"] == "disabled"
        await again.close()

    go(work)


class SlowWire(Wire):
    """A link whose messages arrive when ``deliver`` is called."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Mapping[str, Any]] = []

    def tell(self, kind: str, **values: Any) -> bool:
        self.waiting.append({"kind": kind, **values})
        return True

    def deliver(self) -> None:
        assert self.other is not None
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            self.other.hear(one)


def test_what_happens_while_they_meet_does_not_hide_what_happened_before(tmp_path: Path) -> None:
    async def work() -> None:
        (one, wire, _), (other, back, _) = head("head1", tmp_path), head("head2", tmp_path)
        wire.connected = back.connected = False
        one.write("", "notice", "before they met")
        to, fro = SlowWire(), SlowWire()
        to.other, fro.other = other, one
        one.copying._link, other.copying._link = to, fro  # type: ignore[assignment]
        one.copying.met()
        other.copying.met()
        one.write("", "notice", "while they met")  # what the other head knows has not come yet
        to.deliver()
        fro.deliver()
        one.write("", "notice", "after they met")
        to.deliver()
        sentences = [entry.sentence for entry in other.history.find("", 0.0, 10)]
        assert sentences == ["before they met", "while they met", "after they met"]
        await asyncio.gather(one.close(), other.close())

    go(work)
