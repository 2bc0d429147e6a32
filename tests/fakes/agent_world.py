"""Two heads and a witness that only pretend, and the tasks of the installer on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.model.secrets import Secret
from backend.rollout.facts import Facts
from backend.rollout.member import Member, Software
from backend.rollout.steps import (
    MemberPlan,
    install_order,
    plan_member,
    plan_removal,
    removal_order,
)
from backend.rollout.tasks import InstallAgents, RemoveAgents, Survey
from backend.tasks import CancelToken, Event, TaskContext
from tests.fakes.agent_member import GOOD, FakeCluster, config, member

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

    def reconfigure(self, **more: object) -> None:
        """Give every member a new configuration."""
        self.members = [
            replace(one, config=config(one.name, **more))  # type: ignore[arg-type]
            for one in self.members
        ]

    def log(self) -> list[str]:
        entries, self.cluster.log = self.cluster.log, []
        return entries


def three_members(root: Path) -> World:
    """Return two heads and a witness with nothing installed."""
    cluster = FakeCluster()
    names = ("head1", "head2", "node1")
    for name in names:
        cluster.add(root, name)
    return World(cluster, [member(name) for name in names])
