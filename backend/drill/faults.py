"""The faults of a drill: what each one does, what can go wrong, and what was promised. Pure."""

import enum

EVERY_MS = 5.0  # between two questions of a prober: also what it can tell apart
PLANNED_MS = 20.0  # promised for a planned switchover
MARGIN_MS = 100.0  # promised beyond the length of a lease, for everything else
FROZEN_SECONDS = 5.0


class Fault(enum.StrEnum):
    """What happens to the active head."""

    PLANNED = "planned"
    AGENT_KILLED = "agent-killed"
    AGENT_FROZEN = "agent-frozen"
    POWER_LOSS = "power-loss"

    @property
    def role_moves(self) -> bool:
        """Whether the other head must be active afterwards; else either may be."""
        return self is not Fault.AGENT_KILLED

    @property
    def ends_machine(self) -> bool:
        """Whether everything that runs on the active head ends."""
        return self is Fault.POWER_LOSS

    @property
    def needs_majority(self) -> bool:
        """Whether the standby has to do without the active head's vote."""
        return self in (Fault.AGENT_FROZEN, Fault.POWER_LOSS)


DOES = {
    Fault.PLANNED: "The agent of {active} is asked to hand over to {standby}, as 'haoscar switchover' does."
    " Resources are stopped on {active} first, in order, then started on {standby}.",
    Fault.AGENT_KILLED: "The agent's process on {active} gets SIGKILL. systemd starts it again, and {active}"
    " goes on serving if that is quick enough; else {standby} takes over.",
    Fault.AGENT_FROZEN: "The agent's process on {active} is stopped (SIGSTOP) and goes on after {frozen} s,"
    " also when this command is cancelled or killed. {standby} takes over meanwhile.",
    Fault.POWER_LOSS: "{active} is reset at once (sysrq b), as if its power had failed for a moment: nothing"
    " is written to its disks first, nothing is stopped in order, everyone who works there is thrown out."
    " {standby} takes over.",
}
RISKS = {
    Fault.PLANNED: "a resource does not stop, or does not start on {standby}.",
    Fault.AGENT_KILLED: "a program that is starting or stopping a resource is cut off.",
    Fault.AGENT_FROZEN: "resources that are not exclusive go on running on {active} until its agent goes on,"
    " beside those that {standby} starts.",
    Fault.POWER_LOSS: "what {active} has not yet written is lost; a file system without a journal is damaged;"
    " {active} stays off where its firmware or boot loader waits for somebody.",
}


def budget_ms(fault: Fault, lease_ms: float) -> float:
    """Return the longest outage that was promised, as a prober measures it, in milliseconds."""
    if fault is Fault.PLANNED:
        return PLANNED_MS + EVERY_MS
    return lease_ms + MARGIN_MS


def what_happens(fault: Fault, active: str, standby: str) -> tuple[str, str]:
    """Return what will be done to which machine, and what can go wrong."""
    names = {"active": active, "standby": standby, "frozen": f"{FROZEN_SECONDS:g}"}
    return DOES[fault].format(**names), "What can go wrong: " + RISKS[fault].format(**names)


def question(fault: Fault, active: str) -> str:
    """Return what is asked before it begins."""
    if fault is Fault.POWER_LOSS:
        return f"Reset {active} NOW, without shutting it down?"
    return f"Begin the drill on {active}?"
