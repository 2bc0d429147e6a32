"""The members as the installer sees them, and the little it must know of their configuration."""

import json
from dataclasses import dataclass, field
from typing import Any

from backend.model.secrets import Secret
from backend.rollout.places import HEAD_UNIT, WITNESS_UNIT
from backend.snmpd.needs import Wish

PROFILES = {"default": 320, "fast": 120}  # milliseconds, as the agent knows them
MOST_STOPPING = 900.0  # seconds


@dataclass(frozen=True, slots=True)
class Member:
    """One machine that is to have the agent."""

    name: str
    head: bool
    address: str  # where its sshd answers
    # Its agent.json; the same member may be given another one when more is known of it.
    config: bytes = field(repr=False, compare=False)
    preferred: bool = False  # the head that serves first when both start cold
    # Its watch.json; empty: nothing is watched. What its snmpd is asked for; None: nothing.
    watch: bytes = field(default=b"", repr=False, compare=False)
    snmp: Wish | None = field(default=None, repr=False, compare=False)

    @property
    def unit(self) -> str:
        """The unit that runs the agent there."""
        return HEAD_UNIT if self.head else WITNESS_UNIT

    @property
    def other_unit(self) -> str:
        """The unit that it must not have."""
        return WITNESS_UNIT if self.head else HEAD_UNIT

    @property
    def role(self) -> str:
        """One word for people."""
        return "head" if self.head else "witness"

    def __str__(self) -> str:
        return f"{self.name} ({self.role}, {self.address})"


@dataclass(frozen=True, slots=True)
class Software:
    """What every member gets alike."""

    program: bytes = field(repr=False)  # haoscar-agent.pyz
    key: Secret  # as the key file has it


def watch_leaves_processes(text: bytes) -> bool:
    """Whether a watch.json lets anything be started that belongs to no unit of its own."""
    try:
        services = json.loads(text or b"{}").get("services") or []
        kinds = {str((one.get("recovery") or {}).get("kind")) for one in services}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return True
    return bool(kinds & {"ocf", "command", "resource"})


@dataclass(frozen=True, slots=True)
class ConfigView:
    """What an agent.json says about the things that the installer has to mind."""

    voters: frozenset[str] = frozenset()
    port: int = 4747
    lease: float = PROFILES["default"] / 1000  # seconds
    kinds: frozenset[str] = frozenset()  # of resources
    fencing: bool = False
    watchdog: str = ""
    realtime: bool = True
    stopping: float = 0.0  # seconds that stopping all resources may take

    @classmethod
    def of(cls, text: str | bytes | None) -> "ConfigView | None":
        """Read a configuration, also one that somebody wrote by hand; None when that fails."""
        try:
            return cls._read(json.loads(text or ""))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    @classmethod
    def _read(cls, data: dict[str, Any]) -> "ConfigView":
        resources = data.get("resources") or []
        lease = data.get("lease_ms") or PROFILES[data.get("profile") or "default"]
        return cls(
            voters=frozenset(f"{one['id']} {one['name']}" for one in data["members"]),
            port=int(data.get("port") or 4747),
            lease=min(max(float(lease), 60.0), 60_000.0) / 1000,
            kinds=frozenset(str(one["kind"]) for one in resources),
            fencing=bool(data.get("fencing")),
            watchdog=str(data.get("watchdog") or ""),
            realtime=data.get("realtime") is not False,
            stopping=min(sum(float(one.get("stop_limit", 60)) for one in resources), MOST_STOPPING),
        )
