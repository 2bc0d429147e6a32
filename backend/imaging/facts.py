"""image.json: what an image is, where it came from, and what was left out of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import InvalidInput
from backend.imaging.excludes import Exclusion
from backend.model.names import ImageName
from backend.model.site import IpAssignment, PostInstall
from backend.reports import Place

FORMAT = "haoscar-image"
VERSION = 1


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What image.json says."""

    name: ImageName
    number: int
    created: str  # ISO 8601, UTC
    client: str
    user: str | None
    distribution: Mapping[str, str]  # ID, VERSION_ID, PRETTY_NAME of os-release
    architecture: str  # as uname -m prints it
    kernels: tuple[str, ...]
    entries: int
    files: int
    size: int  # bytes of all regular files, as ls shows them
    transferred: int  # bytes that had to be copied for this version
    seconds: float
    ip_assignment: IpAssignment
    post_install: PostInstall
    file_systems: tuple[tuple[str, str], ...]  # (mount point, type), the root first
    skipped: tuple[tuple[str, str], ...]  # (mount point, reason)
    excluded: tuple[Exclusion, ...]
    swap_files: tuple[tuple[str, int], ...]  # (path, bytes): the clone makes them anew
    manifest_digest: str

    @property
    def system(self) -> str:
        """The distribution for a person."""
        return self.distribution.get("PRETTY_NAME") or self.distribution.get("ID") or "unknown"

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for image.json and ``--json``."""
        data: dict[str, Any] = {"format": FORMAT, "version": VERSION}
        for name in self.__dataclass_fields__:
            data[name] = getattr(self, name)
        data["distribution"] = dict(self.distribution)
        data["excluded"] = [one.as_dict() for one in self.excluded]
        data["ip_assignment"] = self.ip_assignment.value
        data["post_install"] = self.post_install.value
        return data

    def to_json(self) -> bytes:
        """Return the content of image.json."""
        return (json.dumps(self.as_dict(), indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> "ImageFacts":
        """Read image.json; raises InvalidInput when it is missing or damaged."""
        try:
            data = json.loads(path.read_bytes())
            if data["format"] != FORMAT or data["version"] != VERSION:
                raise ValueError("another format")
            return _facts(data)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as problem:
            raise InvalidInput.of(
                "image.facts",
                f"The description of the image cannot be read: {problem}.",
                "Delete this version of the image and fetch it again.",
                Place(path),
            ) from problem


def _facts(data: dict[str, Any]) -> ImageFacts:
    return ImageFacts(
        name=ImageName.parse(data["name"]),
        number=int(data["number"]),
        created=str(data["created"]),
        client=str(data["client"]),
        user=None if data["user"] is None else str(data["user"]),
        distribution={str(k): str(v) for k, v in data["distribution"].items()},
        architecture=str(data["architecture"]),
        kernels=tuple(str(one) for one in data["kernels"]),
        entries=int(data["entries"]),
        files=int(data["files"]),
        size=int(data["size"]),
        transferred=int(data["transferred"]),
        seconds=float(data["seconds"]),
        ip_assignment=IpAssignment(data["ip_assignment"]),
        post_install=PostInstall(data["post_install"]),
        file_systems=tuple((str(a), str(b)) for a, b in data["file_systems"]),
        skipped=tuple((str(a), str(b)) for a, b in data["skipped"]),
        excluded=tuple(Exclusion.from_dict(one) for one in data["excluded"]),
        swap_files=tuple((str(a), int(b)) for a, b in data["swap_files"]),
        manifest_digest=str(data["manifest_digest"]),
    )


_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'$`\\;&|]*)\s*")


def parse_os_release(text: str) -> dict[str, str]:
    """Return ID, VERSION_ID, ID_LIKE and PRETTY_NAME of an os-release file (os-release(5))."""
    found = {}
    for line in text.splitlines()[:200]:
        match = _ASSIGNMENT.fullmatch(line)
        if match and match[1] in {"ID", "VERSION_ID", "ID_LIKE", "PRETTY_NAME"}:
            value = match[2].strip("\"'")
            found[match[1]] = "".join(c for c in value if c.isprintable())[:100]
    return found


def distribution_of(tree: Path) -> dict[str, str]:
    """Return what the os-release of a tree says; never follows a link out of it."""
    for name in ("usr/lib/os-release", "etc/os-release"):
        path = tree / name
        if path.is_file() and not path.is_symlink():
            return parse_os_release(path.read_text(encoding="utf-8", errors="replace"))
    return {}


def kernels_of(tree: Path) -> tuple[str, ...]:
    """Return the versions of the kernels whose modules are in a tree."""
    for name in ("usr/lib/modules", "lib/modules"):
        path = tree / name
        if path.is_dir() and not path.is_symlink():
            return tuple(sorted(one.name for one in path.iterdir() if one.is_dir()))
    return ()
