"""One head's side of the watch list: what it knows, whichever of the two checks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from backend.agent.chronicle import Chronicle
from backend.watch.alerts.post import AlertPost
from backend.watch.availability_book import COUNT_EVERY, Book
from backend.watch.control import Control
from backend.watch.core import events
from backend.watch.core.board import Board
from backend.watch.engine import Engine, moment, not_silent
from backend.watch.head_commands import Commands
from backend.watch.head_healing import HeadHealing
from backend.watch.healer import Healer
from backend.watch.helper import Helper
from backend.watch.history import Entry, History
from backend.watch.link import Link, LinkDown
from backend.watch.link_copy import LATER, SOON, Copying
from backend.watch.monitors.registry import Monitors
from backend.watch.role import Role
from backend.watch.settings import Settings
from backend.watch.store import Store

KEEP_EVERY = 5.0  # seconds
HAND_OVER_LIMIT = 1.0  # seconds for the other head's last word; it may have died

Answer = Mapping[str, Any]


class WatchHead:
    """Begins and ends to check with the role; answers the commands."""

    def __init__(
        self, settings: Settings, chronicle: Chronicle, kick: Callable[[], None],
        look: Callable[[], Awaitable[Role]],
    ) -> None:  # fmt: skip
        """``kick`` has ``tick`` called soon, ``look`` asks the agent for the role at once."""
        self.settings = settings
        self.chronicle = chronicle
        self.kick = kick
        self._look = look
        self.role = Role()
        self._store = Store(settings.state_directory, chronicle.alarm)
        self.history = History(settings.me.name)
        self.book = Book(settings.me.name, self._store)
        self.engine: Engine | None = None
        self.board: Board | None = None  # the last that this head has used
        self.post = AlertPost(settings, chronicle.notice)
        self._helper = Helper(settings, chronicle)
        self._taking: asyncio.Future[None] | None = None
        self._ending: set[asyncio.Future[Any]] = set()
        self._sent = self._next_keep = self._next_count = 0.0
        self.control = Control(Commands(self))

    def open(self, link: Link) -> None:
        """Take what is on the disk; ``link`` leads to the other head's process."""
        self.link = link
        self._store.history(self.history)
        self.copying = Copying(link, self._store, self.history, self.book, self._snapshot)
        self.copying.copy = self._store.state()
        self.healer = Healer(self.settings, self._helper, link, HeadHealing(self))

    async def run(self) -> None:
        """Deliver alerts, until ``close``."""
        await self.post.run()

    def role_changed(self, role: Role) -> None:
        """Begin or end to check."""
        self.role = role
        self.healer.role(role)
        if role.active and self.engine is None and self._taking is None:
            self._taking = asyncio.ensure_future(self._take())
            self._taking.add_done_callback(not_silent)
        elif not role.active and self.engine is not None:
            self._end()

    async def _take(self) -> None:
        """Let the other head's process say its last word, and begin."""
        try:
            answer = await self.link.ask("hand_over", HAND_OVER_LIMIT, {})
            if isinstance(answer.get("state"), dict):
                self.copying.take(answer["state"])
        except LinkDown:
            pass  # what it has told before must do
        finally:
            self._taking = None
        if self.role.active:
            self._begin()

    def _begin(self) -> None:
        copy = self.copying.copy
        if self.board is None or self.copying.newer:
            self.board = Board(self.settings, copy.get("board"))
        self.healer.begin(copy.get("recovery"))
        self.copying.turn(active=True)
        self.post.recall(copy.get("alerts"))
        engine = Engine(
            self.settings, self.board, Monitors(self.settings), self.post, self.book,
            self.chronicle, self.write, self.healer.result, self._moving,
        )  # fmt: skip
        self.engine = engine
        self.write("", "notice", "the watch list is checked from this head now")
        engine.step(events.Begin())
        engine.count()
        self.kick()

    async def _moving(self) -> bool:
        return (await self._look()).moving

    def _end(self) -> None:
        engine = self.engine
        if engine is None:
            return
        engine.count()
        self.copying.send_day(*self.book.keep(moment().wall))
        engine.step(events.Retire())
        self.healer.end()
        self._keep()
        self.copying.copy = self._snapshot()
        self.engine = None
        self._hand_alerts_over()
        self.book.stop()
        self.copying.turn(active=False)
        task = asyncio.ensure_future(engine.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        self.write("", "notice", f"the watch list is not checked from this head: {self.why()}")

    def _hand_alerts_over(self) -> None:
        """The head that serves now sends what waits here; without a link to it, this one goes on."""
        if self.link.tell("alerts", alerts=self.post.remember()):
            self.post.forget()
            self.copying.copy["alerts"] = []

    def why(self) -> str:
        """Return why nothing is checked from here."""
        if self.role.active:
            return ""
        return self.role.why or f"{self.settings.me.name} does not serve"

    def step(self, event: events.Event) -> str:
        """Let something that a person says be decided; raises LinkDown when this head does not serve."""
        if self.engine is None:
            raise LinkDown("this head does not serve any more")
        said = self.engine.step(event)
        self.copying.send_state()  # a person's word must not be lost with this head
        self.kick()
        return " ".join(said)

    # time

    def wake_at(self) -> float:
        """Return when ``tick`` has something to do, on the clock of intervals."""
        if self.engine is None or self.board is None:
            return float("inf")
        return min(self.board.wake_at(), self.healer.wake_at())

    def tick(self) -> None:
        """Do what is due."""
        now = moment()
        engine = self.engine
        if engine is not None:
            engine.step(events.Tick())
            self.healer.tick()
            if engine.changed or now.mono >= self._next_count:
                self._count(engine, now.mono, now.wall)
            soon = SOON if engine.changed else LATER
            if now.mono >= self._sent + soon:
                engine.changed = False
                self._sent = now.mono
                self.copying.send_state()
        if now.mono >= self._next_keep:
            self._keep()

    def _count(self, engine: Engine, mono: float, wall: float) -> None:
        engine.count()
        if mono >= self._next_count:
            self._next_count = mono + COUNT_EVERY
            self.copying.send_day(*self.book.keep(wall))

    def _keep(self) -> None:
        """Write the state to the disk, whoever's it is."""
        self._next_keep = moment().mono + KEEP_EVERY
        if self.engine is not None:
            self._store.keep_state(self._snapshot())
        elif self.copying.copy and self.copying.news:
            self._store.keep_state(self.copying.copy)
            self.copying.news = False

    def _snapshot(self) -> dict[str, Any]:
        board = self.board
        return {
            "head": self.settings.me.name,
            "saved": moment().wall,
            "board": board.remember() if board is not None else {},
            "recovery": self.healer.remember(),
            "alerts": self.post.remember(),
        }

    async def close(self) -> None:
        """End, with everything kept."""
        if self._taking is not None:
            self._taking.cancel()
        if self.engine is not None:
            engine, self.engine = self.engine, None
            engine.count()
            self.book.keep(moment().wall)
            self.copying.send_state()
            self._store.keep_state(self._snapshot())
            self.healer.end()
            await engine.close()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self.healer.close()
        await self._helper.close()
        await self.post.close()
        await self._store.close()

    # the other head's process

    def hear(self, message: Answer) -> None:
        """It tells something; raises ValueError, KeyError, TypeError for what makes no sense."""
        if message["kind"] == "alerts":
            self.post.recall(message["alerts"])
        else:
            self.copying.hear(message)

    async def asked(self, message: Answer) -> Answer:
        """It asks something."""
        values = message.get("values")
        values = values if isinstance(values, dict) else {}
        if message.get("what") == "control":
            return await self.control.answer(values, passed=True)
        if message.get("what") == "hand_over":
            return await self._handed_over()
        return await self._helper.asked(str(message.get("what")), values)

    async def _handed_over(self) -> Answer:
        """The other head serves: look whether this one still does, and tell what it knows."""
        await self._look()
        if self._taking is not None or not (self.board or self.copying.copy):
            return {}
        return {"state": self._snapshot() if self.engine is not None else self.copying.copy}

    def write(self, service: str, kind: str, sentence: str) -> Entry:
        """Add to the history, here and on the other head."""
        entry = self.history.write(moment().wall, service, kind, sentence)
        self._store.keep_entries([entry])
        self.copying.send_entry(entry)
        return entry
