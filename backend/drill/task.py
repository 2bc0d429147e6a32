"""The drill itself: probers start, the fault happens, the roles settle, the probers are read."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.drill.faults import Fault
from backend.drill.heads import Head, role_problem
from backend.drill.injecting import clock_offset, injected
from backend.drill.outcome import Outcome, Row, Sentence
from backend.drill.probing import Probing
from backend.drill.scene import Scene, ask
from backend.drill.targets import Target
from backend.errors import Cancelled, HaoscarError
from backend.rollout import services
from backend.rollout.member import Member
from backend.system.runner import Runner
from backend.tasks import TaskContext

READY_LIMIT = 15.0  # seconds until every prober has its first answer
CALM = 0.5  # seconds that are measured before the fault
STEP = 0.3  # seconds between two looks; each costs the heads a process
LATE = 0.05  # seconds by which a head's clock may be judged wrong


@dataclass(frozen=True, slots=True)
class Drill:
    """One fault, measured; whatever happens, no prober is left and no agent stays frozen."""

    fault: Fault
    scene: Scene
    shares: Mapping[Member, tuple[Target, ...]]
    runners: Mapping[Member, Runner]  # of the witnesses
    budget_ms: float
    settling: float  # seconds to go on measuring when the roles have settled
    limit: float  # seconds until they must have
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """See Task.title."""
        return f"Drill: {self.fault.value} on {self.scene.active.name}"

    def run(self, context: TaskContext) -> Outcome:
        """Return what was seen; raises HaoscarError when it could not begin, Cancelled."""
        scene = self.scene
        context.step("Starting the probers on " + ", ".join(one.name for one in self.shares))
        offsets = self._offsets()
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        with Probing(self.shares, self.runners) as probing:
            probing.wait_ready(READY_LIMIT, context)
            _wait(context, CALM)
            context.step(f"{scene.active.name}: {self.fault.value}")
            moment = time.time()
            with injected(self.fault, scene.runner(scene.active.name), scene.service) as finish:
                _wait(context, max(CALM, 2 * scene.active.lease_ms / 1000))
                context.step(f"Waiting until the roles have settled ({self.limit:.0f} s at most)")
                finish()
                after = self._settled(context)
            context.step("Measuring a little longer")
            _wait(context, self.settling)
            context.step("Ending the probers")
            rows = probing.finish(moment)
            seconds = time.time() - moment
        return self._outcome(started, seconds, moment, offsets, after, rows)

    def _settled(self, context: TaskContext) -> Sequence[Head]:
        """Return what the heads say, as soon as it is what must come, or at the limit."""
        standby = self.scene.standby.name
        deadline = time.monotonic() + self.limit
        while True:
            after = self._ask(standby if self.fault.ends_machine else None)
            if not self._problem(after):
                return after
            if time.monotonic() >= deadline:
                return after
            _wait(context, STEP)

    def _problem(self, after: Sequence[Head]) -> str:
        active, standby = self.scene.active.name, self.scene.standby.name
        return role_problem(self.fault, active, standby, after, may_end=bool(self.scene.risk))

    def _ask(self, only: str | None) -> list[Head]:
        """Return what the heads say that answer; ``only``: ask this one and not the dead one."""
        found = []
        for name in (only,) if only else self.scene.members:
            try:
                found.append(ask(self.scene.runner(name)))
            except Cancelled:
                raise
            except HaoscarError:
                continue
        return found

    def _offsets(self) -> dict[str, float]:
        return {name: clock_offset(self.scene.runner(name)) for name in self.scene.members}

    def _outcome(
        self,
        started: str,
        seconds: float,
        moment: float,
        offsets: Mapping[str, float],
        after: Sequence[Head],
        rows: tuple[Row, ...],
    ) -> Outcome:
        scene = self.scene
        problem = self._problem(after)
        serving = [one for one in after if one.active]
        return Outcome(
            self.fault,
            started,
            seconds,
            scene.active.lease_ms,
            self.budget_ms,
            (scene.active.name, scene.standby.name, scene.active.term),
            (
                serving[0].name if len(serving) == 1 else "",
                max((one.term for one in after), default=0),
            ),
            rows,
            self._sentences(moment, offsets),
            (problem,) if problem else (),
            self.notes,
        )

    def _sentences(self, moment: float, offsets: Mapping[str, float]) -> tuple[Sentence, ...]:
        """Return what the agents have decided since the fault, in order of time."""
        found: list[Sentence] = []
        for name, offset in offsets.items():
            if self.fault.ends_machine and name == self.scene.active.name:
                continue
            answer = services.control(self.scene.runner(name), "events")
            for entry in answer.get("events") or []:
                at = float(entry["time"]) + offset - moment
                if at > -LATE and entry["kind"] != "notice":
                    found.append(Sentence(at, name, str(entry["kind"]), str(entry["sentence"])))
        return tuple(sorted(found, key=lambda one: one.at))


def _wait(context: TaskContext, seconds: float) -> None:
    """Wait; raises Cancelled as soon as somebody wants it."""
    context.cancel.wait(seconds)
    context.check_cancelled()
