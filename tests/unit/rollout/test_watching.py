"""The watch process on pretended heads: beside the agent, upgraded, taken back, removed."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import HaoscarError
from backend.rollout.places import (
    WATCH_CONFIG,
    WATCH_RUN,
    WATCH_STATE,
    WATCH_UNIT,
    unit_file,
)
from backend.rollout.show import changes
from backend.rollout.writes import Run
from tests.fakes.agent_member import BETTER, FakeMember, refused
from tests.fakes.agent_world import World, three_members

WATCH = b'{"services": [{"group": "G", "name": "s"}]}\n'


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = three_members(tmp_path)
    watch(made, WATCH)
    return made


def watch(world: World, content: bytes) -> None:
    world.members = [replace(one, watch=content if one.head else b"") for one in world.members]


def heads(world: World) -> list[FakeMember]:
    return [world.cluster.members[name] for name in ("head1", "head2")]


def test_both_heads_get_it_and_the_witness_nothing(world: World) -> None:
    [*_witness, plan, _other] = world.plans()
    sentences = [one.sentence for one in changes(plan)]
    assert sentences[-1] == f"Service {WATCH_UNIT}: start it at boot and start it."
    world.install()
    for one in heads(world):
        assert one.at(WATCH_CONFIG).read_bytes() == WATCH
        assert one.units[WATCH_UNIT].state == "active"
        assert one.units[WATCH_UNIT].enabled
        assert not list(one.root.rglob("*.previous"))
    witness = world.cluster.members["node1"]
    assert not witness.at(WATCH_CONFIG).exists()
    assert not witness.at(unit_file(WATCH_UNIT)).exists()
    assert world.plans() == []


def test_another_watch_list_restarts_it_and_not_the_agent(world: World) -> None:
    world.install()
    world.log()
    watch(world, WATCH.replace(b'"s"', b'"t"'))
    assert [plan.run for plan in world.plans()] == [Run.NOTHING, Run.NOTHING]
    world.install()
    assert world.log() == ["head2 watch restart", "head1 watch restart"]


def test_the_first_ones_start_when_both_heads_are_ready(world: World) -> None:
    world.install()
    log = world.log()
    assert log[-2:] == ["head1 watch restart", "head2 watch restart"], log


def test_another_program_restarts_both(world: World) -> None:
    world.install()
    world.log()
    world.program = BETTER
    world.install()
    log = [one for one in world.log() if one.startswith("head2")]
    assert log == ["head2 restart", "head2 watch restart"]


def test_one_that_was_stopped_is_started(world: World) -> None:
    world.install()
    heads(world)[0].units[WATCH_UNIT].state = "inactive"
    [plan] = world.plans()
    assert (plan.member.name, plan.watch.run) == ("head1", Run.START)
    world.install()
    assert heads(world)[0].units[WATCH_UNIT].state == "active"


@pytest.mark.parametrize(
    ("content", "why"), [(b'"silent"', "timed out"), (b'"wrong"', "error: no")]
)
def test_a_first_one_that_does_not_become_well_is_stopped_and_the_agent_stays(
    world: World, content: bytes, why: str
) -> None:
    watch(world, b'{"services": [], "x": ' + content + b"}")
    with pytest.raises(HaoscarError) as caught:
        world.install()
    said = refused(caught.value)
    assert why in said
    assert (
        "It was stopped again; its files stay for the next run. The failover agent is well." in said
    )
    assert "journalctl -u haoscar-watch.service" in said
    assert "Not begun: head2." in said
    assert heads(world)[0].units[WATCH_UNIT].state == "inactive"
    assert not heads(world)[0].units[WATCH_UNIT].enabled
    assert world.cluster.active == "head1"
    watch(world, WATCH)
    assert set(world.install()) == {"head1", "head2"}
    assert world.plans() == []


def test_a_new_list_that_does_not_work_is_taken_back(world: World) -> None:
    world.install()
    watch(world, b'{"services": [], "x": "silent"}')
    with pytest.raises(HaoscarError) as caught:
        world.install()
    assert "started again with the configuration that it had before" in refused(caught.value)
    assert heads(world)[1].at(WATCH_CONFIG).read_bytes() == WATCH
    assert heads(world)[1].units[WATCH_UNIT].state == "active"
    watch(world, WATCH)
    assert world.plans() == []


def test_an_empty_watch_list_takes_it_away_and_the_agent_goes_on(world: World) -> None:
    world.install()
    world.log()
    watch(world, b"")
    assert all(plan.watch.retire for plan in world.plans())
    world.install()
    for one in heads(world):
        assert not one.at(WATCH_CONFIG).exists()
        assert not one.at(unit_file(WATCH_UNIT)).exists()
        assert one.units[WATCH_UNIT].state == "inactive"
    assert world.log() == []
    assert world.plans() == []


def test_removal_leaves_nothing_of_it(world: World) -> None:
    before = {name: one.everything() for name, one in world.cluster.members.items()}
    world.install()
    for one in heads(world):
        for path in (WATCH_STATE, WATCH_RUN):
            one.at(path).mkdir(parents=True)
        (one.at(WATCH_STATE) / "history.jsonl").write_text("{}\n")
    stopped = []
    for one in heads(world):
        one.before = lambda command: stopped.append(command.argv)
    world.remove()
    units = [words[-1] for words in stopped if words[:2] == ("systemctl", "stop")]
    assert units[0] == WATCH_UNIT  # before the agent, whose end it would report
    made = {"usr", "usr/local", "usr/local/lib", "var", "var/lib"}
    after = {name: one.everything() for name, one in world.cluster.members.items()}
    assert {name: found - made for name, found in after.items()} == {
        name: found | ({"run"} & found) for name, found in before.items()
    }
