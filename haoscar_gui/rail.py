"""The left side: the original wizard, its five numbered steps with the notes between them."""

import re
import tkinter as tk
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from tkinter import ttk

from backend.actions.step_states import StepState, StepStatus
from haoscar_gui.steps import BEFORE, BEFORE_HELP, Page
from panels.widgets import names
from panels.widgets.buttons import button
from panels.widgets.theme import Theme
from panels.widgets.tooltips import tip

SIGNS: Mapping[StepState, tuple[str, str]] = {  # sign and the name of a label's style
    StepState.NOT_STARTED: ("○", "Muted"),
    StepState.READY: ("▷", "Accent"),
    StepState.RUNNING: ("◐", "Accent"),
    StepState.DONE: ("✔", "Ok"),
    StepState.FAILED: ("✖", "Error"),
    StepState.OUT_OF_DATE: ("↻", "Warning"),
}
WIDTH = 38  # characters
WORDS = re.compile(r"(?:on )?\[[^]]*\]\S*|\S+")  # what stands in brackets is not torn apart


@dataclass(frozen=True, slots=True)
class Doings:
    """What the rail can ask the window to do."""

    show: Callable[[str], object]
    help: Callable[[str, str], object]
    exit: Callable[[], object]
    toggle_theme: Callable[[], object]
    hint: Callable[[str], object]


@dataclass(slots=True)
class _Entry:
    """The widgets of one page in the rail."""

    page: Page
    bar: tk.Frame
    button: ttk.Button
    state: ttk.Label | None = None
    why: str = ""


class Rail(ttk.Frame):
    """Everything on the left; drawn anew only where something has changed."""

    def __init__(self, parent: tk.Misc, pages: tuple[Page, ...], doings: Doings) -> None:
        super().__init__(parent)
        self._theme = Theme.of(parent)
        self._doings = doings
        self._entries: dict[str, _Entry] = {}
        self._chosen = ""
        theme = self._theme
        self.configure(padding=(theme.half, theme.half, 0, theme.half))
        self.columnconfigure(0, weight=1, minsize=theme.chars(WIDTH))
        self._title = ttk.Label(self, style="Bold.TLabel", justify="left")
        self._title.grid(sticky="w", padx=(theme.quarter, 0))
        self._title.configure(wraplength=theme.chars(WIDTH))
        names.name(self._title, "rail.title")
        self._before()
        for page in pages:
            if page.step:
                self._step(page)
        ttk.Separator(self).grid(sticky="ew", pady=theme.quarter)
        for page in pages:
            if page.button and not page.step:
                self._other(page)
        self.rowconfigure(99, weight=1)
        self._foot()
        self.name_interface("")

    def name_interface(self, interface: str) -> None:
        """Put the private interface where the original has it."""
        self._title.configure(text=title(interface))
        for entry in self._entries.values():
            text = button_text(entry.page, interface)
            entry.button.configure(text=self._broken(text))

    def _broken(self, text: str) -> str:
        """Return a text in as many lines as the width of a button needs; ttk breaks none."""
        room = self._theme.chars(WIDTH) - 2 * self._theme.line
        lines = [""]
        for word in WORDS.findall(text):
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self._theme.body.measure(longer) > room:
                lines.append(word)
            else:
                lines[-1] = longer
        return "\n".join(lines)

    def choose(self, page: str) -> None:
        """Mark the page that is shown."""
        self._chosen = page
        for name, entry in self._entries.items():
            chosen = name == page
            entry.bar.configure(background=self._theme.accent if chosen else self._ground())
            entry.button.configure(style="Chosen.Rail.TButton" if chosen else "Rail.TButton")

    def show_states(self, states: Mapping[str, StepStatus]) -> None:
        """Show the state of each step: sign, word and colour."""
        for name, status in states.items():
            entry = self._entries.get(name)
            if entry is None or entry.state is None:
                continue
            text, style = state_text(status)
            entry.why = status.why
            if str(entry.state.cget("text")) != text:
                entry.state.configure(text=text, style=f"{style}.TLabel")

    def _ground(self) -> str:
        return self._theme.background

    def _before(self) -> None:
        theme = self._theme
        row = ttk.Frame(self)
        row.columnconfigure(0, weight=1)
        row.grid(sticky="ew", pady=(0, theme.half), padx=(theme.quarter, 0))
        text = ttk.Label(row, text=BEFORE, style="Muted.TLabel", justify="left")
        text.configure(wraplength=theme.chars(WIDTH - 8))
        text.grid(sticky="w")
        self._help(row, "Before beginning", BEFORE_HELP, "rail.before").grid(
            row=0, column=1, sticky="ne"
        )

    def _help(self, parent: tk.Misc, title: str, text: str, name: str) -> ttk.Button:
        made = button(parent, "Help", lambda: self._doings.help(title, text))
        made.configure(style="Help.TButton")
        names.name(made, f"{name}.help")
        return made

    def _step(self, page: Page) -> None:
        theme = self._theme
        row = ttk.Frame(self)
        row.columnconfigure(2, weight=1)
        row.grid(sticky="ew", pady=(theme.quarter, 0))
        bar = self._bar(row, rows=2)
        ttk.Label(row, text=f"Step {page.step}:").grid(row=0, column=1, sticky="w")
        state = ttk.Label(row)
        state.grid(row=0, column=2, sticky="w", padx=(theme.half, 0))
        made = self._button(row, page)
        made.grid(row=1, column=1, columnspan=3, sticky="ew")
        entry = _Entry(page, bar, made, state)
        self._entries[page.name] = entry
        text = page.help
        self._help(row, f"Step {page.step}", text, f"rail.{page.name}").grid(row=0, column=3)
        made.lower()  # Tab goes from the step to its Help
        names.name(state, f"rail.{page.name}.state")
        tip(state, lambda: entry.why)
        tip(made, lambda: entry.why)
        made.bind("<FocusIn>", lambda _event: self._doings.hint(entry.why), add="+")
        if page.note:
            note = ttk.Label(self, text=f"▲ {page.note}", style="Warning.TLabel", justify="left")
            note.configure(wraplength=theme.chars(WIDTH - 2))
            note.grid(sticky="w", padx=(theme.half + theme.quarter, 0))

    def _other(self, page: Page) -> None:
        row = ttk.Frame(self)
        row.columnconfigure(1, weight=1)
        row.grid(sticky="ew", pady=(0, self._theme.quarter))
        bar = self._bar(row, rows=1)
        made = self._button(row, page)
        made.grid(row=0, column=1, sticky="ew")
        self._entries[page.name] = _Entry(page, bar, made)
        if page.help:
            self._help(row, page.button, page.help, f"rail.{page.name}").grid(
                row=0, column=2, padx=(self._theme.quarter, 0)
            )

    def _bar(self, row: ttk.Frame, rows: int) -> tk.Frame:
        """Make the strip that marks the page that is shown."""
        bar = tk.Frame(row, width=self._theme.quarter, borderwidth=0)
        bar.grid(row=0, column=0, rowspan=rows, sticky="ns", padx=(0, self._theme.quarter))
        self._theme.follow(bar, lambda: self.choose(self._chosen) if self._entries else None)
        bar.configure(background=self._ground())
        return bar

    def _button(self, row: ttk.Frame, page: Page) -> ttk.Button:
        made = button(row, "", lambda: self._doings.show(page.name))
        made.configure(style="Rail.TButton")
        names.name(made, f"rail.{page.name}")
        return made

    def _foot(self) -> None:
        foot = ttk.Frame(self)
        foot.columnconfigure(0, weight=1)
        foot.grid(row=100, sticky="ew")
        looks = button(
            foot, "Light / dark", self._doings.toggle_theme, tip="Change the colours (Ctrl-T)"
        )
        looks.configure(style="Help.TButton")
        looks.grid(row=0, column=0, sticky="w")
        leave = button(foot, "Exit", self._doings.exit)
        leave.grid(row=0, column=1)
        names.name(looks, "rail.theme")
        names.name(leave, "rail.exit")


def title(interface: str) -> str:
    """Return the window's title, the original's. Pure."""
    return "HA-OSCAR Installation Wizard" + (f" on {interface}" if interface else "")


def state_text(status: StepStatus) -> tuple[str, str]:
    """Return what stands beside a step, and the name of its style. Pure."""
    sign, style = SIGNS[status.state]
    doing = f": {status.doing}" if status.doing else ""
    share = f" {status.share * 100:.0f} %" if status.share is not None else ""
    return f"{sign} {status.state.value}{doing}{share}", style


def button_text(page: Page, interface: str) -> str:
    """Return a page's text in the rail, with the interface as far as it is known. Pure."""
    if interface:
        return page.button.replace("{interface}", interface)
    return page.button.replace(" on [{interface}]", "")
