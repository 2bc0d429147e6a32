"""Following what a process of this machine knows, in the background."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from backend.tasks import Progress, TaskContext

News = TypeVar("News")


class Follower(ABC, Generic[News]):
    """Looks until it is cancelled. The listener only hears that there is something new: ``take``
    returns the newest, and what a slow window has not taken meanwhile is gone."""

    title: str

    def __init__(self, nothing: News) -> None:
        """``nothing`` is the news before the first look."""
        self._news = nothing
        self._told = False  # the listener has heard of something that nobody has taken yet

    def take(self) -> News:
        """Return the newest; may be called from any thread."""
        self._told = False  # first: what comes from now on is told again
        return self._news

    def run(self, context: TaskContext) -> None:
        """See Task.run; ends when it is cancelled, and raises nothing for a process that is away."""
        while not context.cancel.cancelled:
            news = self.look()
            changed, self._news = news != self._news, news
            if changed and not self._told:
                self._told = True
                context.listener(Progress(self.title))
            context.cancel.wait(self.pause(news))

    @abstractmethod
    def look(self) -> News:
        """Return what the process says now, or why it says nothing."""

    @abstractmethod
    def pause(self, news: News) -> float:
        """Return the seconds until the next look."""
