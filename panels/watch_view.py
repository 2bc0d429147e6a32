"""The page of the watch list itself: group, table, buttons, and what is to be said about it."""

import tkinter as tk
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from tkinter import ttk

from backend.model.watchlist import WatchedService
from backend.reports import Report
from panels import watch_texts as texts
from panels.context import PanelContext
from panels.widgets.buttons import ButtonRow, button
from panels.widgets.findings import Findings
from panels.widgets.lines import choice
from panels.widgets.names import name, prefix
from panels.widgets.table import Column, Table

COLUMNS = (
    Column("name", "Service name", 23),
    Column("monitor", "Monitor to use", 35),
    Column("interval", "Check every", 16),
    Column("periods", "Monitoring periods", 12),
)  # wider than their contents: where there is no room for all, less is taken from each
TIPS: Mapping[str, str] = {
    "add": "Add a service to this host group.",
    "edit": "Change the selected service (Enter).",
    "delete": "Take the selected service out of the list.",
    "periods": "Periods that services use by their name.",
    "save": "Show what will be written, then write it.",
    "reset": "Put back what is stored (Ctrl-R).",
    "close": "Ctrl-Q",
}


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
        self._state = self._label("", "Muted")
        self._state.grid(sticky="w", pady=(half, 0))
        self._engine = self._label(texts.ENGINE, "Muted")
        self._engine.grid(sticky="w")
        self._findings = Findings(self, height=4)
        self._findings.grid(sticky="ew", pady=(quarter, 0))
        self._row(("save", "Save"), ("reset", "Reset"), right=("close", "Close")).grid(
            sticky="ew", pady=(half, 0)
        )
        self.bind("<Configure>", lambda event: self._wrap(event.width))
        for key, widget in (
            ("table", self.table), ("members", self._members), ("state", self._state),
            ("engine", self._engine), ("findings", self._findings.text), ("group", self._selector),
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

    def _row(self, *left: tuple[str, str], right: tuple[str, str]) -> ButtonRow:
        row = ButtonRow(self)
        for key, text in (*left, right):
            made = row.add(
                text, self._commands[key], main=key == "save", tip=TIPS[key], right=key == right[0]
            )
            self._buttons[key] = made
            name(made, f"{self._panel}.{key}")
        return row

    def _wrap(self, width: int) -> None:
        for label in (self._engine, self._members, self._state):
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
        rows, tags = {}, {}
        for one in shown.services:
            key = str(one.ref)
            wrong = key in shown.wrong
            rows[key] = _row(one, wrong=wrong)
            tags[key] = "error" if wrong else "muted" if one.disabled else ""
        self.table.rows(rows, tags)
        text, style = shown.state
        self._state.configure(text=text, style=f"{style}.TLabel")
        reports = tuple(shown.reports)
        self._findings.show(reports)
        if reports:
            self._findings.grid()
        else:
            self._findings.grid_remove()

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
        f"{sign}{service.name}", service.monitor or "-", f"{service.interval or '-'}{off}",
        ", ".join(one.shown or "always" for one in service.periods) or "-",
    )  # fmt: skip
