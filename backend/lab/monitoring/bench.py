"""The bench: watch lists of several sizes, run by the real watch processes of two heads."""

import contextlib
import os
import platform
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from backend.errors import Refused
from backend.lab.failover.agents import Program
from backend.lab.failover.engines import Engine
from backend.lab.failover.scene import Scene
from backend.lab.failover.world import World, sweep
from backend.lab.monitoring.pair import WatchedPair
from backend.lab.monitoring.plan import FULL, QUICK, Clock, Plan
from backend.lab.monitoring.results import MonitoringBench
from backend.lab.monitoring.room import Room
from backend.lab.monitoring.runs import Runs
from backend.lab.requirements import ensure_monitoring_packages
from backend.model.secrets import Secret
from backend.paths import Paths
from backend.system.runner import LocalRunner
from backend.tasks import TaskContext


@dataclass
class BenchMonitoring:
    """A Task that returns a MonitoringBench."""

    quick: bool = False
    zipapp: Path | None = None
    paths: Paths = field(default_factory=Paths)

    @property
    def title(self) -> str:
        """See Task.title."""
        return "The watch list in a world of network namespaces"

    @property
    def plan(self) -> Plan:
        """How long each part takes."""
        return QUICK if self.quick else FULL

    @property
    def seconds(self) -> float:
        """How long it will take, about."""
        return self.plan.seconds

    def run(self, context: TaskContext) -> MonitoringBench:
        """Measure; raises Cancelled, HaoscarError."""
        if os.geteuid() != 0:
            raise Refused.of("lab.not-root", "The bench needs root.", "Use sudo.")
        ensure_monitoring_packages(self.paths, LocalRunner(), context)
        sweep(self.paths)
        context.step("Starting the world")
        found = MonitoringBench(
            self.quick, datetime.now().astimezone().isoformat(timespec="seconds"),
            _program(self.zipapp), _machine(),
        )  # fmt: skip
        with self._runs(context) as runs:
            runs.measure(found)
        return found

    @contextlib.contextmanager
    def _runs(self, context: TaskContext) -> Iterator[Runs]:
        program = Program.of(self.zipapp)

        def pair(world: World) -> Engine:
            return WatchedPair(world, program)

        with Scene.open(self.paths, pair, context) as scene:
            scene.prober.pause()  # nobody asks for the virtual IPs: only what monitors is measured
            assert isinstance(scene.engine, WatchedPair)
            clock = Clock(context, self.plan.seconds)
            room = Room(scene, scene.engine, clock, Secret(secrets.token_hex(32)))
            yield Runs(room, self.plan)


def _program(zipapp: Path | None) -> str:
    from backend import __version__

    what = "this checkout" if zipapp is None else zipapp.name
    return f"{what} (HA-OSCAR {__version__}), Python {platform.python_version()}"


def _machine() -> str:
    model = ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} processors{f' ({model})' if model else ''}, Linux {platform.release()}, "
        f"load {load:.1f} before it began"
    )
