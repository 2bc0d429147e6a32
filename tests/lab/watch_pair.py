"""Agents of a failover world with a watch process beside each head's, and a service to watch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.errors import HaoscarError
from backend.lab.failover.agents import Agents
from backend.lab.failover.places import HEADS, VIRTUAL, other_head
from backend.lab.failover.programs import Program as Running
from backend.lab.topology import Net
from backend.system.runner import Command
from backend.system.unix_socket import Connection

RUN = "/run/watch"
REF = "cluster:app"
NOTE = "cluster:note"
INTERVAL = 0.5  # seconds

# The service: a process that writes its number. It does not start where "broken" is.
START = """\
#!/bin/sh
echo "start" >> /run/disk/started
test ! -e /run/disk/broken || { echo "it is broken here"; exit 1; }
setsid sleep 1000000 > /dev/null 2>&1 &
echo $! > /run/app.pid
"""
CHECK = """\
#!/bin/sh
kill -0 "$(cat /run/app.pid)" 2> /dev/null && exit 0
echo "$@"
echo "no process"
exit 1
"""
# A service of which only results matter.
NOTES = """\
#!/bin/sh
test ! -e /run/disk/note || { echo "$@"; cat /run/disk/note; exit 1; }
"""
ALERT = """\
#!/bin/sh
cat > /dev/null
for last in "$@"; do :; done
echo "$MON_SERVICE $MON_ALERTTYPE $last" >> /run/disk/alerts
"""


class WatchPair(Agents):
    """Two heads with watch processes."""

    watches: dict[str, Running]

    def configure(self) -> None:
        """See Engine.configure."""
        super().configure()
        self.watches = {}
        for name in HEADS:
            disk = self.world.machines[name].disk
            for script, text in (
                ("start-app", START), ("app.check", CHECK), ("note.check", NOTES), ("tell", ALERT),
            ):  # fmt: skip
                (disk / script).write_text(text)
                (disk / script).chmod(0o755)
            (disk / "watch.json").write_text(json.dumps(self.watch_document(name), indent=1))

    def watch_document(self, name: str) -> dict[str, Any]:
        """Return the configuration of a head's watch process."""

        def head(one: str) -> dict[str, Any]:
            ports = self.world.places.spec(one).ports
            return {"name": one, "addresses": [str(port.address.ip) for port in ports]}

        down = {"program": "/run/disk/tell", "words": ["admin"]}
        always = {
            "when": "", "name": "always", "every": 3600.0,
            "alerts": [down, {**down, "run": "up"}],
        }  # fmt: skip
        common = {
            "group": "cluster", "hosts": [str(VIRTUAL[Net.PRIVATE].ip)], "interval": INTERVAL,
            "limit": 5.0, "periods": [always],
        }  # fmt: skip
        recovery = {
            "kind": "command", "options": {"start": "/run/disk/start-app"}, "restarts": 2,
            "within": 600.0, "verify": 0.5, "limit": 5.0, "escalate": "takeover",
        }  # fmt: skip
        return {
            "version": 1, "kind": "watch", "cluster": "bench",
            "key_file": "/run/disk/agent.key", "state_directory": "/run/disk/watch-state",
            "run_directory": RUN, "agent_socket": "/run/agent/control",
            "me": head(name), "other": head(other_head(name)),
            "services": [
                {**common, "name": "app", "monitor": "/run/disk/app.check", "recovery": recovery},
                {**common, "name": "note", "monitor": "/run/disk/note.check"},
            ],
        }  # fmt: skip

    # the watch processes

    def watch_log(self, name: str) -> Path:
        """Where a watch process's words go."""
        return self.world.directory / f"watch-{name}.out"

    def start_watch(self, *names: str) -> None:
        """Start watch processes."""
        for name in names:
            command = self.program.command("watch", "--config", "/run/disk/watch.json").within(None)
            machine = self.world.machines[name]
            self.watches[name] = machine.start(command, self.watch_log(name))

    def stop_watch(self, *names: str) -> None:
        """Stop watch processes in order."""
        for name in names:
            self.watches.pop(name).stop(10.0)

    def kill_watch(self, name: str) -> None:
        """Kill a watch process as SIGKILL does."""
        self.watches.pop(name).kill()

    def ask_watch(self, name: str, **question: Any) -> dict[str, Any]:
        """Ask a head's watch process; raises HaoscarError."""
        try:
            connection = Connection(self.world.machines[name].root / RUN[1:] / "watch", 20.0)
            try:
                answer = connection.ask(question)
            finally:
                connection.close()
        except (OSError, ValueError) as problem:
            answer = {"error": str(problem)}
        if not answer.get("ok"):
            raise HaoscarError.of("test.watch", f"{name} refused {question}: {answer.get('error')}")
        return answer

    def service(self, name: str, ref: str = REF) -> dict[str, Any]:
        """Return a service as a head's watch process shows it; nothing while it does not answer."""
        try:
            services = self.ask_watch(name, command="status")["services"]
        except HaoscarError:
            return {}
        return next(one for one in services if one["ref"] == ref)

    def watching(self, name: str) -> bool:
        """Whether a head's watch process checks."""
        try:
            return bool(self.ask_watch(name, command="status")["active"])
        except HaoscarError:
            return False

    def history(self, name: str, ref: str = "") -> list[str]:
        """Return what a head's watch process knows to have happened."""
        answer = self.ask_watch(name, command="history", service=ref, most=1000)
        return [str(one["sentence"]) for one in answer["history"]]

    # the service

    def pid(self, name: str) -> int:
        """Return the process of the service on a head; 0 when there is none."""
        run = self.world.machines[name].runner.run
        words = Command.of("sh", "-c", "p=$(cat /run/app.pid) && kill -0 $p && echo $p")
        return int(run(words, check=False).stdout.strip() or 0)

    def shoot(self, name: str) -> float:
        """Kill the service on a head; returns when."""
        pid = self.pid(name)
        if pid:
            self.world.machines[name].runner.run(Command.of("kill", "-9", str(pid)))
        return time.monotonic()

    def lines(self, name: str, file: str) -> list[str]:
        """Return the lines of a file on a head's disk."""
        path = self.world.machines[name].disk / file
        return path.read_text().splitlines() if path.exists() else []


def until(done: Callable[[], bool], what: str, limit: float = 15.0) -> float:
    """Wait for a condition; returns when it was there."""
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end, f"{what} did not come within {limit:g} s"
        time.sleep(0.02)
    return time.monotonic()
