"""The manifest of an image: one JSON line for every file, directory, link and special file.

Format, version 1. The first line is ``{"format": "haoscar-manifest", "version": 1}``, the last one
``{"entries": N}``; between them one object a line, keys sorted, ASCII only:

====== ============ ================================================================================
path   all          below the tree; ``.`` is the tree itself. Bytes that are not UTF-8 are lone
                    surrogates (``\\udc80`` to ``\\udcff``), as in Python's surrogateescape
kind   all          ``f`` file, ``d`` directory, ``l`` symbolic link, ``b`` ``c`` devices, ``p`` FIFO,
                    ``s`` socket
mode   all          permission bits with setuid, setgid and sticky, as a number
uid gid all         numbers
mtime_ns all        nanoseconds since 1970
size   f            bytes
digest f            BLAKE2b with 32 bytes, in hex: what ``b2sum -l 256`` prints
target l            where the link points
rdev   b c          [major, minor]
link   not d        number of the hard link group, only when the tree has more than one name for it
xattrs all          {name: Base64}, only when there are any; ACLs and capabilities are among them
====== ============ ================================================================================

Order: depth first, names of one directory sorted by their bytes. The reader insists on the order,
on parents that are directories, on paths without ``..`` and on the number of entries, so that a
manifest from elsewhere can neither leave the tree nor be cut short unseen.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from backend.errors import InvalidInput
from backend.reports import Place, error

FORMAT = "haoscar-manifest"
VERSION = 1
LONGEST_LINE = 4 << 20  # xattrs of one file may take 64 KiB each
KINDS = "fdlbcps"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, directory, link or special file of a tree."""

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int = 0
    digest: str | None = None
    target: str | None = None
    rdev: tuple[int, int] | None = None
    link: int | None = None
    xattrs: dict[str, bytes] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        """The path as the file system has it."""
        return raw_path(self.path)

    def as_line(self) -> str:
        """Return the entry's line, without its newline."""
        data: dict[str, Any] = {
            name: getattr(self, name) for name in ("path", "kind", "mode", "uid", "gid", "mtime_ns")
        }
        if self.kind == "f":
            data |= {"size": self.size, "digest": self.digest}
        for name in ("target", "rdev", "link"):
            if getattr(self, name) is not None:
                data[name] = getattr(self, name)
        if self.xattrs:
            data["xattrs"] = {n: base64.b64encode(v).decode() for n, v in self.xattrs.items()}
        return json.dumps(data, sort_keys=True, separators=(",", ":"))


def raw_path(path: str) -> bytes:
    """Return the bytes of a path of a manifest."""
    return path.encode("utf-8", "surrogateescape")


def shown_path(raw: bytes) -> str:
    """Return a path of the file system as the manifest writes it."""
    return raw.decode("utf-8", "surrogateescape")


def order(path: str) -> tuple[bytes, ...]:
    """Return the sorting key of a path: depth first, by bytes."""
    return () if path == "." else tuple(raw_path(path).split(b"/"))


def header() -> str:
    """Return the first line."""
    return json.dumps({"format": FORMAT, "version": VERSION}, separators=(",", ":"))


def trailer(entries: int) -> str:
    """Return the last line."""
    return json.dumps({"entries": entries}, separators=(",", ":"))


def read_manifest(path: Path) -> Iterator[Entry]:
    """Yield the entries of a manifest file; raises InvalidInput at the line that is wrong."""
    with path.open("rb") as source:
        yield from read_lines(source, path)


def read_lines(source: IO[bytes], name: Path) -> Iterator[Entry]:
    """Yield the entries of an open manifest; raises InvalidInput at the line that is wrong."""
    check = _Check(name)
    check.header(source.readline(LONGEST_LINE))
    while line := source.readline(LONGEST_LINE):
        check.line += 1
        data = check.parse(line)
        if "entries" in data:
            check.end(data, source.readline(1))
            return
        entry = check.entry(data)
        check.place(entry)
        yield entry
    raise check.wrong("it ends before its last line")


_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Check:
    """What has been read of one manifest, and whether the next line may follow."""

    def __init__(self, name: Path) -> None:
        self.line = 1
        self._name = name
        self._count = 0
        self._last: tuple[bytes, ...] | None = None
        self._directories: list[tuple[bytes, ...]] = []  # the one we are in, and its parents

    def wrong(self, what: str) -> InvalidInput:
        return InvalidInput(
            error(
                "manifest.invalid",
                f"The manifest cannot be trusted: {what}.",
                "Fetch the image again.",
                Place(self._name, self.line),
            )
        )

    def header(self, line: bytes) -> None:
        data = self.parse(line)
        if data.get("format") != FORMAT or data.get("version") != VERSION:
            raise self.wrong(f"it does not begin with {header()}")

    def parse(self, line: bytes) -> dict[str, Any]:
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or not line.endswith(b"\n"):
            raise self.wrong("a line is not a JSON object")
        return data

    def end(self, data: dict[str, Any], more: bytes) -> None:
        if data != {"entries": self._count} or more:
            raise self.wrong(f"it has {self._count} entries, and its last line says otherwise")

    def entry(self, data: dict[str, Any]) -> Entry:
        try:
            return _entry(data)
        except (KeyError, TypeError, ValueError, binascii.Error) as problem:
            raise self.wrong(f"an entry has a wrong or missing value ({problem})") from None

    def place(self, entry: Entry) -> None:
        """Insist on the order and on a parent that is a directory."""
        key = order(entry.path)
        if self._last is None:
            if key or entry.kind != "d":
                raise self.wrong("its first entry is not the tree itself")
        elif key <= self._last:
            raise self.wrong("its entries are not in order")
        else:
            while self._directories and self._directories[-1] != key[:-1]:
                self._directories.pop()
            if not self._directories:
                raise self.wrong("an entry lies in something that is not a directory")
        if entry.kind == "d":
            self._directories.append(key)
        self._last = key
        self._count += 1


def _entry(data: dict[str, Any]) -> Entry:
    kind = _text(data["kind"])
    if len(kind) != 1 or kind not in KINDS:
        raise ValueError(f"kind {kind[:8]!r}")
    return Entry(
        path=_safe(_text(data["path"])),
        kind=kind,
        mode=_whole(data["mode"], 0o7777),
        uid=_whole(data["uid"], 2**32 - 1),
        gid=_whole(data["gid"], 2**32 - 1),
        mtime_ns=_whole(data["mtime_ns"], 2**63 - 1, -(2**63)),
        size=_whole(data["size"], 2**63 - 1) if kind == "f" else 0,
        digest=_digest(data["digest"]) if kind == "f" else None,
        target=_text(data["target"]) if kind == "l" else None,
        rdev=_pair(data["rdev"]) if kind in "bc" else None,
        link=_whole(data["link"], 2**63 - 1, 1) if "link" in data and kind != "d" else None,
        xattrs={
            _text(name): base64.b64decode(value, validate=True)
            for name, value in dict(data.get("xattrs", {})).items()
        },
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("an empty or impossible name")
    value.encode("utf-8", "surrogateescape")  # UnicodeEncodeError is a ValueError
    return value


def _safe(path: str) -> str:
    if path != "." and any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("a path that leaves the tree")
    return path


def _whole(value: Any, most: int, least: int = 0) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError("a number out of range")
    return value


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise ValueError("a digest")
    return value


def _pair(value: Any) -> tuple[int, int]:
    major, minor = value
    return _whole(major, 2**32 - 1), _whole(minor, 2**32 - 1)
