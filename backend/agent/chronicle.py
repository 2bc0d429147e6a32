"""What the agent decided and noticed: one sentence each, the newest kept, all of them logged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

KEPT = 500


class Entry(NamedTuple):
    """One sentence and when it was true."""

    number: int  # grows by one, so that a reader can ask for what is new
    wall: float  # seconds since 1970, for people
    moment: int  # microseconds of the agent's clock, for measuring
    kind: str  # "decision", "notice", "alarm"
    sentence: str

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "number": self.number,
            "time": self.wall,
            "moment_us": self.moment,
            "kind": self.kind,
            "sentence": self.sentence,
        }


class Chronicle:
    """Keeps the last 500 entries; ``write`` gets each as a line and must not block."""

    def __init__(
        self, write: Callable[[str], None], wall: Callable[[], float], moment: Callable[[], int]
    ) -> None:
        self._write = write
        self._wall = wall
        self._moment = moment
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._number = 0
        self._last: dict[str, Entry] = {}

    def decision(self, sentence: str) -> None:
        """Note what was decided."""
        self._add("decision", sentence)

    def notice(self, sentence: str) -> None:
        """Note what was seen."""
        self._add("notice", sentence)

    def alarm(self, sentence: str, every: float = 60.0) -> None:
        """Note what somebody should look at; the same sentence at most once in ``every`` seconds."""
        before = self._last.get(sentence)
        if before is None or self._wall() - before.wall >= every:
            self._add("alarm", sentence)

    def last(self, kind: str) -> Entry | None:
        """Return the newest entry of a kind."""
        for entry in reversed(self._entries):
            if entry.kind == kind:
                return entry
        return None

    def last_sentence(self, kind: str) -> str:
        """Return the newest sentence of a kind; empty when there is none."""
        entry = self.last(kind)
        return entry.sentence if entry else ""

    def since(self, number: int, most: int = KEPT) -> list[Entry]:
        """Return at most ``most`` of the newest entries whose number is above ``number``."""
        return [one for one in self._entries if one.number > number][-most:]

    def _add(self, kind: str, sentence: str) -> None:
        self._number += 1
        entry = Entry(self._number, self._wall(), self._moment(), kind, sentence)
        self._entries.append(entry)
        if kind == "alarm":
            if len(self._last) > KEPT:
                self._last.clear()
            self._last[sentence] = entry
        self._write(f"{kind}: {sentence}")
