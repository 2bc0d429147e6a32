"""The services at work: what the watch process says of them, and what it is asked by the buttons."""

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from backend.actions.watch_follow import FollowWatch, WatchNews
from backend.actions.watch_live import LiveService
from backend.actions.watch_told import Past, Tested, check_now, read_past, tell
from backend.errors import HaoscarError
from backend.reports import info
from backend.tasks import CancelToken, Event
from panels import watch_live_texts as texts
from panels.context import PanelContext
from panels.watch_ack import AckEditor
from panels.watch_live_texts import Told
from panels.watch_look import ServiceLook
from panels.watch_view import RUNNING, WatchView

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """What it needs of the panel."""

    view: WatchView
    show: Callable[[tk.Widget], None]  # in the place of the list
    back: Callable[[], None]  # to the list
    stored: Callable[[], frozenset[str] | None]  # the services of the site file, where it is known


class Running:
    """Follows the watch process while the page is seen, and asks it what a person wants."""

    def __init__(self, parent: tk.Misc, context: PanelContext, page: Page) -> None:
        self._context, self._page = context, page
        self._news: WatchNews | None = None
        self._follow: FollowWatch | None = None
        self._tokens: list[CancelToken] = []
        self._service = ""  # whose page is open, or that is acknowledged
        self._before: LiveService | None = None  # as it was when its history was read
        self._testing: set[str] = set()
        self.look = ServiceLook(parent, context, lambda: self._test(self._service), page.back)
        self.ack = AckEditor(parent, context, self._acknowledge, page.back)

    # Following

    def start(self) -> None:
        """Look every two seconds."""
        self.stop()
        follow = self._follow = FollowWatch(self._context.wiring.paths)

        def news(_event: Event) -> None:
            if self._follow is follow:
                self._take(follow.take())

        self._tokens = [self._context.follow(follow, news)]

    def stop(self) -> None:
        """Look no more; what is asked just now is not waited for."""
        self._follow = None
        self._testing.clear()
        for one in self._tokens:
            one.cancel()

    def _take(self, news: WatchNews) -> None:
        self._news = news
        self.refresh()

    def refresh(self) -> None:
        """Show what is known, beside the list as it is now."""
        now, live = datetime.now(), self._news.live if self._news else None  # noqa: DTZ005
        services = live.services if live else {}
        cells = {ref: texts.cell(one, now) for ref, one in services.items()}
        self._page.view.show_live(cells, texts.who(self._news, self._page.stored()))
        self.selected()
        if self._service:
            self.look.show_state(self._sentence(self._service), self._why("test", self._service))
            if self._one(self._service) != self._before and self.look.winfo_manager():
                self._read_past()

    def selected(self) -> None:
        """Show what is to be said of the selected service, and what can be done with it."""
        ref = self._page.view.table.selected() or ""
        one = self._one(ref)
        self._page.view.show_one(
            self._sentence(ref), {key: self._why(key, ref) for key in RUNNING},
            texts.UNACK if one is not None and one.acknowledged else texts.ACK,
            texts.ENABLE if one is not None and one.state == "disabled" else texts.DISABLE,
        )  # fmt: skip

    def knows(self, ref: str) -> bool:
        """Tell whether the watch process has a service."""
        return self._one(ref) is not None

    def _one(self, ref: str) -> LiveService | None:
        return self._news.live.services.get(ref) if self._news and self._news.live else None

    def _sentence(self, ref: str) -> Told:
        one = self._one(ref)
        if one is not None:
            return texts.sentence(one, datetime.now())  # noqa: DTZ005 - the wall clock
        if self._news is None or self._news.live is None:
            return Told("")  # who checks is said below
        return Told(texts.NOT_THERE if ref else texts.CHOOSE)

    def _why(self, key: str, ref: str) -> str:
        if key == "test" and ref in self._testing:
            return "It is being tested."
        live = self._news is not None and self._news.live is not None
        return texts.why_not(key, self._one(ref), live=live, chosen=bool(ref))

    # What a person wants

    def command(self, key: str) -> None:
        """Do what a button of the list says, with the selected service."""
        ref = self._page.view.table.selected()
        one = self._one(ref) if ref else None
        if ref is None or one is None or self._why(key, ref):
            return
        if key in ("test", "history"):
            self._open(ref)
            if key == "test":
                self._test(ref)
        elif key == "toggle":
            self._tell("enable" if one.state == "disabled" else "disable", ref)
        elif one.acknowledged:
            self._tell("unack", ref)
        else:
            told = self._sentence(ref)
            self._service = ref
            self._page.show(self.ack)
            self.ack.load(ref, told.text, told.style)

    def _open(self, ref: str) -> None:
        self._service = ref
        self._page.show(self.look)
        self.look.load(ref)
        self.look.show_state(self._sentence(ref), self._why("test", ref))
        self._read_past()

    def _acknowledge(self, words: str) -> None:
        self._tell("ack", self._service, words)
        self._page.back()

    def _test(self, ref: str) -> None:
        paths = self._context.wiring.paths
        self._testing.add(ref)
        self.look.show_test(Told(f"{ref.partition(':')[2]} is being checked..."))
        self.look.show_state(self._sentence(ref), self._why("test", ref))
        self._ask(partial(check_now, paths, ref), self._tested, partial(self._not_tested, ref))

    def _tested(self, result: Tested) -> None:
        self._testing.discard(result.service)
        if result.service == self._service:
            self.look.show_tested(result)
        self._look_now()
        self.refresh()

    def _not_tested(self, ref: str, problem: HaoscarError) -> None:
        self._testing.discard(ref)
        if ref == self._service:
            report = problem.reports[0]
            self.look.show_test(Told(f"✖ {report.text} {report.remedy}".strip(), "Error"))
        self._look_now()
        self.refresh()

    def _tell(self, command: str, ref: str, words: str = "") -> None:
        paths = self._context.wiring.paths

        def told(sentence: str) -> None:
            self._context.say(info("watch.told", sentence))
            self._look_now()

        self._ask(
            partial(tell, paths, command, ref, words), told, lambda _problem: self._look_now()
        )

    def _read_past(self) -> None:
        ref = self._service
        self._before = self._one(ref)

        def read(past: Past) -> None:
            if ref == self._service:
                self.look.show_past(past)

        self._ask(partial(read_past, self._context.wiring.paths, ref), read, lambda _problem: None)

    def _look_now(self) -> None:
        follow = self._follow
        if follow is not None:
            self._ask(follow.look, self._take, lambda _problem: None)

    def _ask(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[HaoscarError], None]
    ) -> None:  # fmt: skip
        token = self._context.look(lambda _context: work(), done, failed)
        self._tokens = [*(one for one in self._tokens if not one.cancelled), token]
