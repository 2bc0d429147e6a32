"""Reads the site file's text: whatever may be wrong with a file is said, with its place."""

import errno
import os
import re
import stat
import tomllib
from pathlib import Path

from backend.errors import InvalidInput
from backend.reports import Place, error
from backend.site.locate import Map, locate

LARGEST = 1 << 20  # bytes; a node takes about 80
BOM = b"\xef\xbb\xbf"
_LINE = re.compile(r"\(at line (\d+), column \d+\)")


def read_text(path: Path) -> str:
    """Return the text of a site file, lines ending in "\\n" or "\\r\\n"; raises InvalidInput."""
    content = _read(path)
    if content.startswith(BOM):
        raise InvalidInput.of(
            "site.bom",
            "The file begins with a byte order mark.",
            "Save it as plain UTF-8, without a byte order mark.",
            Place(path, 1),
        )
    try:
        return content.decode()
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise InvalidInput.of(
            "site.encoding",
            f"The byte 0x{content[problem.start]:02x} is not UTF-8 text.",
            "Save the file in UTF-8.",
            Place(path, line),
        ) from problem


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise _not_opened(path, problem) from problem
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInput.of(
            "site.not-a-file",
            f"{path} is not a file.",
            "Put the site file there, or begin a new one with the wizard.",
            Place(path),
        )
    with os.fdopen(descriptor, "rb") as source:
        content = source.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise InvalidInput.of(
            "site.too-large",
            f"{path} is larger than {LARGEST >> 20} MiB, which no site file is.",
            "Look what is in it; the site file lists the machines of one cluster.",
            Place(path),
        )
    return content


def _not_opened(path: Path, problem: OSError) -> InvalidInput:
    match problem.errno:
        case errno.ENOENT | errno.ENOTDIR:
            code, text = "site.missing", f"There is no site file {path} yet."
            remedy = "Describe the cluster with the wizard, or write it as docs/site-file.md says."
        case errno.ELOOP:
            code, text = "site.symlink", f"{path} is a symbolic link, which is not followed."
            remedy = "Put the file itself there."
        case errno.EACCES | errno.EPERM:
            code, text = "site.unreadable", f"{path} may not be read by this user."
            remedy = "Run it as root, with sudo."
        case _:
            code, text = "site.unreadable", f"{path} cannot be read: {problem.strerror}."
            remedy = "Look after the disk or the directory, then try again."
    return _invalid(code, text, remedy, Place(path))


def read_toml(text: str, path: Path) -> tuple[dict[str, object], Map]:
    """Return the values of a TOML text and where they are; raises InvalidInput."""
    try:
        return tomllib.loads(text), locate(text)
    except tomllib.TOMLDecodeError as problem:
        found = _LINE.search(str(problem))
        line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
        what = _LINE.sub("", str(problem)).replace("(at end of document)", "at the end").strip()
        raise _invalid(
            "site.syntax",
            f"This is not TOML: {ascii(what)[1:-1]}.",
            'A value is written as key = "text", a table as [name] on a line of its own.',
            Place(path, line),
        ) from problem
    except (RecursionError, ValueError) as problem:
        deep = isinstance(problem, RecursionError)
        what = "lists in lists, too many to read" if deep else "a number with thousands of digits"
        raise _invalid(
            "site.syntax", f"This is no site file: it has {what}.", "Take that out.", Place(path)
        ) from problem


def _invalid(code: str, text: str, remedy: str, place: Place) -> InvalidInput:
    return InvalidInput(error(code, text, remedy, place))
