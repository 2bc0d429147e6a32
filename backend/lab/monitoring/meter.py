"""Counts the frames on a machine's cables, and whose they are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from backend.agent.settings import Settings as AgentSettings
from backend.lab.failover.machine import Machine
from backend.system.runner import Command
from backend.watch.settings import Settings as WatchSettings

TABLE = "netdev haoscar_bench"
ETHERNET = 14  # bytes of a frame before its packet: at ingress nftables has taken them off already
HOOKS = ("ingress", "egress")
AGENT_PORT: int = AgentSettings._field_defaults["port"]
LINK_PORT: int = WatchSettings._field_defaults["port"]
SNMP_PORT = 161
LIMIT = 10.0  # seconds

Matches = Mapping[str, Sequence[str]]  # name: what nftables must find in a frame, one of these


def _ports(kind: str, port: int) -> tuple[str, str]:
    return f"{kind} sport {port}", f"{kind} dport {port}"


OURS: Matches = {
    "agent": _ports("udp", AGENT_PORT),
    "snmp": _ports("udp", SNMP_PORT),
    "link": _ports("tcp", LINK_PORT),
}


def polls_of(asker: str) -> Matches:
    """Return what the polls of one asker are: later fragments of a datagram have no ports."""
    return {"snmp": tuple(f"ip protocol udp ip {way} {asker}" for way in ("saddr", "daddr"))}


class Count(NamedTuple):
    """Frames sent and received, with the headers of Ethernet."""

    bytes: int = 0
    frames: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes on the cables, sent and received."""

    snmp: float = 0.0
    link: float = 0.0  # what the watch processes of the heads tell each other
    checks: float = 0.0  # all other checks; also ARP
    agent: float = 0.0  # the failover agents: no part of monitoring

    @property
    def monitoring(self) -> float:
        """All but the agents'."""
        return self.snmp + self.link + self.checks

    @classmethod
    def of(cls, total: int, counts: Mapping[str, Count]) -> "Traffic":
        """Return whose bytes they are; ``total``: of the cards."""
        known = {name: counts[name].bytes for name in OURS}
        rest = total - sum(known.values())
        return cls(known["snmp"], known["link"], rest, known["agent"])

    def since(self, before: "Traffic", seconds: float) -> "Traffic":
        """Return bytes a second."""
        return Traffic(
            (self.snmp - before.snmp) / seconds, (self.link - before.link) / seconds,
            (self.checks - before.checks) / seconds, (self.agent - before.agent) / seconds,
        )  # fmt: skip


class Meter:
    """Counts on one machine, from when it is made to the end of the world."""

    def __init__(self, machine: Machine, matches: Matches) -> None:
        self._machine = machine
        self._names = tuple(matches)
        cards = [port.interface for port in machine.spec.ports]
        for name in cards:
            # One segment in one frame, as on a real cable: several in one would have one header.
            words = ("ip", "link", "set", "dev", name, "gso_max_segs", "1")
            machine.runner.run(Command.of(*words).within(LIMIT))
        given = Command.of("nft", "-f", "-").within(LIMIT)
        machine.runner.run(given.given(rules(cards, matches).encode()))

    def counts(self) -> dict[str, Count]:
        """Return what was counted so far."""
        command = Command.of("nft", "--json", "list", "counters", "table", *TABLE.split())
        answer = json.loads(self._machine.runner.run(command.within(LIMIT)).stdout)
        return added(answer, self._names)

    def traffic(self) -> Traffic:
        """Return the bytes so far of a machine whose kinds are OURS."""
        return Traffic.of(self._machine.traffic(), self.counts())


def added(listing: Mapping[str, Any], names: Sequence[str]) -> dict[str, Count]:
    """Return each kind in both directions, from what nft lists. Pure."""
    listed = {
        one["counter"]["name"]: one["counter"] for one in listing["nftables"] if "counter" in one
    }
    found = {}
    for name in names:
        came, left = (listed[f"{name}_{hook}"] for hook in HOOKS)
        frames = came["packets"] + left["packets"]
        found[name] = Count(came["bytes"] + ETHERNET * came["packets"] + left["bytes"], frames)
    return found


def rules(cards: Sequence[str], matches: Matches) -> str:
    """Return what nft is given. Pure."""
    lines = [f"table {TABLE} {{"]
    lines += [f"counter {name}_{hook} {{\n}}" for name in matches for hook in HOOKS]
    for hook in HOOKS:
        for card in cards:
            lines.append(f"chain {hook}_{card} {{")
            lines.append(f"type filter hook {hook} device {card} priority 0; policy accept;")
            for name, ways in matches.items():
                lines += [f"{way} counter name {name}_{hook} accept" for way in ways]
            lines.append("}")
    return "\n".join([*lines, "}"]) + "\n"
