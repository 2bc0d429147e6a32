"""Self-healing in the service editor: what restarts a service, how often, and what follows."""

import tkinter as tk
from collections.abc import Callable, Mapping
from functools import partial
from tkinter import ttk

from backend.model.recovery import Escalation, Recovery, RecoveryKind
from backend.model.recovery_form import RECOVERY
from backend.model.watchlist_form import NO, YES
from backend.reports import Report
from panels.context import PanelContext
from panels.watch_texts import HEALING_HELP, HEALING_HINTS
from panels.widgets.buttons import button
from panels.widgets.either import Span, switch
from panels.widgets.lines import Lines, choice, entry, put
from panels.widgets.names import name, prefix

KINDS: Mapping[str, str] = {
    "": "It is not healed",
    RecoveryKind.UNIT: "A systemd unit",
    RecoveryKind.OCF: "An OCF resource agent",
    RecoveryKind.COMMAND: "A program",
    RecoveryKind.RESOURCE: "The failover agent, as its resource",
    RecoveryKind.NONE: "Nothing: what follows is all there is",
}
FOLLOWS: Mapping[str, str] = {
    Escalation.ALERT: "Only an alert",
    Escalation.TAKEOVER: "The other head takes over",
}
USUAL = Recovery(RecoveryKind.UNIT)  # the defaults of all kinds
SPANS = ("recovery_within", "recovery_verify", "recovery_limit")
KIND, ESCALATE, CRITICAL = "recovery_kind", "recovery_escalate", "recovery_critical"


class Healing(ttk.Frame):
    """A button that unfolds the lines; they unfold by themselves when they say something."""

    def __init__(self, parent: tk.Misc, context: PanelContext) -> None:
        super().__init__(parent)
        self._panel = prefix(parent)
        self.columnconfigure(0, weight=1)
        self._fold = button(self, "", self._toggle, tip=HEALING_HELP["fold"])
        self._fold.grid(sticky="w")
        name(self._fold, f"{self._panel}.service.healing")
        self._lines = Lines(self, context)
        self._lines.grid(sticky="ew", pady=(context.theme.quarter, 0))
        self._spans: dict[str, Span] = {}
        self._entries: dict[str, ttk.Entry] = {}
        self._widgets: dict[str, ttk.Widget] = {}
        self._critical = tk.StringVar(self, NO)
        makers: dict[str, Callable[[tk.Misc], ttk.Widget]] = {
            KIND: self._make_kind, ESCALATE: self._make_follows, CRITICAL: self._make_critical,
        }  # fmt: skip
        for one in RECOVERY:
            usual = self._make_span if one.key in SPANS else self._make_entry
            make = partial(self._make, one.key, makers.get(one.key, partial(usual, one.key)))
            label = "" if one.key == CRITICAL else one.label
            self._lines.add(
                one.key, label, make, HEALING_HELP[one.key], unique=f"service.{one.key}"
            )
        self._unfold(False)

    def _make(self, key: str, make: Callable[[tk.Misc], ttk.Widget], parent: tk.Misc) -> ttk.Widget:
        made = self._widgets[key] = make(parent)
        if key not in SPANS:
            name(made, f"{self._panel}.service.{key}")
        return made

    def _make_kind(self, parent: tk.Misc) -> ttk.Widget:
        self._kind = choice(parent, KINDS.values(), 34)
        self._kind.bind("<<ComboboxSelected>>", lambda _event: self._chose(), add="+")
        return self._kind

    def _make_follows(self, parent: tk.Misc) -> ttk.Widget:
        self._follows = choice(parent, FOLLOWS.values(), 34)
        return self._follows

    def _make_critical(self, parent: tk.Misc) -> ttk.Widget:
        label = next(one.label for one in RECOVERY if one.key == CRITICAL)
        return ttk.Checkbutton(
            parent, text=label, variable=self._critical, onvalue=YES, offvalue=NO
        )

    def _make_span(self, key: str, parent: tk.Misc) -> ttk.Widget:
        made = self._spans[key] = Span(parent, f"{self._panel}.service.{key}")
        return made

    def _make_entry(self, key: str, parent: tk.Misc) -> ttk.Widget:
        made = self._entries[key] = entry(parent)
        return made

    # Folding, and what is on

    def _unfold(self, shown: bool) -> None:
        self._fold.configure(text=f"{'▾' if shown else '▸'} Self-healing")
        if shown:
            self._lines.grid()
        else:
            self._lines.grid_remove()

    def _toggle(self) -> None:
        self._unfold(not self._lines.winfo_manager())

    @property
    def _chosen(self) -> str:
        return next(key for key, text in KINDS.items() if text == self._kind.get())

    def _chose(self) -> None:
        """Switch on what the kind has use for, and say how its options are written."""
        kind = self._chosen
        restarts = kind not in ("", RecoveryKind.NONE)
        for key, widget in self._widgets.items():
            if key not in (KIND, ESCALATE, CRITICAL, "recovery_failures"):
                switch(widget, on=restarts)
        switch(self._widgets["recovery_failures"], on=bool(kind))
        self._widgets[CRITICAL].state(["!disabled" if kind else "disabled"])
        self._follows.state(["!disabled", "readonly"] if kind else ["disabled"])
        self._lines.hint("recovery_options", HEALING_HINTS.get(kind, ""))

    # What stands in it

    def load(self, texts: Mapping[str, str]) -> None:
        """Show the healing of a service; where nothing is said, what is usual."""
        usual = {
            one.key: str(getattr(USUAL, one.key.removeprefix("recovery_"))) for one in RECOVERY
        }
        kind = texts[KIND]
        self._kind.set(KINDS[kind])
        for key, span in self._spans.items():
            span.set(texts[key] or usual[key])
        for key, widget in self._entries.items():
            put(widget, texts[key] or ("" if key == "recovery_options" else usual[key]))
        self._follows.set(FOLLOWS[texts[ESCALATE] or usual[ESCALATE]])
        self._critical.set(texts[CRITICAL] or NO)
        self._chose()
        self._unfold(bool(kind))

    @property
    def texts(self) -> dict[str, str]:
        """What stands in the lines; nothing where it is not healed."""
        kind = self._chosen
        if not kind:
            return {one.key: "" for one in RECOVERY}
        follows = next(key for key, text in FOLLOWS.items() if text == self._follows.get())
        found = {
            KIND: str(kind), ESCALATE: str(follows), CRITICAL: self._critical.get(),
            **{key: span.text for key, span in self._spans.items()},
            **{key: widget.get() for key, widget in self._entries.items()},
        }  # fmt: skip
        if kind == RecoveryKind.NONE:  # there is nothing to restart, whatever stands in these
            found |= dict.fromkeys((*self._spans, "recovery_options", "recovery_restarts"), "")
        return found

    def show(self, field: str, report: Report) -> bool:
        """Say what is wrong with a line; False when there is no such line."""
        shown = self._lines.show(field, report)
        if shown:
            self._unfold(True)
        return shown

    def go_to(self, field: str) -> None:
        """Give the keyboard to a line."""
        self._lines.go_to(field)

    def clear(self) -> None:
        """Take away what was wrong."""
        self._lines.clear()
