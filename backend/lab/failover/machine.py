"""One machine of a failover world: a handful of namespaces, and the programs that run in them."""

import signal
import sys
import time
from pathlib import Path

from backend.errors import HaoscarError, Refused
from backend.lab.failover import node_init
from backend.lab.failover.places import TTL
from backend.lab.failover.programs import Program
from backend.lab.topology import NodeSpec
from backend.system.namespaces import Inside, NamespaceRunner
from backend.system.processes import ProcessId, children
from backend.system.runner import Command, Daemon, Runner, spawn

START_LIMIT = 10.0  # seconds; 0.1 when idle
OTHER_TTL = 64


class Machine:
    """A machine; switched on by ``power_on`` once its cables are plugged in."""

    def __init__(self, spec: NodeSpec, reaper: int, logs: Path) -> None:
        self.spec = spec
        self.name = str(spec.name)
        self.log_file = logs / f"{self.name}.log"
        self._reaper = reaper
        self._init: ProcessId | None = None
        self._outside: Daemon | None = None
        self.runner: Runner = NamespaceRunner(self.inside)

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return self._init is not None and self._init.alive

    @property
    def disk(self) -> Path:
        """What it has at /run/disk, which survives a loss of power, as this process sees it."""
        return Path(f"/proc/{self._reaper}/root/run/disks/{self.name}")

    @property
    def root(self) -> Path:
        """Its files, as this process sees them; raises Refused when it is switched off."""
        return Path(f"/proc/{self.inside().pid}/root")

    def inside(self) -> Inside:
        """Return where its commands run; raises Refused when it is switched off."""
        if self._init is None or not self._init.alive:
            raise Refused.of("failover.off", f"{self.name} is switched off.", "Switch it on first.")
        return Inside.machine(self._init.pid)

    def power_on(self) -> None:
        """Start it; returns at once, see ``wait_until_on``."""
        self.disk.mkdir(parents=True, exist_ok=True)
        # nsenter looks the network up before it enters the mounts: as this process sees it.
        network = Path(f"/proc/{self._reaper}/root/run/netns/{self.name}")
        place = Inside(self._reaper, network=network)
        command = Command.of(
            "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child",
            "--propagation=unchanged", "--", sys.executable, "-I", "-S", node_init.__file__,
            self.name, f"/run/disks/{self.name}", str(TTL.get(self.name, OTHER_TTL)),
        )  # fmt: skip
        self.log_file.write_bytes(b"")
        self._outside = spawn(command.after(*place.prefix), self.log_file)

    def wait_until_on(self) -> None:
        """Wait until it is furnished; raises HaoscarError."""
        assert self._outside is not None
        deadline = time.monotonic() + START_LIMIT
        while b"ready" not in self.log_file.read_bytes():
            if not self._outside.running or time.monotonic() > deadline:
                said = self.log_file.read_text(errors="replace").strip()
                raise HaoscarError.of("failover.machine", f"{self.name} did not start: {said}")
            time.sleep(0.002)
        below = self._outside.pid
        for _ in ("unshare", "node_init"):
            below = children(below)[0]
        self._init = ProcessId.of(below)

    def kill(self) -> None:
        """Let every process of it die at once."""
        if self._init is not None:
            self._init.send(signal.SIGKILL)
            self._init.wait(5.0)
        if self._outside is not None:
            self._outside.stop()
        self._init = None

    def start(self, command: Command, log_file: Path) -> Program:
        """Start a program that goes on running; raises CommandFailed, Refused, HaoscarError."""
        assert isinstance(self.runner, NamespaceRunner)
        assert self._init is not None
        return Program.start(command, self.runner, self._init, log_file)

    def traffic(self) -> int:
        """Return the bytes that its cards have sent and received so far."""
        assert self._init is not None
        total = 0
        for line in Path(f"/proc/{self._init.pid}/net/dev").read_text().splitlines()[2:]:
            name, _, numbers = line.partition(":")
            fields = numbers.split()
            if name.strip() != "lo":
                total += int(fields[0]) + int(fields[8])
        return total
