"""Files: atomic writes with the right owner and mode, so that a reader never sees half a file."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace ``path`` with ``content`` in one step, durable on disk; keeps an existing owner.

    Raises OSError. A symbolic link is written through to its target, as an editor would.
    """
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as output:
            os.fchmod(output.fileno(), mode)
            with contextlib.suppress(FileNotFoundError):
                before = path.stat()
                os.fchown(output.fileno(), before.st_uid, before.st_gid)
            output.write(content)
            output.flush()
            os.fsync(output.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make a rename in ``path`` durable; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a file, or None when there is none; raises OSError otherwise."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def empty_when_larger(path: Path, most: int) -> None:
    """Empty a log of more than ``most`` bytes, whose writers append; raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > most:
            os.truncate(path, 0)


def make_private(path: Path) -> None:
    """Create a directory that only root can enter (0700), and its parents; raises OSError."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
