"""What the agent is told by its one configuration file, as values; config.py reads the file.

Named tuples instead of dataclasses: a witness that never imports ``dataclasses`` stays small.
"""

from __future__ import annotations

from typing import NamedTuple

from backend.agent.core.timing import Members, Timing


class Network(NamedTuple):
    """One network that members share; its place in ``Settings.networks`` is its bit in Health."""

    name: str
    interface: str  # this machine's card on it; empty when it has none there


class Member(NamedTuple):
    """A head or a witness."""

    id: int  # 1 to 255
    name: str
    head: bool
    addresses: tuple[str, ...]  # IPv4, one for each of Settings.networks; "" where it is not


class VirtualIP(NamedTuple):
    """An address that follows the active head."""

    address: str  # IPv4
    network: int  # index into Settings.networks
    prefix: int = 32  # length of its network's prefix


class Resource(NamedTuple):
    """Something started on takeover and stopped on release."""

    name: str
    kind: str  # "unit", "ocf", "mount", "command"
    options: tuple[tuple[str, str], ...] = ()
    after: tuple[str, ...] = ()  # names of resources that must be started before this one
    exclusive: bool = False  # must never run twice: waits for fencing or the watchdog bound
    start_limit: float = 60.0  # seconds
    stop_limit: float = 60.0
    check_every: float = 10.0  # 0: never


class Fencing(NamedTuple):
    """How to make sure that the other head is off: a program of the fence-agents project."""

    agent: str  # "fence_ipmilan"
    options: tuple[tuple[str, str], ...] = ()
    credentials_file: str = ""  # 0600, option=value lines, given on standard input
    limit: float = 60.0


class Settings(NamedTuple):
    """The whole file."""

    cluster: str
    me: int
    members: tuple[Member, ...]  # the heads first, the preferred one before the other
    networks: tuple[Network, ...]
    virtual_ips: tuple[VirtualIP, ...]
    key_file: str
    state_directory: str
    run_directory: str
    port: int = 4747
    timing: Timing = Timing()
    resources: tuple[Resource, ...] = ()
    fencing: Fencing | None = None  # of the other head
    watchdog: str = ""  # a device, for example /dev/watchdog
    metrics: str = ""  # "127.0.0.1:9747"; empty: none
    realtime: bool = True  # SCHED_RR and locked memory; refused loudly where it cannot be had
    takeover_without_witness: str = "hold"  # or "risk": named in the status as what it is

    def member(self, number: int) -> Member:
        """Return a member by its id; raises KeyError."""
        for one in self.members:
            if one.id == number:
                return one
        raise KeyError(number)

    @property
    def myself(self) -> Member:
        """The member that this machine is."""
        return self.member(self.me)

    def as_members(self) -> Members:
        """Return what the decisions need to know of the members."""
        heads = tuple(one.id for one in self.members if one.head)
        return Members(self.me, heads, tuple(one.id for one in self.members if not one.head))
