"""The machines that install: a page for each standby, with what can be done about it."""

import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tkinter import ttk

from backend.actions.install_progress import MachineView, Phase
from backend.reports import Report
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import ButtonRow
from panels.widgets.findings import COLOURS, SIGNS
from panels.widgets.stages import Stages
from panels.widgets.text import ReadText
from panels.widgets.theme import Theme

PANEL = "network-boot"
# A sign on the page's tab, so that one sees how each machine is without turning to it.
TAB_SIGNS = {
    Phase.NONE: "",
    Phase.WAITING: "\N{WHITE CIRCLE} ",
    Phase.RUNNING: "\N{BLACK RIGHT-POINTING TRIANGLE} ",
    Phase.INSTALLED: "\N{HEAVY CHECK MARK} ",
    Phase.FAILED: "\N{HEAVY MULTIPLICATION X} ",
    Phase.ENDED: "\N{BLACK SQUARE} ",
}
GOES_ON = "When it runs from its own disk, the window goes on to step 5 by itself."


@dataclass(frozen=True, slots=True)
class Doings:
    """What can be done about a machine."""

    install: Callable[[MachineView], None]
    cancel: Callable[[MachineView], None]
    complete: Callable[[MachineView], None]


class MachinePage(ttk.Frame):
    """One standby: a headline, what to do, its buttons, and its steps."""

    def __init__(self, parent: tk.Misc, context: PanelContext, doings: Doings) -> None:
        super().__init__(parent, padding=context.theme.half)
        theme = context.theme
        self._machine: MachineView | None = None
        self.columnconfigure(0, weight=1)
        self._headline = ttk.Label(self, style="Bold.TLabel", justify="left")
        self._advice = ttk.Label(self, justify="left")
        self._stages = Stages(self, context)
        self._goes_on = ttk.Label(self, style="Muted.TLabel", justify="left", text=GOES_ON)
        self._log = ReadText(self, mono=True, height=5)
        self._row = ButtonRow(self)
        self._buttons = {
            "install": self._add("Install", doings.install),
            "cancel": self._add("Cancel installation", doings.cancel),
            "complete": self._add("Complete installation", doings.complete, "Go on to step 5."),
        }
        for row, widget in enumerate(
            (self._headline, self._advice, self._row, self._stages, self._goes_on, self._log)
        ):
            widget.grid(row=row, sticky="ew", pady=(0, theme.quarter))
        for label in (self._headline, self._advice, self._goes_on):
            label.bind("<Configure>", _wrap)

    def show(self, machine: MachineView) -> None:
        """Show how far it is; what looks as before is not touched."""
        before, self._machine = self._machine, machine
        if before == machine:
            return
        if before is None or before.headline != machine.headline:
            self._headline.configure(text=machine.headline)
        if before is None or before.advice != machine.advice:
            self._show_advice(machine)
        if before is None or before.log != machine.log:
            self._log.set("\n".join(machine.log))
            self._log.see("end")
        self._stages.show(machine.lines)
        shown(self._stages, machine.begun)
        shown(self._goes_on, machine.busy)
        shown(self._log, bool(machine.log))
        self._show_buttons(machine)

    def name(self, standby: str) -> None:
        """Give the buttons the names that tests know them by."""
        for key, button in self._buttons.items():
            names.name(button, f"{PANEL}.{key}.{standby}")
        names.name(self._stages.canvas, f"{PANEL}.stages.{standby}")
        names.name(self._log.text, f"{PANEL}.log.{standby}")
        names.name(self._headline, f"{PANEL}.headline.{standby}")
        names.name(self._advice, f"{PANEL}.advice.{standby}")

    def emphasise(self, main: str) -> None:
        """Make one of the buttons, by its key, the main one of the panel, or none."""
        for key, button in self._buttons.items():
            button.configure(style="Main.TButton" if key == main else "TButton")
        self._row.arrange()

    def _show_advice(self, machine: MachineView) -> None:
        advice = machine.advice
        shown(self._advice, advice is not None)
        if advice is not None:
            style = f"{COLOURS[advice.severity].title()}.TLabel"
            text = f"{SIGNS[advice.severity]} {advice}"
            self._advice.configure(text=text, style=style)

    def _show_buttons(self, machine: MachineView) -> None:
        again = machine.phase not in (Phase.NONE, Phase.WAITING)
        self._buttons["install"].configure(text="Install again" if again else "Install")
        able = {
            "install": not machine.busy and machine.mac is not None,
            "cancel": machine.busy,
            "complete": machine.phase is Phase.INSTALLED,
        }
        for key, button in self._buttons.items():
            button.state(["!disabled" if able[key] else "disabled"])
        self._row.arrange()

    def _add(self, text: str, do: Callable[[MachineView], None], tip: str = "") -> ttk.Button:
        def pressed() -> None:
            if self._machine is not None:
                do(self._machine)

        return self._row.add(text, pressed, tip=tip)


class Machines(ttk.Frame):
    """The pages; the one that has begun to work last comes to the front by itself."""

    def __init__(self, parent: tk.Misc, context: PanelContext, doings: Doings) -> None:
        super().__init__(parent)
        self._context, self._doings = context, doings
        self._pages: dict[str, MachinePage] = {}
        self._busy: set[str] = set()
        self._book = ttk.Notebook(self)
        self._book.pack(fill="both", expand=True)
        names.name(self._book, f"{PANEL}.machines")

    def show(self, machines: Sequence[MachineView]) -> None:
        """Show these standbys, in this order."""
        wanted = [one.name for one in machines]
        for gone in [one for one in self._pages if one not in wanted]:
            page = self._pages.pop(gone)
            self._book.forget(page)
            page.destroy()
        for place, machine in enumerate(machines):
            page = self._page(machine.name, place)
            page.show(machine)
            text = f"{TAB_SIGNS[machine.phase]}{machine.name}"
            if self._book.tab(page, "text") != text:  # type: ignore[no-untyped-call]
                self._book.tab(page, text=text)  # type: ignore[no-untyped-call]
        busy = {one.name for one in machines if one.phase is Phase.RUNNING}
        for name in sorted(busy - self._busy):
            self._book.select(self._pages[name])  # type: ignore[no-untyped-call]
        self._busy = busy

    def emphasise(self, step: str, standby: str) -> None:
        """Make the button for the next step the main one, on one standby's page or on no other."""
        for name, page in self._pages.items():
            page.emphasise(step if name == standby else "")

    def _page(self, name: str, place: int) -> MachinePage:
        if name not in self._pages:
            page = MachinePage(self._book, self._context, self._doings)
            page.name(name)
            if place < len(self._pages):
                self._book.insert(place, page, text=name)
            else:
                self._book.add(page, text=name)
            self._pages[name] = page
        return self._pages[name]


class Hints(ttk.Frame):
    """Reports one below the other, each in its colour; takes no room without any."""

    def __init__(self, parent: tk.Misc) -> None:
        super().__init__(parent)
        self._reports: tuple[Report, ...] = ()

    def show(self, reports: Sequence[Report]) -> None:
        """Show these reports instead of those before."""
        if self._reports != tuple(reports):
            self._reports = tuple(reports)
            for child in self.winfo_children():
                child.destroy()
            for report in reports:
                style = f"{COLOURS[report.severity].title()}.TLabel"
                label = ttk.Label(self, text=f"{SIGNS[report.severity]} {report}", style=style)
                label.bind("<Configure>", _wrap)
                label.pack(fill="x")
        shown(self, bool(reports))


def shown(widget: tk.Widget, wanted: bool) -> None:
    """Show a gridded widget, or take it out of its place."""
    if wanted:
        widget.grid()
    else:
        widget.grid_remove()


def _wrap(event: "tk.Event[tk.Misc]") -> None:
    """Break a label's lines where its place ends."""
    if isinstance(event.widget, ttk.Label) and event.width > 1:
        margin = Theme.of(event.widget).quarter  # a label's own, around its text
        event.widget.configure(wraplength=event.width - margin)
