"""Whether this head serves: the agent on it is asked once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from backend.system.watch.agent_client import AgentSilent, ask_agent
from backend.watch.results import harmless

EVERY, LIMIT = 1.0, 1.0  # seconds
SILENT = 3.0  # seconds without an answer after which this head counts as not active

Ask = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]


class Role(NamedTuple):
    """What the agent says."""

    active: bool = False
    term: int = 0
    maintenance: bool = False
    why: str = "the agent has not been asked yet"  # why nothing is known; "" when it answers
    other_alive: bool = False
    other_willing: bool = False  # it would take the role
    draining: bool = False  # the agent stops the resources here, to hand the role over
    settling: bool = False  # the agent starts the resources here: it has just begun to serve

    @property
    def moving(self) -> bool:
        """Whether what does not run here says nothing: it belongs to the other head, or comes."""
        return not self.active or self.draining or self.settling


def read_role(answer: Mapping[str, Any]) -> Role:
    """Return the role in an agent's answer; what is missing or strange counts as not so."""
    term, peer = answer.get("term"), answer.get("peer")
    peer = peer if isinstance(peer, dict) else {}
    return Role(
        active=answer.get("role") == "active",
        term=term if isinstance(term, int) and not isinstance(term, bool) else 0,
        maintenance=answer.get("maintenance") is True or peer.get("maintenance") is True,
        why="",
        other_alive=peer.get("alive") is True,
        other_willing=peer.get("willing") is True,
        draining=answer.get("draining") is True,
        settling=answer.get("settling") is True,
    )


class RoleWatch:
    """Asks, and tells when something has changed."""

    def __init__(
        self, ask: Ask, changed: Callable[[Role], None], clock: Callable[[], float]
    ) -> None:
        self._ask = ask
        self._changed = changed
        self._clock = clock
        self._answered = clock()
        self._known = clock()  # when the question began whose answer is known
        self._turn: asyncio.Lock | None = None
        self.role = Role()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            began = self._clock()
            await self.once()
            await asyncio.sleep(max(0.05, EVERY - (self._clock() - began)))

    async def now(self) -> Role:
        """Return the role as it is after this call: many callers at once share a question."""
        called = self._clock()
        if self._turn is None:  # not before the loop runs, or Python 3.9 takes another loop's
            self._turn = asyncio.Lock()
        async with self._turn:
            if self._known < called:
                await self.once()
        return self.role

    async def once(self) -> None:
        """Ask once."""
        began = self._clock()
        try:
            found = read_role(await self._ask({"command": "role"}))
            self._known, self._answered = began, self._clock()
        except AgentSilent as problem:
            self._known = began
            if self._clock() - self._answered < SILENT and self.role.active:
                return  # a stall of the agent is no reason to stop checking
            found = Role(why=harmless(str(problem), 300))
        if found != self.role:
            self.role = found
            self._changed(found)


def agent_asker(path: str) -> Ask:
    """Return what asks the agent at a control socket."""

    async def ask(question: dict[str, Any]) -> Mapping[str, Any]:
        return await ask_agent(path, question, LIMIT)

    return ask
