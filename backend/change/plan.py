"""A change to a machine is a plan first: steps as data, shown before they are executed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.system.runner import Command


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Write a whole file; ``why`` is shown beside the diff. ``secret`` hides the content there.

    ``ours_to_change``: the program itself rewrites the file later (boot entries), so undo removes
    or restores it without complaining that it changed since.
    """

    path: Path
    content: bytes
    why: str
    mode: int = 0o644
    secret: bool = False
    ours_to_change: bool = False


@dataclass(frozen=True, slots=True)
class CopyFile:
    """Copy a file that lies on this machine already, such as a boot loader."""

    source: Path
    path: Path
    why: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Remove a file, if it is there."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """Make a directory and its parents, if they are not there."""

    path: Path
    why: str
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Check:
    """Let the real program judge what was written; a failure rolls the whole plan back."""

    command: Command
    what: str  # "dhcpd accepts the configuration"
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class SetUnit:
    """Bring a systemd unit into a state; None leaves that side of it alone."""

    unit: str
    why: str
    enabled: bool | None = None
    action: str | None = None  # "start", "restart", "reload" or "stop"


@dataclass(frozen=True, slots=True)
class InstallPackages:
    """Install packages with the distribution's own tool."""

    names: tuple[str, ...]
    why: str


Step = WriteFile | CopyFile | RemoveFile | MakeDirectory | Check | SetUnit | InstallPackages


@dataclass(frozen=True, slots=True)
class Plan:
    """What will change, in order, under one title and one plain sentence."""

    title: str
    sentence: str
    steps: Sequence[Step] = field(default_factory=tuple)
