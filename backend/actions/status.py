"""What a head's agent knows, as typed values; ``haoscar status`` and the window read the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.actions.agent_client import AGENT, SOCKET, ask_agent
from backend.actions.process_client import strange
from backend.paths import Paths


@dataclass(frozen=True, slots=True)
class Health:
    """What a head says of itself."""

    networks: Mapping[str, bool]  # whether each works there
    fit: bool  # its services do not speak against serving
    maintenance: bool
    active: bool
    stopping: bool

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Health:
        """Read it."""
        flags = (value[key] is True for key in ("fit", "maintenance", "active", "stopping"))
        return cls({str(name): well is True for name, well in value["networks"].items()}, *flags)


@dataclass(frozen=True, slots=True)
class Peer:
    """The other head, as this one hears it."""

    name: str
    alive: bool  # heard within a lease
    heard_ago_us: int | None  # None: never
    health: Health  # its last word, however old


@dataclass(frozen=True, slots=True)
class Voter:
    """Who grants the lease; ``state`` is granting, silent, or not asked: only the active head asks."""

    name: str
    head: bool
    state: str
    granted_ago_us: int | None


@dataclass(frozen=True, slots=True)
class Link:
    """What comes from a member over a network; None where it is not known."""

    member: str
    network: str
    age_us: int | None
    loss: float | None  # 0.0 to 1.0
    jitter_us: float | None
    well: bool  # the whole network, as this head judges


@dataclass(frozen=True, slots=True)
class VirtualIp:
    """An address that the active head has; the gate lets it pass for so long yet."""

    address: str
    network: str
    interface: str
    configured: bool
    gate_us: int


@dataclass(frozen=True, slots=True)
class Resource:
    """A service that runs where the virtual IPs are."""

    name: str
    state: str  # of backend.agent.resources.state.Phase
    why: str
    failed: bool  # because of it this head is not fit


@dataclass(frozen=True, slots=True)
class Entry:
    """A sentence of the agent's; ``time`` in seconds since 1970."""

    number: int
    time: float
    kind: str  # decision, notice, alarm
    sentence: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Entry:
        """Read it."""
        kind, number = str(value.get("kind", "decision")), int(value.get("number", 0))
        return cls(number, float(value["time"]), kind, str(value["sentence"]))


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the agent of this head knows at one moment."""

    me: str
    role: str  # standby, soliciting, candidate, active
    term: int
    lease_us: int
    lease_remaining_us: int  # 0 unless active
    serving_alone: bool  # on the other head's promise
    promised: bool  # it has given that promise itself
    maintenance_seconds: float
    health: Health
    peer: Peer
    vote: tuple[str, int]  # who has this head's vote ("": nobody), and for how many microseconds
    voters: tuple[Voter, ...]
    links: tuple[Link, ...]
    virtual_ips: tuple[VirtualIp, ...]
    resources: tuple[Resource, ...]
    explain: tuple[str, ...]  # the last one: why a takeover would or would not happen
    risks: tuple[str, ...]
    last_decision: Entry | None
    last_alarm: Entry | None
    gate: str  # how the kernel keeps the virtual IPs closed

    @property
    def active(self) -> bool:
        """Whether this head serves."""
        return self.role == "active"

    @property
    def peer_active(self) -> bool:
        """Whether the other head is there and says that it serves."""
        return self.peer.alive and self.peer.health.active

    @property
    def healthy(self) -> bool:
        """Whether one head serves, and the other is there and could take over."""
        other = self.peer
        return (
            other.alive
            and other.health.fit
            and self.active != other.health.active
            and not self.promised
        )

    @property
    def maintenance(self) -> bool:
        """Whether it keeps either head from taking over by itself."""
        theirs = self.peer.alive and self.peer.health.maintenance
        return self.maintenance_seconds > 0 or self.health.maintenance or theirs

    @property
    def verdict(self) -> str:
        """Why a takeover would or would not happen now."""
        return self.explain[-1] if self.explain else ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Status:
        """Read an agent's answer; raises HaoscarError when it cannot be understood."""
        try:
            return _read(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise strange(AGENT, repr(problem)) from problem


def read_status(paths: Paths, socket: str = SOCKET) -> tuple[Status, Mapping[str, Any]]:
    """Return what this head's agent says, understood and as it said it; raises HaoscarError."""
    answer = ask_agent(paths, "status", socket=socket)
    return Status.of(answer), answer


def read_events(
    paths: Paths, since: int, most: int, socket: str = SOCKET
) -> tuple[Sequence[Entry], Sequence[Mapping[str, Any]]]:
    """Return at most ``most`` of the newest sentences after number ``since``, and as they were said.

    Raises HaoscarError.
    """
    answer = ask_agent(paths, "events", socket=socket, since=since, most=most)
    return entries(answer), answer["events"]


def entries(answer: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Read an answer to ``events``; raises HaoscarError when it cannot be understood."""
    try:
        return tuple(Entry.of(one) for one in answer["events"])
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise strange(AGENT, repr(problem)) from problem


def _read(answer: Mapping[str, Any]) -> Status:
    peer, vote = answer["peer"], answer.get("vote") or {}
    return Status(
        me=str(answer["me"]),
        role=str(answer["role"]),
        term=int(answer["term"]),
        lease_us=int(answer["lease_us"]),
        lease_remaining_us=int(answer["lease_remaining_us"]),
        serving_alone=answer["serving_alone"] is True,
        promised=answer["promised"] is True,
        maintenance_seconds=float(answer["maintenance_seconds"]),
        health=Health.of(answer["health"]),
        peer=Peer(
            str(peer["name"]),
            peer["alive"] is True,
            _number(peer["heard_ago_us"]),
            Health.of(peer["health"]),
        ),
        vote=(str(vote.get("holder") or ""), int(vote.get("remaining_us", 0))),
        voters=tuple(_voter(one) for one in answer["voters"]),
        links=tuple(_link(one) for one in answer["links"]),
        virtual_ips=tuple(_virtual_ip(one) for one in answer["virtual_ips"]),
        resources=tuple(_resource(one) for one in answer["resources"]),
        explain=tuple(str(one) for one in answer["explain"]),
        risks=tuple(str(one) for one in answer["risks"]),
        last_decision=_entry(answer["last_decision"]),
        last_alarm=_entry(answer["last_alarm"]),
        gate=str(answer.get("gate", "")),
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _entry(value: Any) -> Entry | None:
    return Entry.of(value) if value else None


def _voter(one: Mapping[str, Any]) -> Voter:
    granted = _number(one["granted_ago_us"])
    return Voter(str(one["name"]), one["head"] is True, str(one["state"]), granted)


def _link(one: Mapping[str, Any]) -> Link:
    loss, jitter = one["loss"], one["jitter_us"]
    return Link(
        str(one["member"]),
        str(one["network"]),
        _number(one["age_us"]),
        None if loss is None else float(loss),
        None if jitter is None else float(jitter),
        one.get("well", True) is True,
    )


def _virtual_ip(one: Mapping[str, Any]) -> VirtualIp:
    return VirtualIp(
        str(one["address"]),
        str(one["network"]),
        str(one["interface"]),
        one["configured"] is True,
        int(one.get("gate_remaining_us", 0)),
    )


def _resource(one: Mapping[str, Any]) -> Resource:
    failed = one.get("failed") is True
    return Resource(str(one["name"]), str(one["state"]), str(one["why"]), failed)
