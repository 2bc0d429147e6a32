"""Listening for the MAC panel: begun and ended as it is wanted, which takes a moment each."""

import gc
from collections.abc import Callable

from backend.actions.macs import CollectLive, LiveList
from backend.errors import Cancelled, HaoscarError
from backend.model.names import InterfaceName
from backend.reports import Report
from backend.tasks import CancelToken, Event
from panels.collect_macs_text import Doing
from panels.context import PanelContext


class Ear:
    """Listens while ``wanted`` and it is known where; used in the window's thread.

    ``heard`` is called when there may be something new, ``broken`` with the reason why nothing can be
    heard; then it is no longer wanted.
    """

    def __init__(
        self, context: PanelContext, live: LiveList, heard: Callable[[], object],
        broken: Callable[[HaoscarError], object],
    ) -> None:  # fmt: skip
        self._context, self._live = context, live
        self._heard, self._broken = heard, broken
        self._where: InterfaceName | None = None
        self._wanted = False
        self._task: CancelToken | None = None
        self._hears = self._before = False

    @property
    def doing(self) -> Doing:
        """What goes on."""
        return Doing(self._task is not None, self._hears, self._before)

    def want(self, wanted: bool) -> None:
        """Listen, or stop it."""
        self._wanted = wanted
        self._reconcile()

    def listen_on(self, where: InterfaceName) -> None:
        """Say where to listen, from the next time on."""
        self._where = where
        self._reconcile()

    def _reconcile(self) -> None:
        if not self._wanted and self._task is not None:
            self._task.cancel()
        elif self._wanted and self._task is None and self._where is not None:
            task = CollectLive(self._live, self._where)
            self._task = self._context.follow(task, self._news, self._ended, self._failed)

    def _news(self, event: Event) -> None:
        if isinstance(event, Report):
            self._context.say(event)
        elif event.unit and not self._hears:  # it counts machines as soon as it hears
            self._hears = True
            if not self._before:
                gc.freeze()  # or looking through all the code that was loaded takes 200 ms
        self._heard()

    def _ended(self, _nothing: None) -> None:
        self._task, self._hears, self._before = None, False, True
        self._reconcile()  # it may be wanted again meanwhile
        self._heard()

    def _failed(self, problem: HaoscarError) -> None:
        if not isinstance(problem, Cancelled):
            self._wanted = False
            self._broken(problem)
        self._ended(None)
