"""A drill: which fault, what it does, and how long everything took."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from backend.actions.drill import DrillRequest
from backend.actions.status_drill import LastDrill
from backend.drill.faults import Fault, what_happens
from panels.context import PanelContext
from panels.status_view import drill_verdict
from panels.widgets import names
from panels.widgets.buttons import button
from panels.widgets.timeline import Timeline

FAULTS = {
    "planned switchover": Fault.PLANNED,
    "agent killed": Fault.AGENT_KILLED,
    "agent frozen": Fault.AGENT_FROZEN,
    "power loss": Fault.POWER_LOSS,
}


class DrillBox(ttk.Frame):
    """The choice, the button, and the timeline of the last drill."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, panel: str, drill: Callable[[], object]
    ) -> None:
        super().__init__(parent)
        theme = context.theme
        self.columnconfigure(3, weight=1)
        ttk.Label(self, text="Drill", style="Bold.TLabel").grid(sticky="w", padx=(0, theme.half))
        self._fault = ttk.Combobox(
            self, values=tuple(FAULTS), state="readonly", width=20, font="HaoscarBody"
        )
        self._fault.set(next(iter(FAULTS)))
        self._fault.bind("<<ComboboxSelected>>", self._chosen)
        self._fault.grid(row=0, column=1)
        self._back = tk.BooleanVar(self, False)
        self._back_box = ttk.Checkbutton(self, text="and back again", variable=self._back)
        self._back_box.grid(row=0, column=2, padx=theme.half)
        self._button = button(
            self, "Drill", drill, tip="Make this fault on purpose and measure the outage."
        )
        self._button.grid(row=0, column=3, sticky="w")
        self._does = ttk.Label(self, style="Muted.TLabel", justify="left")
        self._does.grid(row=1, columnspan=4, sticky="ew", pady=(theme.quarter, 0))
        self._verdict = ttk.Label(self, justify="left")
        self._verdict.grid(row=2, columnspan=4, sticky="ew", pady=(theme.quarter, 0))
        self._timeline = Timeline(self, context)
        self._timeline.grid(row=3, columnspan=4, sticky="nsew", pady=(theme.quarter, 0))
        for key, widget in (
            ("fault", self._fault), ("back", self._back_box), ("drill", self._button),
            ("verdict", self._verdict), ("timeline", self._timeline),
        ):  # fmt: skip
            names.name(widget, f"{panel}.{key}")
        self._margin = theme.quarter  # of a label around its text, at any size
        self.bind("<Configure>", self._wrap)
        self._chosen()
        self.show(None)
        self.enable(False)

    @property
    def request(self) -> DrillRequest:
        """What is chosen."""
        fault = FAULTS[self._fault.get()]
        return DrillRequest(fault, back=self._back.get() and not fault.ends_machine)

    def show(self, drill: LastDrill | None) -> None:
        """Show a drill's verdict and timeline."""
        if drill is None:
            self._verdict.configure(text="")
            self._timeline.clear()
            return
        text, style = drill_verdict(drill)
        self._verdict.configure(text=text, style=style)
        self._timeline.show(drill.phases, drill.total_ms, drill.budget_ms)

    def enable(self, on: bool) -> None:
        """Let it be pressed, once there are agents."""
        self._button.state(["!disabled" if on else "disabled"])

    def focus_set(self) -> None:
        """Take the keyboard."""
        self._button.focus_set()

    def _chosen(self, _event: "tk.Event[tk.Misc] | None" = None) -> None:
        self._fault.selection_clear()
        fault = FAULTS[self._fault.get()]
        does, _risk = what_happens(fault, "the active head", "the standby")
        self._does.configure(text=f"{does[:1].upper()}{does[1:]}")
        self._back_box.state(["disabled" if fault.ends_machine else "!disabled"])

    def _wrap(self, event: "tk.Event[tk.Misc]") -> None:
        for one in (self._does, self._verdict):
            one.configure(wraplength=max(1, event.width - self._margin))
