"""Plays schedules of self-healing, says what came out, and makes a failing one small."""

from typing import NamedTuple

from backend.simulation.checks import Violation
from backend.simulation.recovery_plan import Fault, Plan, draw
from backend.simulation.recovery_world import RecoveryWorld
from backend.watch.core.recovery_state import LOST_AFTER, MOVE_LIMIT, WELL_FOR

CALM_INTERVAL = 60.0  # between two checks when everything works
LIMIT = MOVE_LIMIT + LOST_AFTER + WELL_FOR + 6 * CALM_INTERVAL  # until nothing is left


class RecoveryOutcome(NamedTuple):
    """What one schedule came to; ``rule`` is empty when nothing was wrong."""

    seed: int
    rule: str = ""
    text: str = ""
    restarts: int = 0
    moves: int = 0
    holds: int = 0


class RecoveryTotals(NamedTuple):
    """What many schedules came to."""

    schedules: int = 0
    restarts: int = 0
    moves: int = 0
    holds: int = 0
    failures: tuple[RecoveryOutcome, ...] = ()

    def plus(self, other: "RecoveryTotals") -> "RecoveryTotals":
        """Return the sum."""
        return RecoveryTotals(
            self.schedules + other.schedules,
            self.restarts + other.restarts,
            self.moves + other.moves,
            self.holds + other.holds,
            self.failures + other.failures,
        )


def play(plan: Plan) -> RecoveryOutcome:
    """Play a plan; never raises Violation."""
    world = RecoveryWorld(plan)
    rule = text = ""
    try:
        world.play(plan.heal)
        world.heal(CALM_INTERVAL)
        world.play(plan.heal + LIMIT + 4 * plan.interval)
        if world.state is None:
            raise Violation("alive", "no watch process runs")
        world.checks.settled(world.state)
    except Violation as wrong:
        rule, text = wrong.rule, str(wrong)
    checks = world.checks
    return RecoveryOutcome(plan.seed, rule, text, checks.restarts, checks.moves, checks.holds)


def chunk(seeds: range) -> RecoveryTotals:
    """Play the schedules of some seeds, in this process."""
    found = [play(draw(seed)) for seed in seeds]
    return RecoveryTotals(
        len(found), sum(one.restarts for one in found), sum(one.moves for one in found),
        sum(one.holds for one in found), tuple(one for one in found if one.rule),
    )  # fmt: skip


def minimised(plan: Plan) -> Plan:
    """Return a plan with as few faults as still break the same rule."""
    rule = play(plan).rule
    again = bool(rule)
    while again:
        again = False
        for i in range(len(plan.faults)):
            tried = plan._replace(faults=plan.faults[:i] + plan.faults[i + 1 :])
            if play(tried).rule == rule:
                plan, again = tried, True
                break
    return plan


def explained(seed: int) -> str:
    """Return the story of a failing seed, with as few faults as possible."""
    plan = minimised(draw(seed))
    outcome = play(plan)
    policy = ", ".join(f"{name} {value}" for name, value in plan.policy._asdict().items())
    lines = [
        f"self-healing, seed {seed}: {outcome.rule}: {outcome.text}",
        f"{policy}, every {plan.interval:g} s",
    ]
    return "\n".join([*lines, *(described(one) for one in plan.faults)])


def described(fault: Fault) -> str:
    """Return a fault in words."""
    lasts = f" until {fault.end:.1f} s" if fault.end > fault.begin else ""
    return f"{fault.begin:9.1f} s  ** {fault.head}: {fault.kind.value}{lasts} ({fault.choice})"
