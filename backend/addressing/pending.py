"""A change that is not confirmed yet: who may decide about it, until when, and what became of it.

Whoever takes the one file away by renaming or removing it has decided; the kernel lets only one.
"""

import contextlib
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend.addressing import places
from backend.addressing.transfer import Transfer, from_json
from backend.errors import InvalidInput
from backend.paths import Paths
from backend.system.files import make_private, read_if_there, sync_directory, write_atomically

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_clock() -> float:
    """Return seconds since the machine started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Pending:
    """A change that goes back unless somebody confirms it."""

    transfer: Transfer
    deadline: float  # of boot_clock()
    boot: str  # the boot that this clock belongs to
    after: str = ""  # the newest record of the journal before the change
    why: str = ""  # it is rolled back
    confirmed: bool = False  # it was, before somebody wanted it back

    def left(self, boot: str, now: float) -> float:
        """Return the seconds left; none when the machine was started again meanwhile."""
        return max(0.0, self.deadline - now) if boot == self.boot else 0.0


def this_boot(paths: Paths) -> str:
    """Return what tells this start of the machine from every other."""
    content = read_if_there(paths.at(BOOT_ID)) or read_if_there(BOOT_ID) or b""
    return content.decode("ascii", "replace").strip()


def write(paths: Paths, file: Path, pending: Pending) -> None:
    """Keep a change in one of the two files, durable on disk; raises OSError."""
    make_private(places.state_directory(paths))
    values = {
        "deadline": pending.deadline,
        "boot": pending.boot,
        "after": pending.after,
        "why": pending.why,
        "confirmed": pending.confirmed,
        "transfer": json.loads(pending.transfer.to_json()),
    }
    write_atomically(file, (json.dumps(values) + "\n").encode(), 0o600)


def read(file: Path) -> Pending | None:
    """Return the change of one of the two files, or None; raises InvalidInput, OSError."""
    content = read_if_there(file)
    if content is None:
        return None
    try:
        found = json.loads(content)
        return Pending(
            from_json(json.dumps(found["transfer"]).encode()),
            float(found["deadline"]),
            str(found["boot"]),
            str(found["after"]),
            str(found["why"]),
            found["confirmed"] is True,
        )
    except (ValueError, KeyError, TypeError) as problem:
        if isinstance(problem, InvalidInput):
            raise
        raise InvalidInput.of(
            "addressing.damaged",
            f"{file} cannot be read ({problem}).",
            "Look at 'haoscar changes list', undo the change there, and remove the file.",
        ) from problem


def confirm(paths: Paths) -> bool:
    """Decide that the change stays; returns whether it was still to be decided."""
    file = places.pending_file(paths)
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    sync_directory(file.parent)
    with contextlib.suppress(FileNotFoundError):
        places.watcher_file(paths).unlink()
    return True


def claim(paths: Paths, why: str) -> Pending | None:
    """Decide that the change goes back; returns what to take back, also what was begun before.

    Raises InvalidInput, OSError.
    """
    pending, back = places.pending_file(paths), places.back_file(paths)
    with contextlib.suppress(FileNotFoundError):
        pending.replace(back)
        sync_directory(back.parent)
    found = read(back)
    if found is not None and not found.why:
        found = replace(found, why=why)
        write(paths, back, found)
    return found


def finish(paths: Paths, outcome: dict[str, Any]) -> None:
    """Note how a roll-back ended, and that nothing is left to do; raises OSError."""
    write_atomically(places.last_file(paths), (json.dumps(outcome) + "\n").encode(), 0o600)
    for file in (places.watcher_file(paths), places.back_file(paths)):
        with contextlib.suppress(FileNotFoundError):
            file.unlink()
    sync_directory(places.state_directory(paths))


def last(paths: Paths) -> dict[str, Any] | None:
    """Return how the last roll-back ended, or None."""
    content = read_if_there(places.last_file(paths))
    try:
        found = json.loads(content) if content else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
