"""Heads and compute nodes: Debian with its own systemd in systemd-nspawn, on an overlay each."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from backend.errors import CommandFailed, HaoscarError, Refused
from backend.lab import launch
from backend.lab.network import LabNetwork
from backend.lab.topology import Net, NodeSpec
from backend.system.namespaces import Inside, NamespaceRunner
from backend.system.processes import ProcessId, children, namespace_pid
from backend.system.runner import Command, Runner, spawn

START_LIMIT = 90.0  # seconds until systemd has started everything; it needs 0.3 when idle
STOP_LIMIT = 30.0
HALT = signal.SIGRTMIN + 4  # systemd(1): power off
UP = ("running", "degraded")


def nspawn_command(node: NodeSpec, merged: Path, group: str, mounts: dict[Path, Path]) -> Command:
    """Return the command that boots a machine; ``mounts`` (source to target) are read-only.

    It joins no machine registry and no unit: the host may have no systemd at all.
    """
    cgroup = f"{group}/{node.name}" if group else ""
    return Command(
        (
            sys.executable, "-I", str(Path(launch.__file__)), cgroup,
            "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot",
            f"--directory={merged}", f"--machine={node.name}", "--console=pipe",
            f"--network-namespace-path=/run/netns/{node.name}", "--capability=all",
            "--link-journal=no", "--timezone=off", "--resolv-conf=off",
            *(f"--bind-ro={source}:{target}" for source, target in mounts.items()),
        ),
        env={"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},  # /proc/sys/net, as on a real machine
        timeout=None,
    )  # fmt: skip


class LabNode:
    """One machine of the lab that is no QEMU; switched on and off like a real one."""

    def __init__(
        self,
        spec: NodeSpec,
        *,
        reaper: int,
        directory: Path,
        group: str,
        network: LabNetwork,
        mounts: dict[Path, Path],
        leader: ProcessId | None,
        remember: Callable[[str, ProcessId | None], None],
    ) -> None:
        self.spec = spec
        self.name = str(spec.name)
        self.directory = directory
        self._reaper = reaper
        self._group = group
        self._network = network
        self._mounts = mounts
        self._leader = leader
        self._remember = remember
        self._lab_runner = NamespaceRunner(lambda: Inside(reaper, own_network=True))
        self.runner: Runner = NamespaceRunner(self.inside)

    @property
    def is_on(self) -> bool:
        """Whether the machine is switched on."""
        return self._leader is not None and self._leader.alive

    @property
    def disk(self) -> Path:
        """What the machine has written so far, as files of this machine (its overlay's upper)."""
        return self.directory / "upper"

    @property
    def host_key(self) -> str:
        """The public half of its SSH host key, made when it was started first; raises OSError."""
        return (self.disk / "etc/ssh/ssh_host_ed25519_key.pub").read_text().strip()

    @property
    def log_file(self) -> Path:
        """What systemd-nspawn said."""
        return self.directory / "console.log"

    def inside(self) -> Inside:
        """Return where its commands run; raises Refused when it is switched off."""
        if self._leader is None or not self._leader.alive:
            raise Refused.of("lab.node-off", f"{self.name} is switched off.", "Switch it on first.")
        return Inside.machine(self._leader.pid)

    def power_on(self) -> None:
        """Plug it in and start it; returns at once, see wait_until_up; raises HaoscarError."""
        if self.is_on:
            return
        self._network.connect(self.spec)
        if self._group:
            self._lab_runner.run(Command.of("mkdir", "-p", f"{self._group}/{self.name}"))
        command = nspawn_command(self.spec, self.directory / "root", self._group, self._mounts)
        # Started outside the container but inside the lab; the reaper's end is its end.
        inside = Inside(self._reaper, own_network=True)
        daemon = spawn(command.after(*inside.prefix), self.log_file)
        deadline = time.monotonic() + START_LIMIT
        while (leader := _first_process(daemon.pid)) is None:
            if not daemon.running or time.monotonic() > deadline:
                daemon.stop()
                raise CommandFailed.of(
                    "lab.node-start",
                    f"{self.name} did not start: {self.log_file.read_text()[-2000:].strip()}",
                    f"The command was: {command}",
                )
            time.sleep(0.01)
        self._set_leader(leader)

    def wait_until_up(self, limit: float = START_LIMIT) -> None:
        """Wait until systemd has started everything; raises HaoscarError after ``limit`` seconds."""
        deadline = time.monotonic() + limit
        command = Command.of("systemctl", "is-system-running", "--wait").within(limit)
        state = ""
        while time.monotonic() < deadline:
            state = self.runner.run(command, check=False).stdout.strip()
            if state in UP:
                return
            time.sleep(0.02)
        raise HaoscarError.of(
            "lab.node-not-up",
            f"{self.name} was not up after {limit:g} s (systemd says {state or 'nothing'}).",
            f"haoscar lab exec {self.name} -- systemctl list-jobs",
        )

    def power_off(self) -> None:
        """Shut it down in order, and pull its plug when that takes too long."""
        leader = self._leader
        if leader is not None and leader.send(HALT):
            leader.wait(STOP_LIMIT)
        self.power_cut()

    def power_cut(self) -> None:
        """Take its power away: every process dies at once and its links go down."""
        leader = self._leader
        if leader is not None and leader.send(signal.SIGKILL):  # the kernel kills the rest with it
            leader.wait(10.0)
        self._set_leader(None)
        self._network.disconnect(self.spec)

    def unplug(self, net: Net) -> None:
        """Cut its cable to a network; it loses the carrier."""
        self._network.set_cable(self.name, net, plugged=False)

    def plug(self, net: Net) -> None:
        """Mend its cable to a network."""
        self._network.set_cable(self.name, net, plugged=True)

    def _set_leader(self, leader: ProcessId | None) -> None:
        self._leader = leader
        self._remember(self.name, leader)


def _first_process(nsenter: int) -> ProcessId | None:
    """Return the container's process 1: a child of nspawn, which is the child of nsenter."""
    for nspawn in children(nsenter):
        for child in children(nspawn):
            # One PID namespace deeper than nspawn, and the first one there.
            depths = namespace_pid(child), namespace_pid(nspawn)
            if len(depths[0]) > len(depths[1]) and depths[0][-1] == 1:
                return ProcessId.of(child)
    return None
