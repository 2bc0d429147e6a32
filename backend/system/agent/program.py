"""A program that the agent wants run, and how it ended, as values."""

from __future__ import annotations

import enum
from typing import NamedTuple

LARGEST_INPUT = 32_768  # bytes: what a pipe surely takes at once


class Program(NamedTuple):
    """A program with its arguments and what it is given."""

    argv: tuple[str, ...]  # no shell reads them; the first is a path, or is looked for
    environment: tuple[tuple[str, str], ...] = ()  # beyond the clean one
    input: str = ""  # on its standard input; LARGEST_INPUT at most
    secrets: str = ""  # a file of name=value lines, given on standard input before ``input``
    limit: float = 60.0  # seconds; then SIGTERM to its group, and SIGKILL
    keep: int = 4_000  # bytes of the end of its output
    finish: bool = False  # it goes on to its end when the agent ends, instead of being stopped


class How(enum.IntEnum):
    """How a program came to its end."""

    EXITED = 0
    SIGNALLED = 1  # by somebody else
    TIMED_OUT = 2
    CANCELLED = 3
    NOT_STARTED = 4
    STUCK = 5  # not even SIGKILL ends it: it waits in the kernel
    LOST = 6  # nobody knows: the process that runs the programs has died


class Ended(NamedTuple):
    """The end of a program."""

    job: str
    how: How
    code: int = 0  # its exit code, or the number of the signal
    output: str = ""  # the end of it, control characters made visible; lines end with "\\n"
    seconds: float = 0.0

    @property
    def said(self) -> str:
        """The output on one line, for a sentence."""
        return "; ".join(line.strip() for line in self.output.splitlines() if line.strip())[-400:]

    @property
    def ending(self) -> str:
        """How it ended, for a sentence: "ended with exit code 1: ..."."""
        text = {
            How.EXITED: f"ended with exit code {self.code}",
            How.SIGNALLED: f"was killed by signal {self.code}",
            How.TIMED_OUT: f"did not end within {self.seconds:.0f} s and was stopped",
            How.CANCELLED: "was stopped",
            How.NOT_STARTED: "could not be started",
            How.STUCK: f"hangs in the kernel since {self.seconds:.0f} s and cannot be stopped",
            How.LOST: "was lost: nobody knows how it ended",
        }[self.how]
        return f"{text}: {self.said}" if self.said else text


def visible(raw: bytes) -> str:
    """Return a program's output as text that cannot move a cursor or hide anything."""
    text = raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return "".join(one if one.isprintable() or one == "\n" else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
