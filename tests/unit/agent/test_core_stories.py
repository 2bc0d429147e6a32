"""The faults of the reference bench, told by the decision core itself on a simulated network."""

import pytest

from backend.agent.core.explain import explain
from backend.agent.core.messages import Health
from backend.agent.core.state import Role
from backend.agent.core.timing import MS, SECOND, Timing
from backend.simulation.faults import Faults
from backend.simulation.plan import Fault, Kind, Plan
from backend.simulation.story import Story
from backend.simulation.world import World

START = 1000 * MS  # by then head 1 serves


def quiet(*faults: Fault, witnesses: int = 3, timing: Timing | None = None) -> World:
    """Return a world without any disturbance but these faults, told."""
    count = 3 + witnesses
    plan = Plan(
        seed=1, timing=timing or Timing(), witnesses=witnesses, public=False,
        rates=(1000,) * count, offsets=(0,) * count, delay=100, loss=0.0, twice=0.0, late=0.0,
        sessions=True, faults=faults, heal=60 * SECOND,
    )  # fmt: skip
    world = World(plan, Story())
    shown = Faults(world)
    for member in range(1, count):
        world.boot(member, memory=True, first=True)
    shown.reach()
    world.play(START - 1)
    assert world.active() == [1]
    return world


def told(world: World) -> str:
    """Return what was said since the start."""
    assert world.story is not None
    return "\n".join(line for line in world.story.lines if float(line.split()[0]) >= START / MS)


def outage(world: World, until: int) -> int:
    """Play until then; returns for how long no gate was open, in microseconds of steps of 1 ms."""
    closed = 0
    while world.now < until:
        world.play(world.now + MS)
        closed += 0 if world.active() or max(world.gates) > world.now else MS
    return closed


def test_f1_power_loss_of_the_active_head() -> None:
    world = quiet(Fault(START, 9 * SECOND, Kind.POWER, 1))
    closed = outage(world, 2 * SECOND)
    assert world.active() == [2]
    assert 250 * MS <= closed <= 320 * MS
    said = told(world)
    assert "head 2, hearing Status of" in said
    assert "campaign for term 2: the other head is silent for" in said
    assert "active, term 2: elected, 304 ms of lease" in said


def test_f10_a_planned_switchover() -> None:
    world = quiet(Fault(START, START, Kind.SWITCH, 1))
    closed = outage(world, 2 * SECOND)
    assert world.active() == [2]
    assert closed <= 1 * MS
    said = told(world)
    assert "head 1, told Switchover: switchover: asked the other head" in said
    assert "head 2, hearing Invite of 1: ready to take over; asking for the hand-over" in said
    assert "head 1, hearing Solicit of 2: handed over with" in said
    assert "head 2, hearing Handover of 1: active, term 2: handed over with" in said


def test_f5_killed_and_restarted_within_the_lease() -> None:
    world = quiet(Fault(START, START + 200 * MS, Kind.KILL, 1, choice=1))
    assert outage(world, 3 * SECOND) == 0
    assert world.active() == [1]
    assert "restarted within my lease: I go on, as term 2" in told(world)
    assert world.heads[1].lease_until > 3 * SECOND


def test_f5_killed_and_restarted_too_late() -> None:
    world = quiet(Fault(START, START + 900 * MS, Kind.KILL, 1, choice=1))
    assert outage(world, 3 * SECOND) <= 300 * MS
    assert world.active() == [2]
    assert "I go on" not in told(world)


def test_f6v_everybody_stands_still_and_the_same_head_goes_on() -> None:
    for length in (200, 300, 400, 600, 1000):
        faults = [Fault(START, START + length * MS, Kind.PAUSE, member) for member in range(1, 6)]
        world = quiet(*faults)
        outage(world, START + 3 * SECOND)
        assert world.active() == [1], length
        said = told(world)
        assert "head 2, hearing Answer" not in said, length
        if length > 400:
            assert "my lease ran out" in said
            assert "I call nobody dead for one lease" in said


def test_f6_the_active_head_stands_still() -> None:
    world = quiet(Fault(START, START + 5 * SECOND, Kind.PAUSE, 1))
    outage(world, START + 8 * SECOND)
    assert world.active() == [2]
    assert world.heads[1].role is Role.STANDBY
    said = told(world)
    assert "head 2, hearing Answer of" in said
    assert "standby: I stood still for" in said
    assert world.checks.takeovers == 2, "no second move when it comes back"


def test_f4_the_active_head_loses_the_witnesses_only() -> None:
    cuts = [Fault(START, 9 * SECOND, Kind.CUT, 1, one, 3, choice=1) for one in (3, 4, 5)]
    world = quiet(*cuts)
    assert outage(world, 3 * SECOND) == 0
    assert world.active() == [1]


def test_f9_the_heads_do_not_hear_each_other() -> None:
    world = quiet(Fault(START, START + 5 * SECOND, Kind.CUT, 1, 2, 3, choice=1))
    assert outage(world, START + 8 * SECOND) == 0
    assert world.active() == [1]
    assert world.checks.takeovers == 1


def test_f3_the_active_head_loses_a_network_that_the_other_one_has() -> None:
    world = quiet(Fault(START, START + 20 * SECOND, Kind.CARRIER, 1, networks=2))
    assert outage(world, START + 2 * SECOND) <= 1 * MS
    assert world.active() == [2]
    assert "asking the other head to take over: it reaches 2 networks, I reach 1" in told(world)


def test_f3_is_answered_after_a_round() -> None:
    world = quiet(Fault(START, START + 20 * SECOND, Kind.CARRIER, 1, networks=2))
    world.play(START + world.plan.timing.round)
    assert world.active() == [1], "the other head may be losing the same network"
    world.play(START + world.plan.timing.round + 5 * MS)
    assert world.active() == [2]


@pytest.mark.parametrize("second", [1, 2])
@pytest.mark.parametrize("later", [0, 1, 20, 60])
def test_a_switch_that_dies_for_both_moves_nothing(second: int, later: int) -> None:
    end = START + 20 * SECOND
    world = quiet(
        Fault(START, end, Kind.CARRIER, 3 - second, networks=2),
        Fault(START + later * MS, end, Kind.CARRIER, second, networks=2),
    )
    assert outage(world, START + 30 * SECOND) == 0
    assert world.active() == [1]
    assert world.checks.handovers == 0


def test_stopping_hands_over() -> None:
    world = quiet(Fault(START, START + 5 * SECOND, Kind.STOP, 1))
    assert outage(world, START + 8 * SECOND) <= 1 * MS
    assert world.active() == [2]
    assert "stopping: asked the other head to take over" in told(world)


def test_without_witnesses_a_head_serves_alone_on_a_promise() -> None:
    off = [Fault(START, START + 10 * SECOND, Kind.OFF, one) for one in (3, 4, 5)]
    world = quiet(*off, Fault(START + 4 * SECOND, START + 6 * SECOND, Kind.POWER, 2))
    assert outage(world, START + 18 * SECOND) == 0
    assert world.active() == [1]
    said = told(world)
    assert "too few witnesses answer: asking the other head for its promise" in said
    assert "the other head may serve alone: I promise not to take over by myself" in said
    assert "serving alone on the other head's promise" in said
    assert "enough witnesses answer: the promise is given back" in said
    assert "released from my promise" in said
    assert world.heads[2].promised == 0
    assert world.disks[2][1] == 0


def test_a_head_that_has_promised_does_not_take_over() -> None:
    off = [Fault(START, START + 30 * SECOND, Kind.OFF, one) for one in (3, 4, 5)]
    world = quiet(*off, Fault(START + 4 * SECOND, START + 20 * SECOND, Kind.POWER, 1))
    outage(world, START + 15 * SECOND)
    assert world.active() == []
    assert any("it has promised" in line for line in explain(world.heads[2], world.now))


def test_a_forced_head_does_not_go_on_after_a_stall_of_its_own() -> None:
    off = [Fault(START, START + 30 * SECOND, Kind.OFF, one) for one in (3, 4, 5)]
    world = quiet(
        *off,
        Fault(START + 1000, START + 20 * SECOND, Kind.FORCE, 2),
        Fault(START + 2 * SECOND, START + 3 * SECOND, Kind.PAUSE, 2),
    )
    world.play(START + 1 * SECOND)
    assert world.active() == [2]
    assert world.heads[2].forced
    world.play(START + 6 * SECOND)
    assert world.active() == [], "the other head may have been switched on meanwhile"


def test_status_says_why() -> None:
    world = quiet()
    lines = explain(world.heads[1], world.now)
    assert lines[0].startswith("this head serves with term 1; its lease lasts ")
    assert "the other head is ready to take over" in lines
    lines = explain(world.heads[2], world.now)
    assert "the other head serves" in lines
    assert "no takeover: the other head is well; after 192 ms of silence I ask the voters" in lines
    world.health[2] = Health(3)
    world.heads[2] = world.heads[2]._replace(health=Health(3))
    assert "this head would not take over: its services do not work" in explain(
        world.heads[2], world.now
    )
    world.play(START + 1 * SECOND)
    assert any(
        "the other head would not take over" in line for line in explain(world.heads[1], world.now)
    )


def test_an_active_head_that_is_not_fit_hands_over_without_an_outage() -> None:
    world = quiet(Fault(START, START + 30 * SECOND, Kind.UNFIT, 1))
    assert outage(world, START + 20 * SECOND) <= 1 * MS
    assert world.active() == [2]
    assert world.checks.handovers == 1
    assert "asking the other head to take over: my services do not work here" in told(world)


def test_with_an_unfit_or_dead_standby_it_keeps_serving() -> None:
    for kind in (Kind.UNFIT, Kind.POWER):
        world = quiet(
            Fault(START, START + 30 * SECOND, kind, 2),
            Fault(START + SECOND, START + 30 * SECOND, Kind.UNFIT, 1),
        )
        assert outage(world, START + 20 * SECOND) == 0
        assert world.active() == [1], kind
        assert world.checks.handovers == 0


def test_two_heads_that_are_unfit_in_turn_play_no_ping_pong() -> None:
    # Each is well as soon as the other one serves: the worst that can be.
    faults = [
        Fault(START + i * 2 * SECOND, START + (i + 1) * 2 * SECOND, Kind.UNFIT, 1 + i % 2)
        for i in range(15)
    ]
    world = quiet(*faults)
    assert outage(world, START + 30 * SECOND) <= 3 * MS
    assert 1 <= world.checks.handovers <= 3, "one in ten seconds at most"
