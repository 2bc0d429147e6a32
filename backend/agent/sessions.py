"""Who speaks, and whether it is new: replay protection without clocks and without disks.

Every process draws a random session when it starts and numbers its datagrams for each member and
network. A datagram is accepted when it names this process's session, comes from the session that
has been met on this network, and has a number that was not there before (a window of 64, so that
reordering does no harm).

A session is met by proof, never by its first appearance: it must answer one of this process's
own recent datagrams. So what a dead process said stays refused for ever, whether it was received
at the time or held back, and no list of dead sessions is needed:

    Hello or anything else to or from a process not met yet -> refused, and answered with
    Welcome (I have heard your number c)                    -> the proof; met; answered with
    Welcome (I have heard yours; I know you)                -> met in both directions

Three datagrams, one and a half round trips; each may be lost, because every later datagram begins
the same again. A proof must be younger than everything that was sent on that network when the
last session of that member was met, on whichever network: of two sessions of one member the
later one wins, in whatever order their proofs arrive. Members and networks are told apart by the
authenticated header, so a datagram is good at one member, on one network, once.

What remains: who can hold datagrams of a living process back may deliver them late, once, as
long as no later ones have arrived on that network; the messages carry moments and terms for that.
Who floods a member with recordings can delay an introduction, because Welcomes are limited.
Two machines that run as the same member at once are both alive and would be met in turn, which
``Incoming.met`` shows.
"""

from __future__ import annotations

from typing import NamedTuple, Union

from backend.agent.core.messages import Message
from backend.agent.core.timing import Members
from backend.agent.errors import AgentError
from backend.agent.wire import CODES, Header, Hello, Reason, Welcome, Word, read, seal, unseal

WINDOW = 64  # datagrams that may overtake one another
RECENT = 64  # a Welcome must answer one of so many datagrams sent last to that member there
# Welcomes to one member on one network: a burst of 4, then one in 62.5 ms; 20 in any second.
BURST, EVERY = 4, 62_500

_ALL_SEEN = (1 << WINDOW) - 1
_WITNESS_SAYS = ("Answer", "Status", "Hello", "Welcome")
_WITNESS_HEARS = ("Request", "Poll", "Resign", "Hello", "Welcome")


class Incoming(NamedTuple):
    """An accepted datagram."""

    source: int
    network: int
    counter: int
    message: Message | None  # None: a word of this protocol, nothing for the decisions
    met: bool = False  # it has made a new process known on this network


class Refused(NamedTuple):
    """A datagram that changed nothing; ``source`` is 0 when it is not certain."""

    reason: Reason
    source: int = 0

    @property
    def sentence(self) -> str:
        """What happened and what to do."""
        sender = f"of member {self.source}" if self.source else "of an unknown sender"
        return f"refused a datagram {sender}: {self.reason.value}"


Decoded = Union[Incoming, Refused]


class _Link:
    """One member on one network."""

    __slots__ = ("floor", "member", "seen", "sent", "theirs", "top", "until")

    def __init__(self, member: _Member) -> None:
        self.member = member
        self.sent = 0  # the number of the last datagram to it
        self.theirs = 0  # the session met here
        self.top = 0  # the highest number heard of that session
        self.seen = _ALL_SEEN  # bit i: number top - i was heard, or is refused
        self.floor = 0  # a proof must answer a later number
        self.until = 0  # up to when Welcomes have been spent


class _Member:
    """One member: the session met last, and what it may say to this one."""

    __slots__ = ("codes", "links", "session")

    def __init__(self, codes: frozenset[int]) -> None:
        self.codes = codes
        self.session = 0
        self.links: dict[int, _Link] = {}


class Sessions:
    """The conversation of one process with all members. Not for two threads at once."""

    def __init__(self, members: Members, key: bytes, session: int) -> None:
        """``key`` is what ``wire.derive_key`` returns; ``session`` is random, 64 bit, not 0."""
        if not 0 < session < 1 << 64:
            raise AgentError("A session must be a random number of 64 bits, not 0; draw another.")
        self._me = members.me
        self._key = key
        self._session = session
        self._refusals = dict.fromkeys(Reason, 0)
        self._replies: list[tuple[int, bytes]] = []
        mine = members.me in members.heads
        self._members = {
            one: _Member(_allowed(one in members.heads, mine)) for one in members.others
        }

    def encode(self, to: int, network: int, message: Word) -> bytes:
        """Return the datagram; raises KeyError for nobody, struct.error for impossible numbers."""
        member = self._members[to]
        link = member.links.get(network) or self._link(member, network)
        link.sent += 1
        return seal(
            self._key, self._me, to, network, self._session, link.theirs, link.sent, message
        )

    def hello(self, to: int, network: int) -> bytes:
        """Return a datagram that introduces this process, or asks whether the other is there."""
        return self.encode(to, network, Hello())

    def presence(self, to: int, network: int) -> bytes:
        """Return a datagram that says that this process is still there and wants no answer; a hello
        where the other process has not been met yet."""
        link = self._members[to].links.get(network)
        if link is None or not link.theirs:
            return self.hello(to, network)
        return self.encode(to, network, Welcome(link.top, known=True))

    def knows(self, member: int, network: int) -> bool:
        """Whether that member's present process has been met on that network."""
        link = self._members[member].links.get(network)
        return link is not None and link.theirs != 0

    def decode(self, data: bytes, network: int, now: int) -> Decoded:
        """Return what a datagram that arrived on ``network`` says, or why it is refused.

        Raises nothing, whatever arrives. ``now`` is for the rate of Welcomes only.
        """
        header = unseal(self._key, data)
        if not isinstance(header, Header):
            return self._refuse(header)
        source, code = header.source, header.code
        member = self._members.get(source)
        aimed = header.destination == self._me and header.network == network
        if member is None or not aimed or code not in member.codes:
            return self._refuse(self._misplaced(header, network), source)
        word = read(code, data)
        if isinstance(word, Reason):
            return self._refuse(word, source)
        link = member.links.get(network) or self._link(member, network)
        if header.session != link.theirs or header.theirs != self._session or not link.theirs:
            return self._unmet(link, header, word, now)
        if not _is_new(link, header.counter):
            return self._refuse(Reason.REPLAY, source)
        if isinstance(word, (Hello, Welcome)):
            if isinstance(word, Hello) or not word.known:
                self._welcome(link, header, now)
            return Incoming(source, network, header.counter, None)
        return Incoming(source, network, header.counter, word)

    def replies(self) -> list[tuple[int, bytes]]:
        """Return, once, what the last datagrams want sent back: to whom, on their network."""
        replies = self._replies
        if replies:
            self._replies = []
        return replies

    def refused(self) -> dict[str, int]:
        """Return how many datagrams were refused, by the name of the reason."""
        return {reason.name.lower(): count for reason, count in self._refusals.items()}

    def _misplaced(self, header: Header, network: int) -> Reason:
        if header.destination != self._me:
            return Reason.DESTINATION
        if header.source not in self._members:
            return Reason.MEMBER
        if header.network != network:
            return Reason.NETWORK
        return Reason.ROLE if header.code in CODES.values() else Reason.TYPE

    def _refuse(self, reason: Reason, source: int = 0) -> Refused:
        self._refusals[reason] += 1
        return Refused(reason, source)

    def _unmet(self, link: _Link, header: Header, word: Word, now: int) -> Decoded:
        """Meet a session that proves itself; ask any other, but no Welcome, for the proof."""
        if isinstance(word, Welcome):
            return self._prove(link, header, word, now)
        stranger = not header.theirs or header.theirs == self._session
        reason = Reason.STRANGER if stranger else Reason.OLD_SESSION
        self._welcome(link, header, now)
        return self._refuse(reason, header.source)

    def _prove(self, link: _Link, header: Header, word: Welcome, now: int) -> Decoded:
        source, session, member = header.source, header.session, link.member
        if header.theirs != self._session:
            return self._refuse(Reason.OLD_SESSION, source)
        floor = link.floor if session != member.session else 0
        if not max(floor, link.sent - RECENT) < word.counter <= link.sent or not session:
            return self._refuse(Reason.WELCOME, source)
        if session != member.session:
            member.session = session
            for other in member.links.values():
                other.theirs, other.floor = 0, other.sent
        link.theirs, link.top, link.seen = session, header.counter, _ALL_SEEN
        if not word.known:
            self._welcome(link, header, now)
        return Incoming(source, header.network, header.counter, None, met=True)

    def _welcome(self, link: _Link, header: Header, now: int) -> None:
        """Answer the session that sent ``header``, unless it had too many answers lately."""
        until = max(link.until, now) + EVERY
        if until > now + BURST * EVERY:
            return
        link.until = until
        link.sent += 1
        known = header.session == link.theirs
        word = Welcome(header.counter, known)
        data = seal(
            self._key, self._me, header.source, header.network,
            self._session, header.session, link.sent, word,
        )  # fmt: skip
        self._replies.append((header.source, data))

    def _link(self, member: _Member, network: int) -> _Link:
        link = member.links[network] = _Link(member)
        return link


def _allowed(from_head: bool, to_head: bool) -> frozenset[int]:
    """Return the codes of what a member may say to this one."""
    return frozenset(
        code
        for word, code in CODES.items()
        if (from_head or word.__name__ in _WITNESS_SAYS)
        and (to_head or word.__name__ in _WITNESS_HEARS)
    )


def _is_new(link: _Link, counter: int) -> bool:
    """Note a number; False when it was there before or is too far behind."""
    ahead = counter - link.top
    if ahead > 0:
        link.seen = (link.seen << ahead | 1) & _ALL_SEEN if ahead < WINDOW else 1
        link.top = counter
        return True
    bit = 1 << -ahead if ahead > -WINDOW else _ALL_SEEN
    if link.seen & bit:
        return False
    link.seen |= bit
    return True
