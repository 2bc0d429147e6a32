"""The virtual cluster: started in a moment, thrown away without a trace.

Everything of a lab runs in a PID, mount and network namespace of its own whose first process is
the reaper (reaper.py). The creator holds the reaper on a leash: when it dies, even by SIGKILL,
the kernel ends every process of the lab and its mounts and wires vanish with them.
"""

import os
import secrets
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.errors import HaoscarError, Refused
from backend.lab import state as states
from backend.lab.containers import LabNode
from backend.lab.host import check_host, lab_key
from backend.lab.leash import remove_traces, start_reaper
from backend.lab.machines import BlankMachine, MachineSpec
from backend.lab.network import LabNetwork
from backend.lab.overlay import (
    DISPLAY_SOCKET,
    LAUNCHER,
    LabKey,
    launcher,
    overlay_files,
    product_mounts,
    write_overlay,
)
from backend.lab.roots import WINDOW, Kernel, LabRoot, RootStore
from backend.lab.state import LabState
from backend.lab.topology import Net, NodeKind, NodeSpec, Topology
from backend.paths import Paths
from backend.system.namespaces import Inside, NamespaceRunner
from backend.system.processes import ProcessId
from backend.system.runner import Command, LocalRunner, Runner
from backend.tasks import TaskContext

DOWN_LIMIT = 30.0


class VirtualCluster:
    """A running lab; a context manager that throws it away at the end."""

    def __init__(
        self,
        paths: Paths,
        state: LabState,
        topology: Topology,
        leash: int | None,
        display: Path | None = None,
    ) -> None:
        self.state = state
        self.name = state.name
        self.directory = state.directory
        self.topology = topology
        self.key_file = paths.cache / "lab" / "key"  # opens root's door on every machine
        self._paths = paths
        self._leash = leash
        self._display = display
        inside = Inside(state.reaper.pid, own_network=True)
        self.switch: Runner = NamespaceRunner(lambda: inside)
        self.network = LabNetwork(self.switch)
        self.nodes = {str(spec.name): self._node(spec) for spec in topology.nodes}
        self.machines: dict[str, BlankMachine] = {}

    @classmethod
    def start(
        cls,
        paths: Paths,
        context: TaskContext | None = None,
        topology: Topology | None = None,
        kernel: Kernel = Kernel.CLOUD,
        display: Path | None = None,
    ) -> Self:
        """Build the root if it is missing, then start every machine; raises HaoscarError.

        Use it in a ``with`` statement, or call ``detach`` to leave it running, or ``down``.
        ``display`` is the socket of an X server: the heads can show windows there.
        """
        context = context or TaskContext()
        runner = LocalRunner()
        roots = RootStore(paths, runner, kernel, WINDOW if display else ())
        check_host(building=roots.find() is None)
        sweep(paths)
        root = roots.ensure(context)
        key = lab_key(paths, runner)
        context.step("Starting the machines of the lab")
        state, leash = _start_reaper(paths, root)
        lab = cls(paths, state, topology or Topology(), leash, display)
        try:
            lab.network.make_switch()
            lab._make_disks(root, key)
            for node in lab.nodes.values():
                node.power_on()
            for node in lab.nodes.values():
                node.wait_until_up()
            lab._start_cluster_services()
        except BaseException:
            lab.down()
            raise
        return lab

    @classmethod
    def attach(
        cls, paths: Paths, name: str | None = None, topology: Topology | None = None
    ) -> Self:
        """Return a lab that another process has started; the newest when none is named."""
        running = [lab for lab in states.all_labs(paths) if lab.alive and name in (None, lab.name)]
        if not running:
            which = "No lab is" if name is None else f"The lab {name!a} is not"
            raise Refused.of("lab.none", f"{which} running.", "Start one: haoscar lab up")
        return cls(paths, running[-1], topology or Topology(), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._leash is not None:
            self.down()

    def node(self, name: str) -> LabNode:
        """Return a machine by its name; raises Refused when there is none."""
        if name not in self.nodes:
            raise Refused.of(
                "lab.node",
                f"The lab has no machine {name!a}.",
                f"It has {', '.join(self.nodes)}.",
            )
        return self.nodes[name]

    def add_machine(self, spec: MachineSpec) -> BlankMachine:
        """Put a blank machine on the wires, switched off; raises HaoscarError."""
        machine = BlankMachine(
            spec,
            reaper=self.state.reaper.pid,
            directory=self.directory / spec.name,
            network=self.network,
            runner=LocalRunner(),
            process=None,
            remember=self._remember_machine,
        )
        machine.create()
        self.machines[machine.name] = machine
        return machine

    def ssh(self, address: str, *words: str, limit: float = 10.0) -> Command:
        """Return the command that logs in as root with the lab's key; run it with ``switch``-side
        or a node's runner. Host keys are not checked: the machines are thrown away."""
        return Command.of(
            "ssh", "-i", self.key_file, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
            "-o", f"ConnectTimeout={limit:g}", f"root@{address}", *words,
        )  # fmt: skip

    def detach(self) -> None:
        """Leave it running when this process ends; ``haoscar lab down`` ends it."""
        if self._leash is not None:
            os.write(self._leash, b"D")
            os.close(self._leash)
            self._leash = None

    def down(self) -> None:
        """End it: every process, mount, wire and file of it; may be called twice."""
        reaper = self.state.reaper
        reaper.send(signal.SIGTERM)
        if not reaper.wait(DOWN_LIMIT):
            reaper.send(signal.SIGKILL)
            reaper.wait(5.0)
        if self._leash is not None:
            os.close(self._leash)
            self._leash = None
        clear(self.state)

    def _node(self, spec: NodeSpec) -> LabNode:
        mounts: dict[Path, Path] = {}
        if spec.kind is NodeKind.HEAD:
            mounts = {path: path for path in product_mounts()}
            mounts[self.directory / "haoscar"] = LAUNCHER
            if self._display is not None:
                mounts[self._display] = DISPLAY_SOCKET
        return LabNode(
            spec,
            reaper=self.state.reaper.pid,
            directory=self.directory / spec.name,
            group=self.state.group,
            network=self.network,
            mounts=mounts,
            leader=self.state.nodes.get(spec.name),
            remember=self._remember_node,
        )

    def _make_disks(self, root: LabRoot, key: LabKey) -> None:
        program = self.directory / "haoscar"
        program.write_text(launcher())
        program.chmod(0o755)
        for node in self.nodes.values():
            for part in ("upper", "work", "root"):
                (node.directory / part).mkdir(parents=True)
            write_overlay(node.disk, overlay_files(node.spec, self.topology, key))
            options = f"lowerdir={root.path},upperdir={node.disk},workdir={node.directory}/work"
            target = node.directory / "root"
            self.switch.run(Command.of("mount", "-t", "overlay", "-o", options, "lab", target))

    def _start_cluster_services(self) -> None:
        """Start what the cluster's head served before HA-OSCAR came to it.

        Root's ssh there knows the compute nodes, as on every cluster that was worked with.
        """
        known = "".join(
            f"{node.name},{node.spec.port(Net.PRIVATE).address.ip} {node.host_key}\n"
            for node in self.nodes.values()
            if node.spec.kind is NodeKind.COMPUTE
        )
        keep = Command.of("install", "-m", "600", "/dev/stdin", "/root/.ssh/known_hosts")
        for node in self.nodes.values():
            if node.spec.kind is NodeKind.HEAD:
                node.runner.run(Command.of("systemctl", "--no-block", "start", "isc-dhcp-server"))
                node.runner.run(keep.given(known.encode()))

    def _remember_node(self, name: str, leader: ProcessId | None) -> None:
        _set(self.state.nodes, name, leader)
        self.state.save()

    def _remember_machine(self, name: str, process: ProcessId | None) -> None:
        _set(self.state.machines, name, process)
        self.state.save()


def sweep(paths: Paths) -> list[str]:
    """Remove what labs have left whose reaper was killed; returns their names."""
    swept = []
    for lab in states.all_labs(paths):
        if not lab.alive:
            clear(lab)
            swept.append(lab.name)
    return swept


def clear(lab: LabState) -> None:
    """Remove the files and control groups of a lab that no longer runs."""
    if lab.alive:
        raise HaoscarError.of("lab.busy", f"The lab {lab.name} still runs.", "haoscar lab down")
    remove_traces(lab.directory)


def _start_reaper(paths: Paths, root: LabRoot) -> tuple[LabState, int]:
    """Start the first process of a new lab; returns its state and our end of the leash."""
    directory = states.labs_directory(paths) / secrets.token_hex(2)
    reaper, leash = start_reaper(directory)
    group = (directory / "ready").read_text()
    state = LabState(
        directory.name, directory, root.path, states.boot_id(), time.time(), reaper, group
    )
    state.save()
    return state, leash


def _set(processes: dict[str, ProcessId], name: str, process: ProcessId | None) -> None:
    if process is None:
        processes.pop(name, None)
    else:
        processes[name] = process
