"""A voter: grants the active role to one holder and one term at a time, on its own clock.

Three rules make it safe. A grant is never shortened by anybody but its holder. After a start a
voter grants nothing for the length of a lease, because it may have granted before. And a higher
term of somebody else must wait until the grant has run out, unless its holder handed it over.
"""

from __future__ import annotations

from typing import NamedTuple

from backend.agent.core.messages import Kind, Request, Resign


class Voter(NamedTuple):
    """What a voter remembers; ``until`` and ``bar`` are moments of its own clock."""

    bar: int  # grants nothing before
    holder: int = 0
    term: int = 0
    until: int = 0
    resigned: int = 0  # the highest term that ``resigner`` gave up
    resigner: int = 0

    @classmethod
    def started(cls, now: int, lease: int, term: int = 0, holder: int = 0) -> Voter:
        """Return a voter that has just started and may have granted a lease a moment ago.

        ``term`` and ``holder`` are the last ones it stored; without them terms may repeat, but
        two leases never overlap.
        """
        return cls(bar=now + lease, term=term, holder=holder)

    @classmethod
    def adopted(cls, now: int, lease: int, me: int, term: int, until: int) -> Voter:
        """Return a head's voter after a restart within its own lease: it can have granted nobody
        else, so it may go on granting itself, and only itself, at once."""
        return cls(bar=now + lease, holder=me, term=term, until=until)

    def remaining(self, now: int) -> int:
        """How long nobody new can be granted."""
        return max(self.until, self.bar) - now

    def grant(self, source: int, request: Request, now: int) -> Voter | None:
        """Return the voter that has granted, or None when it must not."""
        term = request.term
        adopted = source == self.holder and self.until > now
        if term < self.term or (now < self.bar and not adopted):
            return None
        if source == self.resigner and term <= self.resigned:
            return None
        if source != self.holder:
            # A term of nobody is one that this voter knows only from before it started.
            if term == self.term:
                return None
            handed = request.kind is Kind.TRANSFER and request.previous == self.holder
            if self.until > now and not handed:
                return None
        return self._replace(holder=source, term=term, until=max(self.until, now + request.length))

    def handed(self, source: int, term: int, until: int) -> Voter:
        """Return a head's voter after a hand-over: on both heads it is the new holder's. It binds
        the old one, whatever it hears; and the new one has it even if it has just started."""
        return self._replace(holder=source, term=term, until=max(self.until, until))

    def resign(self, source: int, message: Resign) -> Voter:
        """Return the voter after ``source`` gave up everything up to a term."""
        if source != self.holder or message.term < self.term:
            return self
        return self._replace(until=0, resigned=message.term, resigner=source)
