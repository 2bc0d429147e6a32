"""The long work: look at all members, install on them one after another, remove."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from backend.errors import Cancelled, HaoscarError, Refused
from backend.reports import Report, Severity, error
from backend.rollout.facts import Facts, gather
from backend.rollout.fleet import named
from backend.rollout.installing import Installing
from backend.rollout.member import Member, Software
from backend.rollout.problems import problems_of, voters_problems
from backend.rollout.removing import Removing
from backend.rollout.steps import MemberPlan, Removal
from backend.rollout.waiting import Patience
from backend.rollout.watching import Watching
from backend.system.runner import Runner
from backend.tasks import Progress, TaskContext


@dataclass(frozen=True, slots=True)
class Survey:
    """Looks at every member; with ``software`` it also judges whether that can be installed."""

    runners: Mapping[Member, Runner]
    software: Software | None = None
    unseen: Mapping[Member, frozenset[str]] = field(default_factory=dict)  # see voters_problems

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Looking at the members"

    def run(self, context: TaskContext) -> dict[Member, Facts]:
        """Return the facts of all; raises Refused with the problems of all members at once."""
        found: dict[Member, Facts] = {}
        reports: list[Report] = []
        for member, runner in self.runners.items():
            context.step(f"Looking at {member.name}")
            try:
                found[member] = gather(runner, member)
            except Cancelled:
                raise
            except HaoscarError as problem:
                reports += named(member, problem.reports)
                continue
            if self.software is not None:
                reports += problems_of(member, found[member], self.software)
        if self.software is not None:
            reports += voters_problems(found, self.unseen)
        if any(one.severity is Severity.ERROR for one in reports):
            raise Refused(*reports, _untouched())
        for one in reports:
            context.say(one)
        return found


@dataclass(frozen=True, slots=True)
class InstallAgents:
    """Carries out the plans in their order and stops at the first member that fails."""

    plans: Sequence[MemberPlan]
    runners: Mapping[Member, Runner]
    done: Callable[[Member], None]  # called when a member's agent is well
    patience: Patience = field(default_factory=Patience)

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Installing the failover agent"

    def run(self, context: TaskContext) -> tuple[str, ...]:
        """Return the names of the members that were changed; raises HaoscarError, Cancelled.

        Between two members it can be cancelled; one that was begun is finished.
        """
        names = [one.member.name for one in self.plans]
        # The first watch process looks at both heads at once: it would find no snmpd on the other.
        later = [one for one in self.plans if one.watch_last]
        for number, plan in enumerate(self.plans):
            context.step(f"Installing on {plan.member.name}")
            work = Installing(
                plan, self.runners[plan.member], _noter(context), self.patience,
                partial(self.done, plan.member),
            )  # fmt: skip
            try:
                work.run()
            except HaoscarError as problem:
                raise _half_way(names[:number], names[number + 1 :], problem) from problem
        for number, plan in enumerate(later):
            watching = Watching(plan, self.runners[plan.member], _noter(context), self.patience)
            left = [one.member.name for one in later[number + 1 :]]
            try:
                watching.run()
            except HaoscarError as problem:
                done = [one for one in names if one not in (plan.member.name, *left)]
                raise _half_way(done, left, problem) from problem
        return tuple(names)


@dataclass(frozen=True, slots=True)
class RemoveAgents:
    """Removes the agent from members in their order; one that fails does not keep the others."""

    removals: Sequence[Removal]
    runners: Mapping[Member, Runner]
    done: Callable[[Member], None]

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Removing the failover agent"

    def run(self, context: TaskContext) -> tuple[str, ...]:
        """Return the names of the members it was removed from; raises HaoscarError, Cancelled."""
        finished: list[str] = []
        reports: list[Report] = []
        for removal in self.removals:
            member = removal.member
            context.step(f"Removing from {member.name}")
            try:
                Removing(removal, self.runners[member], _noter(context)).run()
            except HaoscarError as problem:
                reports += named(member, problem.reports)
                continue
            self.done(member)
            finished.append(member.name)
        if reports:
            raise HaoscarError(*reports)
        return tuple(finished)


def _noter(context: TaskContext) -> Callable[[str], None]:
    """Return what shows a sentence without asking whether the task was cancelled."""
    return lambda sentence: context.listener(Progress(step=sentence))


def _untouched() -> Report:
    return error(
        "rollout.untouched",
        "Nothing was changed on any member.",
        "Correct all of this, then run it again.",
    )


def _half_way(finished: Sequence[str], left: Sequence[str], problem: HaoscarError) -> HaoscarError:
    """Return the error of a run that stopped: what is done, what is not."""
    done = f"Done before: {', '.join(finished)}." if finished else "No member was done before."
    rest = f" Not begun: {', '.join(left)}." if left else ""
    return HaoscarError(
        *problem.reports,
        error(
            "rollout.half-way",
            f"{done}{rest}",
            "Members with the new and with the old agent work together; the next run goes on.",
        ),
    )
