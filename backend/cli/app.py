"""What a command is given: wiring, output, and the ways to ask, to run a task, to apply a plan."""

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from backend.cli.output import Output
from backend.errors import Cancelled, Refused
from backend.paths import Paths
from backend.reports import info
from backend.system.runner import Runner
from backend.tasks import CancelToken, Task, TaskContext
from backend.wiring import Wiring

if TYPE_CHECKING:
    import argparse

    from backend.change.plan import Plan
    from backend.change.records import ChangeRecord

    # argparse gives its own type no public name.
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    Subparsers = object

T = TypeVar("T")


@dataclass
class App:
    """One run of the command line."""

    wiring: Wiring = field(default_factory=Wiring.live)
    json: bool = False
    yes: bool = False
    verbose: int = 0
    out: Output = field(default_factory=Output)

    @property
    def paths(self) -> Paths:
        """Where everything is."""
        return self.wiring.paths

    @property
    def runner(self) -> Runner:
        """What runs programs."""
        return self.wiring.runner

    def run_task(self, task: Task[T]) -> T:
        """Run a task with its progress shown; Ctrl-C and SIGTERM cancel it cleanly.

        Raises Cancelled, HaoscarError.
        """
        return self._run(task.title, task.run)

    def confirm(self, question: str) -> bool:
        """Ask; True with --yes. Raises Refused where nobody can be asked."""
        if self.yes:
            return True
        if not sys.stdin.isatty() or self.json:
            raise Refused.of(
                "cli.cannot-ask",
                f"{question} Nobody can be asked here, so nothing was changed.",
                "Run it in a terminal, or add --yes.",
            )
        return self.out.ask(question)

    def apply(self, plan: "Plan") -> "ChangeRecord | None":
        """Show what will change, ask, and do it through the journal; None when nothing changes.

        Raises Cancelled when the answer is no, HaoscarError when it failed and was rolled back.
        """
        from backend.change.preview import preview

        changes = preview(plan, self.paths)
        self.out.changes(plan, changes)
        if not any(change.kind != "unchanged" for change in changes):
            return None
        if not self.confirm("Make these changes?"):
            raise Cancelled(info("cli.declined", "Nothing was changed."))
        journal = self.wiring.journal()
        return self._run(plan.title, lambda context: journal.apply(plan, context))

    def _run(self, title: str, work: Callable[[TaskContext], T]) -> T:
        token = CancelToken()

        def cancel(_signal: int, _frame: FrameType | None) -> None:
            token.cancel()

        before = {
            number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            with self.out.progress(title) as listener:
                return work(TaskContext(listener, token))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
