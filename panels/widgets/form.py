"""A form: fields one below the other, with hints and errors under the field they belong to."""

import tkinter as tk
from collections.abc import Callable, Iterable, Mapping, Sequence
from tkinter import ttk

from backend.model.secrets import Secret
from backend.reports import Report, Severity
from panels.context import PanelContext
from panels.widgets.field import Field, FieldRow, Kind

__all__ = ["Field", "Form", "Kind"]


class Form(ttk.Frame):
    """Label, entry, Help button; widgets are named ``<panel>.<key>``, ``<panel>.<key>.help``."""

    def __init__(self, parent: tk.Misc, context: PanelContext, fields: Sequence[Field]) -> None:
        super().__init__(parent)
        self._theme = context.theme
        self._leaving: list[Callable[[str], None]] = []
        self._changing: list[Callable[[str], None]] = []
        self.columnconfigure(1, weight=1, minsize=self._theme.chars(18))
        self._rows = {
            field.key: FieldRow(self, context, field, 2 * number, self._changed, self._left)
            for number, field in enumerate(fields)
        }
        self.bind("<Configure>", lambda event: self._wrap(event.width))

    def values(self) -> dict[str, str]:
        """Return what stands in the fields, without blanks around it; passwords are left out."""
        return {
            key: row.value for key, row in self._rows.items() if row.field.kind != "password"
        }  # fmt: skip

    def secret(self, key: str) -> Secret:
        """Return a password; raises KeyError."""
        return Secret(self._rows[key].value)

    def set(self, key: str, value: str, *, proposed: bool = False) -> None:
        """Put a value in; a proposal is marked, and leaves alone what a person has typed."""
        self._rows[key].set(value, proposed=proposed)

    def set_choices(self, key: str, values: Iterable[str]) -> None:
        """Change what a choice or combo offers; raises KeyError."""
        widget = self._rows[key].widget
        if isinstance(widget, ttk.Combobox):
            widget.configure(values=tuple(values))

    def enable(self, key: str, on: bool = True) -> None:
        """Switch a field on or off."""
        self._rows[key].enable(on)

    def widget(self, key: str) -> ttk.Widget:
        """Return the entry of a field, for the focus or a binding of its own."""
        return self._rows[key].widget

    def show(self, reports: Iterable[Report]) -> tuple[Report, ...]:
        """Put each report under the field its place names, and go to the first that is wrong.

        Returns those that belong to no field.
        """
        self.clear()
        rest: list[Report] = []
        first: FieldRow | None = None
        for report in reports:
            row = self._rows.get(report.place.field or "") if report.place is not None else None
            if row is None:
                rest.append(report)
                continue
            if not row.wrong:  # the first thing wrong with a field is the one to mend first
                row.problem(report)
            if first is None and report.severity is Severity.ERROR:
                first = row
        if first is not None:
            first.widget.focus_set()
        return tuple(rest)

    def show_at(self, key: str, reports: Iterable[Report]) -> None:
        """Show what one field's own check found, without moving the focus; nothing clears it."""
        found = sorted(reports, key=lambda one: one.severity is not Severity.ERROR)
        self._rows[key].problem(found[0] if found else None)

    def clear(self) -> None:
        """Take all errors away."""
        for row in self._rows.values():
            row.problem(None)

    def reset(self) -> None:
        """Put the defaults back, as if nobody had touched anything."""
        for row in self._rows.values():
            row.set(row.field.first)

    def on_leave(self, callback: Callable[[str], None]) -> None:
        """Call with the key whenever a field is left or its choice is made."""
        self._leaving.append(callback)

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Call with the key whenever a person changes a value."""
        self._changing.append(callback)

    def touched(self) -> dict[str, str]:
        """Return what a person has typed, to be kept when the window closes; never a password."""
        return {
            key: row.value
            for key, row in self._rows.items()
            if row.touched and row.field.kind != "password"
        }

    def restore(self, values: Mapping[str, str]) -> None:
        """Put back what ``touched`` returned in an earlier window; unknown keys are ignored."""
        for key, value in values.items():
            row = self._rows.get(key)
            if row is not None and row.field.kind != "password":
                row.set(value, touched=True)

    def _changed(self, key: str) -> None:
        for callback in self._changing:
            callback(key)

    def _left(self, key: str) -> None:
        for callback in self._leaving:
            callback(key)

    def _wrap(self, width: int) -> None:
        label = self.grid_bbox(0, 0)
        start = label[2] if label else 0
        for row in self._rows.values():
            row.wrap(max(self._theme.chars(20), width - start - self._theme.half))
