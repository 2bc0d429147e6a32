"""What can come of a question instead of an answer."""

from __future__ import annotations


class CannotLook(Exception):
    """The question could not be put: a sentence that says why and what to do."""


class Closed(Exception):
    """The other side refused: nothing listens there."""


class Silent(Exception):
    """No answer came in time."""

    def __init__(self, strays: int = 0) -> None:
        super().__init__(strays)
        self.strays = strays  # what came from there and was no answer


class Busy(Exception):
    """The last call of this kind still hangs, since so many seconds."""

    def __init__(self, since: float) -> None:
        super().__init__(since)
        self.since = since
