r"""What a shell in an initramfs compares a copied tree with: three lists made from a manifest.

All commands run in the copied tree (``cd TREE``) with ``LC_ALL=C`` and GNU programs.

**content** is what ``b2sum -l 256 ./FILE ...`` prints, for every regular file, path with ``./``::

    b2sum --check --quiet --strict content

Names with a backslash, newline or carriage return are escaped as coreutils does it (the line begins
with a backslash then). The list is empty when the tree has no file: b2sum must not be run then.

**metadata** has one record, ended by NUL, for every entry, sorted by bytes. A directory is::

    d MODE UID GID MTIME PATH//

anything else, with the number of its hard links in the tree and its size::

    KIND MODE UID GID LINKS SIZE MTIME PATH//TARGET

MODE is octal, MTIME seconds with ten digits after the point, PATH is relative and empty for the tree
itself, TARGET is empty unless KIND is ``l``; ``//`` cannot be part of a path. Sockets are left out
(rsync and an overlay may drop them, and a socket without its program means nothing). It equals the
output of ``find_words``, sorted::

    find . ... | sort -z | cmp - metadata           # tr '\0' '\n' first, to read a diff

Numbers of devices are not in it: find cannot print them; ``backend.imaging.verify`` compares them.

**xattrs** has one line for every extended attribute, ACLs and capabilities included, ``PATH
NAME=0xHEX``, escaped as getfattr does it, sorted by bytes. It equals::

    getfattr -R -P -h -d -m - -e hex . |
        awk '/^# file: /{f=substr($0,9);next} NF{print f" "$0}' | sort

``reduced`` names mount points whose file system cannot store all this (the EFI partition: FAT has no
owner, no mode and no exact time): their entries are in **content** only. ``ignored`` names paths
that the copy has of its own, such as ``lost+found`` of each file system.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.imaging.manifest import Entry, raw_path

_DIRECTORY = "d %m %U %G %T@ %P//\\0"
_OTHER = "%y %m %U %G %n %s %T@ %P//%l\\0"


@dataclass(frozen=True, slots=True)
class CheckLists:
    """The three lists; each may be empty."""

    content: bytes
    metadata: bytes
    xattrs: bytes

    def write(self, directory: Path) -> None:
        """Write ``content``, ``metadata`` and ``xattrs`` into a directory; raises OSError."""
        for name in ("content", "metadata", "xattrs"):
            (directory / name).write_bytes(getattr(self, name))


def check_lists(
    entries: Iterable[Entry], reduced: Sequence[str] = (), ignored: Sequence[str] = ()
) -> CheckLists:
    """Return the lists of a manifest; paths in ``reduced`` and ``ignored`` are relative."""
    content: list[bytes] = []
    others: list[Entry] = []
    xattrs: list[bytes] = []
    names: Counter[int | None] = Counter()
    for entry in entries:
        if _below(entry.path, ignored):
            continue
        if entry.kind == "f":
            content.append(_content(entry))
        if _below(entry.path, reduced):
            continue
        names[entry.link] += 1
        if entry.kind != "s":
            others.append(entry)
        xattrs += _xattr_lines(entry)
    metadata = sorted(_record(one, names[one.link] if one.link else 1) for one in others)
    return CheckLists(b"".join(content), b"".join(metadata), b"".join(sorted(xattrs)))


def find_words(reduced: Sequence[str] = (), ignored: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the find command whose sorted output equals the metadata list."""
    words = ["find", "-P", "."]
    for path in (*reduced, *ignored):
        words += ["-path", "./" + re.sub(r"([*?\[\]\\])", r"\\\1", path), "-prune", "-o"]
    words += ["-type", "s", "-o", "-type", "d", "-printf", _DIRECTORY, "-o", "-printf", _OTHER]
    return tuple(words)


def _below(path: str, prefixes: Sequence[str]) -> bool:
    return any(path == one or path.startswith(one + "/") for one in prefixes)


def _content(entry: Entry) -> bytes:
    name = raw_path("./" + entry.path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    mark = b"\\" if escaped != name else b""
    return mark + (entry.digest or "").encode() + b"  " + escaped + b"\n"


def _record(entry: Entry, links: int) -> bytes:
    seconds, rest = divmod(entry.mtime_ns, 10**9)
    time = f"{seconds}.{rest:09d}0"
    head = f"{entry.kind} {entry.mode:o} {entry.uid} {entry.gid} "
    target = ""
    if entry.kind == "d":
        head += f"{time} "
    else:
        target = entry.target or ""
        size = len(raw_path(target)) if entry.kind == "l" else entry.size
        head += f"{links} {size} {time} "
    path = "" if entry.path == "." else entry.path
    return head.encode() + raw_path(path) + b"//" + raw_path(target) + b"\0"


def _xattr_lines(entry: Entry) -> list[bytes]:
    path = _octal(raw_path(entry.path), b"\n\r\\")
    return [
        path + b" " + _octal(raw_path(name), b"=\n\r\\") + b"=0x" + value.hex().encode() + b"\n"
        for name, value in entry.xattrs.items()
    ]


def _octal(name: bytes, special: bytes) -> bytes:
    return b"".join(b"\\%03o" % byte if byte in special else bytes((byte,)) for byte in name)
