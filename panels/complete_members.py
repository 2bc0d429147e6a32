"""Who takes part: both heads, and the compute nodes among which the witnesses are chosen."""

import tkinter as tk
from collections.abc import Collection, Iterable
from tkinter import ttk

from backend.actions.complete import Machine, Outlook
from backend.actions.witnesses import WitnessChoice
from backend.model.agent import WithoutWitness
from backend.model.names import HostName
from panels.complete_texts import MOST_WITNESSES, NO_WITNESS
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import button
from panels.widgets.table import Column, Table

COLUMNS = (
    Column("machine", "Machine", 16),
    Column("part", "Part", 17),
    Column("address", "Address", 15, mono=True),
    Column("state", "State", 28),
)
WITHOUT = {
    "wait for a person": WithoutWitness.HOLD,
    "serve, at the risk of two active heads": WithoutWitness.RISK,
}


class Members(ttk.Frame):
    """A table with a choice; what a person has chosen stays when it is filled anew."""

    def __init__(self, parent: tk.Misc, context: PanelContext, panel: str) -> None:
        super().__init__(parent)
        theme = context.theme
        self._gap = theme.half
        self._outlook = Outlook()
        self._chosen: set[str] | None = None  # None: as proposed
        self.columnconfigure(1, weight=1)
        self.rowconfigure(0, weight=1)
        self._table = Table(
            self, context, COLUMNS, on_select=self._selected, on_open=self.toggle, height=6
        )
        self._table.grid(columnspan=3, sticky="nsew")
        self._switch = button(
            self, "No witness", self._toggle_selected,
            tip="Whether the chosen compute node votes; a double click or Enter in the list does the same.",
        )  # fmt: skip
        self._switch.grid(row=1, column=0, sticky="nw", pady=(theme.quarter, 0))
        self._sentence = ttk.Label(self, justify="left")
        self._sentence.grid(
            row=1, column=1, columnspan=2, sticky="ew", padx=theme.half, pady=(theme.quarter, 0)
        )
        self._without_label = ttk.Label(self, text="A standby that hears nothing shall")
        self._without = ttk.Combobox(
            self, values=tuple(WITHOUT), state="readonly", width=36, font="HaoscarBody"
        )
        self._without.set(next(iter(WITHOUT)))
        self._without_label.grid(row=2, column=0, columnspan=2, sticky="w", pady=(theme.quarter, 0))
        self._without.grid(row=2, column=2, sticky="e", pady=(theme.quarter, 0))
        for key, widget in (
            ("members", self._table), ("witness", self._switch), ("votes", self._sentence),
            ("without", self._without),
        ):  # fmt: skip
            names.name(widget, f"{panel}.{key}")
        self.bind("<Configure>", self._wrap)
        self._selected(None)
        self._say()

    def show(self, outlook: Outlook) -> None:
        """Fill the table."""
        self._outlook = outlook
        self._draw()

    def reset(self) -> None:
        """Go back to the proposal."""
        self._chosen = None
        self._draw()

    @property
    def witnesses(self) -> tuple[str, ...]:
        """The nodes that vote, in the order of the table; those that have gone are forgotten."""
        chosen = self._outlook.witnesses if self._chosen is None else self._chosen
        return tuple(one.name for one in self._nodes() if one.name in chosen)

    @property
    def choice(self) -> WitnessChoice:
        """The same, as it is written into the site file."""
        wanted = tuple(HostName.parse(one) for one in self.witnesses)
        return WitnessChoice(wanted, WITHOUT[self._without.get()])

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The members that there will be."""
        voting = self.witnesses
        return tuple(one for one in self._outlook.machines if one.head or one.name in voting)

    def toggle(self, key: str) -> None:
        """Let a node vote, or not any more; heads always do."""
        if key not in [one.name for one in self._nodes()]:
            return
        chosen = set(self.witnesses) ^ {key}
        if len(chosen) > MOST_WITNESSES:
            self._sentence.configure(
                text=f"✖ {MOST_WITNESSES} witnesses are the most.", style="Error.TLabel"
            )
            return
        self._chosen = chosen
        self._draw()

    def _nodes(self) -> Iterable[Machine]:
        return (one for one in self._outlook.machines if not one.head)

    def _toggle_selected(self) -> None:
        key = self._table.selected()
        if key is not None:
            self.toggle(key)

    def _selected(self, key: str | None) -> None:
        nodes = [one.name for one in self._nodes()]
        self._switch.state(["!disabled" if key in nodes else "disabled"])
        self._switch.configure(text="No witness" if key in self.witnesses else "Witness")

    def _draw(self) -> None:
        voting = self.witnesses
        machines = self._outlook.machines
        self._table.rows(
            {one.name: cells(one, voting) for one in machines},
            {one.name: tag(one, voting) for one in machines},
        )
        self._selected(self._table.selected())
        self._say()

    def _say(self) -> None:
        count = len(self.witnesses)
        known = bool(self._outlook.machines)
        self._sentence.configure(
            text=votes(count) if known else "",
            style="TLabel" if count % 2 else "Warning.TLabel",
        )
        for one in (self._without, self._without_label):
            if known and not count:
                one.grid()
            else:
                one.grid_remove()

    def _wrap(self, event: "tk.Event[tk.Misc]") -> None:
        room = event.width - self._switch.winfo_reqwidth() - 2 * self._gap
        self._sentence.configure(wraplength=max(1, room))


def cells(machine: Machine, voting: Collection[str]) -> tuple[str, ...]:
    """Return a machine's row. Pure."""
    part = "head" if machine.head else "☐ compute node"
    if not machine.head and machine.name in voting:
        part = "☑ witness"
    return machine.name, part, machine.address, state(machine)


def state(machine: Machine) -> str:
    """Return how a machine is, in words. Pure."""
    where = "this machine" if machine.here else "answers" if machine.answers else ""
    if not where:
        return "▲ does not answer" + (", has the agent" if machine.agent else "")
    return f"✔ {where}, has the agent" if machine.agent else f"● {where}"


def tag(machine: Machine, voting: Collection[str]) -> str:
    """Return the colour of a machine's row; the signs say the same. Pure."""
    if not machine.head and machine.name not in voting:
        return "muted"
    return "" if machine.answers else "warning"


def votes(witnesses: int) -> str:
    """Return what this number of witnesses is worth. Pure."""
    if not witnesses:
        return f"▲ {NO_WITNESS}"
    voters = 2 + witnesses
    may_fail = voters - (voters // 2 + 1)
    count = f"Two heads and {witnesses} witness{'' if witnesses == 1 else 'es'} vote"
    losses = "any one of them" if may_fail == 1 else f"any {may_fail} of them"
    text = f"{count}: {losses} may fail."
    if voters % 2 == 0:
        return f"▲ {text} With one witness less it is the same."
    return text
