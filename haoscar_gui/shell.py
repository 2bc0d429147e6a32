"""The window: the rail on the left, one page on the right, what happened last below."""

import logging
import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass, field
from tkinter import ttk
from typing import Any

from backend.actions.session import Session
from backend.actions.step_states import StepState, StepStatus
from backend.actions.undo import UndoChange
from backend.reports import Report, Severity, error, info
from backend.wiring import Wiring
from haoscar_gui.dialogs import Help, Question
from haoscar_gui.flow import Flow, Order
from haoscar_gui.foot import Foot
from haoscar_gui.home import Home
from haoscar_gui.keys import Keys
from haoscar_gui.log_pane import LogHandler, LogPane
from haoscar_gui.memory import Memory
from haoscar_gui.page_context import PageContext
from haoscar_gui.person import WindowPerson
from haoscar_gui.rail import Doings, Rail, title
from haoscar_gui.slot import Slot
from haoscar_gui.states import StatesWatch
from haoscar_gui.steps import BEFORE_HELP, PAGES, Page
from haoscar_gui.worker import Worker
from panels.base import Panel
from panels.context import PanelContext
from panels.widgets.theme import Theme

log = logging.getLogger(__name__)

CANCEL_AND_EXIT, DISCARD_AND_EXIT, STAY = "Cancel it and exit", "Discard and exit", "Stay"


@dataclass(frozen=True, slots=True)
class Options:
    """How the window was asked for."""

    interface: str = ""
    dark: bool = False
    scale: float = 1.0
    pages: tuple[Page, ...] = PAGES
    session: Session = field(default_factory=Session)


class Shell:
    """Everything in the window; made and used in its thread."""

    def __init__(self, root: tk.Tk, wiring: Wiring, options: Options, handler: LogHandler) -> None:
        self.root, self.wiring = root, wiring
        self.theme = Theme(root, dark=options.dark, scale=options.scale)
        self.worker = Worker(root)
        self.working: Flow[Any] | None = None
        self.interface = options.interface
        self._pages = {page.name: page for page in options.pages}
        self._slots: dict[str, Slot] = {}
        self._front = ""
        self._states: tuple[StepStatus, ...] = ()
        self._arrange(options, handler)
        self.keys = Keys(self)
        self.memory = Memory(self, options.session)
        self.watch = StatesWatch(self, self._looked)
        root.protocol("WM_DELETE_WINDOW", self.exit)
        self._name_interface(options.interface)
        self.show(options.session.page if options.session.page in self._pages else "")

    def _arrange(self, options: Options, handler: LogHandler) -> None:
        root, theme = self.root, self.theme
        root.columnconfigure(2, weight=1)
        root.rowconfigure(0, weight=1)
        doings = Doings(self.show, self.help, self.exit, self.theme.toggle, self._hint)
        self.rail = Rail(root, options.pages, doings)
        self.rail.grid(row=0, column=0, rowspan=2, sticky="nsew")
        ttk.Separator(root, orient="vertical").grid(
            row=0, column=1, rowspan=2, sticky="ns", padx=(theme.half, 0)
        )
        self._stage = ttk.Frame(root)
        self._stage.columnconfigure(0, weight=1)
        self._stage.rowconfigure(0, weight=1)
        self._stage.grid(row=0, column=2, sticky="nsew")
        self._stage.grid_propagate(False)  # a page fills its place; it does not change the window
        self.home = Home(self._stage, options.pages, self.show)
        self.home.grid(sticky="nsew")
        pane = LogPane(root, handler)
        pane.grid(row=1, column=2, sticky="ew")
        pane.grid_remove()
        self.foot = Foot(root, pane)
        self.foot.grid(row=2, column=0, columnspan=3, sticky="ew")

    # Pages

    def show(self, panel: str) -> None:
        """Open a page; "" is where the window starts."""
        if panel and panel not in self._pages:
            self.say(error("window.page", f"There is no page {panel}."))
            return
        if panel == self._front and (panel or self.home.winfo_ismapped()):
            return
        before = self._slots.get(self._front)
        if before is not None:
            before.go_away()
            before.grid_remove()
        self._front = panel
        self.home.grid_remove()
        self.rail.choose(self._pages[panel].belongs_to or panel if panel else "")
        if not panel:
            self.home.grid()
            self.home.take_focus()
        else:
            slot = self.slot(panel)
            slot.grid(row=0, column=0, sticky="nsew")
            slot.come_to_front()
            slot.after_idle(slot.focus_first)
        self.memory.later()
        self.changed()

    def slot(self, panel: str) -> Slot:
        """Return the place of a page, opening it when it has never been."""
        found = self._slots.get(panel)
        if found is None:
            found = Slot(self._stage, self._pages[panel])
            self._slots[panel] = found
            self._load(found)
        return found

    def _load(self, slot: Slot) -> None:
        """Load the panel's code in the background, which takes a moment, and make it."""

        def loaded(make: Callable[[PanelContext], Panel]) -> None:
            try:
                slot.build(make(PageContext(self, slot)), self.memory.fields(slot.page.name))
            except Exception as mistake:
                log.exception("the page %s cannot be made", slot.page.name)
                slot.fail(f"✖ This page cannot be opened: {type(mistake).__name__}: {mistake}.")
                return
            if slot.in_front:
                slot.after_idle(slot.focus_first)

        def failed(problem: Exception) -> None:
            slot.fail(f"✖ This page cannot be opened: {problem}")

        self.worker.start(lambda _context, _job: slot.page.load(), loaded, failed)

    @property
    def front(self) -> Slot | None:
        """The page that is seen, None at the start."""
        return self._slots.get(self._front)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The pages that have been opened."""
        return tuple(self._slots.values())

    @property
    def page(self) -> str:
        """The name of the page that is seen, "" at the start."""
        return self._front

    def show_step(self, number: int) -> None:
        """Open the page of a step."""
        for page in self._pages.values():
            if page.step == number:
                self.show(page.name)

    def close_page(self) -> None:
        """Go back to where the window starts."""
        self.show("")

    # What flows and contexts need

    def make_person(self) -> WindowPerson:
        """Return somebody who can be asked."""
        return WindowPerson(self.root)

    def say(self, report: Report) -> None:
        """Say something in the line below and in the log."""
        self.foot.say(report)

    def undo(self, slot: Slot, record: str) -> None:
        """Take a change back, through the views in this place."""

        def undone(_record: object, _outcome: object) -> None:
            if slot.in_front and slot.panel is not None:
                slot.panel.activate()

        action = UndoChange(self.wiring, record)
        Flow(self, slot, PageContext(self, slot), Order(action, undone)).begin()

    def changed(self) -> None:
        """Let the states of the steps be looked at again."""
        self.watch.soon()

    def help(self, title: str, text: str) -> None:
        """Show a help text."""
        Help(self.root, title, text)

    def help_here(self) -> None:
        """Show the help of the page that is seen (F1)."""
        slot = self.front
        panel = slot.panel if slot is not None else None
        if slot is None or panel is None:
            self.help("Before beginning", BEFORE_HELP)
        else:
            self.help(
                panel.title, panel.help or slot.page.help or "There is no help for this page."
            )

    # States

    def _looked(self, states: tuple[StepStatus, ...], interface: str) -> None:
        self._states = states
        if interface and interface != self.interface:
            self._name_interface(interface)
        self.redraw_states()

    def redraw_states(self) -> None:
        """Draw the states of the steps; what runs in this window is known best here."""
        steps = [page for page in self._pages.values() if page.step]
        shown = dict(zip((page.name for page in steps), self._states, strict=False))
        flow = self.working
        if flow is not None:
            page = self._pages[flow.page]
            name = page.belongs_to or page.name
            shown[name] = StepStatus(StepState.RUNNING, f"{flow.title} is at work.", flow.share)
        self.rail.show_states(shown)
        if self._states:
            self.home.show_states(self._states, self.interface)

    def _name_interface(self, interface: str) -> None:
        self.interface = interface
        self.root.title(title(interface))
        self.rail.name_interface(interface)

    def _hint(self, why: str) -> None:
        if why:
            self.foot.hint(why)

    # The end

    def exit(self) -> None:
        """Close the window, once the person agrees to what is cut short and what is lost by it."""
        flow = self.working
        pages = {one.page.name: one.panel.unsaved for one in self.slots if one.panel is not None}
        unsaved = {name: sentence for name, sentence in pages.items() if sentence}
        lost = " ".join(unsaved.values())

        def answered(answer: str) -> None:
            if answer != STAY:
                self.stop()
            elif unsaved and flow is None:
                self.show(next(iter(unsaved)))

        if flow is not None:
            detail = f"When it is cancelled, nothing is left half done. {lost}".strip()
            question, answers = f"{flow.title} is still at work.", (CANCEL_AND_EXIT, STAY)
            Question(self.root, question, answers, answered, detail)
        elif unsaved:
            Question(self.root, lost, (DISCARD_AND_EXIT, STAY), answered)
        else:
            self._leave()

    def stop(self) -> None:
        """Cancel what is at work, wait until it has ended cleanly, and close the window."""
        if self.working is not None:
            self.working.cancel()
            self.say(info("window.closing", "The window closes as soon as nothing is half done."))
        self._leave_when_done()

    def _leave_when_done(self) -> None:
        if self.working is not None:
            self.root.after(50, self._leave_when_done)
        else:
            self._leave()

    def _leave(self) -> None:
        self.worker.cancel_all()
        self.memory.save_now()
        self.root.quit()

    def mistake(self, sentence: str) -> None:
        """Say that a part of the program failed; the window goes on."""
        self.say(Report(Severity.ERROR, "window.mistake", sentence, "The log says where."))
