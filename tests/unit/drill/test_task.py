"""A drill on pretended machines: what is done, what is read, and that nothing is left."""

import json
from collections.abc import Callable

import pytest

from backend.drill import scene, task
from backend.drill.faults import Fault, budget_ms
from backend.drill.targets import Service, share_out, targets
from backend.drill.task import Drill
from backend.errors import Cancelled, HaoscarError, Refused
from backend.rollout.member import Member
from backend.system.runner import Runner
from backend.tasks import CancelToken, TaskContext
from tests.fakes.drill_world import DrillWorld

CONFIG = json.dumps({
    "members": [
        {"name": "head1", "addresses": {}},
        {"name": "head2", "addresses": {}},
        {"name": "node1", "addresses": {"private": "10.0.0.9"}},
    ]
}).encode()  # fmt: skip
HEADS = tuple(Member(name, True, f"10.0.0.{n}", CONFIG) for n, name in enumerate(("head1", "head2"), 2))  # fmt: skip
NODE = Member("node1", False, "10.0.0.9", CONFIG)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "CALM", 0.005)
    monkeypatch.setattr(task, "STEP", 0.005)
    monkeypatch.setattr(task, "READY_LIMIT", 0.1)


def runners(world: DrillWorld) -> dict[Member, Runner]:
    return {one: world.machine(one.name) for one in (*HEADS, NODE)}


def prepared(world: DrillWorld, fault: Fault = Fault.PLANNED, here: str = "") -> Drill:
    """Return the drill that ``haoscar drill --service ssh=22`` would do."""
    found = scene.look(runners(world), HEADS, fault, here)
    budget = budget_ms(fault, found.active.lease_ms)
    wanted = targets(found.active.virtual_ips, [Service("ssh", 22)], budget, resources=False)
    return Drill(fault, found, share_out([NODE], wanted), runners(world), budget, 0.005, 0.1)


def test_a_planned_drill() -> None:
    world = DrillWorld()
    outcome = prepared(world).run(TaskContext())
    assert world.log == ["head1 switchover"]
    assert outcome.ok
    assert outcome.before == ("head1", "head2", 7)
    assert outcome.after == ("head2", 8)
    assert outcome.budget_ms == 25
    assert [(one.witness, one.target.what, one.longest_ms) for one in outcome.rows] == [
        ("node1", "10.0.0.1", 8.0), ("node1", "ssh at 10.0.0.1:22", 8.0),
    ]  # fmt: skip
    # What was said long before is left out.
    assert {one.text for one in outcome.sentences} == {"head1 speaks", "head2 speaks"}
    assert len(outcome.sentences) == 2
    assert world.probing == 0


@pytest.mark.parametrize(
    ("fault", "log"),
    [
        (Fault.AGENT_KILLED, ["head1 kill 111"]),
        (Fault.AGENT_FROZEN, ["head1 freeze 5", "head1 thaw"]),
        (Fault.POWER_LOSS, ["head1 reset"]),
    ],
)
def test_real_faults(fault: Fault, log: list[str]) -> None:
    world = DrillWorld()
    outcome = prepared(world, fault).run(TaskContext())
    assert world.log == log
    assert outcome.ok, outcome.verdict
    assert outcome.budget_ms == 110
    assert outcome.after[0] == ("head1" if fault is Fault.AGENT_KILLED else "head2")
    heads = {one.head for one in outcome.sentences}
    assert heads == ({"head2"} if fault is Fault.POWER_LOSS else {"head1", "head2"})
    assert (world.probing, world.frozen) == (0, set())


def test_an_outage_that_is_too_long() -> None:
    outcome = prepared(DrillWorld(gap_ms=26.0)).run(TaskContext())
    assert not outcome.ok
    assert outcome.verdict == "Failed: 10.0.0.1 did not answer node1 for 26 ms, too long."


def test_nobody_takes_over() -> None:
    outcome = prepared(DrillWorld(moves=False)).run(TaskContext())
    assert not outcome.ok
    assert outcome.problems == ("head1 is still active; head2 has not taken over.",)


def test_a_virtual_ip_that_does_not_answer_stops_it_before_the_fault() -> None:
    world = DrillWorld(dumb={"10.0.0.1"})
    with pytest.raises(HaoscarError) as problem:
        prepared(world).run(TaskContext())
    said = [one.text for one in problem.value.reports]
    assert said == ["10.0.0.1 does not answer node1.", "ssh at 10.0.0.1:22 does not answer node1."]
    assert (world.log, world.probing) == ([], 0)


def test_a_witness_that_cannot_measure_stops_it_before_the_fault() -> None:
    world = DrillWorld(wrong="haoscar-agent: no such\x1b command")
    with pytest.raises(HaoscarError) as problem:
        prepared(world).run(TaskContext())
    assert "haoscar-agent: no such\\x1b command" in problem.value.reports[0].text
    assert world.log == []


def test_an_agent_that_refuses_the_switchover() -> None:
    world = DrillWorld(spoilt={"head1": {"refuse": True}})
    with pytest.raises(Refused, match="no switchover: not now"):
        prepared(world).run(TaskContext())
    assert world.probing == 0


@pytest.mark.parametrize("fault", Fault)
def test_cancelled_in_the_middle(fault: Fault) -> None:
    """No prober is left, no agent stays frozen, and the cancellation reaches the caller."""
    world, token = DrillWorld(), CancelToken()
    world.on_fault = token.cancel
    drill = prepared(world, fault)
    with pytest.raises(Cancelled):
        drill.run(TaskContext(cancel=token))
    assert (world.probing, world.frozen) == (0, set())
    assert ("head1 thaw" in world.log) == (fault is Fault.AGENT_FROZEN)


def test_cancelled_before_the_fault() -> None:
    world, token = DrillWorld(), CancelToken()
    drill = prepared(world)

    def listener(event: object) -> None:
        if "Starting" in str(event):
            token.cancel()

    with pytest.raises(Cancelled):
        drill.run(TaskContext(listener, token))
    assert (world.log, world.probing) == ([], 0)


def refusal(world: DrillWorld, fault: Fault = Fault.PLANNED, here: str = "") -> str:
    with pytest.raises(Refused) as problem:
        prepared(world, fault, here)
    assert problem.value.reports[-1] == scene.NOT_BEGUN
    assert world.log == []
    return str(problem.value)


def test_what_is_refused() -> None:
    unfit = {"health": {"fit": False, "maintenance": False, "stopping": False}}
    assert "head2 is not fit" in refusal(DrillWorld(spoilt={"head2": unfit}))
    assert "head2 (head, 10.0.0.3): Its agent" in refusal(
        DrillWorld(spoilt={"head2": {"ok": False}})
    )
    assert "one active head" in refusal(DrillWorld(spoilt={"head2": {"role": "active"}}))
    assert "this command runs on it" in refusal(DrillWorld(), Fault.POWER_LOSS, "head1")
    said = refusal(DrillWorld(container=True), Fault.POWER_LOSS, "head2")
    assert "head1 cannot be reset: it is a container." in said


def test_what_a_drill_does_not_need_is_not_refused() -> None:
    looks: list[Callable[[], object]] = [
        lambda: prepared(DrillWorld(container=True), Fault.AGENT_FROZEN),
        lambda: prepared(DrillWorld(), Fault.AGENT_KILLED, "head1"),
        lambda: prepared(DrillWorld(), Fault.POWER_LOSS, "head2"),
    ]
    for look in looks:
        assert isinstance(look(), Drill)


def test_it_is_waited_until_a_drill_may_begin_again() -> None:
    world, times = DrillWorld(spoilt={"head2": {"promised": True}}), iter(range(100))
    looks = []

    def look() -> scene.Scene:
        looks.append(1)
        if len(looks) == 2:
            world.spoilt.clear()
        return scene.look(runners(world), HEADS, Fault.PLANNED, "")

    found = scene.UntilWell(look, 10.0, lambda: float(next(times))).run(TaskContext())
    assert found.active.name == "head1"
    assert len(looks) == 2
    world.spoilt["head2"] = {"promised": True}
    with pytest.raises(Refused, match="has promised"):
        scene.UntilWell(look, 0.0, lambda: float(next(times))).run(TaskContext())
