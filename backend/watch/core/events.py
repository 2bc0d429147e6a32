"""What happens to the watch list, as data. A service is named by its ref, "group:service"."""

from __future__ import annotations

from typing import NamedTuple, Union

from backend.watch.results import Outcome, Result


class Tick(NamedTuple):
    """A moment that was waited for has come."""


class Finished(NamedTuple):
    """A check that was started by ``Run`` has ended."""

    ref: str
    result: Result


class Moving(NamedTuple):
    """A check has failed while the role was moving between the heads: that says nothing."""

    ref: str


class Reported(NamedTuple):
    """A service has reported by itself, as mon's traps do."""

    ref: str
    outcome: Outcome
    summary: str
    detail: str = ""


class Acknowledge(NamedTuple):
    """Somebody knows that it fails."""

    ref: str
    text: str
    who: str


class Unacknowledge(NamedTuple):
    """Alerts about it are wanted again."""

    ref: str


class Disable(NamedTuple):
    """It must not be checked, and nobody told of it."""

    ref: str


class Enable(NamedTuple):
    """It is to be checked again."""

    ref: str


class TestNow(NamedTuple):
    """It is to be checked at once, or again when the check that runs has ended."""

    ref: str


class Escalated(NamedTuple):
    """It could not be healed: whoever is told of failures is told now."""

    ref: str
    sentence: str


class Begin(NamedTuple):
    """This head has become the active one."""


class Retire(NamedTuple):
    """This head is no longer the active one."""


Event = Union[
    Tick, Finished, Moving, Reported, Acknowledge, Unacknowledge, Disable, Enable, TestNow, Escalated,
    Begin, Retire,
]  # fmt: skip
