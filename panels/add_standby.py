"""Step 3: the seven fields of a standby and its name, all proposed; and those defined already."""

from collections.abc import Iterable, Mapping
from functools import partial
from tkinter import ttk

from backend.actions.action import Outcome
from backend.actions.standby import AddStandby, Offer, RemoveStandby, offer
from backend.change.records import ChangeRecord
from backend.errors import HaoscarError, InvalidInput
from backend.model.requests import AddStandbyRequest
from backend.reports import Report
from backend.tasks import CancelToken
from panels.base import Panel
from panels.context import PanelContext
from panels.widgets.buttons import ButtonRow, button
from panels.widgets.form import Field, Form, Kind
from panels.widgets.names import name
from panels.widgets.table import Column, Table

LABELS = AddStandbyRequest.LABELS
KINDS: Mapping[str, Kind] = {
    "image": "choice", "primary_public_interface": "combo", "standby_public_interface": "combo",
}  # fmt: skip
HELP = {
    "name": "The host name of the standby. It is written into the site file and into /etc/hosts of this "
    "head. Letters, digits and hyphens; no underscore.",
    "image": "The image of a head node that the standby becomes a clone of: one that was fetched in step 2. "
    "Never take the image of a compute node.",
    "primary_public_interface": "The network interface of this head through which users reach it, such as eth1. "
    "It carries the public alias IP while this head is active. Empty when there is no public network.",
    "standby_public_interface": "The network interface that receives the public alias IP at failover. On the same "
    "hardware it has the same name as on the primary.",
    "public_alias": "The virtual entry address that users connect to. It is at the primary now and moves to the "
    "standby at failover, so nobody has to learn another one. Empty when there is no public network.",
    "local_ip": "The standby's own address on the private network. It must be free: it was looked for in the "
    "files of the cluster and asked for on the wire.",
    "netmask": "The mask of the private network. Leave it unchanged.",
    "gateway": "Where the standby sends what is not for its own network: normally this head's private address. "
    "Leave it unchanged.",
}
FIELDS = tuple(
    Field(key, label, KINDS.get(key, "entry"), help=HELP[key]) for key, label in LABELS.items()
)
COLUMNS = (
    Column("name", "Standby", 15),
    Column("image", "Image", 12),
    Column("local_ip", "Local IP", 15, mono=True),
    Column("public_alias", "Public Alias IP", 15, mono=True),
)  # every address fits where the window is smallest, and what is over goes to the last


class AddStandbyPanel(Panel):
    """Proposes a standby from what discovery finds; changes, renames and removes those that are defined."""

    name = "add-standby"
    title = "Add Standby server to a SIS Image"
    help = (
        "Here the standby is defined: what it is called, which image it is a clone of, and its addresses. "
        "Everything is proposed from what was found on this head and its networks; a proposed value is "
        "marked until you change it. Nothing happens to the machine itself yet.\n\n"
        "Select a standby in the list to change or remove it. Several can be defined, one after the other."
    )

    def __init__(self, context: PanelContext) -> None:
        super().__init__(context)
        self._standbys: Mapping[str, Mapping[str, str]] = {}
        self._editing = ""  # the defined standby whose values are in the form
        self._marked: set[str] = set()  # fields with a report of a check beneath them
        self._judged: Mapping[str, str] = {}  # the values that were last looked at
        self._looking = CancelToken()
        self._judging = CancelToken()

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        theme = self.context.theme
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(4, weight=1)
        self._heading = ttk.Label(parent, style="Bold.TLabel")
        self._found = ttk.Label(parent, style="Muted.TLabel", justify="left")
        self._found.grid(row=1, sticky="ew", pady=(0, theme.half))
        parent.bind(
            "<Configure>", lambda event: self._found.configure(wraplength=event.width), add="+"
        )
        self.form = Form(parent, self.context, FIELDS)
        self.form.grid(row=2, sticky="ew")
        self.form.on_leave(self._left)
        buttons = ButtonRow(parent)
        buttons.grid(row=3, sticky="ew", pady=(theme.quarter, 0))
        add = buttons.add(
            "AddStandby Server", self.main_action, main=True, right=True,
            tip="Check the fields and show what will change",
        )  # fmt: skip
        close = buttons.add("Close", self.context.close, right=True)
        for part, widget in (
            ("add", add), ("close", close), ("heading", self._heading), ("found", self._found),
        ):  # fmt: skip
            name(widget, f"{self.name}.{part}")
        self._list = self._make_list(parent)

    def _make_list(self, parent: ttk.Frame) -> ttk.Frame:
        """Make the list of the standbys that are defined; it is shown when there are any."""
        theme = self.context.theme
        made = ttk.Frame(parent)
        made.columnconfigure(0, weight=1)
        made.rowconfigure(2, weight=1)
        self._table = Table(
            made, self.context, COLUMNS, on_select=self._selected,
            on_open=lambda _key: self._edit(), height=3,
        )  # fmt: skip
        self._table.grid(row=0, column=0, rowspan=3, sticky="nsew")
        self._edit_button = button(
            made, "Edit", self._edit, tip="Put the selected standby into the fields, to change it"
        )
        self._remove_button = button(
            made, "Remove", self._remove, tip="Forget the selected standby; the machine is not touched"
        )  # fmt: skip
        for row, one in enumerate((self._edit_button, self._remove_button)):
            one.grid(row=row, column=1, sticky="ew", padx=(theme.half, 0))
        for part, widget in (
            ("standbys", self._table), ("edit", self._edit_button), ("remove", self._remove_button),
        ):  # fmt: skip
            name(widget, f"{self.name}.{part}")
        self._selected(None)
        return made

    def activate(self) -> None:
        """Look around anew, in the background; what a person has typed stays."""
        self._looking.cancel()
        work = partial(offer, self.context.wiring, self.context.interface)
        self._looking = self.context.look(work, self._offered, self._not_offered)

    def leave(self) -> None:
        """See Panel.leave."""
        self._looking.cancel()
        self._judging.cancel()

    def reset(self) -> None:
        """Propose a new standby again, whatever was typed."""
        self._begin_anew()
        self.activate()

    def main_action(self) -> None:
        """Check the form, and show what will change."""
        self._judging.cancel()
        try:
            request = AddStandbyRequest.parse(self.form.values())
        except InvalidInput as problem:
            self._refused(problem)
            return
        action = self._action(request)
        self.context.carry_out(action, self._added, self._refused, then="collect-macs")

    def _action(self, request: AddStandbyRequest) -> AddStandby:
        return AddStandby(self.context.wiring, request, self._editing, self.context.interface)

    def _added(self, _record: ChangeRecord, _outcome: Outcome) -> None:
        self._begin_anew()

    def _refused(self, problem: HaoscarError) -> None:
        found = {_field(one): one for one in reversed(problem.reports)}
        self.form.show(found[key] for key in LABELS if key in found)  # to the uppermost first
        self._marked = found.keys() & LABELS.keys()

    def _begin_anew(self) -> None:
        self._editing = ""
        self._marked = set()
        self._heading.grid_remove()
        self.form.reset()

    # What discovery finds

    def _offered(self, found: Offer) -> None:
        self._standbys = found.standbys
        self._table.rows(
            {
                key: tuple(values[column.key] for column in COLUMNS)
                for key, values in found.standbys.items()
            }
        )
        if found.standbys:
            self._list.grid(row=4, sticky="nsew", pady=(self.context.theme.half, 0))
        else:
            self._list.grid_remove()
        self.form.set_choices("image", found.images)
        for key in ("primary_public_interface", "standby_public_interface"):
            self.form.set_choices(key, found.interfaces)
        self._found.configure(text=" ".join(found.sides), style="Muted.TLabel")
        if not self._editing:
            self._propose(found)
        for report in found.reports:
            if _field(report) not in LABELS:
                self.context.say(report)

    def _propose(self, found: Offer) -> None:
        """Fill in what nobody has typed; an error stays as long as the value it is about."""
        touched, before = self.form.touched(), self.form.values()
        for key, value in found.proposal.values.items():
            if key in touched or (key in self._marked and value == before[key]):
                continue
            self._marked.discard(key)
            self.form.set(key, value, proposed=bool(value))
            self.form.show_at(key, (one for one in found.reports if _field(one) == key))
        self._judged = self.form.values()

    def _not_offered(self, problem: HaoscarError) -> None:
        texts = (f"{one.text} {one.remedy}".strip() for one in problem.reports)
        self._found.configure(text=" ".join(texts), style="Warning.TLabel")

    # Checking while somebody types

    def _left(self, key: str) -> None:
        """Check the field that was left; and all together, with the wire, when it is complete."""
        values = self.form.values()
        if values == self._judged:
            return
        try:
            request = AddStandbyRequest.parse(values)
        except InvalidInput as problem:
            mine = [one for one in problem.reports if _field(one) == key]
            if mine or key in self._marked:
                self._mark(mine, self._marked - {key})
            return
        self._judged = values
        self._judging.cancel()

        def judged(found: Iterable[Report]) -> None:
            if values == self.form.values():
                self._mark(found)

        self._judging = self.context.look(self._action(request).judge, judged)

    def _mark(self, reports: Iterable[Report], keep: Iterable[str] = ()) -> None:
        """Put reports under their fields, and take away what was there of an earlier check."""
        found: dict[str, list[Report]] = {}
        for report in reports:
            key = _field(report)
            if key in LABELS:
                found.setdefault(key, []).append(report)
        kept = set(keep)
        for gone in self._marked - kept - set(found):
            self.form.show_at(gone, ())
        for field, mine in found.items():
            self.form.show_at(field, mine)
        self._marked = kept | set(found)

    # The standbys that are defined

    def _selected(self, key: str | None) -> None:
        for one in (self._edit_button, self._remove_button):
            one.state(["disabled" if key is None else "!disabled"])

    def _edit(self) -> None:
        key = self._table.selected()
        if key is None or key not in self._standbys:
            return
        self._begin_anew()
        self._editing = key
        self._heading.configure(text=f"Change {key}")
        self._heading.grid(row=0, sticky="w")
        for field, value in self._standbys[key].items():
            self.form.set(field, value)
        self._judged = self.form.values()
        self.form.widget("name").focus_set()

    def _remove(self) -> None:
        key = self._table.selected()
        if key is None:
            return

        def removed(_record: ChangeRecord, _outcome: Outcome) -> None:
            if key == self._editing:
                self._begin_anew()
            self.activate()

        self.context.carry_out(RemoveStandby(self.context.wiring, key), removed)


def _field(report: Report) -> str:
    """Return the field that a report is about, "" for none."""
    return (report.place.field if report.place is not None else None) or ""
