"""A tree of files as it lies on a disk: walked in the manifest's order, each entry described."""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from backend.imaging.manifest import Entry, shown_path

CHUNK = 1 << 20
KINDS = {
    stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFBLK: "b",
    stat.S_IFCHR: "c", stat.S_IFIFO: "p", stat.S_IFSOCK: "s",
}  # fmt: skip


def walk(tree: Path) -> Iterator[tuple[bytes, os.stat_result]]:
    """Yield every path below ``tree`` with its status, in the manifest's order; raises OSError."""
    root = os.fsencode(tree)
    yield b".", os.lstat(root)
    stack: list[Iterator[tuple[bytes, os.stat_result]]] = [_listing(root, b"")]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        yield found
        if stat.S_ISDIR(found[1].st_mode):
            stack.append(_listing(root + b"/" + found[0], found[0] + b"/"))


def _listing(directory: bytes, prefix: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    with os.scandir(directory) as entries:
        found = sorted((one.name, one.stat(follow_symlinks=False)) for one in entries)
    return iter([(prefix + name, status) for name, status in found])


class LinkGroups:
    """Numbers the hard link groups of one tree; links to names outside the tree do not count."""

    def __init__(self, tree: Path) -> None:
        names: Counter[int] = Counter()
        self.entries = 0
        self.size = 0
        for _path, status in walk(tree):
            self.entries += 1
            if stat.S_ISREG(status.st_mode):
                self.size += status.st_size
            if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                names[status.st_ino] += 1
        self._shared = {inode for inode, count in names.items() if count > 1}
        self._numbers: dict[int, int] = {}

    def number(self, status: os.stat_result) -> int | None:
        """Return the group of an entry, numbered by first appearance, or None when it is alone."""
        if status.st_ino not in self._shared or stat.S_ISDIR(status.st_mode):
            return None
        return self._numbers.setdefault(status.st_ino, len(self._numbers) + 1)


def describe(
    root: bytes,
    path: bytes,
    status: os.stat_result,
    link: int | None,
    digest: str | None,
) -> Entry:
    """Return the entry of a path from its status; a file's digest is passed in. Raises OSError."""
    full = root + b"/" + path
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    return Entry(
        path=shown_path(path),
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime_ns=status.st_mtime_ns,
        size=status.st_size if kind == "f" else 0,
        digest=digest,
        target=shown_path(os.readlink(full)) if kind == "l" else None,  # noqa: PTH115 (bytes)
        rdev=(os.major(status.st_rdev), os.minor(status.st_rdev)) if kind in "bc" else None,
        link=link,
        xattrs=_xattrs(full),
    )


def _xattrs(path: bytes) -> dict[str, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:  # the file system or the kind of file has none
        return {}
    return {
        shown_path(os.fsencode(name)): os.getxattr(path, name, follow_symlinks=False)
        for name in names
    }


def digest_file(path: bytes, on_bytes: Callable[[int], None] = lambda _count: None) -> str:
    """Return the BLAKE2b-256 of a file, calling ``on_bytes`` with every piece; raises OSError."""
    digest = hashlib.blake2b(digest_size=32)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            on_bytes(len(chunk))
    return digest.hexdigest()
