"""Installing on pretended members: order, upgrade, failures half-way, and the run that goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from backend.errors import Cancelled, CommandFailed, HaoscarError, Refused
from backend.model.secrets import Secret
from backend.reports import Report
from backend.rollout.facts import Facts, gather
from backend.rollout.member import Member, Software
from backend.rollout.places import CONFIG, HEAD_UNIT, KEY, PROGRAM, STATE, WITNESS_UNIT, unit_file
from backend.rollout.steps import (
    MemberPlan,
    Run,
    install_order,
    plan_member,
    plan_removal,
    removal_order,
)
from backend.rollout.tasks import InstallAgents, RemoveAgents, Survey
from backend.system.runner import Command
from backend.tasks import CancelToken, Event, Progress, TaskContext
from tests.fakes.agent_member import (
    BAD,
    BETTER,
    FLAPPING,
    GOOD,
    LIAR,
    FakeCluster,
    config,
    cut_at,
    is_write,
    member,
    refused,
)

SECRET = Secret("5" * 64 + "\n")


@dataclass
class World:
    """Two heads and a witness."""

    cluster: FakeCluster
    members: list[Member]
    program: bytes = GOOD
    key: Secret = SECRET
    events: list[Event] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def software(self) -> Software:
        return Software(self.program, self.key)

    @property
    def runners(self) -> dict[Member, object]:
        return {one: self.cluster.members[one.name] for one in self.members}

    @property
    def context(self) -> TaskContext:
        return TaskContext(self.events.append, self.cancel)

    def survey(self) -> dict[Member, Facts]:
        return Survey(self.runners, self.software).run(self.context)  # type: ignore[arg-type]

    def plans(self) -> list[MemberPlan]:
        found = self.survey()
        plans = [plan_member(one, found[one], self.software) for one in install_order(found)]
        return [plan for plan in plans if not plan.idle]

    def install(self) -> tuple[str, ...]:
        task = InstallAgents(
            self.plans(),
            self.runners,  # type: ignore[arg-type]
            lambda one: self.installed.append(one.name),
            self.cluster.patience,
        )
        return task.run(self.context)

    def remove(self, only: Sequence[str] = ()) -> tuple[str, ...]:
        runners = {one: run for one, run in self.runners.items() if not only or one.name in only}
        found = Survey(runners).run(self.context)  # type: ignore[arg-type]
        removals = [plan_removal(one, found[one]) for one in removal_order(found)]
        working = [one for one in removals if not one.idle]
        return RemoveAgents(working, runners, lambda _one: None).run(self.context)  # type: ignore[arg-type]

    def files(self) -> dict[str, dict[str, bytes]]:
        return {name: one.files() for name, one in self.cluster.members.items()}

    def log(self) -> list[str]:
        entries, self.cluster.log = self.cluster.log, []
        return entries


@pytest.fixture
def world(tmp_path: Path) -> World:
    cluster = FakeCluster()
    names = ("head1", "head2", "node1")
    for name in names:
        cluster.add(tmp_path, name)
    return World(cluster, [member(name) for name in names])


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
        assert len(one.seen) <= 3  # facts, units, status: nothing else


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
    assert world.cluster.slept.count(0.6) == 3
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


def test_a_new_agent_that_does_not_start_is_replaced_by_the_old_one(world: World) -> None:
    world.install()
    old = world.files()
    world.installed.clear()
    world.program = BAD
    with pytest.raises(HaoscarError) as caught:
        world.install()
    said = refused(caught.value)
    assert "node1 (witness, 10.0.0.5): The agent was not well after 3 s" in said
    assert r"last words / '\x1b[31mred'" in said
    assert "What ran before runs again." in said
    assert "journalctl -u haoscar-witness.service" in said
    assert "No member was done before. Not begun: head2, head1." in said
    assert world.files() == old
    assert world.installed == []
    assert world.cluster.members["node1"].units[WITNESS_UNIT].state == "active"
    world.program = BETTER
    assert world.install() == ("node1", "head2", "head1")


def test_an_agent_that_does_not_answer_is_not_well(world: World) -> None:
    world.install()
    old = world.files()["head2"]
    world.program = LIAR
    with pytest.raises(HaoscarError, match="timed out") as caught:
        world.install()
    assert "Done before: node1. Not begun: head1." in refused(caught.value)
    assert world.files()["head2"] == old
    assert world.cluster.members["head1"].at(PROGRAM).read_bytes() == GOOD


def test_an_agent_that_ends_again_and_again_is_not_well(world: World) -> None:
    world.install()
    old = world.files()
    world.program = FLAPPING
    with pytest.raises(HaoscarError, match="ended again as soon as it had started"):
        world.install()
    assert world.files() == old


def test_a_first_installation_that_fails_stops_its_service_and_goes_on_later(world: World) -> None:
    world.program = BAD
    with pytest.raises(HaoscarError, match="stopped again"):
        world.install()
    witness = world.cluster.members["node1"].units[WITNESS_UNIT]
    assert (witness.state, witness.enabled) == ("inactive", False)
    world.program = GOOD
    assert world.install() == ("node1", "head1", "head2")


def test_the_new_agent_judges_its_configuration_before_the_old_one_is_stopped(
    world: World,
) -> None:
    world.install()
    world.log()
    old = world.files()
    world.members = [
        replace(one, config=config(one.name, cluster="wrong")) for one in world.members
    ]
    with pytest.raises(HaoscarError, match=r"refuses its configuration: agent\.json:3"):
        world.install()
    assert world.log() == []
    assert world.files() == old


def test_a_full_disk_changes_nothing_that_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.install()
    world.log()
    old = world.files()
    world.program = BETTER
    plans = world.plans()

    def full(path: Path, _content: bytes, _mode: int) -> bool:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("backend.rollout.far_side.write", full)
    task = InstallAgents(plans, world.runners, lambda _one: None, world.cluster.patience)  # type: ignore[arg-type]
    with pytest.raises(HaoscarError, match="No space left") as caught:
        task.run(world.context)
    assert "What ran before was not touched and goes on." in refused(caught.value)
    assert world.log() == []
    assert world.files() == old


@pytest.mark.parametrize("where", ["before the files", "after the files"])
def test_a_cut_connection_is_told_and_the_next_run_goes_on(world: World, where: str) -> None:
    world.install()
    world.log()
    world.program = BETTER
    head = world.cluster.members["head2"]

    def after(command: Command) -> bool:
        return command.argv[:2] == ("systemctl", "daemon-reload")

    plans = world.plans()
    head.before = cut_at(is_write if where == "before the files" else after)
    task = InstallAgents(plans, world.runners, lambda _one: None, world.cluster.patience)  # type: ignore[arg-type]
    with pytest.raises(
        HaoscarError, match=r"The connection was cut.*could not be taken back"
    ) as caught:
        task.run(world.context)
    assert "Done before: node1. Not begun: head1." in refused(caught.value)
    head.before = lambda _command: None
    assert head.at(PROGRAM).read_bytes() == (GOOD if where == "before the files" else BETTER)
    [first, second] = world.plans()
    assert (first.member.name, first.run) == ("head2", Run.RESTART)
    assert first.unfinished == (where == "after the files")
    assert second.member.name == "head1"
    assert world.install() == ("head2", "head1")
    assert not list(head.root.rglob("*.previous"))


def test_a_run_cut_after_the_files_can_still_go_back_to_what_ran_well(world: World) -> None:
    world.install()
    old = world.files()
    node = world.cluster.members["node1"]
    world.program = BAD
    plans = world.plans()
    node.before = cut_at(lambda command: command.argv[:2] == ("systemctl", "daemon-reload"))
    with pytest.raises(HaoscarError):
        InstallAgents(plans, world.runners, lambda _one: None, world.cluster.patience).run(
            world.context
        )  # type: ignore[arg-type]
    node.before = lambda _command: None
    with pytest.raises(HaoscarError, match="What ran before runs again"):
        world.install()
    assert world.files() == old


def test_a_switchover_that_is_refused_leaves_the_active_head_alone(world: World) -> None:
    world.install()
    world.log()
    world.program = BETTER
    head = world.cluster.members["head1"]
    control = head._control

    def no(command: Command) -> tuple[int, str, str]:
        assert isinstance(command.stdin, bytes)
        if b"switchover" in command.stdin:
            return 0, '{"ok": false, "error": "no switchover: maintenance"}', ""
        return control(command)

    head._control = no  # type: ignore[method-assign]
    with pytest.raises(HaoscarError, match="could not hand over: no switchover: maintenance"):
        world.install()
    assert head.at(PROGRAM).read_bytes() == GOOD
    assert "head1 restart" not in world.log()


def test_cancelling_ends_after_the_member_that_was_begun(world: World) -> None:
    def cancel(event: Event) -> None:
        if isinstance(event, Progress) and event.step.startswith("node1: "):
            world.cancel.cancel()

    plans = world.plans()
    task = InstallAgents(
        plans, world.runners, lambda one: world.installed.append(one.name), world.cluster.patience
    )  # type: ignore[arg-type]
    with pytest.raises(Cancelled):
        task.run(TaskContext(cancel, world.cancel))
    assert world.installed == ["node1"]
    world.cancel = CancelToken()
    assert world.install() == ("head1", "head2")


def test_all_problems_of_all_members_are_told_before_anything_changes(world: World) -> None:
    one, two, three = world.cluster.members.values()
    one.facts = {"python": [3, 8, 10], "uid": 1000}
    two.facts = {"free": {PROGRAM: 3}, "interpreter": "/opt/my python/bin/python3"}
    three.facts = {"systemd": False}
    three.at("/etc/haoscar").mkdir()
    three.at(KEY).write_text("f" * 65)
    three.at(CONFIG).symlink_to("/nowhere")
    before = world.files()
    with pytest.raises(Refused) as caught:
        world.survey()
    codes = [report.code for report in caught.value.reports]
    assert codes == [
        "rollout.python", "rollout.root", "rollout.python", "rollout.space", "rollout.systemd",
        "rollout.not-a-file", "rollout.other-key", "rollout.untouched",
    ]  # fmt: skip
    assert "its python3 is 3.8.10, the agent needs 3.9." in refused(caught.value)
    assert "may be a member of another one" in refused(caught.value)
    assert world.files() == before


def test_a_member_without_python_is_named(world: World) -> None:
    def missing(command: Command) -> None:
        if command.argv[0] == "python3":
            raise CommandFailed.of("command.failed", "env failed with exit code 127: no python3")

    world.cluster.members["node1"].before = missing
    with pytest.raises(Refused, match=r"node1 .*python3 is not installed"):
        world.survey()


def test_a_machine_of_another_name_and_an_old_kernel_are_warnings(world: World) -> None:
    world.cluster.members["head1"].facts = {"host": "Head1.cluster.example", "kernel": "5.14.0-427"}
    world.cluster.members["node1"].facts = {"host": "node7", "kernel": "4.18.0"}
    world.survey()
    said = [event for event in world.events if isinstance(event, Report)]
    assert [one.code for one in said] == ["rollout.kernel", "rollout.name"]
    assert "calls itself 'node7'" in said[1].text


def with_config(world: World, **more: object) -> None:
    world.members = [replace(one, config=config(one.name, **more)) for one in world.members]  # type: ignore[arg-type]


def test_one_voter_more_is_installed_and_two_at_once_are_refused(
    world: World, tmp_path: Path
) -> None:
    world.install()
    names = ("head1", "head2", "node1", "node2")
    world.cluster.add(tmp_path, "node2")
    world.members.append(member("node2"))
    with_config(world, voters=names)
    assert world.install() == ("node1", "node2", "head2", "head1")
    with_config(world, voters=("head1", "head2", "node1", "node3"))
    with pytest.raises(Refused, match="they differ in node2, node3") as caught:
        world.survey()
    assert "one member at a time" in refused(caught.value)


def test_another_port_is_refused_while_agents_run(world: World) -> None:
    world.install()
    with_config(world, port=4748)
    with pytest.raises(Refused, match="runs on port 4747"):
        world.survey()
    world.remove()
    assert world.install() == ("node1", "head1", "head2")


def test_a_shorter_lease_waits_until_what_was_granted_has_run_out(world: World) -> None:
    world.install()
    with_config(world, profile="fast")
    assert [plan.pause for plan in world.plans()] == [0.3, 0.3, 0.3]
    world.install()
    assert world.cluster.slept.count(0.3) == 3
    with_config(world, lease_ms=600)
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


def test_what_cannot_be_stopped_is_not_removed(world: World) -> None:
    world.install()
    node = world.cluster.members["node1"]
    node._stop = lambda _unit: None  # type: ignore[method-assign]
    with pytest.raises(HaoscarError, match="could not be stopped, so nothing was removed"):
        world.remove()
    assert node.at(PROGRAM).exists()
    assert not world.cluster.members["head1"].at(PROGRAM).exists()


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
