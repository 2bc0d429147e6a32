"""One alert about one check, as a value, and the words that every way of an alert shares. Pure."""

from __future__ import annotations

import hashlib
import json
import time
from typing import NamedTuple

from backend.watch.results import LONGEST_DETAIL, LONGEST_SUMMARY, Outcome, Result, harmless
from backend.watch.settings import STARTUP, UP, Alert, Service

NO_SUMMARY = "(NO SUMMARY)"  # mon's own words
LONGEST_PREVIOUS = LONGEST_SUMMARY + LONGEST_DETAIL + 2  # characters, with line ends


class Message(NamedTuple):
    """What is to be told by one alert."""

    service: Service
    alert: Alert
    run: str  # DOWN, UP or STARTUP
    result: Result  # of an up-alert, as with mon, what was found before: the end of the failure
    hosts: tuple[str, ...]  # of the group, as mon gives them to its alerts
    wall: float  # when the check ended, seconds since 1970
    every: float  # seconds until the next alert about this failure; 0: each time that it fails
    first_failed: float  # when this failure began, seconds since 1970; 0: unknown
    previous: str  # what the check before printed
    last_success: float = 0.0  # before this check, seconds since 1970; 0: never
    last_failed: float = 0.0  # the last check that failed; 0: it does not fail
    acknowledged: str = ""  # what was said with the acknowledgement

    @property
    def lane(self) -> tuple[str, str, tuple[str, ...]]:
        """The service and the target: in here the order is kept."""
        return (self.service.ref, self.alert.program, self.alert.words)

    @property
    def target(self) -> tuple[str, tuple[str, ...]]:
        """Where it goes."""
        return (self.alert.program, self.alert.words)


def target_name(alert: Alert) -> str:
    """Return an alert as it is named in sentences."""
    return harmless(" ".join((alert.program, *alert.words)), 120)


def identity(cluster: str, message: Message) -> str:
    """Return what stays the same however often this alert is sent."""
    parts = [cluster, message.service.ref, message.run, message.wall, *message.target]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def verdict(message: Message) -> str:
    """Return one sentence without its full stop: what happened to which service."""
    ref = message.service.ref
    if message.run == STARTUP:
        return f"{ref} is watched from now on"
    if message.run == UP:
        return f"{ref} works again"
    if message.result.outcome is Outcome.UNKNOWN:
        return f"{ref} could not be checked"
    return f"{ref} has failed"


def sentence(message: Message) -> str:
    """Return the whole alert in one line."""
    about = summary_of(message)
    if not about:
        return f"{verdict(message)}."
    between = "; the last failure was" if message.run == UP else ""
    return f"{verdict(message)}{between}: {about}"


def keyword(message: Message) -> str:
    """Return the word that stands first; mon's are ALERT and UPALERT."""
    if message.run == STARTUP:
        return "STARTUP"
    if message.run == UP:
        return "UP"
    return "UNKNOWN" if message.result.outcome is Outcome.UNKNOWN else "DOWN"


def summary_of(message: Message) -> str:
    """Return one line."""
    return one_line(message.result.summary, LONGEST_SUMMARY) or (
        "" if message.run == STARTUP else NO_SUMMARY
    )


def one_line(text: str, most: int) -> str:
    """Return text that can stand in a line: control characters, and so line ends, are visible."""
    return harmless(text.strip(), most)


def lines(text: str, most: int) -> str:
    """Return text of several lines that no terminal obeys."""
    return harmless(text.replace("\r\n", "\n"), most, lines=True)


def when(wall: float) -> str:
    """Return a time for people, with its zone."""
    try:
        return time.strftime("%a %Y-%m-%d %H:%M:%S %z", time.localtime(wall))
    except (ValueError, OverflowError, OSError):
        return "an unknown time"


def utc(wall: float) -> str:
    """Return a time for programs, RFC 3339."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))
    except (ValueError, OverflowError, OSError):
        return ""
