"""What healing has the watch list of a head do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.watch.core import events

if TYPE_CHECKING:
    from backend.watch.head import WatchHead


class HeadHealing:
    """See healer.Watch."""

    def __init__(self, head: WatchHead) -> None:
        self._head = head

    def check_now(self, ref: str) -> None:
        """Have a service checked."""
        if self._head.engine is not None:
            self._head.engine.step(events.TestNow(ref))

    def escalated(self, ref: str, sentence: str) -> None:
        """Have somebody told that a service cannot be healed."""
        if self._head.engine is not None:
            self._head.engine.step(events.Escalated(ref, sentence))

    def healing(self, ref: str, sentence: str) -> None:
        """Note what was decided, and tell the other head before anything is done."""
        head = self._head
        if sentence:
            head.chronicle.decision(sentence)
            head.write(ref, "recovery", sentence)
        head.copying.send_state()
        head.kick()
