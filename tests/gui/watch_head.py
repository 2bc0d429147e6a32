"""A real watch process beside the window: its daemon, a stand-in for the agent, and a monitor of a file.

What the monitor says stands below the root: ``run/broken`` makes the service fail with what is in it.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.rollout import places
from backend.system.agent.control_socket import ControlSocket
from haoscar_gui.screenshots import alone
from tests.gui.driver import LEASH, LIMIT, Window

PRINTER, QUIET, SLOW = "g:printer", "g:quiet", "g:slow"
SITE = """\
version = 1
[cluster]
name = "c"
domain = "d.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
[primary]
name = "head1"
private_address = "10.0.0.2"
[[host_group]]
name = "g"
hosts = ["head1"]
[[watch]]
group = "g"
name = "printer"
monitor = "{monitor}"
interval = "1s"
[[watch]]
group = "g"
name = "quiet"
monitor = "{monitor}"
interval = "2h"
disabled = true
[[watch]]
group = "g"
name = "slow"
monitor = "/bin/false"
interval = "2h"
"""
MONITOR = """\
#!/bin/sh
test -e {root}/run/broken || exit 0
cat {root}/run/broken
exit 1
"""


class WatchHead:
    """The processes; the agent says the role that ``role`` says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.role = "active"
        self.broken = root / "run/broken"
        self.socket = root / places.WATCH_SOCKET[1:]
        monitor = root / "check"
        monitor.write_text(MONITOR.format(root=root))
        monitor.chmod(0o755)
        (root / "etc/haoscar/site.toml").write_text(SITE.format(monitor=monitor))
        self._config = root / places.WATCH_CONFIG[1:]
        self._config.write_text(json.dumps(self._document(str(monitor))))
        self._key()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._agent = threading.Thread(target=self._answer, daemon=True)
        self._agent.start()

    def _key(self) -> None:
        key = self.root / "etc/haoscar/agent.key"
        key.write_text(os.urandom(32).hex() + "\n")
        key.chmod(0o600)

    def _document(self, monitor: str) -> dict[str, Any]:
        common = {"group": "g", "hosts": ["head1"], "limit": 5.0, "monitor": monitor}
        return {
            "version": 1, "kind": "watch", "cluster": "c", "port": 47480,
            "key_file": str(self.root / "etc/haoscar/agent.key"),
            "state_directory": str(self.root / "var/lib/watch"),
            "run_directory": str(self.socket.parent),
            "agent_socket": str(self.root / "run/role"),
            "me": {"name": "head1", "addresses": ["10.0.0.2"]},
            "other": {"name": "head2", "addresses": ["10.0.0.3"]},
            "services": [
                {**common, "name": "printer", "interval": 1.0},
                {**common, "name": "quiet", "interval": 7200.0, "disabled": True},
                {**common, "name": "slow", "interval": 7200.0},
            ],
        }  # fmt: skip

    def _answer(self) -> None:
        """Answer as the agent does when it is asked for the role."""
        made = ControlSocket(str(self.root / "run/role"), self._say)
        try:
            while not self._ended.wait(0.01):
                made.serve([*made.readers(), *made.writers()], 0)
        finally:
            made.close()

    def _say(self, question: bytes) -> bytes | None:
        if not question.endswith(b"\n"):
            return None
        return json.dumps({"ok": True, "role": self.role, "term": 1}).encode() + b"\n"

    def start(self) -> None:
        """Start the watch process, in a network of its own: nobody is asked for the other head."""
        command = [*alone(), sys.executable, "-P", "-m", "backend.agent.main", "watch", "--config"]
        checkout = Path(__file__).resolve().parents[2]
        with (self.root / "watch.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*LEASH, *command, str(self._config)], cwd=checkout, stdout=log, stderr=log,
                env={**os.environ, "PYTHONPATH": str(checkout)},
            )  # fmt: skip

    def stop(self) -> None:
        """End the watch process."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(LIMIT)
            self._process = None

    def close(self) -> None:
        """End everything."""
        self.stop()
        self._ended.set()
        self._agent.join(LIMIT)


@contextmanager
def watch_head(root: Path) -> Iterator[WatchHead]:
    """Yield a head whose watch process runs."""
    made = WatchHead(root)
    try:
        made.start()
        yield made
    finally:
        made.close()


def open_page(window: Window) -> None:
    """Go to the watch list, once nothing moves any more."""
    window.wait_until(lambda: window.text("rail.complete.state"), what="the states are shown")
    window.click("rail.watch-list")
    window.wait_until(lambda: PRINTER in states(window), what="the table is filled")


def states(window: Window) -> dict[str, str]:
    """Return what the table says of each service's state."""
    rows = window.widgets().get("watch-list.table", {}).get("rows", {})
    return {key: cells[-1] for key, cells in rows.items()}


def wait_state(window: Window, service: str, state: str) -> None:
    """Wait until the table shows a state."""
    window.wait_until(
        lambda: states(window).get(service, "").startswith(state), what=f"{service} is {state}"
    )
