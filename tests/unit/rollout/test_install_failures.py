"""Installing on pretended members: what fails half-way, what is taken back, what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import Cancelled, CommandFailed, HaoscarError, Refused
from backend.reports import Report
from backend.rollout.places import CONFIG, KEY, PROGRAM, WITNESS_UNIT
from backend.rollout.steps import Run
from backend.rollout.tasks import InstallAgents
from backend.system.runner import Command
from backend.tasks import CancelToken, Event, Progress, TaskContext
from tests.fakes.agent_member import (
    BAD,
    BETTER,
    FLAPPING,
    GOOD,
    LIAR,
    config,
    cut_at,
    is_write,
    refused,
)
from tests.fakes.agent_world import World, three_members


@pytest.fixture
def world(tmp_path: Path) -> World:
    return three_members(tmp_path)


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


def test_what_cannot_be_stopped_is_not_removed(world: World) -> None:
    world.install()
    node = world.cluster.members["node1"]
    node._stop = lambda _unit: None  # type: ignore[method-assign]
    with pytest.raises(HaoscarError, match="could not be stopped, so nothing was removed"):
        world.remove()
    assert node.at(PROGRAM).exists()
    assert not world.cluster.members["head1"].at(PROGRAM).exists()
