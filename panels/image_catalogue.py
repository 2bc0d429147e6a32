"""The images on this head, as a table with what can be done to them."""

import tkinter as tk
from collections.abc import Callable, Mapping
from datetime import datetime
from tkinter import ttk

from backend.actions import images
from backend.actions.images import (
    Catalogue,
    DeleteUnfinished,
    DeleteVersions,
    Entry,
    VerifyImage,
)
from backend.amounts import size
from backend.model.names import ImageName
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import ButtonRow
from panels.widgets.table import Column, Table

COLUMNS = (
    Column("name", "Image", 12),
    Column("version", "Version", 7),
    Column("size", "Size", 8),
    Column("date", "Fetched", 16),
    Column("client", "Golden client", 9),
)
UNFINISHED = "cut short"
DAMAGED = "damaged"
Row = tuple[str, ...]


class ImageCatalogue(ttk.Frame):
    """Every version, and what fetches left that were cut short; ``changed``: something was deleted."""

    def __init__(self, parent: tk.Misc, context: PanelContext, changed: Callable[[], None]) -> None:
        super().__init__(parent)
        self._context, self._images_changed = context, changed
        self._entries: dict[str, Entry] = {}
        self._unfinished: dict[str, ImageName] = {}
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        heading = ttk.Label(self, text="Images on this head", style="Bold.TLabel")
        heading.grid(sticky="w", pady=(0, context.theme.quarter))
        self._table = Table(self, context, COLUMNS, on_select=self._chosen, height=4)
        self._table.grid(sticky="nsew")
        self._detail = ttk.Label(self, style="Muted.TLabel", justify="left")
        self._detail.grid(sticky="w", pady=context.theme.quarter)
        self.bind(
            "<Configure>",
            lambda event: self._detail.configure(wraplength=event.width - context.theme.line),
        )
        row = ButtonRow(self)
        row.grid(sticky="ew")
        self._verify = row.add(
            "Verify", self._verify_it, tip="Read every file and compare it with the manifest."
        )
        self._delete = row.add("Delete", self._delete_it, tip="Shown first, as every change.")
        panel = names.prefix(self)
        for key, widget in (
            ("images", self._table), ("verify", self._verify), ("delete", self._delete),
            ("image", self._detail),
        ):  # fmt: skip
            names.name(widget, f"{panel}.{key}")
        self._chosen(None)

    def look(self) -> None:
        """Read the catalogue anew, in the background."""
        wiring = self._context.wiring
        self._context.look(lambda _context: images.look(wiring), self._show)

    def _show(self, found: Catalogue) -> None:
        self._entries = {str(one.version): one for one in found.entries}
        self._unfinished = {f"{name} {UNFINISHED}": name for name in found.unfinished}
        self._table.rows(*rows_of(found))
        self._chosen(self._table.selected())

    def _chosen(self, key: str | None) -> None:
        entry = self._entries.get(key or "")
        self._verify.state(["!disabled" if entry and entry.facts else "disabled"])
        self._delete.state(["!disabled" if entry or key in self._unfinished else "disabled"])
        if entry is not None:
            text = _about(entry)
        elif key in self._unfinished:
            text = "The next fetch of this image goes on there."
        elif self._entries or self._unfinished:
            text = "Choose an image to verify or delete it."
        else:
            text = "There is no image yet."
        self._detail.configure(text=text)

    def _verify_it(self) -> None:
        entry = self._entries.get(self._table.selected() or "")
        if entry is not None:
            self._context.carry_out(VerifyImage(self._context.wiring, entry.version))

    def _delete_it(self) -> None:
        wiring, key = self._context.wiring, self._table.selected() or ""
        if key in self._entries:
            versions = DeleteVersions(wiring, (self._entries[key].version,))
            self._context.carry_out(versions, lambda _gone, _outcome: self._images_changed())
        elif key in self._unfinished:
            rest = DeleteUnfinished(wiring, self._unfinished[key])
            self._context.carry_out(rest, lambda _gone, _outcome: self._images_changed())


def rows_of(found: Catalogue) -> tuple[Mapping[str, Row], Mapping[str, str]]:
    """Return the table's rows and tags: the newest version of each image first. Pure."""
    rows: dict[str, Row] = {}
    tags: dict[str, str] = {}
    for one in sorted(found.entries, key=lambda one: (one.version.name, -one.version.number)):
        key = str(one.version)
        rows[key] = _row(one)
        if one.facts is None:
            tags[key] = "error"
    for name in found.unfinished:
        key = f"{name} {UNFINISHED}"
        rows[key] = (name, UNFINISHED, "", "", "")
        tags[key] = "warning"
    return rows, tags


def _row(one: Entry) -> Row:
    version, facts = one.version, one.facts
    number = f"v{version.number}"
    if facts is None:
        return (version.name, number, "", f"✖ {DAMAGED}", "")
    return (version.name, number, size(facts.size), _day(facts.created), facts.client)


def _about(one: Entry) -> str:
    """Return what there is to say of a version that the table has no room for."""
    if one.facts is None:
        return " ".join(str(report) for report in one.reports)
    files = f"{one.facts.files:,} file" + ("" if one.facts.files == 1 else "s")
    return f"{one.facts.system}, {files}, in {one.version.directory}."


def _day(created: str) -> str:
    """Return a time of image.json (ISO 8601) in this machine's own time zone."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created
