"""What the active head's process tells the standby's, so that a failover loses nothing.

The state goes whole when they meet, then as changes, at most once a second; history and
availability go both ways, because each head may have written some that the other has not seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from backend.watch.availability_book import Book
from backend.watch.history import Entry, History, read_entry
from backend.watch.link import Link
from backend.watch.link_changes import apply, changes
from backend.watch.store import Store

SOON, LATER = 1.0, 5.0  # seconds until a change, or only new times, are sent
MOST_ENTRIES = 2000  # that are sent when they meet

State = dict[str, Any]


class Copying:
    """One head's side of it."""

    def __init__(
        self, link: Link, store: Store, history: History, book: Book, snapshot: Callable[[], State]
    ) -> None:
        """``snapshot`` returns the state, when this head is active, as JSON values."""
        self._link = link
        self._store = store
        self._history = history
        self._book = book
        self._snapshot = snapshot
        self._sent: State | None = None  # what the other head has; None: nothing
        self._completed = False  # whether the other head has what happened before they met
        self.active = False
        self.copy: State = {}  # the active head's state, or the last that this head had as such
        self.newer = False  # whether it has come since this head was last active
        self.news = False  # whether something has come since that was last asked
        self.fresh = False  # whether that copy came over the link that is up now

    def met(self) -> None:
        """Tell a process that has just connected what it may lack."""
        self._sent, self.fresh, self._completed = None, False, False
        self._link.tell("met", known=self._history.known, days=self._book.digests())
        if self.active:
            self.send_state()

    def turn(self, *, active: bool) -> None:
        """Note whether this head is the active one now."""
        self.active, self._sent, self.fresh = active, None, False
        self.newer = False
        if not active:
            self._link.tell("again")

    def send_state(self) -> None:
        """Tell the other head the state: whole, or what has changed."""
        if not self._link.connected:
            return
        # Through text: so that nothing changes under the hand, and tuples compare as lists.
        # Rounded: moments that are reckoned anew each time would all be new otherwise.
        state: State = json.loads(json.dumps(self._snapshot()), parse_float=_rounded)
        if self._sent is None:
            sent = self._link.tell("state", state=state)
        else:
            news = changes(self._sent, state)
            sent = not news or self._link.tell("changes", changes=news)
        self._sent = state if sent else None

    def send_entry(self, entry: Entry) -> None:
        """Tell the other head what has happened.

        Not before it has said what it knows: an entry that overtakes older ones would hide them.
        """
        if self._completed:
            self._link.tell("history", entries=[entry.as_dict()])

    def send_day(self, name: str, day: Any) -> None:
        """Tell the other head the availability of a day."""
        self._link.tell("day", name=name, day=day)

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take what the other head tells; raises ValueError, TypeError or KeyError for what is none."""
        kind = message["kind"]
        if kind == "met":
            self._complete(message["known"], message["days"])
        elif kind == "history":
            self._entries(message["entries"])
        elif kind == "day":
            self._book.take(str(message["name"]), message["day"])
        elif kind in ("state", "changes"):
            self._state(kind, message)
        elif kind == "again":
            self._sent = None
        # Other kinds are those of a later version, and of no use here.

    def take(self, state: State) -> None:
        """Take the state that the other head has told when it was asked."""
        self.copy = state
        self.news = self.newer = True

    def _complete(self, known: Any, days: Any) -> None:
        if not isinstance(known, dict) or not isinstance(days, dict):
            raise ValueError("the other head does not say what it knows")
        entries = self._history.since(known, MOST_ENTRIES)
        self._completed = True
        if entries:
            self._link.tell("history", entries=[one.as_dict() for one in entries])
        for name, day in self._book.differing(days):
            self.send_day(name, day)

    def _entries(self, values: Any) -> None:
        if not isinstance(values, list):
            raise ValueError("there are no entries")
        read = [read_entry(one) for one in values]
        new = [one for one in read if one is not None and self._history.add(one)]
        if new:
            self._store.keep_entries(new)

    def _state(self, kind: str, message: Mapping[str, Any]) -> None:
        if self.active:
            return  # the roles have just changed; the other one will notice
        if kind == "state":
            state = message["state"]
            if not isinstance(state, dict):
                raise ValueError("the state is none")
            self.copy = state
        elif not self.fresh:
            self._link.tell("again")  # the whole was told before this head stood by
            return
        else:
            apply(self.copy, message["changes"])
        self.fresh = self.news = self.newer = True


def _rounded(text: str) -> float:
    return round(float(text), 2)
