"""Step 5: the failover agent on heads and witnesses, all of them looked at before one is changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.agreement import agreed
from backend.actions.reaching import ORDINARY, Reaching, Way, as_warnings, opening, turn
from backend.actions.witnesses import WitnessChoice
from backend.agentfile.build import build
from backend.change.plan import Plan
from backend.change.preview import Change, ChangeKind, preview
from backend.errors import HaoscarError, Refused
from backend.model.site import Site
from backend.reports import Report, info, warning
from backend.rollout import key, show
from backend.rollout.facts import Facts
from backend.rollout.fleet import Fleet
from backend.rollout.member import Member, Software
from backend.rollout.record import Record
from backend.rollout.source import chosen, interfaces_of, members_of
from backend.rollout.steps import MemberPlan, install_order, plan_member
from backend.rollout.tasks import InstallAgents, Survey
from backend.rollout.waiting import Patience
from backend.system.runner import Runner
from backend.tasks import Event, Progress, TaskContext
from backend.wiring import Wiring

PATIENCE = Patience()
NOTHING = Change(ChangeKind.UNCHANGED, "Nothing changes here.")
Shown = tuple[Member, tuple[Change, ...]]


@dataclass(frozen=True, slots=True)
class Installed:
    """What was to be changed on whom, what was done, and what is still to come."""

    shown: tuple[Shown, ...]  # in the order in which members are changed
    looked_at: tuple[str, ...] = ()
    done: tuple[str, ...] = ()  # members that were changed and are well
    skipped: tuple[str, ...] = ()  # could not be reached
    later: tuple[str, ...] = ()  # were not looked at
    former: tuple[str, ...] = ()  # have the agent and are no members any more
    doubts: tuple[Report, ...] = ()  # why the agents do not agree yet

    @property
    def sentences(self) -> tuple[str, ...]:
        """What there is to say besides what was done."""
        said = []
        if self.former:
            names = ", ".join(self.former)
            said.append(
                f"No members any more, but they have the agent: {names}."
                f" Run: haoscar remove-agent {' '.join(self.former)}"
            )
        if self.later:
            names = ", ".join(self.later)
            said.append(f"Not looked at: {names}. Run install-agent again for them.")
        return tuple(said)


@dataclass(frozen=True, slots=True)
class _Found:
    """The members as they were found, and what is to be done on them."""

    facts: Mapping[Member, Facts]
    plans: tuple[MemberPlan, ...]
    runners: Mapping[Member, Runner]
    unreached: tuple[Report, ...]

    @property
    def working(self) -> list[MemberPlan]:
        """The plans that change something, in their order."""
        return [one for one in self.plans if not one.idle]

    @property
    def wanted(self) -> dict[Member, MemberPlan]:
        """The plans of members, whatever their order."""
        return {one.member: one for one in self.plans}


@dataclass(frozen=True, slots=True)
class InstallAgentAction:
    """Installs or upgrades the agent, one member after another, the active head last."""

    wiring: Wiring
    members: tuple[str, ...] = ()  # none: all
    skip_unreachable: bool = False
    way: Way = ORDINARY
    choice: WitnessChoice | None = None  # None: as the site file says
    agreement: float = 0.0  # seconds that are waited until the agents agree; 0: not at all
    title: str = "Install the failover agent"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Installed]:
        """See Action.prepare; raises with the problems of all members at once."""
        store = self.wiring.store()
        before = store.load()
        site = before if self.choice is None else self.choice.applied(before)
        members, reports = members_of(site)
        secret, _new = key.cluster_key(self.wiring.paths)
        rollout = _Rollout(
            self.wiring, site, tuple(members), tuple(chosen(members, self.members)),
            Software(build(), secret), Reaching(self.wiring, self.way, person),
            self.skip_unreachable, self.agreement,
        )  # fmt: skip
        plan = None
        if site != before:
            why = "Who votes is a part of the site's description."
            plan = Plan("Choose the witnesses", why, (store.write_step(site),))
        with turn(self.wiring, "install-agent"), rollout.reaching.fleet() as fleet:
            found = rollout.look(fleet, context)
        groups = [] if plan is None else [_site_group(plan, self.wiring)]
        return Prepared(
            self.title,
            "Every member gets the agent, its configuration and its service; witnesses first.",
            (*groups, *(_group(one) for one in found.plans)),
            lambda context: rollout.run(found, plan, context),
            _tell,
            (*reports, *found.unreached, *_outages(found)),
            idle=plan is None and not found.working,
        )


@dataclass(frozen=True, slots=True)
class _Rollout:
    """One installation, from the look to the agents' agreement."""

    wiring: Wiring
    site: Site
    members: tuple[Member, ...]
    wanted: tuple[Member, ...]
    software: Software
    reaching: Reaching
    skip_unreachable: bool
    agreement: float

    def look(self, fleet: Fleet, context: TaskContext) -> _Found:
        """Open the members and look at them; raises Refused with everything that is wrong."""
        unreached = open_members(
            fleet, self.wanted, context, skip_unreachable=self.skip_unreachable
        )
        unseen = Record(self.wiring.paths).unseen_heads(self.members, fleet.runners)
        facts = Survey(fleet.runners, self.software, unseen).run(context)
        exact = {one: one for one in members_of(self.site, interfaces_of(self.site, facts))[0]}
        plans = tuple(
            plan_member(exact[one], facts[one], self.software) for one in install_order(facts)
        )
        return _Found(facts, plans, dict(fleet.runners), unreached)

    def run(self, shown: _Found, plan: Plan | None, context: TaskContext) -> Installed:
        """Do what was shown, and nothing else; raises HaoscarError, Cancelled."""
        done: tuple[str, ...] = ()
        doubts: tuple[Report, ...] = ()
        if shown.working or plan is not None:
            with turn(self.wiring, "install-agent"), self.reaching.fleet() as fleet:
                found = self.look(fleet, _quiet(context))
                self._require_same(shown, found)
                if plan is not None:
                    self.wiring.journal().apply(plan, context)
                done = self._install(found, context)
                if self.agreement:
                    doubts = agreed(found.runners, self.members, self.agreement, context)
        names = {one.name for one in self.members}
        known = Record(self.wiring.paths).members()
        return Installed(
            tuple((one.member, tuple(show.changes(one))) for one in shown.plans),
            tuple(one.name for one in shown.facts),
            done,
            tuple(one.name for one in self.wanted if one not in shown.facts),
            tuple(one.name for one in self.members if one not in shown.facts),
            tuple(name for name in known if name not in names),
            doubts,
        )

    def _install(self, found: _Found, context: TaskContext) -> tuple[str, ...]:
        if not found.working:
            return ()
        key.keep(self.wiring.paths, self.software.key)
        record = Record(self.wiring.paths)
        return InstallAgents(found.working, found.runners, record.add, PATIENCE).run(context)

    def _require_same(self, shown: _Found, found: _Found) -> None:
        """Refuse when a member, or the key, is not any more what it was when it was shown."""
        secret, new = key.cluster_key(self.wiring.paths)
        others = [] if new or secret == self.software.key else ["the key of the agents"]
        require_same(shown.wanted, found.wanted, others)


def open_members(
    fleet: Fleet, wanted: Sequence[Member], context: TaskContext, *, skip_unreachable: bool
) -> tuple[Report, ...]:
    """Open members; returns why some of them are left out. Raises Refused, HaoscarError."""
    unreached = fleet.open(wanted, opening(context))
    if unreached and not skip_unreachable:
        raise Refused(
            *unreached,
            info(
                "rollout.untouched",
                "Nothing was changed on any member.",
                "Switch them on, or go on without them: --skip-unreachable",
            ),
        )
    if not fleet.runners:
        raise HaoscarError.of("rollout.nobody", "No member could be reached.")
    return as_warnings(unreached)


def require_same(
    shown: Mapping[Member, object], found: Mapping[Member, object], others: Sequence[str] = ()
) -> None:
    """Refuse when what is to be done on members is not any more what was shown.

    ``others``: what else is known to have changed.
    """
    differ = {one for one in (*shown, *found) if shown.get(one) != found.get(one)}
    names = [*others, *sorted(map(str, differ))]
    if names:
        raise Refused.of(
            "rollout.changed",
            f"Not any more as it was shown: {', '.join(names)}. Nothing was changed.",
            "Look again at what will change.",
        )


def _quiet(context: TaskContext) -> TaskContext:
    """Return a context that says its steps but no reports: they have been read before."""

    def listen(event: Event) -> None:
        if isinstance(event, Progress):
            context.listener(event)

    return TaskContext(listen, context.cancel, context.clock)


def _site_group(plan: Plan, wiring: Wiring) -> Group:
    return Group("This head", tuple(preview(plan, wiring.paths)))


def _group(plan: MemberPlan) -> Group:
    return Group(str(plan.member), tuple(show.changes(plan)) or (NOTHING,))


def _outages(found: _Found) -> Iterator[Report]:
    """Yield beforehand what the upgrade means for the clients of the active head."""
    working = [one.member for one in found.working]
    for member, facts in found.facts.items():
        if not working or facts.said.role != "active":
            continue
        if not facts.said.peer_alive:
            text = (
                f"{member.name} is active and the other head does not answer. Clients may wait for"
            )
            text += " half a second when its agent restarts, and when a witness does that it needs."
            todo = "Start the other head first to avoid it."
            yield warning("rollout.outage", text, todo)
        elif member in working:
            text = f"{member.name} is active: the other head takes over before its agent restarts."
            yield info("rollout.active", text)


def _tell(installed: Installed) -> Outcome:
    if installed.done:
        sentence = f"The agent is well on: {', '.join(installed.done)}."
    else:
        names = ", ".join(installed.looked_at)
        sentence = f"Nothing to do: {names} have what they should have."
    return Outcome(
        sentence,
        installed.sentences,
        installed.doubts,
        next="Prove it with a drill: it measures how long the virtual IPs are away.",
    )
