"""The bench: the same faults for our agent and for another engine, turn and turn about."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import Refused
from backend.lab.failover import starve
from backend.lab.failover.agents import Agents, Program
from backend.lab.failover.catalogue import CALM, Fault
from backend.lab.failover.engines import Engine
from backend.lab.failover.keepalived import Keepalived
from backend.lab.failover.places import HEADS, OURS
from backend.lab.failover.results import Cost, FailoverBench, Repetition, Row, Series
from backend.lab.failover.scene import Scene
from backend.lab.failover.waking import WAKING, only_waking
from backend.lab.failover.world import World, sweep
from backend.lab.requirements import ensure_failover_packages
from backend.paths import Paths
from backend.system.runner import LocalRunner
from backend.tasks import TaskContext

SPARE = 3  # repetitions that may be added for those in which the prober stood still
IDLE = 15.0  # seconds over which the idle cost is measured


@dataclass
class BenchFailover:
    """A Task that returns a FailoverBench."""

    faults: tuple[Fault, ...]
    repeats: int = 5
    against: str = "keepalived"  # or "": our agent alone
    profile: str = "default"
    zipapp: Path | None = None
    report: Path | None = None
    short: bool = False
    paths: Paths = field(default_factory=Paths)

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Failover in a world of network namespaces"

    @property
    def seconds(self) -> float:
        """How long it will take, about."""
        return sum(self._seconds(one) for one in self.faults) + IDLE * self._engines

    def run(self, context: TaskContext) -> FailoverBench:
        """Measure; raises Cancelled, HaoscarError."""
        if os.geteuid() != 0:
            raise Refused.of("lab.not-root", "The bench needs root.", "Use sudo.")
        ensure_failover_packages(self.paths, LocalRunner(), context)
        sweep(self.paths)
        context.step("Starting the worlds")
        found = FailoverBench(self.profile, self.against)
        with self._scenes(context) as scenes:
            try:
                self._measure(scenes, found, context)
            finally:
                self._keep_logs(scenes)
        if self.report is not None:
            self.report.mkdir(parents=True, exist_ok=True)
            (self.report / "failover.json").write_text(json.dumps(found.as_dict(), indent=1))
        return found

    @property
    def _engines(self) -> int:
        return 2 if self.against else 1

    def repetitions(self, fault: Fault) -> int:
        """Return how often a fault is repeated: long ones a quarter as often."""
        return -(-self.repeats // 4) if fault.long else self.repeats

    def _seconds(self, fault: Fault) -> float:
        engines = 1 if fault.ours_only else self._engines
        return fault.takes(self.short) * self.repetitions(fault) * engines

    @contextlib.contextmanager
    def _scenes(self, context: TaskContext) -> Iterator[list[Scene]]:
        program = Program.of(self.zipapp)

        def ours(world: World) -> Engine:
            return Agents(world, program, self.profile)

        with contextlib.ExitStack() as stack:
            makers = (ours, *((Keepalived,) if self.against else ()))
            scenes = [
                stack.enter_context(Scene.open(self.paths, maker, context)) for maker in makers
            ]
            for scene in scenes:
                scene.short = self.short
                scene.prober.pause()
            yield scenes

    def _measure(self, scenes: list[Scene], found: FailoverBench, context: TaskContext) -> None:
        found.realtime = all(scene.prober.realtime for scene in scenes)
        clock = _Progress(context, self.seconds)
        for scene in scenes:
            clock.say(f"Idle cost of {scene.engine.name}", IDLE)
            found.costs |= idle_costs(scene, IDLE)
        for fault in self.faults:
            if fault.processors > 1 and not starve.possible():
                found.skipped[fault.name] = "it needs a machine with two processors"
                continue
            found.rows.append(self._fault(fault, scenes, clock))

    def _fault(self, fault: Fault, scenes: list[Scene], clock: "_Progress") -> Row:
        scenes = scenes[:1] if fault.ours_only else scenes
        series = {scene.engine.name: Series(scene.engine.name) for scene in scenes}
        wanted = self.repetitions(fault)
        for turn in range(wanted + SPARE):
            # Turn and turn about, and the other one first each time.
            for scene in scenes if turn % 2 else reversed(scenes):
                name = scene.engine.name
                if len(series[name].kept) < wanted:
                    clock.say(
                        f"{fault.name}, {fault.title}: {name}, {turn + 1} of {wanted}",
                        fault.takes(self.short) if turn < wanted else 0.0,
                    )
                    scene.turn = turn
                    series[name] = series[name].with_one(repeat(scene, fault))
        ordered = [series[scene.engine.name] for scene in scenes]
        return Row(fault, ordered[0], ordered[1] if len(ordered) > 1 else None)

    def _keep_logs(self, scenes: list[Scene]) -> None:
        if self.report is None:
            return
        self.report.mkdir(parents=True, exist_ok=True)
        for scene in scenes:
            for name in scene.engine.members:
                log = scene.engine.log_file(name)
                if log.exists():
                    shutil.copyfile(log, self.report / f"{log.stem}.log")


def repeat(scene: Scene, fault: Fault) -> Repetition:
    """Let a fault happen once; raises Cancelled, HaoscarError."""
    scene.prober.resume()
    try:
        if fault.calm:
            scene.calm(CALM)
        if fault.prepare is not None:
            fault.prepare(scene)
        scene.begin()
        fault.run(scene)
        broken, after = scene.end(fault.nets)
        return Repetition(broken, after, scene.settle())
    finally:
        scene.prober.pause()


def idle_costs(scene: Scene, seconds: float) -> dict[str, dict[str, Cost]]:
    """Return what an engine uses while nothing happens and nobody probes, by engine and machine;
    with ours, in the same seconds, what a program uses that only wakes up as often."""
    if scene.engine.name != OURS:
        return {scene.engine.name: _idle_costs(scene, seconds)}
    head = HEADS[0]
    with only_waking(scene.world.machines[head], scene.world.directory) as program:
        began, before = time.monotonic(), program.process.run_seconds()
        costs = _idle_costs(scene, seconds)
        passed, used = time.monotonic() - began, program.process.run_seconds() - before
        waking = Cost(100 * used / passed, 0.0, program.process.memory_bytes())
    return {scene.engine.name: costs, WAKING: {head: waking}}


def _idle_costs(scene: Scene, seconds: float) -> dict[str, Cost]:
    engine, machines = scene.engine, scene.world.machines
    began = time.monotonic()
    before = {name: (engine.usage(name), machines[name].traffic()) for name in engine.members}
    scene.wait(seconds)
    passed = time.monotonic() - began
    costs = {}
    for name, (usage, traffic) in before.items():
        now = engine.usage(name)
        costs[name] = Cost(
            100 * (now.cpu - usage.cpu) / passed,
            (machines[name].traffic() - traffic) / passed,
            now.memory,
        )
    return costs


class _Progress:
    """Progress in seconds of work, so that the remaining time is right."""

    def __init__(self, context: TaskContext, total: float) -> None:
        self._context = context
        self._total = total
        self._done = 0.0
        self._next = 0.0
        context.step("Measuring")

    def say(self, what: str, seconds: float) -> None:
        """Begin a piece of work."""
        self._done += self._next
        self._next = seconds
        self._context.progress(self._done, self._total, "", what)
