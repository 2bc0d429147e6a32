"""A failover world: it starts in well under a second, is thrown away without a trace, and lets
everything happen to its machines that happens to real ones.

As with the virtual cluster, everything runs below a reaper (lab/reaper.py) in a PID, mount and
network namespace of its own, on a leash that its creator holds. Several worlds may run at once.
"""

import errno
import os
import secrets
import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.lab.failover.machine import Machine
from backend.lab.failover.places import HEADS, OBSERVER, Places
from backend.lab.failover.wires import Wires
from backend.lab.leash import remove_traces, start_reaper
from backend.lab.network import cable_lines, port_name, switch_lines
from backend.lab.topology import Net, NodeSpec
from backend.paths import Paths
from backend.system.namespaces import Inside, NamespaceRunner
from backend.system.processes import ProcessId
from backend.system.runner import Command, Runner

LIMIT = 20.0  # seconds for any one change of the wires, and for the end


class World:
    """A running world; a context manager. Used from one thread."""

    def __init__(self, directory: Path, reaper: ProcessId, leash: int) -> None:
        self.directory = directory
        self.reaper = reaper
        self.places = Places.standard()
        spared = frozenset(self.places.ports(OBSERVER))
        self.whole = Wires(spared=spared)
        self._leash: int | None = leash
        self._wires = self.whole
        self._cut: set[str] = set()
        inside = Inside(reaper.pid, own_network=True)
        self.switch: Runner = NamespaceRunner(lambda: inside)
        self.machines = {
            str(spec.name): Machine(spec, reaper.pid, directory) for spec in self.places.specs
        }

    @classmethod
    def start(cls, paths: Paths) -> Self:
        """Make a world with every machine switched on; raises HaoscarError. Needs root."""
        directory = worlds_directory(paths) / f"failover-{secrets.token_hex(3)}"
        reaper, leash = start_reaper(directory)
        world = cls(directory, reaper, leash)
        try:
            world._make_switch()
            world._plug(world.places.specs)
            for machine in world.machines.values():
                machine.power_on()
            for machine in world.machines.values():
                machine.wait_until_on()
        except BaseException:
            world.down()
            raise
        return world

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    @property
    def wires(self) -> Wires:
        """What the switch does to frames now."""
        return self._wires

    @wires.setter
    def wires(self, wires: Wires) -> None:
        if wires != self._wires:
            command = Command.of("nft", "-f", "-").within(LIMIT)
            self.switch.run(command.given(wires.rules().encode()))
            self._wires = wires

    def silence(self, name: str, net: Net | None = None) -> None:
        """Let nothing of a machine pass the switch, although it keeps its carrier."""
        ports = frozenset(self.places.ports(name, net))
        self.wires = replace(self._wires, silent=self._wires.silent | ports)

    def cut(self, name: str, net: Net | None = None) -> None:
        """Cut its cable to a network, or all of them: it loses the carrier."""
        self._set_ports(self.places.ports(name, net), up=False)

    def mend(self, name: str, net: Net | None = None) -> None:
        """Mend what was cut."""
        self._set_ports(self.places.ports(name, net), up=True)

    def kill_switch(self, net: Net) -> None:
        """Switch a whole network off: every machine on it loses the carrier."""
        self._set_ports(
            [port_name(name, net) for name in self.places.on(net) if self.machines[name].is_on],
            up=False,
        )

    def heal(self) -> None:
        """Mend every cable and let every frame pass; switched-off machines stay off."""
        self.wires = self.whole
        self._set_ports(sorted(self._cut), up=True)

    def power_cut(self, name: str) -> None:
        """Take a machine's power away: from one moment on nothing of it is heard."""
        ports = self.places.ports(name)
        self.silence(name)
        self.machines[name].kill()
        self._batch([*(f"link delete {port}" for port in ports), f"netns delete {name}"])
        self._cut -= set(ports)
        self.wires = replace(self._wires, silent=self._wires.silent - frozenset(ports))

    def power_on(self, *names: str) -> None:
        """Give machines their power back, all at the same time."""
        off = [self.machines[name] for name in names if not self.machines[name].is_on]
        self._plug([machine.spec for machine in off])
        for machine in off:
            machine.power_on()
        for machine in off:
            machine.wait_until_on()

    def down(self) -> None:
        """End it: every process, mount, wire and file of it; may be called twice."""
        self.reaper.send(signal.SIGTERM)
        if not self.reaper.wait(LIMIT):
            self.reaper.send(signal.SIGKILL)
            self.reaper.wait(5.0)
        for machine in self.machines.values():
            machine.kill()
        if self._leash is not None:
            os.close(self._leash)
            self._leash = None
        remove_traces(self.directory)

    def _make_switch(self) -> None:
        self._batch([*switch_lines(), *(f"netns add {one.name}" for one in self.places.specs)])

    def _plug(self, specs: Iterable[NodeSpec]) -> None:
        """Plug machines in, and give their cards their addresses."""
        specs = list(specs)
        known = self._netns()
        lines = [f"netns add {one.name}" for one in specs if one.name not in known]
        lines += [line for one in specs for port in one.ports for line in cable_lines(one, port)]
        self._batch(lines)
        for one in specs:
            words = Command.of("ip", "-netns", one.name, "-batch", "-").within(LIMIT)
            self.switch.run(words.given("".join(self._card_lines(one)).encode()))

    def _card_lines(self, spec: NodeSpec) -> list[str]:
        lines = ["link set lo up\n"]
        for port in spec.ports:
            lines.append(f"address add {port.address} dev {port.interface}\n")
            lines.append(f"link set {port.interface} addrgenmode none up\n")
            if spec.name in HEADS:  # the judge is answered without asking for its MAC first
                judge = self.places.spec(OBSERVER).port(port.net)
                lines.append(
                    f"neighbour replace {judge.address.ip} lladdr {judge.mac} "
                    f"dev {port.interface} nud permanent\n"
                )
        return lines

    def _netns(self) -> set[str]:
        directory = Path(f"/proc/{self.reaper.pid}/root/run/netns")
        return {path.name for path in directory.iterdir()}

    def _set_ports(self, ports: Iterable[str], *, up: bool) -> None:
        ports = list(ports)
        if ports:
            self._batch([f"link set {port} {'up' if up else 'down'}" for port in ports])
        self._cut = self._cut - set(ports) if up else self._cut | set(ports)

    def _batch(self, lines: list[str]) -> None:
        command = Command.of("ip", "-batch", "-").within(LIMIT)
        self.switch.run(command.given("".join(line + "\n" for line in lines).encode()))


def worlds_directory(paths: Paths) -> Path:
    """Return where the worlds have their directories."""
    return paths.cache / "lab" / "worlds"


def sweep(paths: Paths) -> list[str]:
    """Remove what worlds have left whose reaper was killed; returns their names."""
    swept = []
    for directory in sorted(worlds_directory(paths).glob("*")):
        try:
            os.close(os.open(directory / "leash", os.O_WRONLY | os.O_NONBLOCK))
        except OSError as problem:
            if problem.errno == errno.ENXIO:  # nobody holds the other end
                remove_traces(directory)
                swept.append(directory.name)
    return swept
