"""What the window offers a panel: background work, the three views of a change, questions, files.

Everything here is called from the window's thread, and every callback comes back in it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from backend.actions.action import Action, Outcome
from backend.errors import HaoscarError
from backend.reports import Report
from backend.tasks import CancelToken, Event, Task, TaskContext
from backend.wiring import Wiring

if TYPE_CHECKING:
    from panels.widgets.theme import Theme

T = TypeVar("T")
Failed = Callable[[HaoscarError], None]


class PanelContext(Protocol):
    """The window, as a panel sees it."""

    @property
    def wiring(self) -> Wiring:
        """The paths and the runner that everything is made with."""

    @property
    def theme(self) -> "Theme":
        """Fonts, colours and distances."""

    @property
    def interface(self) -> str:
        """The interface of the private network; "" until it is known."""

    def carry_out(
        self, action: Action[T], done: Callable[[T, Outcome], None] | None = None,
        failed: Failed | None = None, *, then: str = "",
    ) -> None:  # fmt: skip
        """Prepare an action and take it through the three views: what will change, progress, result.

        ``done`` gets its result, ``failed`` what was wrong (reports whose place names a field are the
        panel's to show); ``then`` is the panel that is opened when it was done.
        """

    def look(
        self, work: Callable[[TaskContext], T], done: Callable[[T], None], failed: Failed | None = None
    ) -> CancelToken:  # fmt: skip
        """Read something in the background while the panel stays usable; a failure is said below."""

    def follow(
        self, task: Task[T], news: Callable[[Event], None],
        done: Callable[[T], None] | None = None, failed: Failed | None = None,
    ) -> CancelToken:  # fmt: skip
        """Run something that goes on for long, such as listening, and hand on what it says."""

    def ask(
        self, question: str, answers: tuple[str, ...], answered: Callable[[str], None],
        *, detail: str = "",
    ) -> None:  # fmt: skip
        """Ask in a small window of its own; the last answer is the safe one, and that of Esc."""

    def choose_file(
        self, title: str, chosen: Callable[[Path], None], *, save: bool = False, name: str = ""
    ) -> None:  # fmt: skip
        """Let a file be chosen, to be read or (``save``) written; nothing is called when declined."""

    def say(self, report: Report) -> None:
        """Say something in the line below and in the log."""

    def show(self, panel: str) -> None:
        """Open another panel by its name."""

    def changed(self) -> None:
        """Let the states of the steps be looked at again: something has changed."""

    def close(self) -> None:
        """Close the panel and go back to where the window starts."""

    def help(self, title: str, text: str) -> None:
        """Show a help text in a window of its own."""
