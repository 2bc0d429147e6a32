"""Our own agent: on both heads, and as a witness on three compute nodes."""

import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import HaoscarError
from backend.lab.failover.engines import Engine
from backend.lab.failover.places import HEADS, OURS, VIRTUAL, WITNESSES
from backend.lab.failover.world import World
from backend.lab.overlay import source_directory
from backend.lab.topology import Net
from backend.system.runner import Command
from backend.system.unix_socket import Connection

DISK = Path("/run/disk")
CONFIGURATION = DISK / "agent.json"
KEY = DISK / "agent.key"
RUN = Path("run/agent")  # below the machine's root
CONTROL = "control"
ASK_LIMIT = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Program:
    """The agent as it is started: the one file, or this checkout."""

    words: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, zipapp: Path | None) -> "Program":
        """Return the program; without a zipapp, the source that runs here."""
        if zipapp is not None:
            return cls((sys.executable, str(zipapp)))
        source = (("PYTHONPATH", str(source_directory())), ("PYTHONDONTWRITEBYTECODE", "1"))
        return cls((sys.executable, "-P", "-m", "backend.agent.main"), source)

    def command(self, *words: str) -> Command:
        """Return the command with these words."""
        return Command((*self.words, *words), env=dict(self.environment))


class Agents(Engine):
    """HA-OSCAR's agent."""

    name = OURS
    settle = 1.0
    members = (*HEADS, *WITNESSES)

    def __init__(self, world: World, program: Program, profile: str = "default") -> None:
        super().__init__(world)
        self.program = program
        self.profile = profile

    def configure(self) -> None:
        """See Engine.configure."""
        key = secrets.token_hex(32).encode()  # bytes might end like a line, which is cut off
        for name in self.members:
            disk = self.world.machines[name].disk
            (disk / KEY.name).touch(0o600)
            (disk / KEY.name).write_bytes(key)
            (disk / CONFIGURATION.name).write_text(json.dumps(self.document(name), indent=1))

    def document(self, name: str) -> dict[str, object]:
        """Return a member's configuration."""
        spec = self.world.places.spec
        return {
            "version": 1,
            "cluster": "bench",
            "me": name,
            "preferred": HEADS[0],
            "profile": self.profile,
            "key_file": str(KEY),
            "state_directory": str(DISK / "state"),
            "run_directory": f"/{RUN}",
            "networks": [
                {"name": str(port.net), "interface": port.interface if name in HEADS else ""}
                for port in spec(HEADS[0]).ports
            ],
            "members": [
                {
                    "id": number,
                    "name": member,
                    "role": "head" if member in HEADS else "witness",
                    "addresses": {str(one.net): str(one.address.ip) for one in spec(member).ports},
                }
                for number, member in enumerate(self.members, start=1)
            ],
            "virtual_ips": [
                {
                    "address": str(VIRTUAL[net].ip),
                    "network": str(net),
                    "prefix": VIRTUAL[net].network.prefixlen,
                }
                for net in Net
            ],
        }

    def command(self, name: str) -> Command:
        """See Engine.command."""
        mode = "run" if name in HEADS else "witness"
        return self.program.command(mode, "--config", str(CONFIGURATION)).within(None)

    def switch_over(self, active: str) -> None:
        """Ask the active head's agent, as ``haoscar switchover`` does."""
        self.ask(active, command="switchover")

    def whole(self, active: str) -> bool:
        """See Engine.whole: the other head lives, all grant, and nothing is promised."""
        try:
            status = self.ask(active, command="status")
        except HaoscarError:  # it is just starting
            return False
        granting = all(one["state"] == "granting" for one in status["voters"])
        return granting and bool(status["peer"]["alive"]) and not status["serving_alone"]

    def ask(self, name: str, **question: Any) -> dict[str, Any]:
        """Ask a head's agent something over its control socket; raises HaoscarError."""
        try:
            connection = Connection(self.world.machines[name].root / RUN / CONTROL, ASK_LIMIT)
            try:
                answer = connection.ask(question)
            finally:
                connection.close()
        except (OSError, ValueError) as problem:
            answer = {"error": str(problem)}
        if not answer.get("ok"):
            raise HaoscarError.of(
                "failover.control", f"{name}'s agent refused {question}: {answer.get('error')}"
            )
        return answer
