"""One step in the making: the board while it changes, the actions, and what is said."""

from __future__ import annotations

from backend.agent.core.timing import SECOND
from backend.agent.resources.kinds import Verb, can_look, program
from backend.agent.resources.state import (
    GUARD,
    PREFIX,
    Action,
    Board,
    Cancel,
    Decision,
    Item,
    Phase,
    Run,
)


class Turn:
    """Lives as long as one call of ``step``; nothing of it remains."""

    def __init__(self, board: Board, now: int) -> None:
        self.board = board
        self.now = now
        self.changed = False
        self._actions: list[Action] = []
        self._sentences: list[str] = []

    def decision(self) -> Decision:
        """Return what came out."""
        sentence = "; ".join(dict.fromkeys(self._sentences))
        return Decision(self.board, tuple(self._actions), sentence)

    def say(self, text: str) -> None:
        """Add a part of the sentence."""
        self._sentences.append(text)

    def act(self, action: Action) -> None:
        """Add an action."""
        self._actions.append(action)

    def put(self, item: Item) -> Item:
        """Put a changed item in its place."""
        items = tuple(item if one.name == item.name else one for one in self.board.items)
        if items != self.board.items:
            self.board = self.board._replace(items=items)
            self.changed = True
        return item

    def become(self, item: Item, phase: Phase, why: str = "") -> Item:
        """Give an item another phase."""
        since = item.since if item.phase is phase else self.now
        return self.put(item._replace(phase=phase, why=why, since=since))

    def run(self, item: Item, verb: Verb) -> None:
        """Run the program of an action."""
        chosen = program(item.resource, verb)
        count = self.board.jobs + 1
        self.board = self.board._replace(jobs=count)
        job = f"{PREFIX}:{item.name}:{verb.value}:{count}"
        deadline = self.now + int(chosen.limit * SECOND) + GUARD
        item = item._replace(verb=verb, job=job, deadline=deadline, cancelled=False)
        if verb is Verb.START:
            self.become(item._replace(seen=True), Phase.STARTING)
        elif verb is Verb.STOP:
            self.become(item, Phase.STOPPING)
        else:
            self.put(item)
        self.act(Run(job, chosen))

    def cancel(self, item: Item) -> None:
        """Break off the program that runs."""
        self.put(item._replace(cancelled=True))
        self.act(Cancel(item.job))

    def check_due(self, item: Item) -> int:
        """When the item is to be looked at again; 0: never."""
        every = int(item.resource.check_every * SECOND)
        return self.now + every if every and can_look(item.resource) else 0
