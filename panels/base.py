"""What every panel has: a name, the original's title, and what the window does with it."""

from abc import ABC, abstractmethod
from tkinter import ttk
from typing import ClassVar

from panels.context import PanelContext


class Panel(ABC):
    """A page of the wizard: fields into a request, a request into an action, the result shown.

    It never does I/O, never starts a thread, never runs a command; all of it in the window's thread.
    """

    name: ClassVar[str]  # as in PanelContext.show
    title: ClassVar[str]  # the original's
    help: ClassVar[str] = ""  # of the whole panel, F1

    def __init__(self, context: PanelContext) -> None:
        self.context = context

    @abstractmethod
    def build(self, parent: ttk.Frame) -> None:
        """Make the widgets, once."""

    def activate(self) -> None:  # noqa: B027 - most panels have something to read anew, not all
        """Look again at what is shown; called whenever the panel comes to the front."""

    def leave(self) -> None:  # noqa: B027
        """Stop what goes on only while the panel is seen."""

    @property
    def unsaved(self) -> str:
        """What would be lost if the window were closed now, as a sentence; "" when nothing would."""
        return ""

    def main_action(self) -> None:  # noqa: B027
        """Do what Enter does."""

    def reset(self) -> None:  # noqa: B027
        """Put the defaults back (Ctrl-R)."""
