"""A fault on purpose: what will happen is shown, then it is made and the outage measured."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backend.actions.action import Group, Person, Prepared
from backend.actions.action import Outcome as Told
from backend.actions.reaching import ORDINARY, Reaching, Way, as_warnings, opening, turn
from backend.actions.status_drill import LastDrill, keep
from backend.change.preview import Change, ChangeKind
from backend.drill import scene
from backend.drill.faults import Fault, budget_ms, what_happens
from backend.drill.outcome import Outcome
from backend.drill.phases import Phase, phases, total_ms
from backend.drill.scene import Scene, UntilWell
from backend.drill.targets import Service, Target, share_out, targets, unmeasured
from backend.drill.task import Drill
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.reports import Report, Severity, info, warning
from backend.rollout.fleet import Fleet
from backend.rollout.member import ConfigView, Member
from backend.rollout.source import chosen, members_of
from backend.tasks import TaskContext
from backend.wiring import Wiring

LIMIT = 15.0  # seconds until the roles have settled, besides what stopping resources may take
MOST_SECONDS = 120.0
SETTLING = 2.0
IN_VAIN = "Details tell what the agents did and when. Mend the cause, then repeat the drill."


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """Which fault, and what is measured; raises InvalidInput for what cannot be meant."""

    fault: Fault = Fault.PLANNED
    services: tuple[Service, ...] = ()
    witnesses: tuple[str, ...] = ()  # measure there; none: on all that can be reached
    seconds: float = SETTLING  # go on measuring so long when the roles have settled
    back: bool = False  # switch back afterwards, measured, too

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= MOST_SECONDS:
            text = f"--seconds is at least 0 and at most {MOST_SECONDS:g}."
            raise InvalidInput.of("drill.seconds", text)
        if self.back and self.fault.ends_machine:
            raise InvalidInput.of(
                "drill.return",
                "Nobody can switch back to a head that has just been reset.",
                "When it is back and well: haoscar drill",
            )


@dataclass(frozen=True, slots=True)
class Drilled:
    """What was measured, there and perhaps back."""

    outcomes: tuple[Outcome, ...]
    note: str = ""  # why there was no way back
    not_back: HaoscarError | None = None  # the way back did not happen

    @property
    def ok(self) -> bool:
        """Whether everything was within what was promised."""
        return self.not_back is None and self.passed

    @property
    def passed(self) -> bool:
        """Whether everything that was measured was within what was promised."""
        return all(one.ok for one in self.outcomes)

    @property
    def verdict(self) -> str:
        """What is to be said of it: of the way back only when nothing but that failed."""
        back = next((one for one in self.outcomes[1:] if not one.ok), None)
        if back is None or not self.outcome.ok:
            return self.outcome.verdict
        return f"On the way back: {back.verdict}"

    @property
    def outcome(self) -> Outcome:
        """The drill itself."""
        return self.outcomes[0]

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Its phases (name, begin and end in ms after the fault)."""
        return phases(self.outcome)

    @property
    def total_ms(self) -> float:
        """How long a virtual IP was away; 0 when for less than can be told."""
        return total_ms(self.outcome)


@dataclass(frozen=True, slots=True)
class DrillAction:
    """Makes the fault on whichever head is active then."""

    wiring: Wiring
    request: DrillRequest = field(default_factory=DrillRequest)
    way: Way = ORDINARY

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Drill: {self.request.fault.value}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Drilled]:
        """See Action.prepare; raises Refused with every reason why there may be no drill now."""
        heads, witnesses = self._members()
        reaching = Reaching(self.wiring, self.way, person)
        with turn(self.wiring, "drill"), reaching.fleet() as fleet:
            unreached = _open(fleet, heads, witnesses, self.request, context)
            context.step("Looking at the heads")
            work = self._work(reaching, fleet, heads, witnesses)
            drill = work.drill(work.look(self.request.fault))
        active, standby = drill.scene.active, drill.scene.standby

        def run(context: TaskContext) -> Drilled:
            with turn(self.wiring, "drill"), reaching.fleet() as fleet:
                _open(fleet, heads, witnesses, self.request, context)
                drilled = self._work(reaching, fleet, heads, witnesses).run(active.name, context)
            with contextlib.suppress(OSError):  # what was measured counts, not its memory
                keep(self.wiring.paths, LastDrill.of(drilled))
            return drilled

        return Prepared(
            f"Drill: {self.request.fault.value} on {active.name}",
            f"{active.name} is active (term {active.term}), {standby.name} stands by.",
            tuple(_groups(drill, back=self.request.back)),
            run,
            _tell,
            (*as_warnings(unreached), *_risks(drill)),
        )

    def _members(self) -> tuple[list[Member], list[Member]]:
        """Return heads, and the witnesses that are to measure; raises Refused, InvalidInput."""
        members, _known = members_of(self.wiring.store().load())
        witnesses = [one for one in members if not one.head]
        if not witnesses:
            text = "This site has no witness: nobody could measure."
            raise Refused.of(
                "drill.no-witness", text, "Add one: [agent] witnesses in the site file."
            )
        heads = [one for one in members if one.head]
        return heads, chosen(witnesses, self.request.witnesses)

    def _work(
        self, reaching: Reaching, fleet: Fleet, heads: Sequence[Member], witnesses: Sequence[Member]
    ) -> "_Work":
        probers = tuple(one for one in witnesses if one in fleet.runners)
        return _Work(self.request, heads, probers, fleet, reaching.here(heads))


@dataclass(frozen=True, slots=True)
class _Work:
    """A drill with everybody reached."""

    request: DrillRequest
    heads: Sequence[Member]
    probers: Sequence[Member]
    fleet: Fleet
    here: str  # the name of the head that this machine is

    def look(self, fault: Fault) -> Scene:
        """Return the pair; raises Refused."""
        return scene.look(self.fleet.runners, self.heads, fault, self.here)

    def drill(self, found: Scene, fault: Fault | None = None) -> Drill:
        """Return the drill that fits the pair; raises InvalidInput, Refused."""
        fault = fault or self.request.fault
        active = found.active
        budget = budget_ms(fault, active.lease_ms)
        wanted = targets(
            active.virtual_ips, self.request.services, budget, resources=bool(active.resources)
        )
        shares = share_out(self.probers, wanted)
        if not shares:
            raise Refused.of(
                "drill.nothing",
                "No witness is on a network that has a virtual IP: nothing could be measured.",
                "Name a witness that is: [agent] witnesses in the site file.",
            )
        view = ConfigView.of(found.members[active.name].config)
        limit = LIMIT + (view.stopping if view else 0.0)
        notes = _notes(unmeasured(wanted, shares.values()), wanted)
        return Drill(
            fault, found, shares, self.fleet.runners, budget, self.request.seconds, limit, notes
        )

    def run(self, active: str, context: TaskContext) -> Drilled:
        """Do it, and go back when that is wanted; raises HaoscarError, Cancelled."""
        found = self.look(self.request.fault)
        if found.active.name != active:
            text = f"{active} is not the active head any more."
            raise Refused(scene.NOT_BEGUN, info("drill.moved", text, "Look again, then decide."))
        first = self.drill(found).run(context)
        if not self.request.back:
            return Drilled((first,))
        if first.after[0] != found.standby.name:
            return Drilled((first,), f"{active} has not lost its role: nothing to switch back.")
        try:
            well = UntilWell(lambda: self.look(Fault.PLANNED), LIMIT, time.monotonic).run(context)
            return Drilled((first, self.drill(well, Fault.PLANNED).run(context)))
        except HaoscarError as problem:  # what was measured is not lost
            return Drilled((first,), not_back=problem)


def _open(
    fleet: Fleet,
    heads: Sequence[Member],
    witnesses: Sequence[Member],
    request: DrillRequest,
    context: TaskContext,
) -> list[Report]:
    """Open heads and witnesses; returns why some witnesses will not measure. Raises Refused."""
    unreached = fleet.open(heads, opening(context))
    if unreached:
        raise Refused(*unreached, scene.NOT_BEGUN)
    unreached = fleet.open(witnesses, opening(context))
    if unreached and (request.witnesses or all(one not in fleet.runners for one in witnesses)):
        raise Refused(*unreached, scene.NOT_BEGUN)
    return unreached


def _groups(drill: Drill, *, back: bool) -> Iterator[Group]:
    """Yield what will be done, on which machine."""
    active, standby = drill.scene.active, drill.scene.standby
    does, _risk = what_happens(drill.fault, active.name, standby.name)
    yield Group(active.name, (Change(ChangeKind.UNIT, does),))
    for member, mine in drill.shares.items():
        text = f"Measured on {member.name}, every 5 ms: {', '.join(one.what for one in mine)}."
        yield Group(member.name, (Change(ChangeKind.CHECK, text),))
    said = []
    if any(one.port for mine in drill.shares.values() for one in mine):
        said.append("Each service gets 200 connections a second from each of them, closed at once.")
    said += drill.notes
    said.append(f"Promised: no more than {drill.budget_ms:g} ms without an answer.")
    if back:
        said.append(f"Afterwards {active.name} becomes active again, and that is measured, too.")
    yield Group("What is promised", tuple(Change(ChangeKind.CHECK, one) for one in said))


def _risks(drill: Drill) -> Iterator[Report]:
    """Yield what should be read before one confirms."""
    active, standby = drill.scene.active, drill.scene.standby
    _does, risk = what_happens(drill.fault, active.name, standby.name)
    yield warning("drill.risk", risk)
    if drill.scene.risk:
        yield warning("drill.danger", drill.scene.risk)


def _notes(nobody: Sequence[Target], wanted: Sequence[Target]) -> tuple[str, ...]:
    notes = []
    if nobody:
        names = ", ".join(one.what for one in nobody)
        notes.append(f"Not measured, no witness is on that network: {names}.")
    if any(one.budget_ms is None for one in wanted):
        notes.append(
            "Services may have to be started first, which takes as long as it takes: they are measured,"
            " not judged. Give a budget with PORT/MS."
        )
    return tuple(notes)


def roles(outcome: Outcome) -> str:
    """Return who was active before and after."""
    active, _standby, term = outcome.before
    after, later = outcome.after
    return f"Before: {active}, term {term}. After: {after or 'not one head'}, term {later}."


def _tell(drilled: Drilled) -> Told:
    outcome = drilled.outcome
    details = [roles(outcome)]
    details += [f"{one.at * 1000:+.0f} ms  {one.head}: {one.text}" for one in outcome.sentences]
    for again in drilled.outcomes[1:]:
        details += [f"Back again: {again.verdict}", roles(again)]
    if drilled.note:
        details.append(drilled.note)
    reports = () if drilled.not_back is None else drilled.not_back.reports
    if drilled.passed:
        return Told(drilled.verdict, tuple(details), reports)
    return Told(drilled.verdict, tuple(details), reports, next=IN_VAIN, severity=Severity.ERROR)
