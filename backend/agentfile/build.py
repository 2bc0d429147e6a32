"""Builds ``haoscar-agent.pyz``: agent and watch process in one file that only needs ``python3``.

The layout is that of the standard library's ``zipapp``, written here member by member, because
``zipapp`` takes times and modes from the disk: the same modules must give the same bytes. Nothing
is compressed or compiled: see docs/agent.md for what that was measured to cost.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import backend
from backend.errors import HaoscarError, InvalidInput
from backend.reports import Place, error
from backend.system.files import write_atomically

NAME = "haoscar-agent.pyz"
SHEBANG = b"#!/usr/bin/env python3\n"
PARTS = (  # of the package backend
    "__init__.py", "agent", "periods", "system/__init__.py", "system/agent", "system/watch", "watch",
)  # fmt: skip
LIBRARIES = ("pyasn1", "pysnmp")  # for the watch process; all of it is Python
MIBS = "pysnmp/smi/builder.py"
# pysnmp runs its MIB modules by their paths, and in a zip file they have none.
ARCHIVED = b"""

# Added by HA-OSCAR.
from backend.system.watch.mibs import from_archive

MibBuilder.load_module = from_archive(MibBuilder.load_module)
"""
RELEASE = "backend/agent/release.py"
UNSTAMPED = b'\nDIGEST = ""'
LARGEST = 5_000_000  # bytes
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file knows
MODE = 0o100644 << 16

# Python of any age must be able to read this much, to say what is wrong.
START = b"""\
import sys

if sys.version_info < (3, 9):
    sys.exit("haoscar-agent: Python 3.9 or later is needed, and this is Python %d.%d." % sys.version_info[:2])

from backend.agent.main import main

sys.exit(main())
"""


class Content(NamedTuple):
    """What is in one built file."""

    version: str  # with the digest
    digest: str  # of all members as they were before they got it
    modules: int
    size: int


def build() -> bytes:
    """Return the one file, made of the modules that this program itself runs from.

    Raises HaoscarError when modules are missing, as in a damaged installation.
    """
    members = {**sources(), **libraries(), "__main__.py": START}
    digest = digest_of(members)
    members[RELEASE] = members[RELEASE].replace(UNSTAMPED, f'\nDIGEST = "{digest}"'.encode(), 1)
    packed = _packed(members)
    if len(packed) > LARGEST:
        text = f"The agent's file would have {len(packed)} bytes, more than {LARGEST}."
        raise HaoscarError.of("agentfile.large", text, "Leave a module out.")
    return packed


def write(path: Path) -> Content:
    """Build the file at ``path``, executable; raises HaoscarError, OSError."""
    content = build()
    write_atomically(path, content, 0o755)
    return examine(content, path)


def sources() -> dict[str, bytes]:
    """Return the agent's modules by their names in the file; raises HaoscarError."""
    top = Path(backend.__file__).parent
    found: dict[str, bytes] = {}
    for part in PARTS:
        found |= {f"backend/{name}": text for name, text in _read(top, part)}
    if UNSTAMPED not in found.get(RELEASE, b""):
        text = f"The agent's modules are not complete in {top}."
        raise HaoscarError.of("agentfile.modules", text, "Install HA-OSCAR again.")
    return found


def libraries() -> dict[str, bytes]:
    """Return the packages of others by their names in the file, with their licences; raises HaoscarError."""
    found: dict[str, bytes] = {}
    for name in LIBRARIES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            text = (
                f"The Python package {name} is not installed here, and the agent's file needs it."
            )
            raise HaoscarError.of("agentfile.library", text, f"Install it with: pip install {name}")
        top = Path(spec.origin).parent.parent
        found |= dict(_read(top, name))
        for file in metadata.files(name) or ():
            if file.name.startswith("LICENSE"):
                found[f"{name}/{file.name}"] = file.read_binary()
    if MIBS in found:
        found[MIBS] += ARCHIVED
    # Python finds a package without __init__.py in a directory, but not in a zip file.
    folders = {one.rpartition("/")[0] for one in found}
    return {**dict.fromkeys((f"{one}/__init__.py" for one in folders), b""), **found}


def _read(top: Path, part: str) -> Iterator[tuple[str, bytes]]:
    """Yield a module, or all modules of a package."""
    path = top / part
    for file in [path] if path.suffix else sorted(path.rglob("*.py")):
        yield file.relative_to(top).as_posix(), file.read_bytes()


def digest_of(members: Mapping[str, bytes]) -> str:
    """Return a digest of names and contents, whatever their order."""
    digest = hashlib.sha256()
    for name, content in sorted(members.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _packed(members: Mapping[str, bytes]) -> bytes:
    output = io.BytesIO()
    output.write(SHEBANG)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(members.items()):
            member = zipfile.ZipInfo(name, EPOCH)
            member.create_system = 3  # Unix, whatever builds it
            member.external_attr = MODE
            archive.writestr(member, content)
    return output.getvalue()


def examine(content: bytes, path: Path) -> Content:
    """Return what is in a built file; raises InvalidInput when it is none or was changed."""
    if not content.startswith(SHEBANG) or len(content) > LARGEST:
        raise _no_agent(path, "does not begin like one")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
                raise _no_agent(path, "is compressed")
            members = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as problem:
        raise _no_agent(path, f"is damaged: {problem}") from problem
    head, mark, rest = members.get(RELEASE, b"").partition(b'\nDIGEST = "')
    stamped, quote, tail = rest.partition(b'"')
    if not mark or not quote:
        raise _no_agent(path, "does not say which build it is")
    digest = digest_of({**members, RELEASE: head + UNSTAMPED + tail})
    if stamped.decode("ascii", "replace") != digest or _packed(members) != content:
        raise _no_agent(path, "is not what its digest says")
    version = f"{_version(members)}+{digest[:12]}"
    return Content(version, digest, len(members), len(content))


def _version(members: Mapping[str, bytes]) -> str:
    """Return the version without running anything of the file."""
    _, _, rest = members.get("backend/__init__.py", b"").partition(b'__version__ = "')
    return rest.partition(b'"')[0].decode("ascii", "replace")


def _no_agent(path: Path, why: str) -> InvalidInput:
    text = f"{path} is no agent that this program built: it {why}."
    return InvalidInput(
        error("agentfile.bad", text, "Build it again with: haoscar agent build", Place(path))
    )
