"""How long everything takes. All times are whole microseconds of one monotonic clock."""

from __future__ import annotations

from typing import NamedTuple

MS = 1_000
SECOND = 1_000_000
SHORTEST, LONGEST = 60 * MS, 60 * SECOND  # of a lease


class Timing(NamedTuple):
    """The lease and what follows from it; every voter and head must use the same lease."""

    lease: int = 300 * MS
    rounds: int = 5  # renewals in the length of a lease
    retries: int = 20  # tries in the length of a lease while an answer is missing
    margin: int = 50  # the part of a lease that is not used, in thousandths: clock rates, rounding
    solo_after: int = 2 * SECOND  # the witnesses were too few for so long: ask for a promise
    full_after: int = 5 * SECOND  # they were enough again for so long: give the promise back
    calm: int = 10 * SECOND  # after a hand-over for health, the least time to the next one

    @property
    def usable(self) -> int:
        """How long a holder may use a grant, counted from when it sent the request."""
        return self.lease - self.lease * self.margin // 1000

    @property
    def round(self) -> int:
        """Between two renewals."""
        return self.lease // self.rounds

    @property
    def retry(self) -> int:
        """Between two tries of one renewal."""
        return self.lease // self.retries

    @property
    def silence(self) -> int:
        """After so long without a word of the active head, ask the voters."""
        return self.lease // 2

    @property
    def stall(self) -> int:
        """Waking up later than this means that this process, not the others, stood still."""
        return self.lease // 2

    @property
    def campaign(self) -> int:
        """How long a campaign may take."""
        return self.lease // 5


class Members(NamedTuple):
    """Who takes part, seen from one of them. Ids are 1 to 255; the two heads are voters, too."""

    me: int
    heads: tuple[int, ...]  # two; the first is preferred when both start cold
    witnesses: tuple[int, ...] = ()

    @property
    def voters(self) -> tuple[int, ...]:
        """All of them, the heads first."""
        return self.heads + self.witnesses

    @property
    def others(self) -> tuple[int, ...]:
        """All voters but this one."""
        return tuple(one for one in self.voters if one != self.me)

    @property
    def peer(self) -> int:
        """The other head; meaningful on a head only."""
        return self.heads[1] if self.me == self.heads[0] else self.heads[0]

    @property
    def majority(self) -> int:
        """How many voters are more than half."""
        return len(self.voters) // 2 + 1
