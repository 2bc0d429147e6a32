"""The pair as it is found before a drill: who is active, and whether a drill may begin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.drill.faults import Fault
from backend.drill.heads import Head, danger, pair, suicide, unfit
from backend.drill.injecting import reset_problem
from backend.errors import Cancelled, HaoscarError, Refused
from backend.reports import Report, error
from backend.rollout import services
from backend.rollout.member import Member
from backend.rollout.places import HEAD_UNIT
from backend.rollout.services import Service
from backend.system.runner import Runner
from backend.tasks import TaskContext

NOT_BEGUN = error("drill.not-begun", "The drill was not begun; nothing was changed.")
STEP = 0.3


@dataclass(frozen=True, slots=True)
class Scene:
    """Two heads that are well, and how to reach them."""

    active: Head
    standby: Head
    members: Mapping[str, Member]  # the heads, by name
    runners: Mapping[Member, Runner]
    service: Service  # of the active head's agent
    risk: str = ""  # see heads.danger

    def runner(self, name: str) -> Runner:
        """Return what runs commands on a head."""
        return self.runners[self.members[name]]


def ask(runner: Runner) -> Head:
    """Return what a head says of itself; raises HaoscarError when it does not answer."""
    answer = services.control(runner, "status")
    if answer.get("ok") is not True:
        raise HaoscarError.of(
            "drill.silent",
            f"Its agent does not answer: {answer.get('error')}.",
            "See there: systemctl status haoscar-agent.",
        )
    return Head.of(answer)


def look(
    runners: Mapping[Member, Runner], heads: Sequence[Member], fault: Fault, here: str
) -> Scene:
    """Return the pair; raises Refused with every reason why this fault must not be tried now.

    ``here``: the name of the member that this program runs on, or empty.
    """
    found: list[Head] = []
    reports: list[Report] = []
    for member in heads:
        try:
            found.append(ask(runners[member]))
        except Cancelled:
            raise
        except HaoscarError as problem:
            reports += [error(one.code, f"{member}: {one.text}", one.remedy) for one in problem.reports]  # fmt: skip
    if reports:
        raise Refused(*reports, NOT_BEGUN)
    members = {one.name: one for one in heads}
    try:
        active, standby = pair(found)
    except HaoscarError as problem:
        raise Refused(*problem.reports, NOT_BEGUN) from problem
    risk = danger(fault, members[active.name], members[standby.name])
    reports = [*unfit(fault, active, standby), *suicide(fault, active, here, risk)]
    runner = runners[members[active.name]]
    if fault.ends_machine and not reports:
        reports += _no_reset(active.name, reset_problem(runner))
    if reports:
        raise Refused(*reports, NOT_BEGUN)
    service = services.look(runner)[HEAD_UNIT]
    if not service.running:
        raise Refused.of(
            "drill.unit",
            f"{HEAD_UNIT} does not run on {active.name}: its agent was started by other means.",
            "A drill needs the service: haoscar install-agent.",
        )
    return Scene(active, standby, members, runners, service, risk)


@dataclass(frozen=True, slots=True)
class UntilWell:
    """Waits until a drill may begin again."""

    look: Callable[[], Scene]
    limit: float  # seconds
    clock: Callable[[], float]

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Waiting until both heads are well"

    def run(self, context: TaskContext) -> Scene:
        """Return the pair; raises Refused with what is still wrong at the end, Cancelled."""
        context.step(self.title)
        deadline = self.clock() + self.limit
        while True:
            try:
                return self.look()
            except Cancelled:
                raise
            except HaoscarError:
                if self.clock() >= deadline:
                    raise
            context.check_cancelled()
            context.cancel.wait(STEP)


def _no_reset(name: str, why: str) -> list[Report]:
    if not why:
        return []
    return [
        error(
            "drill.reset",
            f"{name} cannot be reset: {why}.",
            "Take its power away by hand, with 'haoscar status' in sight; or try --fault agent-frozen.",
        )
    ]
