"""The commands of the control socket, carried out on a head."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.watch.core import events
from backend.watch.core.board import Board
from backend.watch.engine import moment
from backend.watch.monitors.registry import Monitors
from backend.watch.results import Result
from backend.watch.settings import Service

if TYPE_CHECKING:
    from backend.watch.head import WatchHead

Answer = Mapping[str, Any]


class Commands:
    """What control.Engine asks for."""

    def __init__(self, head: WatchHead) -> None:
        self._head = head
        self.settings = head.settings

    @property
    def active(self) -> bool:
        """Whether this head's process checks and alerts."""
        return self._head.engine is not None

    def status(self) -> Answer:
        """Return everything about every service, or what is known of the head that serves."""
        head, board = self._head, self._head.board
        mine, copy = self.active, head.copying.copy
        if board is None or (not mine and head.copying.newer):
            board = Board(self.settings, copy.get("board"))
        me = self.settings.me.name
        said = head.healer.texts() if mine else {}
        services = board.snapshot(moment())
        for one in services:
            del one["detail"]  # of all together it would be too much
            one["recovery"] = said.get(one["ref"], "")
        return {
            "me": me, "active": mine, "by": me if mine else str(copy.get("head") or me),
            "copy": not mine and bool(copy), "why": "" if mine else head.why(),
            "connected": head.link.connected, "maintenance": head.role.maintenance,
            "refused": dict(head.link.refused), "link_bytes": head.link.bytes_sent,
            "alerts": head.post.snapshot() if mine else [], "services": services,
        }  # fmt: skip

    def command(self, name: str, service: Service, text: str) -> str:
        """Carry ack, unack, disable or enable out; returns the sentence."""
        made: dict[str, events.Event] = {
            "ack": events.Acknowledge(service.ref, text, getpass.getuser()),
            "unack": events.Unacknowledge(service.ref),
            "disable": events.Disable(service.ref),
            "enable": events.Enable(service.ref),
        }
        said = self._head.step(made[name])
        self._head.healer.order(service, name)
        return said

    def report(self, service: Service, result: Result) -> str:
        """Take the result of a service that reports by itself."""
        event = events.Reported(service.ref, result.outcome, result.summary, result.detail)
        said = self._head.step(event)
        return said or f"{service.ref} is {result.outcome.value}."

    async def test(self, service: Service, *, counted: bool) -> Result:
        """Check a service now."""
        engine = self._head.engine
        if counted and engine is not None:
            return await engine.test(service)
        checks = Monitors(self.settings)
        try:
            return await checks.check(service, service.hosts)
        finally:
            await checks.close()

    def history(self, service: str, since: float, most: int) -> list[dict[str, Any]]:
        """Return what happened."""
        return [one.as_dict() for one in self._head.history.find(service, since, most)]

    def availability(self, service: str) -> Answer:
        """Return the availability of a service, or of all."""
        if self._head.engine is not None:
            self._head.engine.count()
        refs = [service] if service else [one.ref for one in self.settings.services]
        return self._head.book.spans(refs, moment().wall)

    async def pass_on(self, question: Answer, limit: float) -> Answer:
        """Ask the other head's process the same."""
        return await self._head.link.ask("control", limit, question)
