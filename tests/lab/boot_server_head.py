"""The boot server on the files below a directory, with a fixed answer to every inventory.

Started by test_gate_ssh.py inside its network: boot_server_head.py ROOT
"""

import asyncio
import sys
from pathlib import Path

from backend.clone import sessions
from backend.clone.answer import Answer, Answerer, Expectation
from backend.clone.keys import ensure_host_key
from backend.netboot import server
from backend.paths import Paths
from backend.system.runner import LocalRunner


class FixedAnswer(Answerer):
    """What the head says, without looking at disks."""

    def answer(self, *_given: object) -> Answer:
        """Return a ticket that copies the tree and one more part."""
        expected = Expectation("standby1", "abc-1", "/dev/sda3", "bios")
        return Answer("# script\n", ("boot/efi",), (), 5000, expected, ())


def main(root: Path) -> None:
    """Serve until a signal."""
    server.Answerer = FixedAnswer  # type: ignore[misc]
    sessions.make_checks = lambda *_given: None
    paths = Paths(root)
    key = ensure_host_key(paths, LocalRunner())
    asyncio.run(server.BootServer(server.BootServerPlan(paths, key)).run())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
