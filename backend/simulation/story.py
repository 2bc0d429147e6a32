"""Tells what happened in one schedule, so that a person can follow it."""

from backend.agent.core.actions import CloseGate, OpenGate
from backend.agent.core.events import Event, Received, Tick
from backend.agent.core.state import Decision, Head
from backend.agent.core.timing import MS
from backend.simulation.plan import Fault


class Story:
    """Lines of one schedule, in order of true time."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def fault(self, now: int, fault: Fault, prefix: str) -> None:
        """Tell of a fault, or of its end."""
        self.lines.append(f"{now / MS:9.2f} ms  ** {prefix}{describe(fault)}")

    def decided(
        self, now: int, member: int, event: Event | None, before: Head, decision: Decision
    ) -> None:
        """Tell of a decision, when it is one."""
        head, gate = decision.state, ""
        for action in decision.actions:
            if isinstance(action, CloseGate):
                gate = "; gate closed"
            elif isinstance(action, OpenGate):
                gate = "; gate open"
        if head.role is before.role and not decision.sentence and head.solo == before.solo:
            return
        cause = "starts" if event is None else told(event)
        says = decision.sentence or "(nothing)"
        role = f"{head.role.name.lower()} of term {head.term}"
        self.lines.append(f"{now / MS:9.2f} ms  head {member}, {cause}: {says} [{role}{gate}]")


def told(event: Event) -> str:
    """Return an event for a line of a story."""
    if isinstance(event, Received):
        return f"hearing {type(event.message).__name__} of {event.source}"
    if isinstance(event, Tick):
        return f"waking {event.late / MS:.1f} ms late" if event.late > MS else "waking"
    return f"told {type(event).__name__}"


def describe(fault: Fault) -> str:
    """Return a fault in words."""
    who = f"head {fault.who}" if fault.who < 3 else f"witness {fault.who}"
    where = f" on networks {fault.networks:02b}" if fault.networks else ""
    to = f" to member {fault.other}" if fault.other else ""
    notes = []
    if fault.choice & 2:
        notes.append("its memory is lost")
    if fault.choice & 1:
        notes.append("it adopts; or messages come before its clock")
    extra = f" ({', '.join(notes)})" if notes and fault.end > fault.begin else ""
    lasts = f", for {(fault.end - fault.begin) / MS:.0f} ms" if fault.end > fault.begin else ""
    return f"{who}: {fault.kind.value}{to}{where}{lasts}{extra}"
