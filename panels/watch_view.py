"""The page of the watch list itself: group, table, buttons, and what is to be said about it."""

import tkinter as tk
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from tkinter import ttk

from backend.model.watchlist import WatchedService
from backend.reports import Report
from panels.context import PanelContext
from panels.watch_live_texts import ACK, DISABLE, Told
from panels.widgets.buttons import ButtonRow, button
from panels.widgets.findings import Findings
from panels.widgets.lines import choice
from panels.widgets.names import name, prefix
from panels.widgets.table import Column, Table

COLUMNS = (
    Column("name", "Service name", 15.4),
    Column("monitor", "Monitor to use", 17.1),
    Column("interval", "Check every", 5),
    Column("periods", "Monitoring periods", 10.4),
    Column("state", "State, since", 13),
)  # as wide as the original's rows and every state need where the window is smallest
SUFFIX = ".monitor"  # of mon's; the editor shows it
TIPS: Mapping[str, str] = {
    "add": "Add a service to this host group.",
    "edit": "Change the selected service (Enter).",
    "delete": "Take the selected service out of the list.",
    "periods": "Periods that services use by their name.",
    "save": "Show what will be written, then write it.",
    "reset": "Put back what is stored (Ctrl-R).",
    "close": "Ctrl-Q",
    "test": "Let the head that is active check the selected service now; the result counts.",
    "ack": "Say that its failure is known: no more alerts about it until it is well.",
    "toggle": "Check it no more until it is enabled again, or check it again; nothing is written.",
    "history": "What happened to the selected service, and for how long it was well.",
}
RUNNING = ("test", "ack", "toggle", "history")  # what the watch process is asked


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows."""

    groups: tuple[str, ...]
    group: str  # the chosen one
    members: str  # a sentence
    services: tuple[WatchedService, ...]
    wrong: frozenset[str]  # those with an error
    state: tuple[str, str]  # a sentence and its style
    reports: Iterable[Report]


class WatchView(ttk.Frame):
    """Makes the widgets and shows what it is told; ``commands`` by the names of the buttons.

    Further commands: "select" when a service and "group" when a host group is chosen, "open" for
    Enter and a double click.
    """

    def __init__(
        self, parent: tk.Misc, context: PanelContext, commands: Mapping[str, Callable[[], object]]
    ) -> None:
        super().__init__(parent)
        self._context, self._theme, self._commands = context, context.theme, commands
        self._panel = prefix(parent)
        self._buttons: dict[str, ttk.Button] = {}
        self._why: dict[str, str] = {}  # why a button is off
        self._services: tuple[WatchedService, ...] = ()
        self._wrong: frozenset[str] = frozenset()
        self._cells: Mapping[str, tuple[str, str]] = {}
        self.columnconfigure(0, weight=1)
        self.rowconfigure(4, weight=1)
        quarter, half = self._theme.quarter, self._theme.half
        self._label("Host group watch details", "Bold").grid(sticky="w")
        self._make_selector().grid(sticky="ew", pady=quarter)
        self._members = self._label("", "Muted")
        self._members.grid(sticky="w")
        self._label("Services being watched", "").grid(sticky="w", pady=(half, 0))
        self.table = Table(
            self, context, COLUMNS, on_select=lambda _key: commands["select"](),
            on_open=lambda _key: commands["open"](), height=6,
        )  # fmt: skip
        self.table.grid(sticky="nsew", pady=quarter)
        self._row(("add", "Add service.."), ("edit", "Edit service.."), ("delete", "Delete"),
                  right=("periods", "Defined periods..")).grid(sticky="ew")  # fmt: skip
        self._one = self._label("", "Muted")
        self._one.grid(sticky="nw", pady=(half, quarter))
        self.rowconfigure(6, minsize=2 * self._theme.line + half)  # nothing moves where it grows
        self._running = self._row(("test", "Test now"), ("ack", ACK), ("toggle", DISABLE),
                                  ("history", "History.."))  # fmt: skip
        self._running.grid(sticky="ew")
        self._engine = self._label("", "Muted")
        self._engine.grid(sticky="w", pady=(half, 0))
        self._state = self._label("", "Muted")
        self._state.grid(sticky="w")
        self._findings = Findings(self, height=4)
        self._findings.grid(sticky="ew", pady=(quarter, 0))
        self._row(("save", "Save"), ("reset", "Reset"), right=("close", "Close")).grid(
            sticky="ew", pady=(half, 0)
        )
        self.bind("<Configure>", lambda event: self._wrap(event.width))
        for key, widget in (
            ("table", self.table), ("members", self._members), ("state", self._state),
            ("engine", self._engine), ("findings", self._findings.text), ("group", self._selector),
            ("live", self._one),
        ):  # fmt: skip
            name(widget, f"{self._panel}.{key}")

    def _label(self, text: str, style: str) -> ttk.Label:
        return ttk.Label(self, text=text, style=f"{style}.TLabel".lstrip("."), justify="left")

    def _make_selector(self) -> ttk.Frame:
        theme = self._theme
        made = ttk.Frame(self)
        made.columnconfigure(1, weight=1)
        ttk.Label(made, text="Host group to watch").grid(row=0, column=0, padx=(0, theme.half))
        self._selector = choice(made, (), 24)
        self._selector.grid(row=0, column=1, sticky="ew")
        self._selector.bind(
            "<<ComboboxSelected>>", lambda _event: self._commands["group"](), add="+"
        )
        for column, (key, text) in enumerate(
            (("edit-group", "Edit group.."), ("add-group", "Add group..")), 2
        ):
            self._buttons[key] = button(made, text, self._commands[key])
            self._buttons[key].grid(row=0, column=column, padx=(theme.quarter, 0))
            name(self._buttons[key], f"{self._panel}.{key}")
        return made

    def _row(self, *left: tuple[str, str], right: tuple[str, str] | None = None) -> ButtonRow:
        row = ButtonRow(self)
        for key, text in (*left, *((right,) if right else ())):
            made = row.add(
                text, self._commands[key], main=key == "save", tip=partial(self._tip, key),
                right=(key, text) == right,
            )  # fmt: skip
            self._buttons[key] = made
            name(made, f"{self._panel}.{key}")
        return row

    def _tip(self, key: str) -> str:
        return self._why.get(key) or TIPS[key]

    def _wrap(self, width: int) -> None:
        for label in (self._engine, self._members, self._state, self._one):
            label.configure(wraplength=width - self._theme.half)

    @property
    def group(self) -> str:
        """The host group that is chosen."""
        return self._selector.get()

    def show(self, shown: Shown) -> None:
        """Show a watch list."""
        self._selector.configure(values=shown.groups)
        self._selector.set(shown.group)
        self._members.configure(text=shown.members)
        self._services, self._wrong = shown.services, shown.wrong
        self._fill()
        text, style = shown.state
        self._state.configure(text=text, style=f"{style}.TLabel")
        reports = tuple(shown.reports)
        self._findings.show(reports)
        if reports:
            self._findings.grid()
        else:
            self._findings.grid_remove()

    def _fill(self) -> None:
        rows, tags = {}, {}
        for one in self._services:
            key = str(one.ref)
            wrong = key in self._wrong
            state, tag = self._cells.get(key, ("-", "muted" if one.disabled else ""))
            rows[key] = (*_row(one, wrong=wrong), state)
            tags[key] = "error" if wrong else tag
        self.table.rows(rows, tags)

    def show_live(self, cells: Mapping[str, tuple[str, str]], told: Told) -> None:
        """Show the states of the services, each with the tag of its row, and who checks them."""
        self._engine.configure(text=told.text, style=f"{told.style}.TLabel")
        if cells != self._cells:
            self._cells = cells
            self._fill()

    def show_one(self, told: Told, why: Mapping[str, str], ack: str, toggle: str) -> None:
        """Say everything about the selected service, and why what cannot be done with it."""
        self._one.configure(text=told.text, style=f"{told.style}.TLabel")
        self._why = dict(why)
        for key in RUNNING:
            self.enable(key, not why.get(key))
        for key, text in (("ack", ack), ("toggle", toggle)):
            if str(self._buttons[key].cget("text")) != text:
                self._buttons[key].configure(text=text)
                self._running.arrange()

    def enable(self, key: str, on: bool) -> None:
        """Switch a button on or off."""
        self._buttons[key].state(["!disabled" if on else "disabled"])

    def enabled(self, key: str) -> bool:
        """Whether a button is on."""
        return bool(self._buttons[key].instate(["!disabled"]))


def _row(service: WatchedService, *, wrong: bool) -> tuple[str, ...]:
    """Return the cells of a service."""
    sign = "✖ " if wrong else ""
    off = " (off)" if service.disabled else ""
    return (
        f"{sign}{service.name}", service.monitor.removesuffix(SUFFIX) or "-",
        f"{service.interval or '-'}{off}",
        ", ".join(one.shown or "always" for one in service.periods) or "-",
    )  # fmt: skip
