"""What heads and voters say to each other; wire.py carries it. Times are microseconds."""

from __future__ import annotations

import enum
from typing import NamedTuple, Union


class Kind(enum.IntEnum):
    """What a request wants."""

    RENEW = 0  # the holder goes on
    CAMPAIGN = 1  # somebody new
    TRANSFER = 2  # the holder ``previous`` has handed everything over to the sender


class Health(enum.IntFlag):
    """What a head says of itself in every message; bit i of the low byte is its network i."""

    NONE = 0
    LINK0 = 0x0001  # each bit has a name, or the enum could not keep their combinations
    LINK1 = 0x0002
    LINK2 = 0x0004
    LINK3 = 0x0008
    LINK4 = 0x0010
    LINK5 = 0x0020
    LINK6 = 0x0040
    LINK7 = 0x0080
    LINKS = 0x00FF
    FIT = 0x0100  # its services could run here
    MAINTENANCE = 0x0200  # it takes nothing over and gives nothing up by itself
    SOLO = 0x0400  # it serves alone on the other head's promise
    PROMISED = 0x0800  # it has given that promise
    ACTIVE = 0x1000
    STOPPING = 0x2000
    IDLE = 0x4000  # none of its resources that must not run twice runs there

    @property
    def links(self) -> int:
        """How many networks are well."""
        return bin(int(self) & 0xFF).count("1")


_MADE: dict[int, Health] = {}  # making one from a number costs ten times as much as this
_MOST_MADE = 1024  # what others say must not fill the memory


def health_of(bits: int) -> Health:
    """Return the health with these bits."""
    made = _MADE.get(bits)
    if made is None:
        made = Health(bits)
        if len(_MADE) < _MOST_MADE:
            _MADE[bits] = made
    return made


class Request(NamedTuple):
    """Grant me the active role for ``length``."""

    term: int
    kind: Kind
    previous: int  # whose lease was handed over; 0 unless TRANSFER
    length: int
    sent: int  # on the sender's clock; comes back in the answer
    health: Health = Health.NONE
    solo: int = 0  # the version of the promise that is in use


class Answer(NamedTuple):
    """A voter's answer to a request."""

    granted: bool
    holder: int  # 0: nobody
    term: int
    remaining: int  # of the grant in force
    sent: int
    health: Health = Health.NONE
    solo: int = 0  # the promise this head has given


class Poll(NamedTuple):
    """To whom have you granted, and for how long yet? Binds nobody."""

    sent: int
    health: Health = Health.NONE


class Status(NamedTuple):
    """The answer to a poll; ``remaining`` also counts a voter's silence after its start."""

    holder: int
    term: int
    remaining: int
    sent: int
    health: Health = Health.NONE
    solo: int = 0


class Resign(NamedTuple):
    """I no longer serve, and use none of the grants up to this term."""

    term: int
    lapsed: bool  # not by choice: my lease ran out


class Invite(NamedTuple):
    """To the other head: take over, please."""

    term: int


class Solicit(NamedTuple):
    """To the active head: hand over to me; my addresses are ready behind a closed gate."""

    sent: int


class Handover(NamedTuple):
    """My gate is closed; until ``sent + remaining`` on your clock my lease is yours."""

    sent: int  # of the Solicit
    remaining: int
    term: int  # the new one


class Ask(NamedTuple):
    """Promise not to campaign until I give the promise back: the witnesses are too few."""

    version: int


class Promise(NamedTuple):
    """I promise, and it is on my disk."""

    version: int


class Release(NamedTuple):
    """I no longer use the promise."""

    version: int


Message = Union[
    Request, Answer, Poll, Status, Resign, Invite, Solicit, Handover, Ask, Promise, Release
]
