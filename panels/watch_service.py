"""The service editor: "Add Service" and "Edit Service", with everything that the site file knows."""

import tkinter as tk
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from tkinter import ttk

from backend.actions.watch_list import Watched
from backend.actions.watch_sound import problems_of
from backend.errors import InvalidInput
from backend.model.periods import Period
from backend.model.watchlist import (
    DEFAULT_PERIOD,
    AlertPeriod,
    Ref,
    WatchedService,
    WatchList,
)
from backend.model.watchlist_form import SERVICE, field_of, read_service, texts_of
from backend.reports import Place, Report, Severity, error
from panels.context import PanelContext
from panels.watch_further import Further
from panels.watch_healing import Healing
from panels.watch_period import Offers, PeriodEditor
from panels.watch_texts import SERVICE_HELP
from panels.widgets.buttons import ButtonRow, button
from panels.widgets.either import Either, Span
from panels.widgets.lines import Lines, choice, entry, put
from panels.widgets.names import name, prefix
from panels.widgets.scrolled import Scrolled

STANDARD, OTHER = "standard", "other"


@dataclass(frozen=True, slots=True)
class Doings:
    """What the editor asks of the panel."""

    done: Callable[[WatchList, Ref], object]  # the list with the service as it is now
    back: Callable[[], object]
    delete: Callable[[Ref], object]


class ServiceEditor(ttk.Frame):
    """Shows one service, and makes of what stands in the fields a watch list with it."""

    def __init__(self, parent: tk.Misc, context: PanelContext, doings: Doings) -> None:
        super().__init__(parent)
        self._context, self._theme, self._doings = context, context.theme, doings
        self._panel = prefix(parent)
        self._periods: list[PeriodEditor] = []
        self._ref: Ref | None = None
        self._before: tuple[object, ...] = ()
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self._title = ttk.Label(self, style="Bold.TLabel")
        self._title.grid(sticky="w", pady=(0, self._theme.quarter))
        name(self._title, f"{self._panel}.service.title")
        self._area = Scrolled(self)  # of its own, so that the buttons below are always seen
        self._area.grid(sticky="nsew")
        self._area.inside.columnconfigure(0, weight=1)
        self._fields(self._area.inside)
        self._further = Further(self._area.inside, context)
        self._further.grid(row=1, sticky="ew")
        self._healing = Healing(self._area.inside, context)
        self._healing.grid(row=2, sticky="ew", pady=(self._theme.quarter, 0))
        self._place = ttk.Frame(self._area.inside)
        self._place.columnconfigure(0, weight=1)
        self._place.grid(row=3, sticky="ew")
        self._buttons()

    # Widgets

    def _fields(self, parent: tk.Misc) -> None:
        self._lines = Lines(parent, self._context)
        self._lines.grid(row=0, sticky="ew")
        for key, label, make, text in (
            ("group", "Host group to watch", self._make_group, ""),
            ("name", "Name of service", self._make_name, SERVICE_HELP["name"]),
            ("interval", "Check every", self._make_interval, SERVICE_HELP["interval"]),
            ("description", "Description", self._make_description, SERVICE_HELP["description"]),
            ("monitor", "Using monitor", self._make_monitor, SERVICE_HELP["monitor"]),
            ("parameters", "Monitor parameters", self._make_parameters, SERVICE_HELP["parameters"]),
        ):
            self._lines.add(key, label, make, text, unique=f"service.{key}")

    def _entry(self, parent: tk.Misc, key: str) -> ttk.Entry:
        made = entry(parent)
        name(made, f"{self._panel}.service.{key}")
        return made

    def _make_group(self, parent: tk.Misc) -> ttk.Widget:
        self._group = choice(parent, (), 24)
        name(self._group, f"{self._panel}.service.group")
        return self._group

    def _make_name(self, parent: tk.Misc) -> ttk.Widget:
        self._name = self._entry(parent, "name")
        return self._name

    def _make_interval(self, parent: tk.Misc) -> ttk.Widget:
        self._interval = Span(parent, f"{self._panel}.service.interval")
        return self._interval

    def _make_description(self, parent: tk.Misc) -> ttk.Widget:
        self._description = self._entry(parent, "description")
        return self._description

    def _make_parameters(self, parent: tk.Misc) -> ttk.Widget:
        self._parameters = self._entry(parent, "parameters")
        return self._parameters

    def _make_monitor(self, parent: tk.Misc) -> ttk.Widget:
        made = Either(parent, "service.monitor", lambda: None)

        def standard(frame: ttk.Frame) -> None:
            frame.columnconfigure(0, weight=1)
            self._standard = choice(frame, (), 30)
            self._standard.grid(sticky="ew")
            name(self._standard, f"{self._panel}.service.monitor")

        def other(frame: ttk.Frame) -> None:
            frame.columnconfigure(0, weight=1)
            self._other = self._entry(frame, "other")
            self._other.grid(sticky="ew")

        made.way(STANDARD, "Standard monitor", standard)
        made.way(OTHER, "Other monitor ..", other)
        self._monitor = made
        return made

    def _buttons(self) -> None:
        theme = self._theme
        add = button(self._area.inside, "Add a new period", lambda: self._add_period(AlertPeriod()))
        add.grid(row=4, sticky="e", pady=(theme.half, 0))
        row = ButtonRow(self)
        row.grid(row=2, sticky="ew", pady=(theme.half, 0))
        ok = row.add("OK", self.take, main=True, tip="Take it into the list; Save writes the list.")
        cancel = row.add("Cancel", self._doings.back, tip="Esc")
        self._delete = row.add("Delete", self._gone, right=True, tip="Take it out of the list.")
        for key, widget in (
            ("add-period", add), ("ok", ok), ("cancel", cancel), ("delete", self._delete),
        ):  # fmt: skip
            name(widget, f"{self._panel}.service.{key}")

    # What is shown

    def load(self, watched: Watched, watch: WatchList, group: str, ref: Ref | None) -> None:
        """Show a service of a watch list, or the beginnings of a new one."""
        self._watched, self._watch, self._ref = watched, watch, ref
        service = watch.service(ref) if ref is not None else None
        texts = dict.fromkeys((one.key for one in SERVICE), "")
        texts |= {"group": group, "interval": "1m"} if service is None else texts_of(service)
        self._title.configure(text="Add Service" if service is None else "Edit Service")
        self._delete.state(["disabled" if service is None else "!disabled"])
        self._group.configure(values=[str(one.name) for one in watch.groups])
        self._group.set(texts["group"])
        put(self._name, texts["name"])
        self._interval.set(texts["interval"])
        put(self._description, texts["description"])
        put(self._parameters, texts["parameters"])
        self._load_monitor(texts["monitor"], new=service is None)
        self._further.load(texts)
        self._healing.load(texts)
        first = AlertPeriod(when=Period.parse(DEFAULT_PERIOD))
        self._load_periods((first,) if service is None else service.periods)
        self._clear()
        self._before = self._content()
        self._name.focus_set()

    def _load_monitor(self, monitor: str, *, new: bool) -> None:
        monitors = self._watched.monitors
        known = monitor in monitors or new
        self._standard.configure(values=monitors)
        self._standard.set(monitor if known and monitor else monitors[0])
        put(self._other, "" if known else monitor)
        self._monitor.choose(STANDARD if known else OTHER)

    def _load_periods(self, periods: Sequence[AlertPeriod]) -> None:
        for one in self._periods:
            one.destroy()
        self._periods = []
        for period in periods:
            self._add_period(period)

    def _add_period(self, period: AlertPeriod) -> None:
        offers = Offers(
            self._watched.alerts, {str(one.name): str(one.when) for one in self._watch.periods}
        )
        number = len(self._periods) + 1
        made = PeriodEditor(self._place, self._context, number, offers, self._delete_period)
        made.load(period)
        made.grid(sticky="ew")
        self._periods.append(made)

    def _delete_period(self, gone: PeriodEditor) -> None:
        self._periods.remove(gone)
        gone.destroy()
        for number, one in enumerate(self._periods, 1):
            one.number(number)

    # What comes back

    @property
    def pending(self) -> bool:
        """Whether anything was typed since it was opened."""
        return self._content() != self._before

    def _content(self) -> tuple[object, ...]:
        return (self._texts(), *(one.texts for one in self._periods))

    def _texts(self) -> dict[str, str]:
        standard = self._monitor.chosen == STANDARD
        return {
            **self._further.texts,
            **self._healing.texts,
            "group": self._group.get(),
            "name": self._name.get(),
            "interval": self._interval.text,
            "description": self._description.get(),
            "monitor": self._standard.get() if standard else self._other.get(),
            "parameters": self._parameters.get(),
        }

    def take(self) -> None:
        """Hand on the list with the service, or show what is wrong with it."""
        self._clear()
        try:
            service = read_service(self._texts(), [one.texts for one in self._periods])
        except InvalidInput as problem:
            self.show(problem.reports)
            return
        if service.ref != self._ref and self._watch.service(service.ref) is not None:
            text, remedy = f"There is a service {service.ref} already.", "Choose another name."
            self.show([error("watch.there", text, remedy, Place(field="name"))])
            return
        watch = self._watch.with_service(service, self._ref)
        wrong = self._wrong(watch, service)
        if wrong:
            self.show(wrong)
            return
        self._doings.done(watch, service.ref)

    def _wrong(self, watch: WatchList, service: WatchedService) -> list[Report]:
        found = problems_of(watch, service.ref, self._watched.machines)
        return [
            one.report(Place(field=field_of(one.path)))
            for one in found
            if one.severity is Severity.ERROR
        ]

    def show(self, reports: Iterable[Report]) -> None:
        """Put each report under its field, and go to the first."""
        first: Callable[[], None] | None = None
        for report in reports:
            field = str(report.place.field) if report.place is not None else ""
            kind, _, rest = field.partition(".")
            if kind == "period":
                go = self._show_in_period(rest, report)
            elif self._lines.show(field, report):
                go = partial(self._lines.go_to, field)
            elif self._further.show(field, report):
                go = partial(self._further.go_to, field)
            elif self._healing.show(field, report):
                go = partial(self._healing.go_to, field)
            else:
                self._context.say(report)
                continue
            first = first or go
        if first is not None:
            self.after_idle(first)

    def _show_in_period(self, field: str, report: Report) -> Callable[[], None]:
        number, _, rest = field.partition(".")
        editor = self._periods[int(number) - 1]
        editor.show(rest, report)
        return lambda: editor.go_to(rest)

    def _clear(self) -> None:
        self._lines.clear()
        self._further.clear()
        self._healing.clear()
        for one in self._periods:
            one.clear()

    def _gone(self) -> None:
        if self._ref is not None:
            self._doings.delete(self._ref)
