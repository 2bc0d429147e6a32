"""Lines of an editor: a label, any widget, a Help button, and beneath them what is wrong.

For what a Form cannot hold: a number with its unit, one of several ways to say something.
"""

import tkinter as tk
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from tkinter import ttk

from backend.reports import Report, Severity
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import button
from panels.widgets.theme import Theme
from panels.widgets.tooltips import tip

SIGNS = {Severity.ERROR: ("✖ ", "Error.TLabel"), Severity.WARNING: ("▲ ", "Warning.TLabel")}


@dataclass(slots=True)
class _Line:
    widget: tk.Misc
    below: ttk.Label
    hint: str
    wrong: bool = False


class Lines(ttk.Frame):
    """Widgets with labels, one below the other, each with a key."""

    def __init__(self, parent: tk.Misc, context: PanelContext) -> None:
        super().__init__(parent)
        self._context, self._theme = context, context.theme
        self._lines: dict[str, _Line] = {}
        self.columnconfigure(1, weight=1, minsize=self._theme.chars(18))
        self.bind("<Configure>", lambda event: self._wrap(event.width))

    def add(
        self, key: str, label: str, make: Callable[["Lines"], ttk.Widget], help_text: str = "",
        *, unique: str = "", wide: bool = False,
    ) -> None:  # fmt: skip
        """Add a line; a ``wide`` one has its label above it.

        ``unique`` names its parts for tests, with the panel's name before it.
        """
        theme, row = self._theme, 3 * len(self._lines)
        prefix = f"{names.prefix(self)}.{unique or key}"
        text = ttk.Label(self, text=label, wraplength=theme.chars(26), justify="left")
        text.grid(row=row, column=0, sticky="nw", padx=(0, theme.half), pady=(theme.hair, 0))
        widget = make(self)
        first, span = (0, 3) if wide else (1, 1)
        widget.grid(row=row + wide, column=first, columnspan=span, sticky="ew", pady=(0, theme.quarter))  # fmt: skip
        if help_text:
            made = button(self, "Help", lambda: self._context.help(label, help_text))
            made.configure(style="Help.TButton")
            made.grid(row=row, column=2, sticky="ne", padx=(theme.half, 0))
            names.name(made, f"{prefix}.help")
            for one in (text, *_parts(widget)):
                tip(one, help_text)
        below = ttk.Label(self, style="Muted.TLabel")
        below.grid(row=row + 2, column=first, columnspan=3 - first, sticky="ew", pady=(0, theme.quarter))  # fmt: skip
        below.grid_remove()
        names.name(below, f"{prefix}.error")
        self._lines[key] = _Line(widget, below, "")

    def hint(self, key: str, text: str) -> None:
        """Say something beneath a line, where nothing is wrong with it."""
        line = self._lines[key]
        line.hint = text
        if not line.wrong:
            _say(line.below, text, "Muted.TLabel")

    def show(self, key: str, report: Report) -> bool:
        """Say what is wrong with a line, the first thing only; False when there is no such line."""
        line = self._lines.get(key)
        if line is None:
            return False
        if not line.wrong:
            sign, style = SIGNS.get(report.severity, ("", "Muted.TLabel"))
            _say(line.below, f"{sign}{report.text} {report.remedy}".strip(), style)
            line.wrong = report.severity is Severity.ERROR
        return True

    def clear(self) -> None:
        """Take away what was wrong."""
        for line in self._lines.values():
            line.wrong = False
            _say(line.below, line.hint, "Muted.TLabel")

    def go_to(self, key: str) -> None:
        """Give the keyboard to the first part of a line that takes it."""
        widget = self._lines[key].widget if key in self._lines else self
        self.update_idletasks()  # what has just been unfolded takes no keys before it is there
        following = widget if _takes_keys(widget) else widget.tk_focusNext()
        if following is not None:
            following.focus_set()

    def _wrap(self, width: int) -> None:
        box = self.grid_bbox(0, 0)
        start = box[2] if box else 0
        room = max(self._theme.chars(20), width - start - self._theme.half)
        for line in self._lines.values():
            line.below.configure(wraplength=room)


def _parts(widget: tk.Misc) -> Iterator[tk.Misc]:
    """Yield what a person uses in a widget: it, or those that it is made of."""
    if isinstance(widget, ttk.Entry | ttk.Checkbutton | ttk.Radiobutton):
        yield widget
    for child in widget.winfo_children():
        yield from _parts(child)


def _say(label: ttk.Label, text: str, style: str) -> None:
    """Show a text beneath a line; nothing takes no room."""
    label.configure(text=text, style=style)
    if text:
        label.grid()
    else:
        label.grid_remove()


def _takes_keys(widget: tk.Misc) -> bool:
    return isinstance(widget, ttk.Entry) and widget.instate(["!disabled"])


def entry(parent: tk.Misc, width: int = 20, *, text: tk.StringVar | None = None) -> ttk.Entry:
    """Return an entry in the theme's font; ``width`` in characters."""
    made = ttk.Entry(parent, font="HaoscarBody", width=width)
    if text is not None:
        made.configure(textvariable=text)
    return made


def put(widget: ttk.Entry, text: str) -> None:
    """Replace what stands in an entry or a combobox, also in one that is switched off."""
    states = widget.state()
    widget.state(["!disabled", "!readonly"])
    widget.delete(0, "end")
    widget.insert(0, text)
    widget.state(states or ())


def choice(
    parent: tk.Misc, values: Iterable[str], width: int, *, free: bool = False
) -> ttk.Combobox:
    """Return a field with a list to choose from; ``free``: other texts may be typed, too."""
    made = ttk.Combobox(
        parent, values=tuple(values), width=width, font="HaoscarBody",
        state="normal" if free else "readonly",
    )  # fmt: skip
    made.bind("<<ComboboxSelected>>", lambda _event: made.selection_clear(), add="+")
    for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
        made.bind(wheel, _pass_on)  # scrolling the page must not change a value on the way
    theme = Theme.of(parent)
    theme.follow(made, lambda: _colour_list(made, theme))
    return made


def _colour_list(made: ttk.Combobox, theme: Theme) -> None:
    """Colour the list that drops down: a plain listbox, of which ttk knows nothing."""
    popdown = made.tk.call("ttk::combobox::PopdownWindow", str(made))
    made.tk.call(
        f"{popdown}.f.l", "configure", "-background", theme.surface, "-foreground", theme.text,
        "-selectbackground", theme.selection, "-selectforeground", theme.text,
    )  # fmt: skip


def _pass_on(event: "tk.Event[tk.Misc]") -> str:
    """Give the wheel to what the widget stands in."""
    parent = event.widget.master
    if parent is not None and event.num in (4, 5):
        parent.event_generate(f"<Button-{event.num}>", x=0, y=0)
    return "break"
