"""A change of this head and the tickets that depend on it: both, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.actions.installs import Armable, ArmInstall
from backend.actions.macs_assign import disarm
from backend.change.plan import Plan
from backend.change.records import ChangeRecord
from backend.clone.ticket import Ticket
from backend.errors import HaoscarError
from backend.reports import info
from backend.tasks import TaskContext
from backend.wiring import Wiring


@dataclass(frozen=True, slots=True)
class LetIn:
    """What was changed, and who may be installed now."""

    record: ChangeRecord
    tickets: tuple[Ticket, ...] = ()


def let_in(
    wiring: Wiring, plan: Plan, armed: Sequence[tuple[ArmInstall, Armable]], context: TaskContext
) -> LetIn:
    """Make the change, then arm; when a machine cannot be let in, everything is taken back.

    Raises HaoscarError, and Cancelled before anything was armed.
    """
    journal = wiring.journal()
    record = journal.apply(plan, context)
    tickets: list[Ticket] = []
    try:
        for action, found in armed:
            context.say(f"Letting {found.standby.name} in.")
            tickets.append(action.arm(found))
    except HaoscarError as problem:
        disarm(wiring.paths, [one.mac for one in tickets])
        if record.id:
            journal.undo(record.id, TaskContext(context.listener))
        text = "Nothing is left changed: every step was taken back."
        problem.reports = (*problem.reports, info("change.rolled-back", text))
        raise
    return LetIn(record, tuple(tickets))
