"""Stopwatch of the demo: stages as they happen, for the report and for whoever watches."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from backend.lab.report import Stage
from backend.tasks import TaskContext


@dataclass
class StageClock:
    """Collects stages; times are seconds since it was made."""

    context: TaskContext
    clock: Callable[[], float] = time.monotonic
    stages: list[Stage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self._began

    @contextlib.contextmanager
    def stage(self, name: str, title: str, lane: str = "head") -> Iterator["Detail"]:
        """Time a stage; what is put into the yielded detail is shown beside it."""
        self.context.step(title)
        began, detail = self.now, Detail()
        try:
            yield detail
        except BaseException:
            self.stages.append(
                Stage(name, title, began, self.now - began, lane, detail.text, False)
            )
            raise
        self.add(Stage(name, title, began, self.now - began, lane, detail.text))

    def add(self, stage: Stage) -> None:
        """Add a stage that was timed elsewhere, and say so."""
        self.stages.append(stage)
        self.context.say(
            f"{stage.title}: {stage.seconds:.1f} s" + (f", {stage.detail}" if stage.detail else "")
        )

    def sorted(self) -> tuple[Stage, ...]:
        """Return the stages in the order in which they began."""
        return tuple(sorted((replace(one) for one in self.stages), key=lambda one: one.began))


@dataclass
class Detail:
    """What was seen in a stage, as people read it."""

    text: str = ""
