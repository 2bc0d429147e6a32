"""What the virtual cluster consists of: machines, the networks they are on, and their addresses."""

import enum
from dataclasses import dataclass, field
from ipaddress import IPv4Interface

from backend.model.addresses import Mac
from backend.model.names import HostName


class Net(enum.StrEnum):
    """A network of the lab; each is one bridge."""

    PRIVATE = "private"
    PUBLIC = "public"


class NodeKind(enum.StrEnum):
    """What a machine of the lab is made of."""

    HEAD = "head"  # a Debian with its own systemd, and HA-OSCAR
    COMPUTE = "compute"  # a Debian with its own systemd
    CLIENT = "client"  # the same, no part of the cluster: somebody who uses it


@dataclass(frozen=True, slots=True)
class Port:
    """One network card of a machine."""

    net: Net
    interface: str  # its name inside the machine
    address: IPv4Interface
    mac: Mac


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One machine that is always there (the blank one is a MachineSpec)."""

    name: HostName
    kind: NodeKind
    ports: tuple[Port, ...]

    def port(self, net: Net) -> Port:
        """Return its card on a network; raises KeyError when it has none there."""
        for port in self.ports:
            if port.net is net:
                return port
        raise KeyError(f"{self.name} is not on the {net} network")


@dataclass(frozen=True, slots=True)
class Topology:
    """All machines of a lab."""

    nodes: tuple[NodeSpec, ...] = field(default_factory=lambda: standard_nodes())

    @property
    def hosts(self) -> list[tuple[str, str]]:
        """Address and name of each machine's first card, for /etc/hosts."""
        return [(str(node.ports[0].address.ip), str(node.name)) for node in self.nodes]


def node(name: str, kind: NodeKind, **addresses: str) -> NodeSpec:
    """Return a machine from its addresses by network: ``private="10.77.0.1/24"``."""
    ports = []
    for index, (net, text) in enumerate(addresses.items()):
        address = IPv4Interface(text)
        # Locally administered, and the address can be read in it.
        raw = bytes([0x02, index, *address.ip.packed])
        ports.append(Port(Net(net), f"eth{index}", address, Mac.from_bytes(raw)))
    return NodeSpec(HostName.parse(name), kind, tuple(ports))


def standard_nodes() -> tuple[NodeSpec, ...]:
    """Return the usual lab: a head, two compute nodes, and a client on the public side."""
    return (
        node("head1", NodeKind.HEAD, private="10.77.0.1/24", public="192.0.2.1/24"),
        node("node1", NodeKind.COMPUTE, private="10.77.0.11/24"),
        node("node2", NodeKind.COMPUTE, private="10.77.0.12/24"),
        node("client", NodeKind.CLIENT, public="192.0.2.100/24"),
    )
