"""The widgets of the MAC panel, as the original placed them: list, tree, and the buttons below."""

import tkinter as tk
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from tkinter import ttk

from backend.actions.macs import Situation
from backend.reports import Report
from panels import collect_macs_text as text
from panels.context import PanelContext
from panels.widgets.buttons import button
from panels.widgets.mac_drag import Drag
from panels.widgets.mac_list import Describe, MacList
from panels.widgets.names import name, slug
from panels.widgets.table import Column, Table
from panels.widgets.tooltips import tip

USUAL = 60  # characters of a line
MANY = 8  # machines; from then on compute nodes are folded
CLIENTS = (Column("client", "", 30),)
TIPS: Mapping[str, str] = {
    "collect": "Listen for machines that ask for an address, or stop it.",
    "remove": "Forget this address until it is heard again.",
    "remove-all": "Forget every address in the left column until it is heard again.",
    "assign-all": "Give the oldest addresses to the standbys that have none, top-down. Cards of "
    "compute nodes are left out.",
    "assign": "Give the chosen address to the chosen standby.",
    "delete": "Take the address from the standby, and return it to the left column.",
    "configure-dhcp": "Let the DHCP server answer the standbys as they are now.",
    "import": "Read MAC addresses and their machines from a file of OSCAR 1.1 to 5, or CSV.",
    "export": "Write the addresses and their machines to a file.",
    "floppy": "A floppy, a USB stick or a CD for machines that cannot boot from the network.",
    "network-boot": "Serve the installer to machines that boot from the network.",
}
DYNAMIC_TIP = (
    "The DHCP server learns of an assignment at once, and the machine may be installed in the boot "
    "in which it was heard."
)


@dataclass(frozen=True, slots=True)
class Owner:
    """What the widgets ask of the panel."""

    commands: Mapping[str, Callable[[], object]]  # by the button's name
    describe: Describe
    chosen: Callable[[], object]  # something else was chosen
    give: Callable[[str, str], object]  # a card was dropped on a machine
    why_not: Callable[[str], str]  # a machine is given no card


class View:
    """Makes the widgets and shows what it is told; decides nothing."""

    def __init__(self, parent: ttk.Frame, context: PanelContext, owner: Owner) -> None:
        self._context, self._owner, self._theme = context, owner, context.theme
        self._parent = parent
        self._why: dict[str, str] = {}
        self.buttons: dict[str, ttk.Button] = {}
        self._dynamic = tk.BooleanVar(parent, value=True)
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(2, weight=1)
        half = self._theme.half
        self._label(text.INTRO, "Muted").grid(row=0, sticky="ew")
        self._status = self._label("", "Accent")
        self._status.grid(row=1, sticky="ew", pady=half)
        self._lists().grid(row=2, sticky="nsew")
        self._others = self._label("", "Warning")
        self._nine().grid(row=4, sticky="ew", pady=half)
        self._label(text.BOOT, "Muted").grid(row=5, sticky="ew")
        self._last_row().grid(row=6, sticky="ew", pady=(half, 0))
        for widget, unique in (
            (self._status, "status"), (self._hint, "hint"), (self._others, "other-servers"),
            (self.list, "list"), (self.tree, "clients"), (self._count, "count"),
        ):  # fmt: skip
            name(widget, f"collect-macs.{unique}")

    # Making

    def _lists(self) -> ttk.Frame:
        frame = ttk.Frame(self._parent)
        for column, weight in enumerate((9, 10)):
            frame.columnconfigure(column, weight=weight, uniform="half")
        frame.rowconfigure(1, weight=1)
        half = self._theme.half
        self._count = ttk.Label(frame)
        self._count.grid(row=0, column=0, sticky="w")
        self.list = MacList(
            frame, self._context, self._owner.describe, on_select=lambda _key: self._owner.chosen()
        )
        self.list.grid(row=1, column=0, sticky="nsew")
        self.tree = Table(
            frame, self._context, CLIENTS, tree=True,
            on_select=lambda _key: self._owner.chosen(),
        )  # fmt: skip
        self.tree.grid(row=0, column=1, rowspan=2, sticky="nsew", padx=(half, 0))
        below = ttk.Frame(frame)
        below.grid(row=2, column=0, columnspan=2, sticky="ew", pady=(half, 0))
        below.columnconfigure(2, weight=1)
        for column, label in enumerate(("Remove", "Remove All")):
            made = self._button(below, slug(label), label)
            made.grid(row=0, column=column, padx=(0, self._theme.quarter), sticky="n")
        # Beside the buttons and as high as two lines, so that nothing moves when it says more.
        below.rowconfigure(0, minsize=2 * self._theme.line + self._theme.quarter)
        self._hint = self._label("", "Muted", below)
        self._hint.grid(row=0, column=2, sticky="new", padx=(self._theme.quarter, 0))
        Drag(
            self.list, self.tree, self._theme.half, self._offer, self._drop,
            self._owner.chosen,
        )  # fmt: skip
        return frame

    def _nine(self) -> ttk.Frame:
        """Return the three rows of three."""
        frame = self._grid()
        self._dynamic_check = ttk.Checkbutton(
            frame, text="Dynamic DHCP update", variable=self._dynamic
        )
        tip(self._dynamic_check, DYNAMIC_TIP)
        name(self._dynamic_check, "collect-macs.dynamic")
        self._format = ttk.Combobox(
            frame, values=list(text.FORMATS), state="readonly", font="HaoscarBody", width=12
        )
        self._format.current(0)
        tip(self._format, "The format in which MAC addresses are exported.")
        name(self._format, "collect-macs.format")
        cells: tuple[ttk.Widget, ...] = (
            self._button(frame, "collect", text.COLLECT),
            self._button(frame, "assign-all", "Assign all MACs"),
            self._button(frame, "assign", "Assign MAC to Node", main=True),
            self._button(frame, "delete", "Delete MAC from Node"),
            self._dynamic_check,
            self._button(frame, "configure-dhcp", "Configure DHCP Server"),
            self._button(frame, "import", "Import MACs from file..."),
            self._button(frame, "export", "Export MACs to file..."),
            self._format,
        )
        return self._fill(frame, cells)

    def _last_row(self) -> ttk.Frame:
        frame = self._grid()
        cells = (
            self._button(frame, "floppy", "Build Autoinstall Floppy..."),
            self._button(frame, "network-boot", "Setup Network Boot"),
            self._button(frame, "close", "Close"),
        )
        return self._fill(frame, cells)

    def _grid(self) -> ttk.Frame:
        frame = ttk.Frame(self._parent)
        for column in range(3):
            frame.columnconfigure(column, weight=1)
        return frame

    def _fill(self, frame: ttk.Frame, cells: Iterable[ttk.Widget]) -> ttk.Frame:
        gap = self._theme.quarter
        for number, cell in enumerate(cells):
            row, column = divmod(number, 3)
            left = gap if column else 0
            cell.grid(row=row, column=column, sticky="ew", padx=(left, 0), pady=(0, gap))
        return frame

    def _button(
        self, parent: tk.Misc, unique: str, label: str, *, main: bool = False
    ) -> ttk.Button:
        made = button(
            parent, label, self._owner.commands[unique], main=main,
            tip=lambda: self._why.get(unique) or TIPS.get(unique, ""),
        )  # fmt: skip
        name(made, f"collect-macs.{unique}")
        self.buttons[unique] = made
        return made

    def _label(self, words: str, style: str, parent: tk.Misc | None = None) -> ttk.Label:
        """Return a text that is wrapped at its width; before it has one, at a usual one."""
        usual = self._theme.chars(USUAL)
        made = ttk.Label(
            parent or self._parent, text=words, style=f"{style}.TLabel", justify="left",
            wraplength=usual,
        )  # fmt: skip

        def wrap(event: "tk.Event[ttk.Label]") -> None:
            made.configure(wraplength=event.width if event.width > usual // 3 else usual)

        made.bind("<Configure>", wrap)
        return made

    # What the panel asks

    def mac(self) -> str | None:
        """Return the chosen card."""
        return self.list.selected()

    def client(self) -> str:
        """Return the machine whose row, or whose leaf, is chosen; "" without one."""
        return text.client_of(self.tree.selected())

    @property
    def dynamic(self) -> bool:
        """Dynamic DHCP update."""
        return bool(self._dynamic.get())

    @property
    def format(self) -> str | None:
        """The format of an export, None for OSCAR 5 or what the file's name says."""
        return text.FORMATS[self._format.get()]

    def after(self, milliseconds: int, call: Callable[[], object]) -> None:
        """Call something later, in the window's thread."""
        self._parent.after(milliseconds, call)

    # What the panel shows

    def show_situation(self, situation: Situation) -> None:
        """Show the tree, and choose the first standby without a card when nothing is chosen."""
        new = set(map(str, (one.name for one in situation.clients))) - set(self.tree.keys())
        rows, tags, parents = text.tree_rows(situation.clients)
        self.tree.rows(rows, tags, parents)
        if len(situation.clients) > MANY:
            for one in situation.clients:
                if not one.standby and str(one.name) in new:
                    self.tree.fold(str(one.name), is_open=False)
        waiting = [one for one in situation.clients if one.standby and one.mac is None]
        if waiting and self.client() == "":
            self.tree.select(str(waiting[0].name))

    def show_machines(self, keys: Sequence[str]) -> None:
        """Show these cards."""
        self.list.show(keys)
        self._count.configure(text=f"Heard: {len(keys)}")

    def show_status(self, interface: str, doing: text.Doing) -> None:
        """Show whether it is listened, and what the button does now."""
        words, style = text.status_text(interface, doing), "TLabel"
        if doing.hears:
            style = "Accent.TLabel"
        self._status.configure(text=f"{'▶' if doing.hears else '■'} {words}", style=style)
        self.buttons["collect"].configure(text=text.toggle_label(doing))

    def show_servers(self, reports: Iterable[Report]) -> None:
        """Name the other DHCP servers."""
        words = "\n".join(f"▲ {one}" for one in reports)
        self._others.configure(text=words)
        if words:
            self._others.grid(row=3, sticky="ew", pady=(self._theme.half, 0))
        else:
            self._others.grid_remove()

    def switch(self, why: Mapping[str, str]) -> None:
        """Switch buttons off for which there is a reason, and the others on."""
        self._why = dict(why)
        for unique, made in self.buttons.items():
            made.state(["disabled" if why.get(unique) else "!disabled"])

    def hint(self, words: str) -> None:
        """Say something below the lists."""
        self._hint.configure(text=words)

    # Carrying a card to a machine

    def _offer(self, mac: str, row: str | None) -> str | None:
        client = text.client_of(row)
        if not client:
            self.hint(f"{mac}: let it go on a standby.")
            return None
        why = self._owner.why_not(client)
        self.hint(why or f"{mac} becomes {client} when you let it go.")
        return None if why else client

    def _drop(self, mac: str, row: str | None) -> None:
        client = text.client_of(row)
        if client:
            self._owner.give(mac, client)
