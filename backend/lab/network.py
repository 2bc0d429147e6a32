"""The wires of a lab: one switch (the reaper's network namespace) with a bridge for each network.

Machines hang on it by veth pairs, blank machines by taps. No wire leads out of the lab.
"""

from backend.lab.topology import Net, NodeSpec, Port
from backend.system.runner import Command, Runner

LIMIT = 20.0  # seconds for any one change


def switch_lines() -> list[str]:
    """Return the ``ip -batch`` lines that make the switch."""
    lines = ["link set lo up"]
    for net in Net:
        lines += [
            f"link add {net} type bridge forward_delay 0 stp_state 0 mcast_snooping 0",
            f"link set {net} addrgenmode none up",
        ]
    return lines


def port_name(machine: str, net: Net) -> str:
    """Return the name of a machine's port at the switch (15 characters at most, IFNAMSIZ)."""
    return f"{machine[:10]}-{net[:3]}"


def cable_lines(node: NodeSpec, port: Port) -> list[str]:
    """Return the lines that plug one card of a machine into the switch."""
    name = port_name(node.name, port.net)
    return [
        f"link add {name} type veth peer name {port.interface} address {port.mac} netns {node.name}",
        f"link set {name} addrgenmode none master {port.net} up",
    ]


def tap_lines(machine: str, net: Net) -> list[str]:
    """Return the lines that make the tap of a blank machine."""
    name = port_name(machine, net)
    return [
        f"tuntap add {name} mode tap",
        f"link set {name} addrgenmode none master {net} up",
    ]


class LabNetwork:
    """Changes the wires of one lab; ``runner`` works in the switch's namespace."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def make_switch(self) -> None:
        """Make the bridges; raises CommandFailed."""
        self._batch(switch_lines())

    def connect(self, node: NodeSpec) -> None:
        """Make a machine's namespace and plug in all its cables; raises CommandFailed."""
        self._runner.run(Command.of("ip", "netns", "add", node.name).within(LIMIT))
        self._batch([line for port in node.ports for line in cable_lines(node, port)])

    def disconnect(self, node: NodeSpec) -> None:
        """Pull all cables of a machine and forget its namespace; no error when it has gone."""
        for port in node.ports:
            name = port_name(node.name, port.net)
            self._runner.run(Command.of("ip", "link", "delete", name).within(LIMIT), check=False)
        self._runner.run(Command.of("ip", "netns", "delete", node.name).within(LIMIT), check=False)

    def set_cable(self, machine: str, net: Net, *, plugged: bool) -> None:
        """Cut or mend one cable at the switch: the machine sees its carrier go or come."""
        state = "up" if plugged else "down"
        self._batch([f"link set {port_name(machine, net)} {state}"])

    def make_tap(self, machine: str, net: Net) -> str:
        """Make the tap of a blank machine; returns its name."""
        self._batch(tap_lines(machine, net))
        return port_name(machine, net)

    def remove_tap(self, machine: str, net: Net) -> None:
        """Remove a tap; no error when it has gone."""
        name = port_name(machine, net)
        self._runner.run(Command.of("ip", "link", "delete", name).within(LIMIT), check=False)

    def _batch(self, lines: list[str]) -> None:
        command = Command.of("ip", "-batch", "-").within(LIMIT)
        content = "".join(line + "\n" for line in lines)
        self._runner.run(command.given(content.encode()))
