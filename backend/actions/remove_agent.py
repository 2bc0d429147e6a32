"""Takes the failover agent from heads and witnesses; nothing of it is left there."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.install_agent import NOTHING, Shown, open_members, require_same
from backend.actions.reaching import ORDINARY, Reaching, Way, turn
from backend.errors import HaoscarError, Refused
from backend.reports import Report
from backend.rollout import key, show
from backend.rollout.fleet import Fleet
from backend.rollout.member import Member
from backend.rollout.record import Record
from backend.rollout.source import chosen, members_of
from backend.rollout.steps import Removal, plan_removal, removal_order
from backend.rollout.tasks import RemoveAgents, Survey
from backend.system.runner import Runner
from backend.tasks import TaskContext
from backend.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Removed:
    """What was to be taken away from whom, and what was."""

    shown: tuple[Shown, ...]  # in the order in which members are changed
    looked_at: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()  # could not be reached


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is to be taken away."""

    removals: tuple[Removal, ...]
    runners: Mapping[Member, Runner]
    unreached: tuple[Report, ...]

    @property
    def by_member(self) -> dict[Member, Removal]:
        """The removals, whatever their order."""
        return {one.member: one for one in self.removals}

    @property
    def working(self) -> list[Removal]:
        """The removals that change something."""
        return [one for one in self.removals if not one.idle]


@dataclass(frozen=True, slots=True)
class RemoveAgentAction:
    """Removes the agents in the order in which nothing is taken over meanwhile."""

    wiring: Wiring
    members: tuple[str, ...] = ()  # none: all that have the agent
    skip_unreachable: bool = False
    way: Way = ORDINARY
    title: str = "Remove the failover agent"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Removed]:
        """See Action.prepare; raises Refused when nobody is known who has the agent."""
        record = Record(self.wiring.paths)
        known = {**{one.name: one for one in self._of_site()}, **record.members()}
        wanted = chosen(list(known.values()), self.members or record.members())
        if not wanted:
            raise Refused.of("rollout.none", "No member is known that has the agent.")
        reaching = Reaching(self.wiring, self.way, person)
        with turn(self.wiring, "remove-agent"), reaching.fleet() as fleet:
            found = self._look(fleet, wanted, context)

        def run(context: TaskContext) -> Removed:
            done: tuple[str, ...] = ()
            with turn(self.wiring, "remove-agent"):
                if found.working:
                    with reaching.fleet() as fleet:
                        again = self._look(fleet, wanted, context)
                        require_same(found.by_member, again.by_member)
                        done = self._remove(again, context)
                record.drop(one.member.name for one in found.removals if one.idle)
                skipped = tuple(one.name for one in wanted if one not in found.runners)
                if not record.members() and not skipped:
                    key.forget(self.wiring.paths)
            shown = tuple((one.member, tuple(show.removals(one))) for one in found.removals)
            return Removed(shown, tuple(one.name for one in found.runners), done, skipped)

        return Prepared(
            self.title,
            "Service, program, configuration, key and state of the agent are removed.",
            tuple(_group(one) for one in found.removals),
            run,
            _tell,
            found.unreached,
            idle=not found.working,
        )

    def _of_site(self) -> list[Member]:
        """Return the members that the site file names; none where it names none, or is damaged."""
        try:
            return members_of(self.wiring.store().load())[0]
        except HaoscarError:
            return []

    def _look(self, fleet: Fleet, wanted: list[Member], context: TaskContext) -> _Found:
        unreached = open_members(fleet, wanted, context, skip_unreachable=self.skip_unreachable)
        facts = Survey(fleet.runners).run(context)
        removals = tuple(plan_removal(one, facts[one]) for one in removal_order(facts))
        return _Found(removals, dict(fleet.runners), unreached)

    def _remove(self, found: _Found, context: TaskContext) -> tuple[str, ...]:
        record = Record(self.wiring.paths)
        task = RemoveAgents(found.working, found.runners, lambda one: record.drop([one.name]))
        return task.run(context)


def _group(removal: Removal) -> Group:
    return Group(str(removal.member), tuple(show.removals(removal)) or (NOTHING,))


def _tell(removed: Removed) -> Outcome:
    if removed.done:
        return Outcome(f"Nothing of the agent is left on: {', '.join(removed.done)}.")
    return Outcome(f"Nothing to do: {', '.join(removed.looked_at)} have no agent.")
