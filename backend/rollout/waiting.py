"""Waits until an agent that was started is well: its service runs and it answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.errors import HaoscarError
from backend.rollout import services
from backend.rollout.member import Member
from backend.rollout.places import WATCH_UNIT
from backend.rollout.services import Said, Service
from backend.system.runner import Runner


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what, in seconds; the clock is another one in tests."""

    well: float = 20.0
    well_after_failure: float = 3.0  # systemd said already that the start failed
    switched: float = 15.0
    settle: float = 0.5  # for which one that is well must go on
    between: float = 0.2
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


def until_well(
    runner: Runner, member: Member, old_pid: int, limit: float, patience: Patience, unit: str = ""
) -> Said:
    """Return what the agent says as soon as it is well; raises HaoscarError after ``limit`` seconds.

    ``old_pid``: the process that was to end; 0 when none ran. ``unit``: another one than the
    agent's.
    """
    unit = unit or member.unit
    whose = "watch process" if unit == WATCH_UNIT else "agent"
    deadline = patience.clock() + limit
    while True:
        service = services.look(runner).get(unit, Service())
        said = services.said_by(runner, unit, service)
        if said.answered and service.pid != old_pid:
            patience.sleep(patience.settle)
            if services.look(runner).get(unit) == service:
                return said
            said = Said(text="it ended again as soon as it had started")
        if patience.clock() >= deadline:
            break
        patience.sleep(patience.between)
    journal = services.last_lines(runner, unit)
    raise HaoscarError.of(
        "rollout.not-well",
        f"The {whose} was not well after {limit:g} s: {said.text}."
        + (f" Its last words: {journal}" if journal else ""),
    )


def until_switched(runner: Runner, patience: Patience) -> None:
    """Wait until an agent is not the active one any more; raises HaoscarError."""
    deadline = patience.clock() + patience.switched
    while services.control(runner, "status").get("role") == "active":
        if patience.clock() >= deadline:
            raise HaoscarError.of(
                "rollout.not-switched",
                f"It was still active {patience.switched:g} s after it was asked to hand over.",
            )
        patience.sleep(patience.between)
