"""What the site file says about the failover agent, its resources and fencing, as typed values."""

import enum
from dataclasses import dataclass

from backend.model.names import HostName

Options = tuple[tuple[str, str], ...]


class LeaseProfile(enum.StrEnum):
    """The length of the lease, by a name."""

    DEFAULT = "default"
    FAST = "fast"


class WithoutWitness(enum.StrEnum):
    """What a standby without witnesses and fencing does when it hears nothing."""

    HOLD = "hold"
    RISK = "risk"


class ResourceKind(enum.StrEnum):
    """What a resource is."""

    UNIT = "unit"
    OCF = "ocf"
    MOUNT = "mount"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class AgentPolicy:
    """How the agents of this site behave."""

    profile: LeaseProfile | None = None  # None: as lease_ms says, or the default
    lease_ms: int | None = None
    standby: HostName | None = None  # which of the standbys; None: there is only one
    witnesses: tuple[HostName, ...] | None = None  # names of nodes; None: they are chosen
    preferred: HostName | None = None  # None: the primary
    takeover_without_witness: WithoutWitness | None = None
    port: int = 4747
    metrics: str = ""  # "127.0.0.1:9747"; empty: none
    watchdog: str = ""  # a device; empty: none
    realtime: bool = True


@dataclass(frozen=True, slots=True)
class ClusterResource:
    """Something that the active head starts, and that moves with the role."""

    name: str
    kind: ResourceKind
    options: Options = ()
    after: tuple[str, ...] = ()
    exclusive: bool = False
    start_limit: float = 60.0  # seconds, as the next two
    stop_limit: float = 60.0
    check_every: float = 10.0  # 0: never


@dataclass(frozen=True, slots=True)
class FencingDevice:
    """What switches one head off."""

    name: HostName  # of the head that it switches off
    agent: str  # "fence_ipmilan"
    options: Options = ()
    credentials_file: str = ""  # on the other head
    limit: float = 60.0  # seconds
