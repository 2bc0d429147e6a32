"""The two heads as their agents describe them, and why there may be no drill. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.drill.faults import Fault
from backend.errors import HaoscarError
from backend.reports import Report, error
from backend.rollout.member import Member


@dataclass(frozen=True, slots=True)
class Head:
    """What one head's agent says."""

    name: str
    role: str
    term: int
    lease_ms: float
    fit: bool
    peer_alive: bool
    stopping: bool = False
    maintenance: bool = False
    promised: bool = False  # it has promised not to take over by itself
    alone: bool = False  # it uses the other one's promise
    voters: int = 0
    witnesses_granting: int = 0
    resources: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()  # resources that do not work
    virtual_ips: tuple[tuple[str, str], ...] = ()  # address, network

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> "Head":
        """Read an answer to ``status``; raises HaoscarError when it is none."""
        try:
            return cls._read(status)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise HaoscarError.of(
                "drill.answer",
                f"An agent's status cannot be understood: {problem!r}.",
                "Install the same version everywhere: haoscar install-agent.",
            ) from problem

    @classmethod
    def _read(cls, status: Mapping[str, Any]) -> "Head":
        health, resources = status["health"], status["resources"]
        return cls(
            name=str(status["me"]),
            role=str(status["role"]),
            term=int(status["term"]),
            lease_ms=int(status["lease_us"]) / 1000,
            fit=health["fit"] is True,
            peer_alive=status["peer"]["alive"] is True,
            stopping=health["stopping"] is True,
            maintenance=float(status["maintenance_seconds"]) > 0 or health["maintenance"] is True,
            promised=status["promised"] is True,
            alone=status["serving_alone"] is True,
            voters=len(status["voters"]),
            witnesses_granting=sum(
                one["state"] == "granting" and not one["head"] for one in status["voters"]
            ),
            resources=tuple(str(one["name"]) for one in resources),
            failed=tuple(str(one["name"]) for one in resources if one["failed"]),
            virtual_ips=tuple(
                (str(one["address"]), str(one["network"])) for one in status["virtual_ips"]
            ),
        )

    @property
    def active(self) -> bool:
        """Whether it serves."""
        return self.role == "active"


def pair(heads: Sequence[Head]) -> tuple[Head, Head]:
    """Return the active head and the standby; raises HaoscarError unless there is one of each."""
    active = [one for one in heads if one.active]
    others = [one for one in heads if not one.active]
    if len(active) != 1 or len(others) != 1:
        names = ", ".join(f"{one.name} is {one.role}" for one in heads)
        raise HaoscarError.of(
            "drill.roles",
            f"A drill needs one active head and one standby: {names}.",
            "See: haoscar status; haoscar events.",
        )
    return active[0], others[0]


def unfit(fault: Fault, active: Head, standby: Head) -> list[Report]:
    """Return every reason why a drill would not show what it should, or would be an outage."""
    return [error("drill.unfit", text, todo) for text, todo in _reasons(fault, active, standby)]


def _reasons(fault: Fault, active: Head, standby: Head) -> Iterator[tuple[str, str]]:
    status = "See: haoscar status."
    for head, other in ((active, standby), (standby, active)):
        if not head.peer_alive:
            yield f"{head.name} does not hear {other.name}.", status
        if head.maintenance:
            yield f"Maintenance is on at {head.name}: nobody takes over.", "haoscar maintenance off"
        if head.stopping:
            yield f"The agent of {head.name} is stopping.", "Wait until it runs again."
        for name in head.failed:
            yield f"Resource {name} has failed on {head.name}.", f"{status} Mend it first."
    if not standby.fit and not standby.failed:
        yield f"{standby.name} is not fit to serve.", status
    if standby.promised or active.alone:
        text = f"{standby.name} has promised not to take over by itself: too few witnesses answer."
        yield text, "Start the witnesses and wait some seconds."
    left = 1 + active.witnesses_granting
    if fault.needs_majority and not active.alone and 2 * left <= active.voters:
        text = f"Without {active.name} only {left} of {active.voters} voters would be left"
        yield f"{text}: {standby.name} could not take over.", "Start more witnesses."


def danger(fault: Fault, active: Member, standby: Member) -> str:
    """Return how the active head may be switched off by the others' efforts; empty when it is not.

    Only an exclusive resource makes them: it must be known to have ended before it starts again.
    """
    if fault is Fault.PLANNED:  # each head says itself that it has stopped everything
        return ""
    theirs, its = json.loads(standby.config), json.loads(active.config)
    if not any(one.get("exclusive") for one in theirs.get("resources") or []):
        return ""
    means = []
    if theirs.get("fencing"):
        means.append(f"{standby.name} by {theirs['fencing']['agent']}")
    if its.get("watchdog"):
        means.append(f"its watchdog {its['watchdog']}")
    if not means:
        return ""
    return (
        f"{active.name} may be switched off or reset ({' or '.join(means)}): there are exclusive"
        " resources."
    )


def suicide(fault: Fault, active: Head, here: str, risk: str) -> list[Report]:
    """Return why this fault must not be made from here: it ends the machine that watches it.

    ``here``: the name of the member that the command runs on, or empty; ``risk``: see ``danger``.
    """
    if active.name != here or not (fault.ends_machine or risk):
        return []
    return [
        error(
            "drill.here",
            f"{here} is the active head, and this command runs on it: nobody would be left to tell."
            + (f" {risk}" if risk else ""),
            "Run it on the other head, or make this one the standby first: haoscar switchover.",
        )
    ]


def role_problem(
    fault: Fault, active: str, standby: str, after: Sequence[Head], *, may_end: bool = False
) -> str:
    """Return what is wrong with the roles when the drill is over; empty when nothing is.

    ``active`` and ``standby`` are the names before it, ``after`` all heads that answered;
    ``may_end``: the active head may have been switched off.
    """
    serving = [one.name for one in after if one.active]
    if len(serving) > 1:
        return "Both heads say that they are active."
    if not serving:
        return "No head is active."
    if fault.role_moves and serving != [standby]:
        return f"{serving[0]} is still active; {standby} has not taken over."
    missing = {active, standby} - {one.name for one in after}
    if fault.ends_machine or may_end:
        missing -= {active}
    return f"The agent of {min(missing)} does not answer." if missing else ""
