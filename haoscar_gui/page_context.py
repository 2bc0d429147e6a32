"""What the window offers one panel: the PanelContext of its page."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from backend.actions.action import Action, Outcome
from backend.errors import Cancelled, HaoscarError
from backend.reports import Report
from backend.tasks import CancelToken, Event, Task, TaskContext
from backend.wiring import Wiring
from haoscar_gui.dialogs import Help, Question, choose_file
from haoscar_gui.flow import Flow, Order
from haoscar_gui.slot import Slot
from panels.context import Failed
from panels.widgets.theme import Theme

if TYPE_CHECKING:
    from haoscar_gui.shell import Shell

T = TypeVar("T")


class PageContext:
    """See PanelContext; every method is called in the window's thread."""

    def __init__(self, shell: "Shell", slot: Slot) -> None:
        self._shell, self._slot = shell, slot

    @property
    def wiring(self) -> Wiring:
        """See PanelContext.wiring."""
        return self._shell.wiring

    @property
    def theme(self) -> Theme:
        """See PanelContext.theme."""
        return self._shell.theme

    @property
    def interface(self) -> str:
        """See PanelContext.interface."""
        return self._shell.interface

    def carry_out(
        self, action: Action[T], done: Callable[[T, Outcome], None] | None = None,
        failed: Failed | None = None, *, then: str = "",
    ) -> None:  # fmt: skip
        """See PanelContext.carry_out."""
        self._slot.notice(None)
        Flow(self._shell, self._slot, self, Order(action, done, failed, then)).begin()

    def look(
        self, work: Callable[[TaskContext], T], done: Callable[[T], None], failed: Failed | None = None
    ) -> CancelToken:  # fmt: skip
        """See PanelContext.look; nothing is called any more once it has been cancelled."""
        token = CancelToken()

        def looked(result: T) -> None:
            if not token.cancelled:
                done(result)

        def not_looked(problem: HaoscarError) -> None:
            if token.cancelled or isinstance(problem, Cancelled):
                return
            self._tell(problem, failed)

        self._shell.worker.start(
            lambda context, _job: work(context), looked, not_looked, token=token
        )
        return token

    def follow(
        self, task: Task[T], news: Callable[[Event], None],
        done: Callable[[T], None] | None = None, failed: Failed | None = None,
    ) -> CancelToken:  # fmt: skip
        """See PanelContext.follow; a cancelled task still says that it has ended."""

        def ended(result: T) -> None:
            if done is not None:
                done(result)

        def broken(problem: HaoscarError) -> None:
            if isinstance(problem, Cancelled):
                if failed is not None:
                    failed(problem)
                return
            self._tell(problem, failed)

        job = self._shell.worker.start(lambda context, _job: task.run(context), ended, broken, news)
        return job.token

    def _tell(self, problem: HaoscarError, failed: Failed | None) -> None:
        for report in problem.reports:
            self._shell.say(report)
        if failed is not None:
            failed(problem)

    def ask(
        self, question: str, answers: tuple[str, ...], answered: Callable[[str], None],
        *, detail: str = "",
    ) -> None:  # fmt: skip
        """See PanelContext.ask."""
        Question(self._shell.root, question, answers, answered, detail)

    def choose_file(
        self, title: str, chosen: Callable[[Path], None], *, save: bool = False, name: str = ""
    ) -> None:  # fmt: skip
        """See PanelContext.choose_file."""
        choose_file(self._shell.root, title, chosen, save=save, name=name)

    def say(self, report: Report) -> None:
        """See PanelContext.say."""
        self._shell.say(report)

    def show(self, panel: str) -> None:
        """See PanelContext.show."""
        self._shell.show(panel)

    def changed(self) -> None:
        """See PanelContext.changed."""
        self._shell.changed()

    def close(self) -> None:
        """See PanelContext.close."""
        self._shell.close_page()

    def help(self, title: str, text: str) -> None:
        """See PanelContext.help."""
        Help(self._shell.root, title, text)
