"""The dead-man's switch: a process of its own that takes a change back when nobody confirms it."""

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.addressing import pending, places
from backend.addressing.rollback import RollBack
from backend.change.journal import Journal
from backend.errors import HaoscarError, Refused
from backend.paths import Paths
from backend.reports import Report
from backend.system.files import read_if_there, write_atomically
from backend.system.runner import Command, Runner, spawn
from backend.tasks import TaskContext

START_LIMIT = 20.0  # seconds until it watches; it needs less than one
PAUSE = 0.1
RESTART = 3  # seconds; a start every 3 s never meets systemd's limit of 5 in 10 s
_PATH = re.compile(r"/[A-Za-z0-9._+/-]*")


def program(*words: str) -> tuple[tuple[str, ...], Path]:
    """Return the command line of this very program for a unit, and where its source is.

    Without the launcher, so that nothing waits for pip, and without a character that systemd would
    read: a transient unit is written anew by daemon-reload, and in systemd 252 a ";" does not survive
    that. Raises Refused.
    """
    source, python = Path(__file__).resolve().parents[2], Path(sys.executable)
    for path in (source, python):
        if not _PATH.fullmatch(str(path)):
            raise Refused.of(
                "addressing.program-path",
                f"The path {str(path)!a} cannot stand in a systemd unit.",
                "Move HA-OSCAR to a directory whose name has letters, digits and ._+- only.",
            )
    return (str(python), "-P", "-m", "haoscar_gui", places.COMMAND, *words), source


def start(paths: Paths, runner: Runner, *, systemd: bool) -> None:
    """Start the watcher and wait until it watches; raises HaoscarError when it does not.

    With systemd it is a transient service, which comes back when it is killed; else a process of
    its own session. Neither ends with this command or with the administrator's connection.
    """
    argv, source = program("watch")
    file = places.watcher_file(paths)
    file.unlink(missing_ok=True)
    if systemd:
        runner.run(Command.of("systemctl", "reset-failed", places.WATCH_UNIT), check=False)
        runner.run(
            Command.of(
                "systemd-run", "--quiet", "--collect", f"--unit={places.WATCH_UNIT}",
                "--description=Takes the change of addresses back unless it is confirmed",
                "--property=Restart=on-failure", f"--property=RestartSec={RESTART}",
                f"--setenv=PYTHONPATH={source}", *argv,
            )
        )  # fmt: skip
    else:
        command = Command(argv, env={"PYTHONPATH": str(source)}, timeout=None)
        spawn(command, places.state_directory(paths) / "watcher.log")
    end = time.monotonic() + START_LIMIT
    while not file.exists():
        if time.monotonic() > end:
            raise HaoscarError.of(
                "addressing.no-watcher",
                "The process that would take the change back did not start, so nothing was changed.",
                f"Look at: journalctl -u {places.WATCH_UNIT}",
            )
        time.sleep(PAUSE / 2)


@dataclass(frozen=True, slots=True)
class Watch:
    """What the watcher does: wait for the deadline or the decision, and act."""

    paths: Paths
    runner: Runner
    journal: Journal
    title: str = "Watching over the change of addresses"
    clock: Callable[[], float] = pending.boot_clock

    def run(self, context: TaskContext) -> tuple[Report, ...]:
        """Return when the change was confirmed, or was taken back; raises HaoscarError."""
        boot = pending.this_boot(self.paths)
        write_atomically(places.watcher_file(self.paths), b"watching\n", 0o600)
        while True:
            waiting = pending.read(places.pending_file(self.paths))
            if waiting is None:
                break
            left = waiting.left(boot, self.clock())
            if left <= 0:
                break
            time.sleep(min(PAUSE, left))
        why = "it was not confirmed in time"
        if waiting is None and read_if_there(places.back_file(self.paths)) is None:
            return ()
        return RollBack(self.paths, self.runner, self.journal, why).run(context)
