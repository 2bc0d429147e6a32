"""Where a step really writes: below the root, through links that can be trusted, or not at all."""

import os
import stat
from pathlib import Path

from backend.errors import Refused
from backend.paths import Paths


def machine_path(paths: Paths, real: Path) -> str:
    """Return a real path as the machine's own absolute path, without the root it was moved to."""
    return "/" + str(real.relative_to(paths.root.resolve()))


def located(paths: Paths, path: Path) -> Path:
    """Return a machine path below the root; one that lies below the root already stays.

    Raises Refused for a relative path and for one with "..".
    """
    if not path.is_absolute() or ".." in path.parts:
        raise Refused.of("change.path", f"{path} is not an absolute path without '..'.")
    return path if path.is_relative_to(paths.root) else paths.at(path)


def place_of(paths: Paths, path: Path, *, through_link: bool) -> Path:
    """Return the real path of a step's file or directory.

    Links among its parents are followed; one at its end only with ``through_link``, as an editor
    would. Raises Refused for a relative path, one that leaves the root, and a link that dangles or
    that an ordinary user owns.
    """
    wanted = located(paths, path)
    real = wanted.parent.resolve() / wanted.name
    if through_link and real.is_symlink():
        real = _followed(real)
    if not real.is_relative_to(paths.root.resolve()):
        raise Refused.of(
            "change.path-outside",
            f"{path} leads to {real}, which is outside {paths.root}.",
            "Replace the symbolic link on the way by a directory or file.",
        )
    return real


def _followed(link: Path) -> Path:
    """Return where a link at the end of a path leads; raises Refused."""
    found = link.lstat()
    if stat.S_ISLNK(found.st_mode) and found.st_uid not in (0, os.geteuid()):
        raise Refused.of(
            "change.link-owner",
            f"{link} is a symbolic link that belongs to an ordinary user (number {found.st_uid}).",
            "Replace it by the file itself.",
        )
    try:
        return link.resolve(strict=True)
    except (OSError, RuntimeError) as problem:
        raise Refused.of(
            "change.link-dangling",
            f"{link} is a symbolic link that leads nowhere.",
            "Remove it, or make the file that it points to.",
        ) from problem


def missing_parents(directory: Path) -> tuple[Path, ...]:
    """Return the directories that have to be made for ``directory`` to exist, outermost first."""
    missing: list[Path] = []
    while not os.path.lexists(directory):
        missing.append(directory)
        directory = directory.parent
    return tuple(reversed(missing))
