"""What happens to a head, as data. Moments are microseconds of this head's clock."""

from __future__ import annotations

from typing import NamedTuple, Union

from backend.agent.core.messages import Health, Message


class Tick(NamedTuple):
    """A moment that was waited for has come, ``late`` after it should have."""

    late: int = 0


class Received(NamedTuple):
    """A message of another member, already authenticated."""

    source: int
    message: Message


class Condition(NamedTuple):
    """What this head can do has changed: its networks (low byte) and FIT."""

    health: Health


class Persisted(NamedTuple):
    """A promise is on the disk."""

    version: int


class Maintenance(NamedTuple):
    """The administrator wants no automatic moves until then; 0 ends it."""

    until: int


class Switchover(NamedTuple):
    """The administrator wants the roles exchanged."""


class Stop(NamedTuple):
    """The agent must stop: hand over or resign."""


class Force(NamedTuple):
    """The other head is certainly off: fencing or the administrator has confirmed it."""


Event = Union[Tick, Received, Condition, Persisted, Maintenance, Switchover, Stop, Force]
