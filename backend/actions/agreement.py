"""Waits until agents that were just started agree: one active head, one ready to take over."""

import time
from collections.abc import Mapping, Sequence

from backend.actions.reaching import as_warnings
from backend.drill import scene
from backend.drill.faults import Fault
from backend.drill.heads import pair, unfit
from backend.errors import Cancelled, HaoscarError
from backend.reports import Report, warning
from backend.rollout.member import Member
from backend.system.runner import Runner
from backend.tasks import Progress, TaskContext

STEP = 0.3


def agreed(
    runners: Mapping[Member, Runner],
    members: Sequence[Member],
    limit: float,
    context: TaskContext,
) -> tuple[Report, ...]:
    """Wait at most ``limit`` seconds; returns why they do not agree yet, nothing when they do.

    Whoever cancels gives only the waiting up: the agents are installed already.
    """
    heads = [one for one in members if one.head and one in runners]
    witnesses = len([one for one in members if not one.head])
    if len(heads) < 2:
        return ()
    deadline = time.monotonic() + limit
    while True:
        doubts = _doubts([runners[one] for one in heads], witnesses)
        if not doubts or time.monotonic() >= deadline:
            return as_warnings(doubts)
        context.listener(Progress("Waiting until the agents agree", detail=doubts[0].text))
        if context.cancel.wait(STEP):
            return as_warnings(doubts)


def _doubts(heads: Sequence[Runner], witnesses: int) -> tuple[Report, ...]:
    try:
        active, standby = pair([scene.ask(one) for one in heads])
    except Cancelled:
        raise
    except HaoscarError as problem:
        return problem.reports
    doubts = unfit(Fault.PLANNED, active, standby)
    if active.witnesses_granting < witnesses:
        text = f"{active.witnesses_granting} of {witnesses} witnesses vote for {active.name}."
        doubts.append(warning("rollout.votes", text, "See: haoscar status."))
    return tuple(doubts)
