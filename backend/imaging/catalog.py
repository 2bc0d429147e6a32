"""The images on this head: <images>/NAME/vN/{tree,manifest.jsonl,image.json,layout.json}.

An image has versions; files that did not change are one inode in all of them. A version that is
being fetched is called ``vN.partial`` and becomes ``vN`` by one rename when it is complete. What is
being deleted is called ``.deleted-...``, so that a killed deletion leaves no half version.
"""

import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.errors import InvalidInput, Refused
from backend.imaging.facts import ImageFacts
from backend.imaging.tree import walk
from backend.imaging.verify import Verification, verify_tree
from backend.model.names import ImageName
from backend.paths import Paths
from backend.system.files import make_private, sync_directory
from backend.tasks import TaskContext

_VERSION = re.compile(r"v([1-9]\d{0,5})")
_PARTIAL = re.compile(r"v([1-9]\d{0,5})\.partial")


@dataclass(frozen=True, slots=True)
class ImageVersion:
    """One complete version of an image."""

    name: ImageName
    number: int
    directory: Path

    @property
    def tree(self) -> Path:
        """The golden client's files."""
        return self.directory / "tree"

    @property
    def manifest(self) -> Path:
        """The manifest of the tree."""
        return self.directory / "manifest.jsonl"

    @property
    def facts_file(self) -> Path:
        """image.json."""
        return self.directory / "image.json"

    @property
    def layout_file(self) -> Path:
        """The captured disk layout."""
        return self.directory / "layout.json"

    def facts(self) -> ImageFacts:
        """Return what image.json says; raises InvalidInput."""
        return ImageFacts.read(self.facts_file)

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes on disk."""

    total: int  # all that the version needs
    own: int  # what deleting it would free: the rest is shared with other versions


class Catalog:
    """The images; every method looks at the disk. May be used by several processes."""

    def __init__(self, paths: Paths) -> None:
        self.directory = paths.images

    def names(self) -> tuple[ImageName, ...]:
        """Return the images that have a complete version, in alphabetical order."""
        return tuple(name for name in self._directories() if self.versions(name))

    def list(self) -> tuple[ImageVersion, ...]:
        """Return every complete version, by name and number."""
        return tuple(version for name in self._directories() for version in self.versions(name))

    def versions(self, name: str) -> tuple[ImageVersion, ...]:
        """Return the complete versions of an image, oldest first; none for an unknown name."""
        parsed = ImageName.parse(name)
        numbers = self._numbers(parsed, _VERSION)
        return tuple(
            ImageVersion(parsed, number, self.directory / parsed / f"v{number}")
            for number in numbers
        )

    def latest(self, name: str) -> ImageVersion:
        """Return the newest complete version; raises Refused when there is none."""
        return self.get(name)

    def get(self, name: str, number: int | None = None) -> ImageVersion:
        """Return one version, without a number the newest; raises Refused when it is not there."""
        versions = self.versions(name)
        for version in reversed(versions):
            if number is None or version.number == number:
                return version
        have = ", ".join(f"v{one.number}" for one in versions) or ", ".join(self.names())
        raise Refused.of(
            "image.unknown",
            f"There is no image {name}" + (f" v{number}." if number is not None else "."),
            (f"There are: {have}." if have else "There is no image at all yet.")
            + " 'haoscar fetch-image' makes one.",
        )

    def partials(self, name: str) -> tuple[Path, ...]:
        """Return the directories of fetches that were cut short."""
        parsed = ImageName.parse(name)
        return tuple(
            self.directory / parsed / f"v{number}.partial"
            for number in self._numbers(parsed, _PARTIAL)
        )

    def unfinished(self) -> tuple[ImageName, ...]:
        """Return the images of which a fetch was cut short, in alphabetical order."""
        return tuple(name for name in self._directories() if self.partials(name))

    def begin(self, name: ImageName) -> tuple[int, Path, bool]:
        """Return the next version's number, its ``.partial`` directory, and whether it was there.

        Goes on with what a fetch left that was cut short. Call it with the lock held.
        """
        versions = self.versions(name)
        number = versions[-1].number + 1 if versions else 1
        directory = self.directory / name / f"v{number}.partial"
        left = self.partials(name)
        for other in left[:-1]:
            self._remove(other)
        if left and left[-1] != directory:
            left[-1].rename(directory)
        make_private(directory)
        return number, directory, bool(left)

    def abandon(self, directory: Path) -> None:
        """Remove a ``.partial`` directory; call it with the lock held."""
        self._remove(directory)

    def complete(self, name: ImageName, number: int) -> ImageVersion:
        """Turn ``vN.partial`` into ``vN``, durably; raises OSError."""
        directory = self.directory / name / f"v{number}"
        os.sync()
        directory.with_name(f"v{number}.partial").rename(directory)
        sync_directory(directory.parent)
        return ImageVersion(name, number, directory)

    def usage(self, version: ImageVersion) -> Usage:
        """Return how much disk a version takes; reads the status of every file."""
        seen: Counter[int] = Counter()
        sizes: dict[int, tuple[int, int]] = {}
        total = own = 0
        for _path, status in walk(version.tree):
            blocks = status.st_blocks * 512
            if stat.S_ISDIR(status.st_mode) or status.st_nlink == 1:
                total += blocks
                own += blocks
            else:
                seen[status.st_ino] += 1
                sizes[status.st_ino] = (blocks, status.st_nlink)
        for inode, (blocks, links) in sizes.items():
            total += blocks
            own += blocks if seen[inode] == links else 0
        return Usage(total, own)

    def verify(
        self, version: ImageVersion, context: TaskContext, content: bool = True
    ) -> Verification:
        """Check a version against its manifest, holding it meanwhile; see verify_tree.

        Raises InvalidInput, Cancelled, OSError, Refused.
        """
        with self.using(version):
            return verify_tree(version.tree, version.manifest, context, content)

    def delete(self, version: ImageVersion) -> None:
        """Delete one version; raises Refused while it is in use, OSError."""
        with self.lock(version.name):
            self._remove(version.directory)

    def delete_partials(self, name: ImageName) -> int:
        """Delete what fetches left that were cut short; returns how many."""
        with self.lock(name):
            partials = self.partials(name)
            for directory in partials:
                self._remove(directory)
        return len(partials)

    def prune(self, name: ImageName, keep: int) -> tuple[ImageVersion, ...]:
        """Delete all but the newest ``keep`` versions; one that is in use stays. Returns the deleted."""
        deleted = []
        for version in self.versions(name)[:-keep]:
            try:
                self.delete(version)
            except Refused:
                continue
            deleted.append(version)
        return tuple(deleted)

    @contextmanager
    def lock(self, name: ImageName) -> Iterator[None]:
        """Hold an image against other fetches and deletions; raises Refused when it is held."""
        make_private(self.directory)
        make_private(self.directory / name)
        with (self.directory / name / ".lock").open("w") as lock:
            _take(lock.fileno(), fcntl.LOCK_EX, f"Image {name}")
            try:
                yield
            finally:
                if all(one.name == ".lock" for one in (self.directory / name).iterdir()):
                    shutil.rmtree(self.directory / name)

    @contextmanager
    def using(self, version: ImageVersion) -> Iterator[ImageVersion]:
        """Hold a version against deletion, as an installation does; raises Refused."""
        descriptor = os.open(version.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _take(descriptor, fcntl.LOCK_SH, str(version))
            yield version
        finally:
            os.close(descriptor)

    def _directories(self) -> tuple[ImageName, ...]:
        found = []
        if self.directory.is_dir():
            for one in sorted(self.directory.iterdir()):
                try:
                    found.append(ImageName.parse(one.name))
                except InvalidInput:
                    continue
        return tuple(found)

    def _numbers(self, name: ImageName, expression: re.Pattern[str]) -> tuple[int, ...]:
        directory = self.directory / name
        if not directory.is_dir():
            return ()
        matches = (expression.fullmatch(one.name) for one in directory.iterdir())
        return tuple(sorted(int(match[1]) for match in matches if match))

    def _remove(self, directory: Path) -> None:
        for left in directory.parent.glob(".deleted-*"):  # by a deletion that was killed
            shutil.rmtree(left)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _take(descriptor, fcntl.LOCK_EX, f"{directory.parent.name} {directory.name}")
            doomed = Path(tempfile.mkdtemp(prefix=".deleted-", dir=directory.parent))
            directory.rename(doomed / directory.name)
        finally:
            os.close(descriptor)
        shutil.rmtree(doomed)


def _take(descriptor: int, kind: int, what: str) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused.of(
            "image.busy",
            f"{what} is in use: it is being fetched, installed or deleted.",
            "Wait until that has ended.",
        ) from None
