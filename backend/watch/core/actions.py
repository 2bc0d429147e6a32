"""What the watch list wants done, as data, in this order. Moments are seconds since 1970."""

from __future__ import annotations

from typing import NamedTuple, Union

from backend.watch.results import Result
from backend.watch.settings import Alert


class Run(NamedTuple):
    """Check a service; its end comes back as ``Finished``."""

    ref: str
    hosts: tuple[str, ...]


class Cancel(NamedTuple):
    """End the check that runs; nothing of it may come back."""

    ref: str


class Tell(NamedTuple):
    """Send one alert."""

    ref: str
    alert: Alert
    run: str  # DOWN, UP or STARTUP
    result: Result  # for UP what was last found before, as mon does it; for STARTUP an empty one
    hosts: tuple[str, ...]
    every: float  # seconds until the next one about the same failure; 0: no pause
    first_failed: float  # 0: it does not fail
    previous: str  # what the check before printed
    last_success: float = 0.0  # before this one; 0: never
    last_failed: float = 0.0  # 0: it does not fail
    acknowledged: str = ""  # what was said with the acknowledgement


class Note(NamedTuple):
    """Write into the history what has happened to a service."""

    ref: str
    sentence: str


class Heal(NamedTuple):
    """A new result of a service that has a recovery."""

    ref: str
    result: Result


Action = Union[Run, Cancel, Tell, Note, Heal]
