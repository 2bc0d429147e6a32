"""The installation as an action: what was shown is done and nothing else, on pretended members."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backend.actions import agreement, reaching
from backend.actions.action import Prepared
from backend.actions.agreement import agreed
from backend.actions.install_agent import InstallAgentAction, Installed
from backend.actions.reaching import Way
from backend.actions.remove_agent import RemoveAgentAction
from backend.actions.witnesses import WitnessChoice, proposed, voting
from backend.change.preview import ChangeKind
from backend.errors import Refused
from backend.model.agent import WithoutWitness
from backend.model.names import HostName
from backend.rollout.places import CONFIG, PROGRAM
from backend.rollout.record import Record
from backend.site.store import parse_site
from backend.system.runner import Runner
from backend.system.ssh import Credentials
from backend.tasks import CancelToken, TaskContext
from tests.fakes.agent_member import BETTER
from tests.fakes.drill_world import DrillWorld
from tests.fakes.pair_site import PAIR_SITE
from tests.unit.actions.test_standby import Nobody
from tests.unit.drill.test_task import HEADS, NODE
from tests.unit.rollout.test_command import NAMES, Head

WAY = Way(credentials=Credentials("root"))
NODES = "".join(
    f'[[node]]\nname = "node{n}"\naddress = "10.0.0.10{n}"\n' for n in range(2, 5)
)  # fmt: skip


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    made = Head(tmp_path, monkeypatch)
    for name in ("node2", "node3", "node4"):
        made.cluster.add(tmp_path / "members", name)
    return made


def chosen(*names: str) -> WitnessChoice:
    return WitnessChoice(tuple(HostName.parse(one) for one in names))


def prepare(head: Head, choice: WitnessChoice | None = None) -> Prepared[Installed]:
    action = InstallAgentAction(head.wiring, way=WAY, choice=choice)
    return action.prepare(TaskContext(), Nobody())


def test_each_machine_is_a_group_and_nothing_is_held_while_somebody_reads(head: Head) -> None:
    before = head.files()
    made = prepare(head)
    assert [one.title for one in made.groups] == [
        "node1 (witness, 10.0.0.101)", "head1 (head, 10.0.0.2)", "head2 (head, 10.0.0.3)",
    ]  # fmt: skip
    assert any(one.path == PROGRAM for one in made.groups[0].changes)
    assert not made.idle
    with reaching.turn(head.wiring, "drill"):
        assert head.files() == before
    installed = made.run(TaskContext())
    assert installed.done == ("node1", "head1", "head2")
    assert made.tell(installed).sentence == "The agent is well on: node1, head1, head2."
    again = prepare(head)
    assert again.idle
    assert {one.kind for group in again.groups for one in group.changes} == {ChangeKind.UNCHANGED}


def test_a_choice_of_witnesses_is_written_into_the_site_file_first(head: Head) -> None:
    file = head.wiring.paths.site_file
    file.write_text(f"# mine\n{PAIR_SITE}{NODES}")
    made = prepare(head, chosen("node1", "node3", "node4"))
    assert made.groups[0].title == "This head"
    assert any("witnesses" in line for line in made.groups[0].changes[0].diff)
    assert "witnesses" not in file.read_text()
    installed = made.run(TaskContext())
    assert set(installed.done) == {"head1", "head2", "node1", "node3", "node4"}
    assert voting(parse_site(file.read_text(), file)) == {"node1", "node3", "node4"}
    assert file.read_text().startswith("# mine\n")
    [record] = head.wiring.journal().records()
    assert record.title == "Choose the witnesses"


def test_a_choice_that_the_site_makes_by_itself_is_not_written(head: Head) -> None:
    made = prepare(head, chosen("node1"))
    assert made.groups[0].title.startswith("node1")
    assert head.wiring.paths.site_file.read_text() == PAIR_SITE


def spoil(head: Head) -> None:
    """Change a member's configuration, as somebody might while it is being read what will be."""
    file = head.cluster.members["node1"].at(CONFIG)
    file.parent.mkdir(parents=True)
    file.write_text("{}\n")


def other_key(head: Head) -> None:
    """Keep a key, as another installation would."""
    (head.wiring.paths.state / "agent.key").write_text("6" * 64)


@pytest.mark.parametrize(
    ("meanwhile", "what"), [(spoil, "node1 \\(witness"), (other_key, "the key of the agents")]
)
def test_what_has_changed_since_it_was_shown_stops_it(
    head: Head, meanwhile: Callable[[Head], None], what: str
) -> None:
    file = head.wiring.paths.site_file
    file.write_text(PAIR_SITE + NODES)
    made = prepare(head, chosen("node1", "node2", "node3"))
    meanwhile(head)
    before = head.files()
    with pytest.raises(Refused, match=f"Not any more as it was shown: .*{what}"):
        made.run(TaskContext())
    assert head.files() == before
    assert file.read_text() == PAIR_SITE + NODES
    assert Record(head.wiring.paths).members() == {}


def test_removal_is_shown_and_refused_when_there_is_something_else(head: Head) -> None:
    prepare(head).run(TaskContext())
    made = RemoveAgentAction(head.wiring, way=WAY).prepare(TaskContext(), Nobody())
    assert len(made.groups) == 3
    head.cluster.members["node1"].at(CONFIG).unlink()
    with pytest.raises(Refused, match="node1"):
        made.run(TaskContext())
    made = RemoveAgentAction(head.wiring, way=WAY).prepare(TaskContext(), Nobody())
    removed = made.run(TaskContext())
    assert set(removed.done) == set(NAMES)
    assert not (head.wiring.paths.state / "agent.key").exists()


def test_an_upgrade_shows_only_what_is_new(head: Head) -> None:
    prepare(head).run(TaskContext())
    head.program = BETTER
    made = prepare(head)
    assert [one.path for one in made.groups[0].changes] == [PROGRAM, ""]
    told = [one.code for one in made.reports if one.code.startswith("rollout.")]
    assert told == ["rollout.unwatched", "rollout.active"]


def runners(world: DrillWorld) -> dict[object, Runner]:
    return {one: world.machine(one.name) for one in (*HEADS, NODE)}


def test_agents_that_agree_are_not_waited_for() -> None:
    assert agreed(runners(DrillWorld()), (*HEADS, NODE), 30.0, TaskContext()) == ()  # type: ignore[arg-type]


def test_agents_that_agree_soon_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "STEP", 0.001)
    world = DrillWorld(spoilt={"head2": {"peer": {"alive": False}}})
    seen: list[object] = []

    def listen(event: object) -> None:
        seen.append(event)
        if len(seen) == 3:
            world.spoilt.clear()

    assert agreed(runners(world), (*HEADS, NODE), 30.0, TaskContext(listen)) == ()  # type: ignore[arg-type]
    assert "head2 does not hear head1." in str(seen[0])


def test_agents_that_do_not_agree_are_a_doubt_and_waiting_can_be_given_up() -> None:
    world = DrillWorld(spoilt={"head1": {"voters": []}})
    [doubt] = agreed(runners(world), (*HEADS, NODE), 0.0, TaskContext())  # type: ignore[arg-type]
    assert doubt.text == "0 of 1 witnesses vote for head1."
    token = CancelToken()
    token.cancel()
    assert agreed(runners(world), (*HEADS, NODE), 30.0, TaskContext(cancel=token)) == (doubt,)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reachable", "wanted"),
    [
        ([], ()), (["node2"], ("node2",)), (["node2", "node3"], ("node2",)),
        (["node2", "node3", "node4"], ("node2", "node3", "node4")),
        (["node1", "node2", "node3", "node4"], ("node1", "node2", "node3")),
    ],
)  # fmt: skip
def test_one_or_three_of_those_that_answer_are_proposed(
    reachable: list[str], wanted: tuple[str, ...], tmp_path: Path
) -> None:
    site = parse_site(PAIR_SITE + NODES, tmp_path)
    assert proposed(site, reachable) == wanted


def test_what_the_site_file_says_is_proposed_whoever_answers(tmp_path: Path) -> None:
    site = parse_site(f'{PAIR_SITE}{NODES}[agent]\nwitnesses = ["node4"]\n', tmp_path)
    assert proposed(site, ["node1", "node2", "node3"]) == ("node4",)


def test_without_witnesses_the_policy_is_written(tmp_path: Path) -> None:
    site = parse_site(PAIR_SITE, tmp_path)
    made = WitnessChoice((), WithoutWitness.RISK).applied(site)
    assert made.agent is not None
    assert made.agent.witnesses == ()
    assert made.agent.takeover_without_witness is WithoutWitness.RISK
