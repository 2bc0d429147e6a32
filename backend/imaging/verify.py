"""Checks a tree against its manifest: every entry, with everything the manifest says of it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.imaging.manifest import Entry, order, read_manifest
from backend.imaging.tree import LinkGroups, describe, digest_file, walk
from backend.tasks import TaskContext

MOST = 1000  # differences kept; the count goes on
_ASPECTS = ("kind", "mode", "uid", "gid", "size", "mtime_ns", "target", "rdev", "link", "xattrs")
_WORDS = {
    "kind": "the kind", "mode": "the permissions", "uid": "the owner", "gid": "the group",
    "size": "the size", "mtime_ns": "the time", "target": "the link's target",
    "rdev": "the device number", "link": "the hard links", "xattrs": "the extended attributes",
    "digest": "the content", "missing": "missing", "extra": "not in the manifest",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the manifest says."""

    path: str
    aspect: str  # a field of Entry, or "missing", "extra"
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        words = _WORDS[self.aspect]
        shown = ascii(self.path)[1:-1]
        if self.aspect in ("missing", "extra"):
            return f"{shown}: {words}"
        return f"{shown}: {words} is {self.found}, should be {self.expected}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found; ``count`` may be greater than the differences kept."""

    entries: int
    bytes_read: int
    count: int
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it was fetched."""
        return self.count == 0


def verify_tree(
    tree: Path, manifest: Path, context: TaskContext, content: bool = True
) -> Verification:
    """Compare; without ``content`` only what needs no reading. Raises InvalidInput, Cancelled, OSError."""
    groups = LinkGroups(tree)
    checker = _Checker(tree, context, groups, content)
    found = _found(tree, groups)
    here = next(found, None)
    for expected in read_manifest(manifest):
        key = order(expected.path)
        while here is not None and order(here.path) < key:
            checker.differ(Difference(here.path, "extra"))
            here = next(found, None)
        if here is not None and here.path == expected.path:
            checker.compare(expected, here)
            here = next(found, None)
        else:
            checker.differ(Difference(expected.path, "missing"))
    while here is not None:
        checker.differ(Difference(here.path, "extra"))
        here = next(found, None)
    return checker.result()


def _found(tree: Path, groups: LinkGroups) -> Iterator[Entry]:
    root = os.fsencode(tree)
    for path, status in walk(tree):
        yield describe(root, path, status, groups.number(status), None)


class _Checker:
    """Compares entries and counts."""

    def __init__(self, tree: Path, context: TaskContext, groups: LinkGroups, content: bool) -> None:
        self._root = os.fsencode(tree)
        self._context = context
        self._total = groups.size
        self._content = content
        self._entries = 0
        self._done = 0
        self._said = 0
        self._read = 0
        self._count = 0
        self._kept: list[Difference] = []
        self._digests: dict[int, str] = {}  # of hard link groups

    def differ(self, difference: Difference) -> None:
        self._count += 1
        if len(self._kept) < MOST:
            self._kept.append(difference)

    def compare(self, expected: Entry, found: Entry) -> None:
        self._entries += 1
        for aspect in _ASPECTS:
            should, is_now = getattr(expected, aspect), getattr(found, aspect)
            if should != is_now:
                self.differ(
                    Difference(found.path, aspect, _shown(aspect, should), _shown(aspect, is_now))
                )
        if found.kind == "f" and expected.kind == "f" and self._content:
            digest = self._digest(found)
            if digest != expected.digest:
                self.differ(Difference(found.path, "digest", str(expected.digest), digest))
        if self._done - self._said >= 16 << 20 or self._entries % 1000 == 0:
            self._say()

    def result(self) -> Verification:
        self._say()
        return Verification(self._entries, self._read, self._count, tuple(self._kept))

    def _digest(self, found: Entry) -> str:
        if found.link is not None and found.link in self._digests:
            self._done += found.size
            return self._digests[found.link]
        digest = digest_file(self._root + b"/" + found.raw, self._progress)
        if found.link is not None:
            self._digests[found.link] = digest
        return digest

    def _progress(self, count: int) -> None:
        self._done += count
        self._read += count
        if self._done - self._said >= 16 << 20:
            self._say()

    def _say(self) -> None:
        self._said = self._done
        detail = f"{self._entries} entries, {self._count} differences"
        self._context.progress(self._done, self._total if self._content else None, "bytes", detail)


def _shown(aspect: str, value: object) -> str:
    if aspect == "mode" and isinstance(value, int):
        return f"{value:04o}"
    if aspect == "xattrs" and isinstance(value, dict):
        return ", ".join(f"{name}=0x{data.hex()[:40]}" for name, data in value.items()) or "none"
    if aspect == "link" and value is None:
        return "none"
    return ascii(value)
