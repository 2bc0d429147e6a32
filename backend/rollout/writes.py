"""What plans of a member are made of: files that are written, processes that are started. Pure."""

import enum
import hashlib
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backend.rollout.facts import Facts, FileFact
from backend.rollout.places import DIRECTORIES, SECRET, unit_file

Contents = Mapping[str, tuple[bytes, int]]  # what a file is to hold, and its mode


class Run(enum.Enum):
    """What happens to a process."""

    NOTHING = "it goes on running"
    START = "start it"
    RESTART = "restart it"


@dataclass(frozen=True, slots=True)
class Write:
    """A file that is written."""

    path: str
    content: bytes = field(repr=False)
    mode: int
    before: FileFact

    @property
    def secret(self) -> bool:
        """Whether its content must not be shown."""
        return self.path in SECRET


def writes_of(facts: Facts, wanted: Contents) -> tuple[Write, ...]:
    """Return the files that are not as they should be."""
    return tuple(
        Write(path, content, mode, facts.file(path))
        for path, (content, mode) in wanted.items()
        if not is_as(facts, path, content, mode)
    )


def missing_directories(facts: Facts, paths: Iterable[str]) -> tuple[str, ...]:
    """Return those of our own directories that these files need and that are not there."""
    return tuple(
        sorted({posixpath.dirname(path) for path in paths} & set(DIRECTORIES) - facts.there)
    )


def is_as(facts: Facts, path: str, content: bytes, mode: int) -> bool:
    """Whether a file is what it should be."""
    found = facts.file(path)
    right = ("file", mode, facts.uid, digest(content))
    return (found.kind, found.mode, found.owner, found.digest) == right


def has(facts: Facts, unit: str) -> bool:
    """Whether anything of a unit is there."""
    service = facts.service(unit)
    there = facts.file(unit_file(unit)).kind != "absent"
    return there or service.loaded or service.enabled or service.wanted


def digest(content: bytes) -> str:
    """Return a content's digest as facts have it."""
    return hashlib.sha256(content).hexdigest()
