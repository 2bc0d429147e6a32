"""How long everything takes. All times are whole microseconds of one monotonic clock."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

MS = 1_000
SECOND = 1_000_000
SHORTEST, LONGEST = 60 * MS, 60 * SECOND  # of a lease


class _Given(NamedTuple):
    """What is chosen."""

    lease: int = 320 * MS
    rounds: int = 5  # renewals in the length of a lease, while answers are missed
    retries: int = 20  # tries in the length of a lease while an answer is missing
    margin: int = 50  # the part of a lease that is not used, in thousandths: clock rates, rounding
    solo_after: int = 2 * SECOND  # the witnesses were too few for so long: ask for a promise
    full_after: int = 5 * SECOND  # they were enough again for so long: give the promise back
    calm: int = 10 * SECOND  # after a hand-over for health, the least time to the next one


class Timing(_Given):
    """The lease and what follows from it; every voter and head must use the same lease.

    What follows is worked out once: an agent that does nothing else asks for it in every pass.
    """

    @cached_property
    def usable(self) -> int:
        """How long a holder may use a grant, counted from when it sent the request."""
        return self.lease - self.lease * self.margin // 1000

    @cached_property
    def round(self) -> int:
        """Between two renewals, while answers are missed."""
        return self.lease // self.rounds

    @cached_property
    def rest(self) -> int:
        """Between two renewals, while every answer comes: wake-ups are what an idle agent costs.

        Less than ``silence``, so that no standby is alarmed by an active head that rests; and the
        next round begins while nearly half a lease is left for other tries.
        """
        return max(self.lease // 2, self.round)

    @cached_property
    def there(self) -> int:
        """How long a voter that has granted counts as there; longer than the witnesses' turn, which
        in calm is every third round."""
        return 2 * self.lease

    @cached_property
    def brisk(self) -> int:
        """How long after a missed answer renewals come faster."""
        return self.lease * 10

    @cached_property
    def retry(self) -> int:
        """Between two tries of one renewal."""
        return self.lease // self.retries

    @cached_property
    def silence(self) -> int:
        """After so long without a word of the active head, ask the voters."""
        return self.lease * 3 // 5

    @cached_property
    def stall(self) -> int:
        """Waking up later than this means that this process, not the others, stood still: it is what
        a rest leaves of a lease."""
        return self.usable - self.rest

    @cached_property
    def campaign(self) -> int:
        """How long a campaign may take."""
        return self.lease // 5


class Members:
    """Who takes part, seen from one of them; everything that follows from it is worked out once."""

    __slots__ = ("heads", "majority", "me", "others", "peer", "places", "voters", "witnesses")

    def __init__(self, me: int, heads: tuple[int, ...], witnesses: tuple[int, ...] = ()) -> None:
        """Ids are 1 to 255; ``heads`` are two, and the first is preferred when both start cold."""
        self.me = me
        self.heads = heads
        self.witnesses = witnesses
        self.voters = heads + witnesses  # the two heads are voters, too, and come first
        self.others = tuple(one for one in self.voters if one != me)
        self.peer = heads[1] if me == heads[0] else heads[0]  # meaningful on a head only
        self.majority = len(self.voters) // 2 + 1
        self.places = {one: place for place, one in enumerate(self.voters)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Members):
            return NotImplemented
        return (self.me, self.voters, self.heads) == (other.me, other.voters, other.heads)

    def __hash__(self) -> int:
        return hash((self.me, self.voters, self.heads))
