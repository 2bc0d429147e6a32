"""Read an image tree as the system inside it would: links never lead out of it."""

import os
import stat
from collections import deque
from dataclasses import dataclass
from pathlib import Path

READ_LIMIT = 1 << 20
LINK_LIMIT = 40  # as the kernel's


@dataclass(frozen=True, slots=True)
class ImageTree:
    """The root of an image; paths are absolute as the system in it sees them."""

    root: Path

    def resolve(self, path: str, *, follow_last: bool = True) -> Path | None:
        """Return where a path lies, following links inside the tree; None for a loop of links."""
        waiting = deque(part for part in path.split("/") if part not in ("", "."))
        here: list[str] = []
        links = 0
        while waiting:
            part = waiting.popleft()
            if part == "..":
                here = here[:-1]
                continue
            candidate = self.root.joinpath(*here, part)
            if candidate.is_symlink() and (waiting or follow_last):
                links += 1
                if links > LINK_LIMIT:
                    return None
                target = str(candidate.readlink())
                here = [] if target.startswith("/") else here
                parts = [one for one in target.split("/") if one not in ("", ".")]
                waiting.extendleft(reversed(parts))
            else:
                here.append(part)
        return self.root.joinpath(*here)

    def text(self, path: str) -> str:
        """Return the text of a regular file, or nothing when there is none."""
        place = self.resolve(path)
        try:
            if place is None or not stat.S_ISREG(place.lstat().st_mode):
                return ""
            with place.open("rb") as source:
                return source.read(READ_LIMIT).decode("utf-8", "replace").replace("\0", "")
        except OSError:
            return ""

    def exists(self, path: str) -> bool:
        """Whether something is there, a dangling link too."""
        place = self.resolve(path, follow_last=False)
        return place is not None and os.path.lexists(place)

    def is_file(self, path: str) -> bool:
        """Whether a regular file is there and not a link."""
        place = self.resolve(path, follow_last=False)
        try:
            return place is not None and stat.S_ISREG(place.lstat().st_mode)
        except OSError:
            return False

    def names(self, path: str) -> tuple[str, ...]:
        """Return the sorted names in a directory that can be written into a plan."""
        place = self.resolve(path)
        try:
            inside = list(place.iterdir()) if place is not None and place.is_dir() else []
        except OSError:
            inside = []
        return tuple(sorted(one.name for one in inside if one.name.isprintable()))

    def program(self, name: str) -> str:
        """Return the path of a program as the system sees it, or nothing."""
        for directory in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
            place = self.resolve(f"{directory}/{name}")
            if place is not None and place.is_file():
                return f"{directory}/{name}"
        return ""
