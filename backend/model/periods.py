"""Periods whose mistakes are reports; what a period means is in backend.periods. Pure."""

from datetime import datetime
from typing import Self

from backend import periods
from backend.errors import InvalidInput
from backend.periods import LONGEST, BadPeriod
from backend.periods.period import SubPeriod
from backend.reports import Place, error

__all__ = ["LONGEST", "Period"]


class Period(periods.Period):
    """A period that has been read; equal to another of the same text."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Return a period whose malformed parts are kept; raises InvalidInput when it is too long."""
        try:
            return super().read(text)
        except BadPeriod as problem:
            raise _invalid(problem) from None

    @classmethod
    def parse(cls, text: str, place: Place | None = None) -> Self:
        """Return a period without malformed parts; raises InvalidInput with all of them."""
        try:
            return super().parse(text)
        except BadPeriod as problem:
            raise _invalid(problem, place) from None

    @property
    def subperiods(self) -> tuple[SubPeriod, ...]:
        """The sub-periods; raises InvalidInput when one is malformed."""
        try:
            return super().subperiods
        except BadPeriod as problem:
            raise _invalid(problem) from None

    def contains(self, when: datetime) -> bool:
        """Whether a time lies inside; raises InvalidInput where a malformed part matters."""
        try:
            return super().contains(when)
        except BadPeriod as problem:
            raise _invalid(problem) from None


def _invalid(problem: BadPeriod, place: Place | None = None) -> InvalidInput:
    return InvalidInput(*(error(one.code, one.text, one.remedy, place) for one in problem.troubles))
