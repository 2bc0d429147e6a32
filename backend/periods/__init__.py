"""Periods as Perl's Time::Period reads them. Python 3.9, standard library only: the heads' one file has them, too."""

from backend.periods.changes import always_matches, can_match, next_change
from backend.periods.period import LONGEST, BadPeriod, Period, Trouble

__all__ = [
    "LONGEST",
    "BadPeriod",
    "Period",
    "Trouble",
    "always_matches",
    "can_match",
    "next_change",
]
