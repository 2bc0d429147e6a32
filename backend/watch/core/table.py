"""The states of all services, when something of each is due, and what a step has decided so far."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

from backend.watch.core import memory
from backend.watch.core.actions import Action, Note
from backend.watch.core.schedule import NEVER, Dependencies, needs_of, wakes
from backend.watch.core.state import State, Turn, fresh
from backend.watch.results import Moment
from backend.watch.settings import Service, Settings


class Table:
    """Holds what the board changes; it decides nothing."""

    def __init__(self, settings: Settings, remembered: Mapping[str, Any] | None) -> None:
        self.head = settings.me.name
        self.needs = {one.ref: needs_of(one) for one in settings.services}
        self.states = {one.ref: fresh(one) for one in settings.services}
        self.depend = Dependencies(self.needs, self.states)
        self.now = Moment(0.0, 0.0)
        self.actions: list[Action] = []
        self.sentences: list[str] = []
        self._remembered = remembered if isinstance(remembered, Mapping) else None
        self._heap: list[tuple[float, str]] = []

    def at(self, now: Moment) -> None:
        """Let time pass; what is remembered becomes states at the first moment that is known."""
        self.now = now
        if self._remembered is not None:
            for ref, one in self.needs.items():
                self.keep(ref, memory.recalled(self._remembered, one.service, now))
            self._remembered = None

    def remember(self) -> dict[str, Any]:
        """Return what must outlive this process; it fits into JSON."""
        if self._remembered is not None:
            return dict(self._remembered)  # nothing has happened yet: it is as good as it was
        services = [(one.service, self.states[ref]) for ref, one in self.needs.items()]
        return memory.written(self.head, services, self.now)

    def service(self, ref: str) -> Service:
        """Return the settings of a service."""
        return self.needs[ref].service

    def keep(self, ref: str, state: State) -> None:
        """Store a state, and see to it that it is looked at when something of it is due."""
        at = wakes(state)
        if at < NEVER and at != wakes(self.states[ref]):
            heapq.heappush(self._heap, (at, ref))
        self.states[ref] = state

    def turned(self, ref: str, turn: Turn) -> None:
        """Store what a rule has decided."""
        self.keep(ref, turn.state)
        for sentence in turn.sentences:
            self.note(ref, sentence)
        self.actions.extend(turn.tells)

    def note(self, ref: str, sentence: str) -> None:
        """Write into the history and the log."""
        self.actions.append(Note(ref, sentence))
        self.sentences.append(f"{ref} {sentence}.")

    def wake_at(self) -> float:
        """Return when the next service is due."""
        heap = self._heap
        while heap:
            at, ref = heap[0]
            if at == wakes(self.states[ref]):
                return at
            heapq.heappop(heap)
        return NEVER

    def take_due(self) -> str | None:
        """Return a service of which something is due, or None; it is returned once for a moment."""
        if self.wake_at() > self.now.mono:
            return None
        return heapq.heappop(self._heap)[1]
