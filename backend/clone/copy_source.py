"""What an admitted machine reads its image from: rsync's daemon, on the SSH session, for one directory.

A plain ``rsync --server --sender`` opens every file of the head that a hostile client names as a
merge file in its filter rules (rsync(1), "MERGE-FILE FILTER RULES"). The daemon changes its root
directory to the module's before it reads any rule, refuses options, and writes nothing.
"""

from pathlib import Path

from backend.errors import Refused
from backend.rendering import render
from backend.system.files import write_atomically

# What rsync asks of the far side for a daemon on a remote shell (rsync(1)); nothing of it varies.
COPY_COMMAND = "rsync --server --daemon ."
MODULE = "image"
SOURCE = f":{MODULE}/"  # what the installer puts behind "haoscar-head:"; a daemon has two colons
CONFIGURATION = "rsyncd.conf"  # in the machine's record
# The options of script.RSYNC and script.REDUCED_RSYNC, of every compression, and what -a stands for.
OPTIONS = (
    "r", "l", "p", "t", "g", "o", "D", "H", "A", "X", "W", "z", "numeric-ids",
    "inplace", "partial",  # rsync asks for both when it writes in place
    "checksum-choice", "compress-choice", "compress-level", "new-compress", "old-compress", "modify-window",
)  # fmt: skip


def copy_source(program: str, directory: Path, record: Path) -> list[str]:
    """Return the command that serves one directory for one session; raises Refused, OSError.

    ``record`` is where the configuration is kept, root's alone.
    """
    if (
        any(letter in str(directory) for letter in "%\\")
        or str(directory) != str(directory).strip()
    ):
        raise Refused.of(
            "gate.path",
            f"The directory {str(directory)!a} cannot stand in a configuration of rsync.",
            "Mount that file system of the golden client elsewhere and fetch the image again.",
        )
    text = render(
        "installer/rsyncd.conf.j2", options=OPTIONS, module=MODULE, directory=directory
    )  # fmt: skip
    path = record / CONFIGURATION
    write_atomically(path, text.encode(), 0o600)
    return [program, "--server", "--daemon", f"--config={path}", "."]
