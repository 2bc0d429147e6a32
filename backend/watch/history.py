"""What happened to the services, kept in memory and as JSON lines on the disk, on both heads.

An entry is named by the head that wrote it and a number that grows there, so the heads can tell
each other what they lack, also when both have written something while they could not talk.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from backend.watch.results import LONGEST_SUMMARY, harmless

KEPT = 20_000  # entries in memory; the disk has about as many
LONGEST_REF = 200
LONGEST_SENTENCE = 2 * LONGEST_SUMMARY


class Entry(NamedTuple):
    """One sentence about a service."""

    by: str  # the head that wrote it
    number: int
    time: float  # seconds since 1970
    service: str  # group:service; "": about the watch process itself
    kind: str  # "state", "alert", "recovery", "command", "notice"
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return self._asdict()


def read_entry(value: object) -> Entry | None:
    """Return the entry in a JSON value from the disk or from the other head; None when there is none."""
    if not isinstance(value, Mapping):
        return None
    by, number, time = value.get("by"), value.get("number"), value.get("time")
    if not isinstance(by, str) or isinstance(number, bool) or not isinstance(number, int):
        return None
    if isinstance(time, bool) or not isinstance(time, (int, float)) or not 0 <= time < 1e11:
        return None
    texts = [value.get(key, "") for key in ("service", "kind", "sentence")]
    if number < 1 or number > 1 << 53 or not all(isinstance(one, str) for one in texts):
        return None
    return Entry(
        harmless(by, 64), number, float(time), harmless(texts[0], LONGEST_REF),
        harmless(texts[1], 20), harmless(texts[2], LONGEST_SENTENCE),
    )  # fmt: skip


class History:
    """The entries that are known on this head; pure but for its memory."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self.known: dict[str, int] = {me: 0}  # the newest number of each head

    def load(self, lines: Iterable[bytes]) -> int:
        """Take what is on the disk; returns how many lines are no entries."""
        bad = 0
        for line in lines:
            try:
                entry = read_entry(json.loads(line))
            except (ValueError, RecursionError):
                entry = None
            if entry is None:
                bad += 1
            else:
                self.add(entry)
        return bad

    def write(self, wall: float, service: str, kind: str, sentence: str) -> Entry:
        """Add what has happened here, and return it."""
        number = self.known[self._me] + 1
        entry = Entry(self._me, number, wall, service, kind, harmless(sentence, LONGEST_SENTENCE))
        self.add(entry)
        return entry

    def add(self, entry: Entry) -> bool:
        """Add an entry; returns False when it is known already."""
        if entry.number <= self.known.get(entry.by, 0):
            return False
        if entry.by not in self.known and len(self.known) >= 16:
            return False  # there are two heads, and those that they replaced
        self.known[entry.by] = entry.number
        self._entries.append(entry)
        return True

    def since(self, known: Mapping[str, object], most: int) -> list[Entry]:
        """Return at most ``most`` of the newest entries that somebody does not know."""

        def lacks(entry: Entry) -> bool:
            number = known.get(entry.by, 0)
            return not isinstance(number, int) or entry.number > number

        return [one for one in self._entries if lacks(one)][-most:]

    def find(self, service: str, since: float, most: int) -> list[Entry]:
        """Return at most ``most`` of the newest entries of a service ("": of all), oldest first."""
        found = [
            one for one in self._entries
            if one.time >= since and service in ("", one.service)
        ]  # fmt: skip
        found.sort(key=lambda one: one.time)
        return found[-most:]


def as_line(entry: Entry) -> bytes:
    """Return an entry as a line of the file."""
    return json.dumps(entry.as_dict(), separators=(",", ":")).encode() + b"\n"
