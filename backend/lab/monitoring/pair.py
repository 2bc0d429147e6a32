"""Two heads with real agents, and beside each its watch process with a watch list of the bench."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.errors import HaoscarError
from backend.lab.failover.agents import DISK, KEY, RUN, Agents
from backend.lab.failover.engines import Usage
from backend.lab.failover.places import HEADS, other_head
from backend.lab.failover.programs import Program as Running
from backend.lab.monitoring.mix import Object
from backend.system.agent.control_socket import ask

FILE = DISK / "watch.json"
SNMP_FILE = DISK / "snmp"  # how SNMP agents are asked
WATCH_RUN = "/run/watch"
ASK_LIMIT = 10.0  # seconds
STOP_LIMIT = 15.0
TAIL = 2000  # characters of what it said


class WatchedPair(Agents):
    """The agents, and the watch processes that ask them for the role."""

    watches: dict[str, Running]

    def configure(self) -> None:
        """See Engine.configure."""
        super().configure()
        self.watches = {}

    def watch_log(self, name: str) -> Path:
        """Where a watch process's words go."""
        return self.world.directory / f"watch-{name}.out"

    def watch(self, services: Sequence[Object]) -> None:
        """Let the watch processes of both heads begin anew with these services."""
        self.stop_watching()
        for name in HEADS:
            machine = self.world.machines[name]
            content = json.dumps(self._document(name, services))
            (machine.disk / FILE.name).write_text(content)
            command = self.program.command("watch", "--config", str(FILE)).within(None)
            self.watches[name] = machine.start(command, self.watch_log(name))

    def stop_watching(self) -> None:
        """End the watch processes, and forget what they knew."""
        for name in list(self.watches):
            self.watches.pop(name).stop(STOP_LIMIT)
        for name in HEADS:
            for path in sorted((self.world.machines[name].disk / "watch-state").rglob("*.json*")):
                path.unlink()

    def ask_watch(self, name: str, command: str) -> Mapping[str, Any]:
        """Ask a head's watch process; raises HaoscarError."""
        path = self.world.machines[name].root / WATCH_RUN[1:] / "watch"
        try:
            answer = json.loads(
                ask(str(path), json.dumps({"command": command}).encode(), ASK_LIMIT)
            )
        except (OSError, ValueError) as problem:
            answer = {"error": str(problem)}
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            raise HaoscarError.of("bench.watch", f"{name}'s watch process refused: {answer}")
        return answer

    def checks(self, active: str) -> bool:
        """Whether the active head's watch process checks, and the other one follows it."""
        try:
            status = self.ask_watch(active, "status")
        except HaoscarError:  # it is just starting
            return False
        return bool(status["active"]) and bool(status["connected"])

    def watch_usage(self, name: str) -> Usage:
        """Return what a watch process and its children have used so far."""
        return usage(self.watches[name])

    def said(self) -> str:
        """Return the last words of the watch processes."""
        return "".join(
            f"\n{name}: {self.watch_log(name).read_text(errors='replace')[-TAIL:]}"
            for name in HEADS
        )

    def _document(self, name: str, services: Sequence[Object]) -> Object:
        return {
            "version": 1, "kind": "watch", "cluster": "bench", "key_file": str(KEY),
            "state_directory": str(DISK / "watch-state"), "run_directory": WATCH_RUN,
            "agent_socket": f"/{RUN}/control", "snmp_file": str(SNMP_FILE),
            "me": self._head(name), "other": self._head(other_head(name)),
            "services": list(services),
        }  # fmt: skip

    def _head(self, name: str) -> Object:
        ports = self.world.places.spec(name).ports
        return {"name": name, "addresses": [str(port.address.ip) for port in ports]}


def usage(program: Running) -> Usage:
    """Return what a program and its children have used so far."""
    family = program.family()
    return Usage(
        sum(one.run_seconds() for one in family), sum(one.memory_bytes() for one in family)
    )
