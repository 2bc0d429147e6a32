"""What will change: a sentence, doubts, the changes by machine, and the difference of each file."""

import tkinter as tk
from collections.abc import Callable, Mapping
from typing import Any

from backend.actions.action import Group, Prepared
from backend.change.preview import Change, ChangeKind
from haoscar_gui.focus import give_focus
from haoscar_gui.views.view import View
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.table import Column, Table
from panels.widgets.text import ReadText

KINDS: Mapping[ChangeKind, tuple[str, str]] = {
    ChangeKind.NEW_FILE: ("+ new", "ok"),
    ChangeKind.CHANGED: ("± changed", "accent"),
    ChangeKind.REMOVED: ("- removed", "error"),
    ChangeKind.MODE: ("± mode", "accent"),
    ChangeKind.DIRECTORY: ("+ directory", "ok"),
    ChangeKind.CHECK: ("? check", ""),
    ChangeKind.UNIT: ("» service", "accent"),
    ChangeKind.PACKAGES: ("+ package", "ok"),
    ChangeKind.UNCHANGED: ("= as it is", "muted"),
}
SEEN = 5  # lines of the tree that there is always room for
DIFF_TAGS = {"+": "ok", "-": "error", "@": "accent"}


class ChangeView(View):
    """Confirm is the main button; nothing has happened yet."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, prepared: Prepared[Any],
        confirm: Callable[[], object], cancel: Callable[[], object],
    ) -> None:  # fmt: skip
        super().__init__(parent, prepared.title, "What will change")
        self._confirm, self._cancel = confirm, cancel
        if prepared.sentence:
            self.put(self.label(self, prepared.sentence))
        for report in prepared.reports:
            self.put(self.report_label(report), gap=self.theme.quarter)
        self._changes = dict(_numbered(prepared.groups))
        if self._changes:
            self._show_changes(context, prepared.groups)
        row = self.buttons()
        self._main = row.add("Confirm", confirm, main=True, right=True)
        away = row.add("Cancel", cancel, right=True)
        names.name(self._main, "view.confirm")
        names.name(away, "view.cancel")
        give_focus(self._main)

    def _show_changes(self, context: PanelContext, groups: tuple[Group, ...]) -> None:
        columns = (Column("what", "", 16), Column("change", "", 60))
        height = min(10, len(self._changes) + len(groups))
        self._table = Table(
            self, context, columns, tree=True, on_select=self._chosen, height=height
        )
        rows, tags, parents = _rows(groups)
        self._table.rows(rows, tags, parents)
        names.name(self._table, "view.changes")
        self.put(self._table, grows=True)
        self._detail = ReadText(self, mono=True, height=10)
        names.name(self._detail.text, "view.diff")
        self.put(self._detail, grows=True)
        seen = [key for key in list(rows)[:SEEN] if key in self._changes]
        first = next((key for key in seen if self._changes[key].diff), "")
        self._table.select(first or next(iter(self._changes)))  # it begins at the top all the same

    def _chosen(self, key: str | None) -> None:
        change = self._changes.get(key or "")
        self._detail.set("")
        if change is None:
            return
        pieces = [(f"{change.sentence}\n", "bold")]
        if change.why:
            pieces.append((f"{change.why}\n", "muted"))
        pieces += [(f"{line}\n", DIFF_TAGS.get(line[:1], "")) for line in change.diff]
        self._detail.append(pieces)
        self._detail.see("1.0")

    def main(self) -> None:
        """See View.main."""
        self._confirm()

    def close(self) -> None:
        """See View.close."""
        self._cancel()


def _numbered(groups: tuple[Group, ...]) -> list[tuple[str, Change]]:
    return [
        (f"{number}.{place}", change)
        for number, group in enumerate(groups)
        for place, change in enumerate(group.changes)
    ]


def _rows(
    groups: tuple[Group, ...],
) -> tuple[dict[str, tuple[str, ...]], dict[str, str], dict[str, str]]:
    """Return the rows of the tree, their colours, and which belongs below which. Pure."""
    rows: dict[str, tuple[str, ...]] = {}
    tags: dict[str, str] = {}
    parents: dict[str, str] = {}
    for number, group in enumerate(groups):
        rows[f"g{number}"] = (group.title,)
        tags[f"g{number}"] = "bold"
        for place, change in enumerate(group.changes):
            key = f"{number}.{place}"
            word, tag = KINDS[change.kind]
            rows[key] = (word, change.sentence)
            tags[key] = tag
            parents[key] = f"g{number}"
    return rows, tags, parents
