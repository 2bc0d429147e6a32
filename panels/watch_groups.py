"""What services refer to by name: the editor of a host group, and that of the defined periods."""

import tkinter as tk
from collections.abc import Callable
from datetime import datetime
from tkinter import ttk

from backend.actions.watch_list import Watched
from backend.errors import InvalidInput
from backend.model.watchlist import WatchList
from backend.model.watchlist_checks import Machines, problems
from backend.model.watchlist_form import DEFINED, GROUP, read_defined, read_group, texts_of
from backend.reports import Place, Severity, error, info
from panels.context import PanelContext
from panels.watch_texts import GROUP_HELP, PERIOD_HELP, now_says
from panels.widgets.buttons import ButtonRow
from panels.widgets.form import Field, Form
from panels.widgets.names import name, prefix
from panels.widgets.table import Column, Table

GROUP_FIELDS = tuple(
    Field(one.key, one.label, "check", help=GROUP_HELP[one.key], default="no")
    if one.key == "disabled"
    else Field(one.key, one.label, help=GROUP_HELP[one.key])
    for one in GROUP
)
PERIOD_FIELDS = tuple(Field(one.key, one.label, help=PERIOD_HELP["when"]) for one in DEFINED)
_NOBODY = Machines(())  # the machines have no say in periods
COLUMNS = (Column("name", "Period name", 20), Column("when", "Days and times", 40))


class GroupEditor(ttk.Frame):
    """Shows one host group; ``done`` gets the list with it, ``delete`` its name."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, done: Callable[[WatchList, str], object],
        back: Callable[[], object], delete: Callable[[str], object],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._context, self._done = context, done
        self._watch, self._before = WatchList(), ""
        theme, panel = context.theme, prefix(parent)
        self.columnconfigure(0, weight=1)
        self._title = ttk.Label(self, style="Bold.TLabel")
        self._title.grid(sticky="w", pady=(0, theme.quarter))
        self._form = Form(self, context, GROUP_FIELDS)
        self._form.grid(sticky="ew")
        row = ButtonRow(self)
        row.grid(sticky="ew", pady=(theme.half, 0))
        ok = row.add("OK", self.take, main=True, tip="Take it into the list; Save writes the list.")
        cancel = row.add("Cancel", back, tip="Esc")
        self._delete = row.add(
            "Delete", lambda: delete(self._before), right=True,
            tip="Take the group and its services out of the list.",
        )  # fmt: skip
        for key, widget in (("ok", ok), ("cancel", cancel), ("delete", self._delete)):
            name(widget, f"{panel}.group.{key}")

    def load(self, watched: Watched, watch: WatchList, group: str) -> None:
        """Show a host group, "" for a new one."""
        self._watched, self._watch, self._before = watched, watch, group
        self._title.configure(text="Edit host group" if group else "Add host group")
        self._delete.state(["!disabled" if group else "disabled"])
        found = watch.group(group)
        self._form.reset()
        for key, text in (texts_of(found) if found is not None else {}).items():
            self._form.set(key, text)
        self._before_texts = self._form.values()
        self._form.widget("name").focus_set()

    @property
    def pending(self) -> bool:
        """Whether anything was typed since it was opened."""
        return self._form.values() != self._before_texts

    def take(self) -> None:
        """Hand on the list with the group, or show what is wrong with it."""
        try:
            group = read_group(self._form.values())
        except InvalidInput as problem:
            self._form.show(problem.reports)
            return
        if group.name != self._before and self._watch.group(group.name) is not None:
            text = f"There is a host group {group.name} already."
            self._form.show(
                [error("watch.there", text, "Choose another name.", Place(field="name"))]
            )
            return
        watch = self._watch.with_group(group, self._before)
        number = watch.groups.index(group)
        wrong = [
            one.report(Place(field=str(one.path[2])))
            for one in problems(watch, self._watched.machines)
            if one.path[:2] == ("host_group", number) and one.severity is Severity.ERROR
        ]
        if wrong:
            self._form.show(wrong)
            return
        self._done(watch, group.name)


class PeriodsEditor(ttk.Frame):
    """Shows the defined periods; every change is handed to ``changed`` at once."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, changed: Callable[[WatchList], object],
        back: Callable[[], object],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._tell = changed
        self._watch = WatchList()
        theme, panel = context.theme, prefix(parent)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        ttk.Label(self, text="Defined Periods", style="Bold.TLabel").grid(sticky="w")
        self._table = Table(self, context, COLUMNS, on_select=self._selected, height=5)
        self._table.grid(sticky="nsew", pady=theme.quarter)
        self._form = Form(self, context, PERIOD_FIELDS)
        self._form.grid(sticky="ew")
        self._form.on_change(self._say_when)
        row = ButtonRow(self)
        row.grid(sticky="ew", pady=(theme.half, 0))
        put = row.add(
            "Define", self.take, main=True, tip="Define it, or change the one of that name."
        )
        self._delete = row.add("Delete", self._gone, tip="Take the selected one out of the list.")
        away = row.add("Back", back, right=True, tip="Esc")
        for key, widget in (
            ("table", self._table), ("define", put), ("delete", self._delete), ("back", away),
        ):  # fmt: skip
            name(widget, f"{panel}.periods.{key}")

    def load(self, watch: WatchList) -> None:
        """Show the periods of a watch list."""
        self._fill(watch)
        self._form.reset()
        self._form.widget("name").focus_set()

    def _fill(self, watch: WatchList) -> None:
        self._watch = watch
        self._table.rows({str(one.name): (one.name, str(one.when)) for one in watch.periods})
        self._selected(self._table.selected())

    def _selected(self, key: str | None) -> None:
        self._delete.state(["disabled" if key is None else "!disabled"])
        period = self._watch.period(key) if key is not None else None
        if period is not None:
            for field, text in texts_of(period).items():
                self._form.set(field, text)
            self._say_when("when")

    def _say_when(self, key: str) -> None:
        if key == "when":
            text = self._form.values()["when"]
            says = now_says(text, datetime.now()) if text else ""  # noqa: DTZ005 - the wall clock
            self._form.show_at("when", [info("watch.now", says)] if says else [])

    def take(self) -> None:
        """Define a period, or show what is wrong with it."""
        try:
            period = read_defined(self._form.values())
        except InvalidInput as problem:
            self._form.show(problem.reports)
            return
        watch = self._watch.with_period(period)
        number = watch.periods.index(period)
        never = [
            one.report(Place(field=str(one.path[2])))
            for one in problems(watch, _NOBODY)
            if one.path[:2] == ("period", number)
        ]
        if never:
            self._form.show(never)
            return
        self._fill(watch)
        self._form.reset()
        self._form.widget("name").focus_set()
        self._tell(watch)

    def _gone(self) -> None:
        key = self._table.selected()
        if key is not None:
            self._table.select(None)
            self._fill(self._watch.without_period(key))
            self._tell(self._watch)
