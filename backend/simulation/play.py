"""Plays one schedule to its end, says what came out, and makes a failing one small."""

from typing import NamedTuple

from backend.simulation.checks import Violation
from backend.simulation.faults import Faults
from backend.simulation.plan import LEASE, Fault, Kind, Plan, draw
from backend.simulation.story import Story
from backend.simulation.world import World

LIMIT = 10 * LEASE  # after all faults have ended, until when one head serves for good
CALM = 3 * LEASE // 2  # it must go on for so long without a change


class Outcome(NamedTuple):
    """What one schedule came to; ``rule`` is empty when nothing was wrong."""

    seed: int
    rule: str = ""
    text: str = ""
    takeovers: int = 0
    handovers: int = 0
    lapses: int = 0
    solos: int = 0
    forces: int = 0
    adoptions: int = 0
    events: int = 0


def play(plan: Plan, story: Story | None = None) -> Outcome:
    """Play a plan; never raises Violation."""
    world = World(plan, story)
    checks = world.checks
    rule = text = ""
    try:
        _play(plan, world)
    except Violation as wrong:
        rule, text = wrong.rule, str(wrong)
        if story is not None:
            story.lines.append(f"{world.now / 1000:9.2f} ms  !! {rule}: {text}")
    return Outcome(
        plan.seed, rule, text, checks.takeovers, checks.handovers, checks.lapses, checks.solos,
        checks.forces, checks.adoptions, world.order,
    )  # fmt: skip


def _play(plan: Plan, world: World) -> None:
    faults = Faults(world)
    for member in range(1, world.count):
        world.boot(member, memory=True, first=True)
    faults.reach()
    world.play(plan.heal)
    faults.heal()
    checks = world.checks
    checks.serves_since_heal = 0
    last = plan.heal + LIMIT + CALM
    while world.now < last:
        world.play(world.now + LEASE // 4)
        if world.now - max(checks.changed, plan.heal) > CALM and len(world.active()) == 1:
            break
    checks.settled(plan.heal, LIMIT)


def play_seed(seed: int) -> Outcome:
    """Draw the schedule of a seed and play it."""
    return play(draw(seed))


def minimised(plan: Plan) -> Plan:
    """Return a plan with as little in it as possible that breaks the same rule."""
    rule = play(plan).rule
    for calmer in (
        {"late": 0.0}, {"twice": 0.0}, {"loss": 0.0}, {"rates": (1000,) * len(plan.rates)},
        {"offsets": (0,) * len(plan.offsets)},
    ):  # fmt: skip
        tried = plan._replace(**calmer)
        if play(tried).rule == rule:
            plan = tried
    again = True
    while again:
        again = False
        for tried in _smaller(plan):
            if play(tried).rule == rule:
                plan, again = tried, True
                break
    return plan


def _smaller(plan: Plan) -> list[Plan]:
    """Return the plans with one fault fewer, then those with one fault simpler."""
    faults = plan.faults
    fewer = [plan._replace(faults=faults[:i] + faults[i + 1 :]) for i in range(len(faults))]
    for i, fault in enumerate(faults):
        fewer += [
            plan._replace(faults=(*faults[:i], simpler, *faults[i + 1 :]))
            for simpler in _simpler(fault)
        ]
    return fewer


def _simpler(fault: Fault) -> list[Fault]:
    found = []
    if fault.choice:
        found.append(fault._replace(choice=0))
    if fault.kind is Kind.CUT and fault.networks != 3:
        found.append(fault._replace(networks=3))
    return found
