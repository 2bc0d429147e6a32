"""What a standby has to do, as data: the engine's parts make steps, the ticket script executes them.

Every word of an argument list stays one word; whoever renders a step into a shell script quotes
each of them. Paths of Write, Remove and Move are absolute as the clone will see them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """Run a program of the installer, or (``chroot``) one of the clone."""

    argv: tuple[str, ...]
    why: str
    stdin: str | None = None
    chroot: bool = False
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """Write a whole file of the clone; a symbolic link in its place is replaced."""

    path: str
    content: str
    why: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a file of the clone, if it is there."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Move:
    """Set a file of the clone aside, if it is there."""

    path: str
    target: str
    why: str


Step = Run | Write | Remove | Move
