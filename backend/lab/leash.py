"""The first process of a lab, and the leash that its creator holds it on.

The reaper lives in a PID, mount and network namespace of its own. When the creator dies, even by
SIGKILL, its end of the leash closes, the reaper ends, and the kernel ends everything below it.
"""

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

from backend.errors import HaoscarError
from backend.lab import reaper as reaper_program
from backend.system.files import make_private
from backend.system.processes import ProcessId, children
from backend.system.runner import Command, spawn

READY_LIMIT = 20.0  # seconds for the reaper to be ready
GROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


def start_reaper(directory: Path) -> tuple[ProcessId, int]:
    """Make the directory and start a lab's first process; returns it and our end of the leash.

    The lab is called as its directory. Raises HaoscarError when it does not start.
    """
    make_private(directory.parent)
    directory.mkdir(mode=0o700)
    os.mkfifo(directory / "leash", 0o600)
    leash = os.open(directory / "leash", os.O_RDWR)
    command = Command.of(
        "unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--propagation=unchanged",
        "--", sys.executable, "-I", reaper_program.__file__, directory, directory.name,
    )  # fmt: skip
    daemon = spawn(command, directory / "reaper.log")
    deadline = time.monotonic() + READY_LIMIT
    while not (directory / "ready").exists():
        if not daemon.running or time.monotonic() > deadline:
            said = (directory / "reaper.log").read_text() if directory.exists() else ""
            daemon.stop()
            os.close(leash)
            remove_traces(directory)
            raise HaoscarError.of("lab.reaper", f"The lab could not be started: {said.strip()}")
        time.sleep(0.002)
    reaper = ProcessId.of(children(daemon.pid)[0])
    assert reaper is not None
    return reaper, leash


def remove_traces(directory: Path) -> None:
    """Remove the files and control groups of a lab that no longer runs."""
    for top in GROUPS:
        for path, _directories, _files in os.walk(top / f"haoscar-lab-{directory.name}", False):
            with contextlib.suppress(OSError):
                Path(path).rmdir()
    shutil.rmtree(directory, ignore_errors=True)
