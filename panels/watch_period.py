"""One monitoring period of the service editor: when, which alerts, how many of them."""

import re
import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from tkinter import ttk

from backend.model.watchlist import AlertPeriod
from backend.model.watchlist_days import DaysAndHours
from backend.model.watchlist_form import NO, YES, PeriodTexts, texts_of
from backend.model.watchlist_values import Repeat
from backend.reports import Report
from panels.context import PanelContext
from panels.watch_alerts import AlertRows
from panels.watch_days import DaysEntry
from panels.watch_texts import PERIOD_HELP, now_says
from panels.widgets.buttons import button
from panels.widgets.either import Either, Span
from panels.widgets.lines import Lines, choice, entry, put
from panels.widgets.names import name, prefix

DAYS, DEFINED, STRING = "days", "defined", "string"
EACH, EVERY = "each", "every"
NOW, AFTER = "immediately", "after"
UNLIMITED, LIMITED = "unlimited", "limited"
WIDE = ("when", "alerts")
REPEATS = {
    Repeat.SUMMARY: "unless the summary changes",
    Repeat.DETAIL: "unless summary or details change",
    Repeat.IGNORE_SUMMARY: "unless its state changes",
    Repeat.STRICT: "whatever changes",
}


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be chosen in a period."""

    alerts: Sequence[str]
    periods: dict[str, str]  # the defined ones, and when they are


class PeriodEditor(ttk.Frame):
    """Shows a period and gives it back as texts; ``number`` is its place, from 1."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, number: int, offers: Offers,
        delete: Callable[["PeriodEditor"], object],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._context, self._theme, self._offers = context, context.theme, offers
        self._unique = f"{prefix(parent)}.period.{number}"
        self.columnconfigure(0, weight=1)
        ttk.Separator(self).grid(columnspan=2, sticky="ew", pady=self._theme.half)
        self._heading = ttk.Label(self, style="Bold.TLabel")
        self._heading.grid(row=1, column=0, sticky="w")
        gone = button(self, "Delete this period", lambda: delete(self))
        gone.grid(row=1, column=1, sticky="e")
        name(gone, f"{self._unique}.delete")
        name(self._heading, f"{self._unique}.heading")
        self._lines = Lines(self, context)
        self._lines.grid(columnspan=2, sticky="ew", pady=(self._theme.quarter, 0))
        self._fill()
        self.load(AlertPeriod())
        self.number(number)

    def number(self, number: int) -> None:
        """Call it by its place."""
        self._heading.configure(text=f"Monitoring period {number}")

    def _fill(self) -> None:
        for key, label, make in (
            ("when", "Period specification", self._make_when),
            ("alerts", "Alerts for period", self._make_alerts),
            ("alert_every", "Send alert", self._make_every),
            ("alert_after", "Failures before alert", self._make_after),
            ("max_alerts", "Maximum alerts to send", self._make_most),
            ("up_alert_after", "When it is up again", self._make_up),
            ("label", "Label", self._make_label),
        ):
            unique = f"{self._part}.{key}"
            self._lines.add(key, label, make, PERIOD_HELP[key], unique=unique, wide=key in WIDE)

    def _make_when(self, parent: tk.Misc) -> ttk.Widget:
        made = Either(parent, f"{self._part}.when", self._say_when)

        def days(frame: ttk.Frame) -> None:
            self._days = DaysEntry(frame, f"{self._unique}.when", self._say_when)
            self._days.grid()

        def defined(frame: ttk.Frame) -> None:
            self._defined = choice(frame, self._offers.periods, 20)
            self._defined.grid()
            self._defined.bind("<<ComboboxSelected>>", lambda _event: self._say_when(), add="+")
            name(self._defined, f"{self._unique}.defined")

        def string(frame: ttk.Frame) -> None:
            frame.columnconfigure(0, weight=1)
            self._string = entry(frame)
            self._string.grid(sticky="ew")
            self._string.bind("<KeyRelease>", lambda _event: self._say_when(), add="+")
            name(self._string, f"{self._unique}.string")

        made.way(DAYS, "Specified days and hours", days)
        if self._offers.periods:
            made.way(DEFINED, "Defined period", defined)
        made.way(STRING, "Time::Period string", string)
        self._when = made
        return made

    @property
    def _part(self) -> str:
        """The name of its parts without the panel's."""
        return self._unique.partition(".")[2]

    def _make_alerts(self, parent: tk.Misc) -> ttk.Widget:
        self._alerts = AlertRows(parent, f"{self._unique}.alert", self._offers.alerts)
        return self._alerts

    def _make_every(self, parent: tk.Misc) -> ttk.Widget:
        made = Either(parent, f"{self._part}.alert_every", lambda: None)

        def every(frame: ttk.Frame) -> None:
            self._every = Span(frame, f"{self._unique}.alert_every")
            self._every.grid(row=0, column=0, sticky="w")
            self._repeat = choice(frame, REPEATS.values(), 28)
            self._repeat.grid(row=1, column=0, sticky="w", pady=(self._theme.hair, 0))
            name(self._repeat, f"{self._unique}.alert_every.repeat")

        made.way(EACH, "Every time monitor is run")
        made.way(EVERY, "Every", every)
        self._often = made
        return made

    def _make_after(self, parent: tk.Misc) -> ttk.Widget:
        made = Either(parent, f"{self._part}.alert_after", lambda: None)

        def after(frame: ttk.Frame) -> None:
            gap = self._theme.quarter
            self._failures = entry(frame, 5)
            self._failures.grid(row=0, column=0, sticky="w")
            ttk.Label(frame, text="failures").grid(row=0, column=1, padx=gap, sticky="w")
            ttk.Label(frame, text="Within time interval").grid(row=1, column=0, columnspan=2)
            self._within = Span(frame, f"{self._unique}.alert_after.within")
            self._within.grid(row=1, column=2, sticky="w", padx=gap, pady=(self._theme.hair, 0))
            name(self._failures, f"{self._unique}.alert_after.failures")

        made.way(NOW, "Immediately")
        made.way(AFTER, "After", after)
        self._after = made
        return made

    def _make_most(self, parent: tk.Misc) -> ttk.Widget:
        made = Either(parent, f"{self._part}.max_alerts", lambda: None)

        def limited(frame: ttk.Frame) -> None:
            self._most = entry(frame, 5)
            self._most.grid()
            name(self._most, f"{self._unique}.max_alerts")

        made.way(UNLIMITED, "Unlimited")
        made.way(LIMITED, "At most", limited)
        self._limit = made
        return made

    def _make_up(self, parent: tk.Misc) -> ttk.Widget:
        made = ttk.Frame(parent)
        gap = self._theme.quarter
        ttk.Label(made, text="Tell it only after").grid(row=0, column=0, padx=(0, gap))
        self._up = Span(made, f"{self._unique}.up_alert_after")
        self._up.grid(row=0, column=1, sticky="w")
        self._no_comp = tk.StringVar(made, NO)
        check = ttk.Checkbutton(
            made, text="Also without a down alert", variable=self._no_comp, onvalue=YES, offvalue=NO
        )
        check.grid(row=1, column=0, columnspan=2, sticky="w")
        name(check, f"{self._unique}.no_comp_alerts")
        return made

    def _make_label(self, parent: tk.Misc) -> ttk.Widget:
        self._label = entry(parent, 20)
        name(self._label, f"{self._unique}.label")
        return self._label

    def load(self, period: AlertPeriod) -> None:
        """Show a period."""
        texts = texts_of(period)
        plain = DaysAndHours.of(texts["when"])
        way = DEFINED if period.defined else DAYS if plain else STRING
        self._when.choose(way)
        self._days.set(plain or DaysAndHours())
        self._when.choose(way)
        put(self._string, texts["when"])
        if self._offers.periods:
            self._defined.set(texts["defined"] or next(iter(self._offers.periods)))
        self._alerts.set([texts_of(one) for one in period.alerts])
        pause, _, repeat = texts["alert_every"].partition(" ")
        self._often.choose(EVERY if pause else EACH)
        self._every.set(pause or "1h")
        self._repeat.set(REPEATS[Repeat(repeat)])
        self._load_after(texts["alert_after"])
        self._limit.choose(LIMITED if texts["max_alerts"] else UNLIMITED)
        put(self._most, texts["max_alerts"])
        self._up.set(texts["up_alert_after"])
        self._no_comp.set(texts["no_comp_alerts"])
        put(self._label, texts["label"])
        self._say_when()

    def _load_after(self, text: str) -> None:
        self._after.choose(AFTER if text else NOW)
        words = text.split()
        put(self._failures, words.pop(0) if words and words[0].isdigit() else "")
        self._within.set(words[0] if words else "")

    @property
    def texts(self) -> PeriodTexts:
        """What stands in the fields."""
        way = self._when.chosen
        when = {DAYS: self._days.text, STRING: self._string.get()}.get(way, "")
        after = f"{self._failures.get().strip()} {self._within.text}".strip()
        repeat = next(one for one, text in REPEATS.items() if text == self._repeat.get())
        fields = {
            "when": when,
            "defined": self._defined.get() if way == DEFINED else "",
            "label": self._label.get(),
            "alert_every": f"{self._every.text} {repeat}" if self._often.chosen == EVERY else "",
            "alert_after": (after or "0") if self._after.chosen == AFTER else "",
            "max_alerts": (self._most.get().strip() or "0")
            if self._limit.chosen == LIMITED
            else "",
            "up_alert_after": self._up.text,
            "no_comp_alerts": self._no_comp.get(),
        }
        return PeriodTexts(fields, self._alerts.texts)

    def _say_when(self) -> None:
        """Say whether the period is in force now."""
        way = self._when.chosen
        text = self._days.text if way == DAYS else self._string.get()
        if way == DEFINED:
            text = self._offers.periods.get(self._defined.get(), "")
        self._lines.hint("when", now_says(text, datetime.now()))  # noqa: DTZ005 - the wall clock

    def show(self, field: str, report: Report) -> None:
        """Say what is wrong with a field, such as when or alert.2.program."""
        row = re.match(r"alert\.([0-9]+)\.", field)
        if row is not None:
            place = self._alerts.places[int(row[1]) - 1]
            report = replace(report, text=f"Row {place}: {report.text}")
        keys = {"defined": "when", "": "label", "no_comp_alerts": "up_alert_after"}
        self._lines.show("alerts" if row else keys.get(field, field), report)

    def clear(self) -> None:
        """Take away what was wrong."""
        self._lines.clear()

    def go_to(self, field: str) -> None:
        """Give the keyboard to a field that is wrong."""
        self._lines.go_to("alerts" if field.startswith("alert.") else field)
