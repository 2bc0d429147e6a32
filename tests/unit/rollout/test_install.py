"""Installing on pretended members: order, upgrade, changed configurations, removal."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import Refused
from backend.rollout.facts import Facts, gather
from backend.rollout.places import CONFIG, HEAD_UNIT, KEY, PROGRAM, STATE, WITNESS_UNIT, unit_file
from backend.rollout.steps import Run, install_order, removal_order
from tests.fakes.agent_member import (
    BETTER,
    GOOD,
    config,
    member,
    refused,
)
from tests.fakes.agent_world import SECRET, World, three_members


@pytest.fixture
def world(tmp_path: Path) -> World:
    return three_members(tmp_path)


def test_a_first_installation_begins_with_the_witness_and_then_the_preferred_head(
    world: World,
) -> None:
    assert world.install() == ("node1", "head1", "head2")
    assert world.log() == ["node1 restart", "head1 restart", "head2 restart"]
    assert world.cluster.active == "head1"
    for name, one in world.cluster.members.items():
        assert one.at(PROGRAM).read_bytes() == GOOD
        assert one.at(PROGRAM).stat().st_mode & 0o777 == 0o755
        assert one.at(KEY).read_text() == SECRET.reveal()
        assert one.at(KEY).stat().st_mode & 0o777 == 0o600
        assert one.at(CONFIG).read_bytes() == config(name)
        unit = HEAD_UNIT if name.startswith("head") else WITNESS_UNIT
        assert one.at(unit_file(unit)).exists()
        assert one.units[unit].enabled
        assert not list(one.root.rglob("*.previous"))
        assert not list(one.root.rglob(".*.new"))


def test_a_second_run_does_nothing(world: World) -> None:
    world.install()
    before = world.files()
    for one in world.cluster.members.values():
        one.seen.clear()
    assert world.plans() == []
    assert world.files() == before
    for one in world.cluster.members.values():
        assert len(one.seen) <= 4  # facts, units, status, addresses: nothing else


def test_the_key_is_in_no_event_no_command_line_and_no_text(world: World) -> None:
    world.install()
    secret = SECRET.reveal().strip()
    assert secret not in repr(world.events)
    for one in world.cluster.members.values():
        for command in one.seen:
            assert secret not in repr(command)


def test_an_upgrade_hands_over_before_it_touches_the_active_head(world: World) -> None:
    world.install()
    world.log()
    world.program = BETTER
    assert world.install() == ("node1", "head2", "head1")
    assert world.log() == ["node1 restart", "head2 restart", "head1 switchover", "head1 restart"]
    assert world.cluster.active == "head2"  # no fail-back
    # A voter that has just started is silent for a lease: never two at the same time.
    assert world.cluster.slept.count(0.64) == 3
    for one in world.cluster.members.values():
        assert one.at(PROGRAM).read_bytes() == BETTER
        assert not list(one.root.rglob("*.previous"))


def test_an_active_head_without_a_partner_restarts_with_its_lease(world: World) -> None:
    world.install()
    world.log()
    world.cluster.members["head2"].units[HEAD_UNIT].state = "inactive"
    world.program = BETTER
    world.members = [one for one in world.members if one.name != "head2"]
    assert world.install() == ("node1", "head1")
    assert world.log() == ["node1 restart", "head1 kill"]
    assert world.cluster.active == "head1"


def test_one_voter_more_is_installed_and_two_at_once_are_refused(
    world: World, tmp_path: Path
) -> None:
    world.install()
    names = ("head1", "head2", "node1", "node2")
    world.cluster.add(tmp_path, "node2")
    world.members.append(member("node2"))
    world.reconfigure(voters=names)
    assert world.install() == ("node1", "node2", "head2", "head1")
    world.reconfigure(voters=("head1", "head2", "node1", "node3"))
    with pytest.raises(Refused, match="they differ in node2, node3") as caught:
        world.survey()
    assert "one member at a time" in refused(caught.value)


def test_another_port_is_refused_while_agents_run(world: World) -> None:
    world.install()
    world.reconfigure(port=4748)
    with pytest.raises(Refused, match="runs on port 4747"):
        world.survey()
    world.remove()
    assert world.install() == ("node1", "head1", "head2")


def test_a_shorter_lease_waits_until_what_was_granted_has_run_out(world: World) -> None:
    world.install()
    world.reconfigure(profile="fast")
    assert [plan.pause for plan in world.plans()] == [0.32, 0.32, 0.32]
    world.install()
    assert world.cluster.slept.count(0.32) == 3
    world.reconfigure(lease_ms=600)
    assert [plan.pause for plan in world.plans()] == [0.0, 0.0, 0.0]


def test_a_witness_that_becomes_a_head_loses_its_old_service(world: World) -> None:
    world.install()
    [one] = [one for one in world.members if one.name == "node1"]
    world.members[world.members.index(one)] = replace(one, head=True)
    node = world.cluster.members["node1"]
    [plan] = world.plans()
    assert plan.retire == WITNESS_UNIT
    world.install()
    assert not node.at(unit_file(WITNESS_UNIT)).exists()
    assert node.units[WITNESS_UNIT].state == "inactive"
    assert node.units[HEAD_UNIT].state == "active"


def test_a_wrong_mode_or_a_stopped_service_is_put_right(world: World) -> None:
    world.install()
    head, node = world.cluster.members["head2"], world.cluster.members["node1"]
    head.at(KEY).chmod(0o644)
    node.units[WITNESS_UNIT].state = "inactive"
    node.units[WITNESS_UNIT].enabled = False
    witness, standby = world.plans()
    assert (witness.writes, witness.enable, witness.run) == ((), True, Run.START)
    assert [one.path for one in standby.writes] == [KEY]
    assert world.install() == ("node1", "head2")
    assert head.at(KEY).stat().st_mode & 0o777 == 0o600


def test_removal_leaves_nothing_and_the_standby_goes_first(world: World) -> None:
    before = {name: one.everything() for name, one in world.cluster.members.items()}
    world.cluster.members["head1"].at("/etc/haoscar").mkdir()
    world.cluster.members["head1"].at("/etc/haoscar/site.toml").write_text("the site")
    world.install()
    for one in world.cluster.members.values():
        one.at(STATE).mkdir(parents=True)
        (one.at(STATE) / "term.json").write_text("{}")
        one.at(CONFIG + ".previous").write_text("left by a killed run")
    world.log()
    assert world.remove() == ("head2", "head1", "node1")
    assert world.log() == ["head2 gate cleared", "head1 gate cleared"]
    after = {name: one.everything() for name, one in world.cluster.members.items()}
    before["head1"] |= {"etc/haoscar", "etc/haoscar/site.toml"}
    made = {"usr", "usr/local", "usr/local/lib", "var", "var/lib"}
    assert {name: found - made for name, found in after.items()} == before
    assert world.remove() == ()


def test_order_of_heads() -> None:
    idle = {member("head2"): Facts(), member("node1"): Facts(), member("head1"): Facts()}
    assert [one.name for one in install_order(idle)] == ["node1", "head1", "head2"]
    assert [one.name for one in removal_order(idle)] == ["head2", "head1", "node1"]


def test_gather_reads_only(world: World) -> None:
    before = world.files()
    facts = gather(world.cluster.members["head1"], world.members[0])
    assert facts.host == "head1"
    assert facts.file(PROGRAM).kind == "absent"
    assert not facts.service(HEAD_UNIT).loaded
    assert world.files() == before
