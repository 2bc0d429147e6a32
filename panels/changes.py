"""Everything that HA-OSCAR changed on this machine, each with its Undo."""

from tkinter import ttk

from backend.actions.undo import UndoChange, changes_made
from backend.change.records import ChangeRecord
from backend.change.summary import done_sentence, undo_sentences
from panels.base import Panel
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import ButtonRow
from panels.widgets.table import Column, Table
from panels.widgets.text import ReadText

COLUMNS = (
    Column("when", "When (UTC)", 17),
    Column("state", "State", 12),
    Column("what", "What", 40),
)
SIGNS = {"done": "✔ in force", "rolled-back": "↶ taken back", "undone": "↶ undone"}


class ChangesPanel(Panel):
    """Lists the journal, newest first; the chosen change is undone after it was shown how."""

    name = "changes"
    title = "Changes made on this head"
    help = (
        "Every change goes through a journal that keeps what was there before. Undo gives each file the "
        "content, mode and owner that it had, and removes packages that were installed by the change. A "
        "change that a newer one builds on cannot be undone before that one.\n\n"
        "Everything at once: haoscar uninstall"
    )

    def __init__(self, context: PanelContext) -> None:
        super().__init__(context)
        self._records: dict[str, ChangeRecord] = {}

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        theme = self.context.theme
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(0, weight=3)
        parent.rowconfigure(1, weight=2)
        self._table = Table(parent, self.context, COLUMNS, on_select=self._chosen, height=10)
        self._table.grid(sticky="nsew")
        self._detail = ReadText(parent, height=8)
        self._detail.grid(sticky="nsew", pady=theme.half)
        row = ButtonRow(parent)
        row.grid(sticky="ew")
        self._undo = row.add("Undo...", self.main_action, main=True, right=True,
                             tip="Show what undoing the chosen change does")  # fmt: skip
        close = row.add("Close", self.context.close, right=True)
        for part, widget in (("list", self._table), ("detail", self._detail.text),
                             ("undo", self._undo), ("close", close)):  # fmt: skip
            names.name(widget, f"{self.name}.{part}")

    def activate(self) -> None:
        """Read the journal anew."""
        wiring = self.context.wiring
        self.context.look(lambda _context: changes_made(wiring), self._show)

    def main_action(self) -> None:
        """Undo the chosen change, after it has been shown what that does."""
        record = self._records.get(self._table.selected() or "")
        if record is not None and record.undoable:
            self.context.carry_out(
                UndoChange(self.context.wiring, record.id), lambda _record, _outcome: self._undone()
            )

    def _undone(self) -> None:
        self.context.changed()
        self.activate()

    def _show(self, records: tuple[ChangeRecord, ...]) -> None:
        self._records = {one.id: one for one in reversed(records)}
        self._table.rows(
            {
                one.id: (
                    one.began.replace("T", " ")[:16],
                    SIGNS.get(one.state, one.state),
                    one.title,
                )
                for one in self._records.values()
            },
            {one.id: "" if one.undoable else "muted" for one in self._records.values()},
        )
        if self._table.selected() is None:
            first = next((one.id for one in self._records.values() if one.undoable), None)
            self._table.select(first)
        self._chosen(self._table.selected())

    def _chosen(self, key: str | None) -> None:
        record = self._records.get(key or "")
        self._undo.state(["!disabled" if record is not None and record.undoable else "disabled"])
        if record is None:
            none = "HA-OSCAR has changed nothing on this machine." if not self._records else ""
            self._detail.set(none)
            return
        pieces = [(f"{record.title}\n", "bold")]
        pieces += [(f"{record.sentence}\n", "muted")] if record.sentence else []
        pieces += [(f"{done_sentence(step)}\n", "") for step in record.steps]
        if record.undoable:
            pieces.append(("\nUndo will:\n", "bold"))
            pieces += [(f"{sentence}\n", "") for sentence in undo_sentences(record)]
        self._detail.set("")
        self._detail.append(pieces)
        self._detail.see("1.0")
