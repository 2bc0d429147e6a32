"""Who is in a failover world and where: the topology of every figure this project publishes."""

from dataclasses import dataclass
from ipaddress import IPv4Interface

from backend.lab.network import port_name
from backend.lab.topology import Net, NodeKind, NodeSpec, node

OURS = "haoscar"  # our engine's name
HEADS = ("head-a", "head-b")
WITNESSES = ("w1", "w2", "w3")
CLIENTS = {Net.PRIVATE: "w1", Net.PUBLIC: "client"}  # whose outage counts, one on each network
OBSERVER = "observer"  # the judge's machine, on both networks; nothing else runs on it
VIRTUAL = {
    Net.PRIVATE: IPv4Interface("10.77.0.10/24"),
    Net.PUBLIC: IPv4Interface("192.0.2.10/24"),
}
# The head that answered is told by the TTL of what it sends.
TTL = {"head-a": 101, "head-b": 102}


def nodes() -> tuple[NodeSpec, ...]:
    """Return all machines, the heads first."""
    return (
        node("head-a", NodeKind.HEAD, private="10.77.0.11/24", public="192.0.2.11/24"),
        node("head-b", NodeKind.HEAD, private="10.77.0.12/24", public="192.0.2.12/24"),
        node("w1", NodeKind.COMPUTE, private="10.77.0.101/24"),
        node("w2", NodeKind.COMPUTE, private="10.77.0.102/24"),
        node("w3", NodeKind.COMPUTE, private="10.77.0.103/24"),
        node("client", NodeKind.CLIENT, public="192.0.2.100/24"),
        node(OBSERVER, NodeKind.CLIENT, private="10.77.0.250/24", public="192.0.2.250/24"),
    )


@dataclass(frozen=True, slots=True)
class Places:
    """The machines by name."""

    specs: tuple[NodeSpec, ...]

    @classmethod
    def standard(cls) -> "Places":
        """Return the one topology that there is."""
        return cls(nodes())

    def spec(self, name: str) -> NodeSpec:
        """Return one machine; raises KeyError."""
        for one in self.specs:
            if one.name == name:
                return one
        raise KeyError(name)

    def ports(self, name: str, net: Net | None = None) -> tuple[str, ...]:
        """Return the names of a machine's ports at the switch, of one network or of all."""
        spec = self.spec(name)
        return tuple(port_name(name, one.net) for one in spec.ports if net in (None, one.net))

    def on(self, net: Net) -> tuple[str, ...]:
        """Return the names of the machines on a network."""
        return tuple(
            str(one.name) for one in self.specs if any(port.net is net for port in one.ports)
        )


def other_head(name: str) -> str:
    """Return the other head's name."""
    return HEADS[1] if name == HEADS[0] else HEADS[0]
