"""One field of a form: label, entry, Help button, and beneath them a hint or what is wrong."""

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from typing import Literal

from backend.reports import Report, Severity
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import button
from panels.widgets.theme import Theme
from panels.widgets.tooltips import tip

Kind = Literal["entry", "choice", "combo", "check", "password"]
YES, NO = "yes", "no"  # the values of a check
PROPOSED = "Proposed."


@dataclass(frozen=True, slots=True)
class Field:
    """What a field is; ``choice`` takes one of the choices, ``combo`` any text besides them.

    A ``check`` has the value "yes" or "no". A ``password`` is not among the form's values.
    """

    key: str
    label: str
    kind: Kind = "entry"
    choices: tuple[str, ...] = ()
    help: str = ""
    hint: str = ""
    default: str = ""

    @property
    def first(self) -> str:
        """What stands in it at first: a check is off unless something else is said."""
        return self.default or (NO if self.kind == "check" else "")


class FieldRow:
    """The widgets of a field, in a row (and a half) of the form's grid."""

    def __init__(
        self, parent: ttk.Frame, context: PanelContext, field: Field, row: int,
        changed: Callable[[str], None], left: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.field = field
        self.touched = False
        self.proposed = False
        self._theme: Theme = context.theme
        self._changed = changed
        self._left = left
        self._quiet = False
        self._problem: Report | None = None
        self.variable = tk.StringVar(parent, field.first)
        self.variable.trace_add("write", lambda *_: self._written())
        self._label = ttk.Label(parent, text="" if field.kind == "check" else field.label)
        self.widget = self._make(parent)
        self._line = ttk.Label(parent, style="Muted.TLabel")
        self._place(row)
        self._help(parent, context, row)
        panel = names.prefix(parent)
        names.name(self.widget, f"{panel}.{field.key}")
        names.name(self._line, f"{panel}.{field.key}.error")
        self._refresh()

    def _make(self, parent: ttk.Frame) -> ttk.Widget:
        field = self.field
        if field.kind == "check":
            widget: ttk.Widget = ttk.Checkbutton(
                parent, text=field.label, variable=self.variable, onvalue=YES, offvalue=NO,
                command=lambda: self._left(field.key),
            )  # fmt: skip
        elif field.kind in ("choice", "combo"):
            widget = self._combobox(parent)
        else:
            hidden = "•" if field.kind == "password" else ""
            widget = ttk.Entry(parent, textvariable=self.variable, show=hidden, font="HaoscarBody")
        if field.kind != "check":
            widget.bind("<FocusOut>", lambda _event: self._left(field.key), add="+")
        return widget

    def _combobox(self, parent: ttk.Frame) -> ttk.Combobox:
        made = ttk.Combobox(
            parent, textvariable=self.variable, values=self.field.choices, font="HaoscarBody",
            state="readonly" if self.field.kind == "choice" else "normal",
        )  # fmt: skip

        def chosen(_event: "tk.Event[tk.Misc]") -> None:
            made.selection_clear()
            self._left(self.field.key)

        made.bind("<<ComboboxSelected>>", chosen, add="+")
        for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
            made.bind(wheel, _pass_on)  # scrolling a page must not change a value on the way
        self._theme.follow(made, lambda: self._colour_list(made))
        return made

    def _colour_list(self, made: ttk.Combobox) -> None:
        """Colour the list that drops down: a plain listbox, of which ttk knows nothing."""
        popdown = made.tk.call("ttk::combobox::PopdownWindow", str(made))
        theme = self._theme
        made.tk.call(
            f"{popdown}.f.l", "configure", "-background", theme.surface, "-foreground", theme.text,
            "-selectbackground", theme.selection, "-selectforeground", theme.text,
        )  # fmt: skip

    def _place(self, row: int) -> None:
        theme = self._theme
        self._label.configure(wraplength=theme.chars(26), justify="left")
        self._label.grid(
            row=row, column=0, rowspan=2, sticky="nw", padx=(0, theme.half), pady=(theme.quarter, 0)
        )
        self.widget.grid(row=row, column=1, sticky="w" if self.field.kind == "check" else "ew")
        self._line.grid(row=row + 1, column=1, columnspan=2, sticky="ew", pady=(0, theme.quarter))

    def _help(self, parent: ttk.Frame, context: PanelContext, row: int) -> None:
        field = self.field
        if not field.help:
            return
        made = button(parent, "Help", lambda: context.help(field.label, field.help))
        made.configure(style="Help.TButton")
        made.grid(row=row, column=2, sticky="e", padx=(self._theme.half, 0))
        names.name(made, f"{names.prefix(parent)}.{field.key}.help")
        tip(self.widget, field.help)
        tip(self._label, field.help)

    @property
    def value(self) -> str:
        """What stands in the field, without blanks around it."""
        return self.variable.get() if self.field.kind == "password" else self.variable.get().strip()

    def set(self, value: str, *, proposed: bool = False, touched: bool = False) -> None:
        """Put a value in; a proposal leaves alone what a person has typed."""
        if proposed and self.touched:
            return
        self.proposed, self.touched = proposed, touched
        if self.variable.get() != value:
            self._quiet = True
            self.variable.set(value)
            self._quiet = False
        self._problem = None
        self._refresh()

    def problem(self, report: Report | None) -> None:
        """Show what is wrong with the value, until it is changed; None shows the hint again."""
        self._problem = report
        self._refresh()

    @property
    def wrong(self) -> bool:
        """Whether an error stands under the field."""
        return self._problem is not None and self._problem.severity is Severity.ERROR

    def enable(self, on: bool) -> None:
        """Switch the field on or off."""
        usual = "readonly" if self.field.kind == "choice" else "normal"
        self.widget.configure(state=usual if on else "disabled")  # type: ignore[call-arg]

    def wrap(self, pixels: int) -> None:
        """Let the line beneath be broken at this width."""
        self._line.configure(wraplength=pixels)

    def _written(self) -> None:
        if self._quiet:
            return
        self.touched, self.proposed = True, False
        if self._problem is not None or self._line.cget("text").startswith(PROPOSED):
            self._problem = None
            self._refresh()
        self._restyle()
        self._changed(self.field.key)

    def _refresh(self) -> None:
        if self._problem is not None:
            severity = self._problem.severity
            sign = {Severity.ERROR: "✖ ", Severity.WARNING: "▲ "}.get(severity, "")
            style = {Severity.ERROR: "Error", Severity.WARNING: "Warning"}.get(severity, "Muted")
            text = f"{sign}{self._problem.text} {self._problem.remedy}".strip()
        else:
            text = f"{PROPOSED if self.proposed else ''} {self.field.hint}".strip()
            style = "Muted"
        self._line.configure(text=text, style=f"{style}.TLabel")
        self._restyle()

    def _restyle(self) -> None:
        if self.field.kind == "check":
            return
        base = "TCombobox" if self.field.kind in ("choice", "combo") else "TEntry"
        wanted = f"Proposed.{base}" if self.proposed else base
        if str(self.widget.cget("style")) != wanted:
            self.widget.configure(style=wanted)  # type: ignore[call-arg]
        self.widget.state(["invalid" if self.wrong else "!invalid"])


def _pass_on(event: "tk.Event[tk.Misc]") -> str:
    """Give the wheel to what the widget stands in."""
    kind = "<MouseWheel>" if event.num not in (4, 5) else f"<Button-{event.num}>"
    parent = event.widget.master
    if parent is not None:
        parent.event_generate(kind, delta=event.delta, x=0, y=0)
    return "break"
