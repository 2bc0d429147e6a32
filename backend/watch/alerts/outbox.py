"""What waits to be delivered: which alert goes next, when it is tried again, what is dropped.

Pure: the time is given, in seconds of any clock that does not jump.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from backend.watch.alerts.message import Message, target_name
from backend.watch.results import harmless

MOST = 1000  # alerts that wait
AT_ONCE = 4  # deliveries
DOUBTFUL_AT_ONCE = 2  # of them to targets whose last try failed, so that others always get through
PAUSES = (2.0, 5.0, 15.0, 60.0, 300.0)  # seconds after the first failure, the second, ...
NEWCOMER_PAUSE = 15.0  # seconds; what has not been tried yet waits no longer for an ill target
GIVE_UP_AFTER = 1800.0  # seconds
LONGEST_PROBLEM = 300  # characters
Target = tuple[str, tuple[str, ...]]


class Item:
    """An alert that waits or is being delivered."""

    __slots__ = ("busy", "due", "message", "number", "problem", "since", "tries")

    def __init__(self, message: Message, number: int, since: float, due: float) -> None:
        self.message = message
        self.number = number  # of its arrival
        self.since = since  # its arrival
        self.due = due  # not before
        self.tries = 0
        self.problem = ""  # of the last try
        self.busy = False


class Ill(NamedTuple):
    """A target whose last try failed."""

    failures: int
    last: float


class Outbox:
    """All of them, in the order of their arrival."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._ill: dict[Target, Ill] = {}
        self._number = 0
        self._full = False  # it has been said
        self.counts: Counter[str] = Counter()  # delivered, superseded, dropped, given_up

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def add(self, message: Message, now: float, *, since: float | None = None) -> list[str]:
        """Put an alert last; returns what should be said."""
        self._supersede(message)
        said = self._make_room(message)
        self._number += 1
        self._items.append(Item(message, self._number, now if since is None else since, now))
        return said

    def take(self, now: float) -> Item | None:
        """Return the alert to be delivered now, which is busy from now on; None when none is."""
        doubtful = sum(one.busy and self._is_ill(one) for one in self._items)
        if sum(one.busy for one in self._items) >= AT_ONCE:
            return None
        best = None
        for one in self._heads():
            if self._ready_at(one) > now or (self._is_ill(one) and doubtful >= DOUBTFUL_AT_ONCE):
                continue
            if best is None or (one.tries, one.number) < (best.tries, best.number):
                best = one
        if best is not None:
            best.busy = True
        return best

    def wake_at(self, now: float) -> float | None:
        """Return when to ask ``take`` again, unless a delivery ends or an alert comes before."""
        later = (self._ready_at(one) for one in self._heads())
        return min((at for at in later if at > now), default=None)

    def delivered(self, item: Item) -> list[str]:
        """Take out what has arrived; returns what should be said."""
        self._remove(item, "delivered")
        if self._ill.pop(item.message.target, None) is None:
            return []
        return [f"The alert {target_name(item.message.alert)} is delivered again."]

    def failed(self, item: Item, problem: str, now: float, *, final: bool = False) -> list[str]:
        """Note a failed try; returns what should be said."""
        if item not in self._items:
            return []  # forgotten meanwhile
        item.busy = False
        item.tries += 1
        item.problem = harmless(problem, LONGEST_PROBLEM)
        item.due = now + PAUSES[min(item.tries, len(PAUSES)) - 1]
        target = item.message.target
        before = self._ill.get(target)
        self._ill[target] = Ill(before.failures + 1 if before else 1, now)
        name, ref = target_name(item.message.alert), item.message.service.ref
        if final or now - item.since >= GIVE_UP_AFTER:
            self._remove(item, "given_up")
            how = "cannot be" if final else f"was not within {GIVE_UP_AFTER / 60:.0f} minutes"
            return [
                f"The alert {name} about {ref} {how} delivered and is given up: {item.problem}."
            ]
        if self._is_overtaken(item):
            self._remove(item, "superseded")
        if before:
            return []
        return [
            f"The alert {name} about {ref} was not delivered: {item.problem}. It is tried again."
        ]

    def release(self, item: Item) -> None:
        """Put back what was not delivered because the program ends."""
        item.busy = False

    def clear(self) -> None:
        """Forget everything; what is being delivered just now is not tried again."""
        self._items.clear()
        self._ill.clear()

    def _heads(self) -> Iterator[Item]:
        """Yield the first of each lane, where its target is not busy."""
        busy = {one.message.target for one in self._items if one.busy}
        seen = set()
        for one in self._items:
            lane = one.message.lane
            if lane not in seen and one.message.target not in busy:
                yield one
            seen.add(lane)

    def _ready_at(self, item: Item) -> float:
        ill = self._ill.get(item.message.target)
        if ill is None:
            return item.due
        pause = PAUSES[min(ill.failures, len(PAUSES)) - 1]
        if not item.tries:
            pause = min(pause, NEWCOMER_PAUSE)
        return max(item.due, ill.last + pause)

    def _is_ill(self, item: Item) -> bool:
        return item.message.target in self._ill

    def _supersede(self, message: Message) -> None:
        """Drop what tells the same of an earlier check and has not been delivered."""
        for one in [*self._items]:
            if not one.busy and _overtakes(message, one.message):
                self._remove(one, "superseded")

    def _is_overtaken(self, item: Item) -> bool:
        return any(_overtakes(one.message, item.message) for one in self._items)

    def _make_room(self, message: Message) -> list[str]:
        if len(self._items) < MOST:
            self._full = self._full and len(self._items) > MOST // 2
            return []
        waiting = [one for one in self._items if not one.busy]
        lanes = Counter(one.message.lane for one in waiting)
        ref = message.service.ref

        def worth(one: Item) -> tuple[bool, bool, int]:
            old = lanes[one.message.lane] > 1 or one.message.lane == message.lane
            return (one.message.service.ref != ref, not old, one.number)

        self._remove(min(waiting, key=worth), "dropped")
        if self._full:
            return []
        self._full = True
        return [f"{MOST} alerts wait to be delivered; from now on older ones are dropped."]

    def _remove(self, item: Item, why: str) -> None:
        if item in self._items:
            self._items.remove(item)
            self.counts[why] += 1


def _overtakes(newer: Message, older: Message) -> bool:
    """Whether one makes the other needless. Two alerts of one check are both sent, as mon does."""
    return (newer.lane, newer.run) == (older.lane, older.run) and newer.wall > older.wall
