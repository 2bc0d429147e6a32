"""No automatic takeover while somebody works on a head."""

from dataclasses import dataclass

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.agent_client import SOCKET, ask_agent
from backend.amounts import duration
from backend.change.preview import Change, ChangeKind
from backend.errors import InvalidInput
from backend.tasks import TaskContext
from backend.wiring import Wiring

DEFAULT_MINUTES = 60.0
MOST_MINUTES = 7 * 24 * 60.0


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What is in force now."""

    seconds: float  # until it ends by itself; 0 when it is off

    @property
    def sentence(self) -> str:
        """Return it for people."""
        if not self.seconds:
            return "Maintenance is off."
        return f"Maintenance is on; it ends by itself in {duration(self.seconds)}."


@dataclass(frozen=True, slots=True)
class MaintenanceAction:
    """Forbids automatic takeovers for a while, or allows them again."""

    wiring: Wiring
    on: bool
    minutes: float = DEFAULT_MINUTES  # until it ends by itself
    socket: str = SOCKET

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Maintenance {'on' if self.on else 'off'}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Maintenance]:
        """See Action.prepare; raises InvalidInput for minutes that cannot be meant."""
        del person
        context.check_cancelled()
        if not 0 < self.minutes <= MOST_MINUTES:
            raise InvalidInput.of(
                "maintenance.minutes",
                f"Maintenance lasts more than 0 and at most {MOST_MINUTES:g} minutes.",
            )
        if self.on:
            sentence = (
                "No head takes over by itself, and none gives its role up for its health; a planned"
                f" switchover still works. It ends by itself after {duration(self.minutes * 60)}."
            )
        else:
            sentence = "From now on the standby takes over again when the active head fails."
        change = Change(
            ChangeKind.UNIT, f"Failover agent: maintenance {'on' if self.on else 'off'}."
        )
        groups = (Group("Both heads", (change,)),)
        return Prepared(self.title, sentence, groups, self._run, _tell)

    def _run(self, context: TaskContext) -> Maintenance:
        context.step("Asking the agent")
        seconds = self.minutes * 60 if self.on else 0.0
        answer = ask_agent(self.wiring.paths, "maintenance", socket=self.socket, seconds=seconds)
        return Maintenance(float(answer["maintenance_seconds"]))


def _tell(found: Maintenance) -> Outcome:
    return Outcome(found.sentence)
