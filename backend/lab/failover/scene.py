"""One engine in one world under the prober's eyes: what faults are made of."""

import contextlib
import time
from collections.abc import Callable, Iterator
from random import Random

from backend.errors import HaoscarError
from backend.lab.failover.engines import Engine
from backend.lab.failover.judge import Findings, judge
from backend.lab.failover.places import HEADS, other_head
from backend.lab.failover.prober import NETS, Prober, now_us
from backend.lab.failover.starve import starved
from backend.lab.failover.world import World
from backend.paths import Paths
from backend.tasks import TaskContext

STEADY_LIMIT = 20.0  # seconds until one head serves and goes on serving
LOOK = 0.005  # seconds between two looks
LEAD_US = 60_000  # of quiet before a fault, so that the first gap has a beginning
WRITTEN = 0.06  # seconds until the prober has written what it knows


class Scene:
    """Used from one thread; raises Cancelled in every wait when the user asked for it."""

    def __init__(
        self, world: World, engine: Engine, context: TaskContext | None = None, seed: int = 1
    ) -> None:
        self.world = world
        self.engine = engine
        self.context = context or TaskContext()
        self.random = Random(seed)  # noqa: S311 - faults, no secrets
        self.short = False  # long faults last a fraction only
        self.turn = 0  # the number of the repetition
        self.active = HEADS[0]
        self.began = self.healed = 0
        self._moved = 0.0  # when the roles last changed
        self._frozen: tuple[str, ...] = ()
        engine.configure()
        engine.start(*engine.members)
        self.prober = Prober(world)

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, paths: Paths, make: Callable[[World], Engine], context: TaskContext | None = None
    ) -> Iterator["Scene"]:
        """Make a world, run an engine in it, and throw both away at the end."""
        with World.start(paths) as world:
            scene = cls(world, make(world), context)
            scene.settle()
            yield scene

    @property
    def standby(self) -> str:
        """The head that did not serve when the fault began."""
        return other_head(self.active)

    # what a fault does

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.context.check_cancelled()
        if self.context.cancel.wait(seconds):
            self.context.check_cancelled()

    def lasting(self, seconds: float, short: float) -> None:
        """Let the length of a fault pass; ``short`` is enough for a test."""
        end = time.monotonic() + (short if self.short else seconds)
        while (left := end - time.monotonic()) > 0:
            self.wait(min(left, 0.5))

    def until(self, done: Callable[[], bool], limit: float) -> bool:
        """Wait for a condition, at most ``limit`` seconds; returns whether it came."""
        end = time.monotonic() + limit
        while not done():
            if time.monotonic() > end:
                return False
            self.wait(LOOK)
        return True

    def until_taken_over(self, limit: float = 4.0) -> bool:
        """Wait until the other head alone answers on both networks."""
        return self.until(lambda: self.server() == self.standby, limit)

    def server(self) -> str:
        """Return the head that alone answers everywhere; "" when there is none."""
        holders = self.prober.holders()
        heads = set().union(*holders.values())
        everywhere = all(holders.values()) and len(heads) == 1
        return heads.pop() if everywhere else ""

    def power_cut(self, name: str) -> None:
        """Take a machine's power away."""
        self.world.power_cut(name)
        self.engine.forget(name)

    def power_on(self, *names: str) -> None:
        """Give machines their power back, and start their engines."""
        self.world.power_on(*names)
        self.engine.start(*names)

    def freeze(self, *names: str) -> None:
        """Stop engines where they are."""
        self._frozen = names
        self.engine.freeze(names)

    def thaw(self) -> None:
        """Let the stopped engines go on."""
        self.engine.thaw(self._frozen)
        self._frozen = ()

    @contextlib.contextmanager
    def starving(self) -> Iterator[None]:
        """Leave the active head's engine next to no processor time."""
        programs = self.engine.programs
        victims = programs[self.active].family()
        others = [self.prober.process]
        for name, program in programs.items():
            others += program.family() if name != self.active else []
        machine = self.world.machines[self.active]
        with starved(machine, victims, others, self.world.directory):
            yield

    def heal(self) -> None:
        """Mend everything on the wires; from now on nothing may be interrupted any more."""
        self.mark_healed()
        self.world.heal()

    def mark_healed(self) -> None:
        """Say that what follows is the healing."""
        self.wait(WRITTEN)
        self.healed = now_us()

    # around a fault

    def begin(self) -> None:
        """Begin to measure."""
        self.prober.forget()
        self.began, self.healed = now_us(), 0
        self.wait(LEAD_US / 1e6)

    def end(self, nets: tuple[str, ...]) -> tuple[Findings, Findings | None]:
        """End the measurement: the fault, and its healing when there was one."""
        self.wait(WRITTEN)
        end = now_us() - int(WRITTEN * 1e6)
        records = self.prober.records()
        chosen = [net for net in NETS if net in nets]
        broken = judge(records, self.began, self.healed or end, chosen)
        healing = judge(records, self.healed, end) if self.healed else None
        if broken.takeovers or (healing and healing.takeovers):
            self._moved = time.monotonic()
        return broken, healing

    def settle(self) -> bool:
        """Make everything whole, and wait until one head has served for a while.

        Returns False when that did not come before every engine was started anew. Raises
        HaoscarError, with what the engine said, when it does not even come then.
        """
        if self._frozen:
            self.thaw()
        self.world.heal()
        self.power_on(*(name for name, one in self.world.machines.items() if not one.is_on))
        self.engine.start(*self.engine.members)
        if self._steady():
            return True
        complaint = self._complaint()
        self.engine.kill(*(name for name in self.engine.members if self.engine.running(name)))
        self.engine.start(*self.engine.members)
        if not self._steady():
            raise complaint
        return False

    def _complaint(self) -> HaoscarError:
        said = "".join(
            f"\n{name}: {self.engine.log_file(name).read_text(errors='replace')[-1500:]}"
            for name in HEADS
        )
        return HaoscarError.of(
            "failover.unsteady",
            f"{self.engine.name} has no steady active head although everything is whole again; "
            f"answers came from {self._answering() or 'nobody'}.{said}",
        )

    def calm(self, seconds: float) -> None:
        """Wait until the roles last changed this long ago."""
        self.wait(max(0.0, self._moved + seconds - time.monotonic()))

    def _answering(self) -> str:
        return ", ".join(
            f"{head} ({net})"
            for net, heads in self.prober.holders().items()
            for head in sorted(heads)
        )

    def _all_run(self) -> bool:
        return all(self.engine.running(name) for name in self.engine.members)

    def _steady(self) -> bool:
        limit = time.monotonic() + STEADY_LIMIT
        since, serving, whole = time.monotonic(), "", False
        while time.monotonic() < limit and self._all_run():
            found = self.server()
            if found != serving or not found or not self.prober.served(found):
                since, serving = time.monotonic(), found
            elif not whole:  # from now on it must last
                whole = self.engine.whole(serving)
                since = time.monotonic()
            elif time.monotonic() - since > self.engine.settle:
                self.active = serving
                return True
            self.wait(0.02)
        return False
