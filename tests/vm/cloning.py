"""What the tests that clone in QEMU share: a head of the lab, its commands, the clone over SSH."""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from backend.clone.keys import PublicKey
from backend.errors import HaoscarError
from backend.lab.cluster import VirtualCluster
from backend.lab.commands import HeadCommands
from backend.lab.containers import LabNode
from backend.lab.machines import BlankMachine, MachineSpec
from backend.lab.overlay import LAUNCHER
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.paths import Paths
from backend.system.runner import Command, Result, Runner
from backend.tasks import TaskContext

# Seconds; an idle machine needs a quarter of it. Two busy cores must not make a test fail.
INSTALL_LIMIT = 1200.0
SSH_LIMIT = 300.0
KNOWN_HOSTS = PurePosixPath("/run/haoscar/test-known-hosts")
BLANK = MachineSpec(HostName.parse("blank"), Mac.parse("52:54:00:77:01:01"), memory_mib=1024)


class SshThrough:
    """A Runner on another machine, by ssh from a machine of the lab."""

    def __init__(self, runner: Runner, ssh: tuple[str, ...]) -> None:
        self._runner = runner
        self._ssh = ssh

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        limit = max(command.timeout or 0.0, SSH_LIMIT)
        return self._runner.run(self._there(command).within(limit), check=check)

    def stream(
        self,
        command: Command,
        on_line: Callable[[str], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        check: bool = True,
    ) -> Result:
        """See Runner.stream."""
        there = self._there(command)
        return self._runner.stream(there, on_line, cancelled=cancelled, check=check)

    def _there(self, command: Command) -> Command:
        return replace(command, argv=(*self._ssh, shlex.join(command.argv)))


@dataclass
class Head:
    """The head of a lab, used as an administrator uses it."""

    lab: VirtualCluster
    name: str = "head1"

    @property
    def node(self) -> LabNode:
        """The machine."""
        return self.lab.node(self.name)

    def haoscar(self, *words: str, limit: float = 600.0) -> Any:
        """Run the product's command there; returns its JSON, raises HaoscarError."""
        commands = HeadCommands(self.node.runner, str(LAUNCHER))
        return commands.run(TaskContext(), *words, limit=limit)

    def write(self, path: str, text: str) -> None:
        """Write a file through the running system, with its directory."""
        self.node.runner.run(Command.of("mkdir", "-p", str(PurePosixPath(path).parent)))
        self.node.runner.run(Command.of("tee", path).given(text.encode()))

    def say(self, *words: str) -> str:
        """Run a program there; returns what it says."""
        return self.node.runner.run(Command.of(*words).within(120)).stdout

    def network_boot(self) -> None:
        """Step 4: DHCP server and network boot."""
        self.haoscar("configure-dhcp")
        self.haoscar("setup-network-boot")

    def installed(self, standby: str, machine: BlankMachine) -> dict[str, Any]:
        """Wait until the clone has reported; fails with what head and machine say."""
        try:
            follow = ("installs", "follow", standby, "--limit", str(int(INSTALL_LIMIT)))
            return dict(self.haoscar(*follow, limit=INSTALL_LIMIT + 60))
        except HaoscarError as problem:
            said = self.haoscar("installs", "show", standby)
            raise AssertionError(
                f"{standby} was not installed: {said.get('failure') or problem}\n"
                f"{self.log()}\nIts serial line ends:\n{machine.serial[-4000:]}"
            ) from problem

    def log(self) -> str:
        """Return the last lines that installers and head have noted about installations."""
        records = self.node.disk / str(Paths().installs).lstrip("/")
        lines = [line for path in records.glob("*/events.jsonl") for line in path.open()]
        events = [json.loads(line) for line in lines]
        texts = [one.get("text", "") for one in events if one.get("kind") in ("log", "failed")]
        return "\n".join(texts[-40:])

    def clone(self, address: str, installed: dict[str, Any]) -> SshThrough:
        """Return what runs programs on a clone; its host key is the one that it has reported."""
        key = PublicKey.parse(str(installed["facts"]["hostkey"]))
        self.write(str(KNOWN_HOSTS), f"{address} {key.line}\n")
        ssh = (
            "ssh", "-i", "/root/.ssh/id_ed25519", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={KNOWN_HOSTS}", "-o", "StrictHostKeyChecking=yes",
            "-o", "HostKeyAlgorithms=ssh-ed25519", "-o", "LogLevel=ERROR",
            "-o", "ConnectTimeout=60", f"root@{address}",
        )  # fmt: skip
        return SshThrough(self.node.runner, ssh)
