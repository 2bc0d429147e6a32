"""What the ways of an alert raise when they could not deliver it."""

from __future__ import annotations

import os


class NotDelivered(Exception):
    """An alert was not taken; the text says why, without anything secret.

    ``code`` is what a program ended with. With ``final`` another try would not help.
    """

    def __init__(self, text: str, *, code: int = 0, final: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.final = final


def reason(problem: OSError) -> str:
    """Return in words why a call failed; asyncio's own words name the address once more."""
    number = problem.errno or 0
    return os.strerror(number) if number > 0 else problem.strerror or str(problem)
