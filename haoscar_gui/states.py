"""Looks at the states of the steps again and again, in the background."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from backend.actions.step_states import StepStatus
from backend.errors import HaoscarError
from backend.tasks import TaskContext

if TYPE_CHECKING:
    from haoscar_gui.shell import Shell

EVERY = 5000  # milliseconds
Looked = Callable[[tuple[StepStatus, ...], str], object]


class StatesWatch:
    """One look at a time; used in the window's thread."""

    def __init__(self, shell: "Shell", looked: Looked) -> None:
        self._shell, self._looked = shell, looked
        self._looking = False
        self._again = False
        self._told = ""
        self._looker: Callable[[TaskContext], tuple[StepStatus, ...]] | None = None
        self._tick()

    def soon(self) -> None:
        """Look now, or once more when a look is under way."""
        if self._looking:
            self._again = True
        else:
            self._look()

    def _tick(self) -> None:
        if not self._looking:
            self._look()
        self._shell.root.after(EVERY, self._tick)

    def _look(self) -> None:
        self._looking = True
        self._shell.worker.start(
            lambda context, _job: self._work(context), self._done, self._failed
        )

    def _work(self, context: TaskContext) -> tuple[tuple[StepStatus, ...], str]:
        """Look, in the worker's thread; the code is loaded there, too: it takes a moment."""
        from backend.actions import steps

        wiring = self._shell.wiring
        if self._looker is None:
            self._looker = steps.StepLooker(wiring).look
        interface = self._shell.interface or steps.private_interface(wiring, context)
        return self._looker(context), interface

    def _done(self, found: tuple[tuple[StepStatus, ...], str]) -> None:
        self._ended()
        self._looked(*found)

    def _failed(self, problem: HaoscarError) -> None:
        self._ended()
        report = problem.reports[0]
        if report.text != self._told:  # said once, not every few seconds
            self._told = report.text
            self._shell.say(report)

    def _ended(self) -> None:
        self._looking = False
        if self._again:
            self._again = False
            self._look()
