"""The datagrams of heads and witnesses: how a message becomes bytes, and bytes a message again.

A datagram is a header, a body for each type of message, and an HMAC-SHA256 tag over both. All
numbers are big-endian, all times microseconds. The key is derived from the cluster's secret and
its name, so that two clusters on one wire that share a secret do not accept each other.

    4s magic   B version   B type   B source   B destination   B network   B zero
    Q source's session   Q destination's session   Q counter   | body | 32s tag

For every version there will be: magic, version, type, source and destination stand where they
stand now, a datagram has between LEAST and MOST bytes, and its last 32 bytes are the tag, made
with the same key. So an agent can tell a newer version from a forgery and say so.

Without a new version there may be: longer bodies (a reader ignores what it does not know, and a
reader that knows more must take the shorter body, too), new types (an older reader refuses and
counts them as "unknown type"), new bits in a health, and a use for the header's zero byte. All
else needs a new version; an agent that speaks it must go on speaking version 1 to members that
do not, which a longer Hello and Welcome can tell it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple, Union

from backend.agent.core.messages import (
    Answer,
    Ask,
    Handover,
    Invite,
    Kind,
    Message,
    Poll,
    Promise,
    Release,
    Request,
    Resign,
    Solicit,
    Status,
    health_of,
)
from backend.agent.core.timing import LONGEST, SHORTEST
from backend.agent.errors import AgentError
from backend.agent.tag import same, tag

MAGIC = b"HAOA"
VERSION = 1
TAG = 32  # bytes
LEAST, MOST = 66, 512  # bytes of a datagram; this version sends 66 to 104
SECRET = 32  # bytes a secret must have at least
HIGH = 1 << 62  # terms, versions of promises and moments are below: adding to them is safe

HEADER = "!4s6B3Q"
_HEADER = Struct(HEADER)
_WORD = "haoscar agent wire"  # without the version: see above


class Hello(NamedTuple):
    """Who are you now? Answered with a Welcome."""


class Welcome(NamedTuple):
    """This process is alive: the last that it heard of you on this network is ``counter``."""

    counter: int
    known: bool  # it has also been shown that yours is; otherwise it wants a Welcome in return


Word = Union[Message, Hello, Welcome]


class Reason(enum.Enum):
    """Why a datagram was refused; the value completes "refused a datagram ...: "."""

    SHORT = "it is too short"
    LONG = "it is too long"
    MAGIC = "it is not the agent's"
    FORGED = "it was made without this cluster's key; compare the key files if it should be ours"
    NEWER = "it is of a newer version of the protocol; update the agent on this machine"
    DESTINATION = "it is for another member"
    MEMBER = "the sender is not a member; compare the configuration files"
    NETWORK = "it arrived on another network than it was sent to"
    TYPE = "its type is unknown; the sender's agent may be newer"
    ROLE = "its sender's role does not say that to this one's"
    MALFORMED = "its content makes no sense"
    OLD_SESSION = "it is for a process that is no longer this one"
    STRANGER = "it is from a process that has still to prove that it is alive"
    WELCOME = "it proves nothing: what it answers is too old, or was never sent"
    REPLAY = "it was here before, or is too late"


class Header(NamedTuple):
    """What stands before the body; ``theirs`` is the destination's session, 0 when not known."""

    magic: bytes
    version: int
    code: int
    source: int
    destination: int
    network: int
    zero: int
    session: int
    theirs: int
    counter: int


def derive_key(secret: bytes, cluster: str) -> bytes:
    """Return the key for one cluster; raises AgentError for a secret of less than 32 bytes."""
    if len(secret) < SECRET:
        raise AgentError(
            f"The key file holds {len(secret)} bytes, at least {SECRET} are needed; write a new"
            " one with random bytes and copy it to every member."
        )
    return tag(secret, f"{_WORD}\0{cluster}".encode())


def _request(
    term: int, kind: int, previous: int, length: int, sent: int, health: int, solo: int
) -> Request | None:
    if kind >= len(_KINDS) or (previous != 0) != (kind == Kind.TRANSFER):
        return None
    if not SHORTEST <= length <= LONGEST or term >= HIGH or solo >= HIGH or not 0 <= sent < HIGH:
        return None
    return Request(term, _KINDS[kind], previous, length, sent, health_of(health), solo)


def _answer(
    granted: int, holder: int, term: int, remaining: int, sent: int, health: int, solo: int
) -> Answer | None:
    if granted > 1 or not -HIGH < remaining <= LONGEST or not 0 <= sent < HIGH:
        return None
    if term >= HIGH or solo >= HIGH:
        return None
    return Answer(granted == 1, holder, term, remaining, sent, health_of(health), solo)


def _poll(sent: int, health: int) -> Poll | None:
    return Poll(sent, health_of(health)) if 0 <= sent < HIGH else None


def _status(
    holder: int, term: int, remaining: int, sent: int, health: int, solo: int
) -> Status | None:
    if not -HIGH < remaining <= LONGEST or not 0 <= sent < HIGH or term >= HIGH or solo >= HIGH:
        return None
    return Status(holder, term, remaining, sent, health_of(health), solo)


def _resign(term: int, lapsed: int) -> Resign | None:
    return Resign(term, lapsed == 1) if term < HIGH and lapsed <= 1 else None


def _invite(term: int) -> Invite | None:
    return Invite(term) if term < HIGH else None


def _solicit(sent: int) -> Solicit | None:
    return Solicit(sent) if 0 <= sent < HIGH else None


def _handover(sent: int, remaining: int, term: int) -> Handover | None:
    if not 0 <= sent < HIGH or not 0 < remaining <= LONGEST or term >= HIGH:
        return None
    return Handover(sent, remaining, term)


def _ask(version: int) -> Ask | None:
    return Ask(version) if version < HIGH else None


def _promise(version: int) -> Promise | None:
    return Promise(version) if version < HIGH else None


def _release(version: int) -> Release | None:
    return Release(version) if version < HIGH else None


def _welcome(counter: int, known: int) -> Welcome | None:
    return Welcome(counter, known == 1) if known <= 1 else None


_KINDS = tuple(Kind)
_TYPES: tuple[tuple[int, type[Word], str, Callable[..., Word | None]], ...] = (
    (1, Hello, "", Hello),
    (2, Welcome, "QB", _welcome),
    (3, Request, "QBBqqIQ", _request),
    (4, Answer, "BBQqqIQ", _answer),
    (5, Poll, "qI", _poll),
    (6, Status, "BQqqIQ", _status),
    (7, Resign, "QB", _resign),
    (8, Invite, "Q", _invite),
    (9, Solicit, "q", _solicit),
    (10, Handover, "qqQ", _handover),
    (11, Ask, "Q", _ask),
    (12, Promise, "Q", _promise),
    (13, Release, "Q", _release),
)
CODES = {kind: code for code, kind, _, _ in _TYPES}
_WRITERS = {kind: (code, Struct(HEADER + body).pack) for code, kind, body, _ in _TYPES}
_READERS = {
    code: (Struct(HEADER + body).size, Struct("!" + body).unpack_from, reader)
    for code, _, body, reader in _TYPES
}


def seal(
    key: bytes, source: int, to: int, network: int,
    session: int, theirs: int, counter: int, word: Word,
) -> bytes:  # fmt: skip
    """Return a datagram; raises struct.error when a number has no room in its field."""
    code, pack = _WRITERS[type(word)]
    data = pack(MAGIC, VERSION, code, source, to, network, 0, session, theirs, counter, *word)
    return data + tag(key, data)


def unseal(key: bytes, data: bytes) -> Header | Reason:
    """Return the header of an authentic datagram of this version; whatever comes is no error."""
    if len(data) < LEAST:
        return Reason.SHORT
    if len(data) > MOST:
        return Reason.LONG
    if data[:4] != MAGIC:
        return Reason.MAGIC
    if not same(tag(key, data[:-TAG]), data[-TAG:]):
        return Reason.FORGED
    if data[4] != VERSION:
        return Reason.NEWER if data[4] > VERSION else Reason.MALFORMED
    return Header._make(_HEADER.unpack_from(data))


def read(code: int, data: bytes) -> Word | Reason:
    """Return what an authentic datagram of this type says, with every number in its range."""
    entry = _READERS.get(code)
    if entry is None:
        return Reason.TYPE
    end, unpack, reader = entry
    if len(data) < end + TAG:
        return Reason.MALFORMED
    word = reader(*unpack(data, _HEADER.size))
    return Reason.MALFORMED if word is None else word
