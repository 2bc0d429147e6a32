"""Step 4: machines are heard when they are switched on, and their cards are given to standbys."""

import time
from collections.abc import Callable
from pathlib import Path
from tkinter import ttk
from typing import TypeVar

from backend.actions.action import Action, Outcome
from backend.actions.dhcp import ConfigureDhcp, Servers, named, other_servers
from backend.actions.macs import LiveList, Situation, look_at_situation
from backend.actions.macs_cards import AssignAll, AssignMac, DeleteMac
from backend.actions.macs_files import ImportMacs, export_live
from backend.actions.macs_install import Desk
from backend.actions.macs_prepare import prepare_ahead
from backend.errors import HaoscarError
from backend.model.addresses import Mac
from backend.reports import Report
from backend.tasks import CancelToken, TaskContext
from panels import collect_macs_text as text
from panels.base import Panel
from panels.collect_macs_ear import Ear
from panels.collect_macs_machines import Machines
from panels.collect_macs_view import Owner, View
from panels.widgets.mac_list import Entry

T = TypeVar("T")

BATCH = 120  # milliseconds in which what is heard is gathered before it is shown
SECOND = 1000  # milliseconds between two looks at "2 s ago"
NEXT = "network-boot"


class CollectMacsPanel(Panel):
    """Listens while it is in front; what is heard is drawn eight times a second at most."""

    name = "collect-macs"
    title = text.TITLE
    help = text.HELP

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        self._live = LiveList(self.context.wiring.paths)
        self._machines = Machines()
        self._ear = Ear(self.context, self._live, self._gather, self._not_heard)
        self._situation: Situation | None = None
        self._servers: Servers | None = None  # None: the wire was not asked
        self._ahead: tuple[CancelToken, ...] = ()  # what is done before it is asked for
        self._in_front = self._gathering = False
        owner = Owner(self._commands(), self._entry, self._chosen, self.give, self._why_not)
        self._view = View(parent, self.context, owner)
        self._redraw()
        self._tick()

    def activate(self) -> None:
        """See Panel.activate."""
        if not self._in_front:
            self._in_front = True
            self._ear.want(True)
        self._look()

    def leave(self) -> None:
        """See Panel.leave."""
        self._in_front = False
        self._ear.want(False)
        for one in self._ahead:
            one.cancel()
        self._ahead = ()

    def main_action(self) -> None:
        """Assign MAC to Node."""
        self.assign()

    def _commands(self) -> dict[str, Callable[[], object]]:
        return {
            "collect": self.toggle, "remove": self.remove, "remove-all": self.remove_all,
            "assign-all": self.assign_all, "assign": self.assign, "delete": self.delete,
            "configure-dhcp": self.configure_dhcp, "import": self.import_file,
            "export": self.export_file, "floppy": self.boot_environment,
            "network-boot": self.boot_environment, "close": self.context.close,
        }  # fmt: skip

    # What the buttons do

    def toggle(self) -> None:
        """Collect MAC Addresses, Stop Collecting MACs, Start Collecting MACs."""
        self._ear.want(not self._ear.doing.wanted)
        self._redraw()

    def remove(self) -> None:
        """Forget the chosen machine until it is heard again."""
        chosen = self._view.mac()
        if chosen is not None:
            self._forget((Mac(chosen),))

    def remove_all(self) -> None:
        """Forget every machine in the left column until it is heard again."""
        self._forget(tuple(Mac(one) for one in self._machines.free))

    def assign(self) -> None:
        """Give the chosen card to the chosen machine."""
        why = text.reasons(self._choice())["assign"]
        mac = self._view.mac()
        if why or mac is None:
            self._view.hint(why)
            return
        self.give(mac, self._view.client())

    def give(self, mac: str, client: str) -> None:
        """Give a card to a machine; a compute node's card only after its name was confirmed."""
        found = self._situation.client(client) if self._situation is not None else None
        shown = self._machines.get(mac)
        if found is None or shown is None:
            return
        why = text.why_not_give(found)
        if why:
            self._view.hint(why)
        elif shown.machine.node is not None:
            self._confirm_node(mac, client, str(shown.machine.node))
        else:
            self._give(mac, client, node_is_mine=False)

    def assign_all(self) -> None:
        """Give the oldest cards to the standbys without one."""
        then = self._next if self._machines.some_are_nobodys else ""
        self._carry_out(AssignAll(self._desk()), then=then)

    def delete(self) -> None:
        """Take the card from the chosen standby."""
        self._carry_out(DeleteMac(self._desk(), self._view.client()))

    def configure_dhcp(self) -> None:
        """Let the DHCP server answer the standbys."""
        self._carry_out(ConfigureDhcp(self.context.wiring, self._servers))

    def import_file(self) -> None:
        """Let a file be chosen, and take what it holds."""

        def chosen(path: Path) -> None:
            action = ImportMacs(self.context.wiring, self._live, path, self._view.dynamic)
            self._carry_out(action)

        self.context.choose_file("Import MACs from file", chosen)

    def export_file(self) -> None:
        """Let a file be chosen, and write the addresses with their machines."""
        form = self._view.format

        def chosen(path: Path) -> None:
            def write(_context: TaskContext) -> Report:
                return export_live(self.context.wiring, self._live, path, form)

            self.context.look(write, self._exported)

        suffix = ".csv" if form == "csv" else ""
        self.context.choose_file(
            "Export MACs to file", chosen, save=True, name=f"mac-addresses{suffix}"
        )

    def _exported(self, report: Report) -> None:
        self.context.say(report)
        self._view.hint(str(report))

    def boot_environment(self) -> None:
        """Open what builds a floppy and sets up network boot."""
        self.context.show(NEXT)

    # Cards

    def _desk(self) -> Desk:
        return Desk(self.context.wiring, self._live, self._view.dynamic, self._servers)

    def _confirm_node(self, mac: str, client: str, node: str) -> None:
        question = text.node_question(mac, client, node)

        def answered(answer: str) -> None:
            if answer == question.overwrite:
                self._give(mac, client, node_is_mine=True)

        self.context.ask(
            question.text, (question.overwrite, text.CANCEL), answered, detail=question.detail
        )

    def _give(self, mac: str, client: str, *, node_is_mine: bool) -> None:
        self._carry_out(AssignMac(self._desk(), Mac(mac), client, node_is_mine), then=self._next)

    @property
    def _next(self) -> str:
        return NEXT if self._view.dynamic else ""

    def _carry_out(self, action: Action[T], *, then: str = "") -> None:
        def done(_result: T, _outcome: Outcome) -> None:
            self._look()

        self.context.carry_out(action, done, lambda _problem: self._look(), then=then)

    def _forget(self, macs: tuple[Mac, ...]) -> None:
        self.context.look(lambda _context: self._live.remove(macs), lambda _none: self._show())

    # What is read and heard

    def _look(self) -> None:
        """Read the site and the kept list anew."""

        def look(context: TaskContext) -> Situation:
            situation = look_at_situation(self.context.wiring, context)
            self._live.open(situation.site)
            return situation

        self.context.look(look, self._looked, self._not_looked)

    def _looked(self, situation: Situation) -> None:
        self._situation = situation
        self._ear.listen_on(situation.interface)
        self._view.show_situation(situation)
        self._show()
        if self._in_front and not self._ahead:
            self._look_ahead(situation)

    def _look_ahead(self, situation: Situation) -> None:
        """Do what an assignment would wait for, while its machine is still asking."""
        interface, wiring = situation.interface, self.context.wiring
        self._ahead = (
            self.context.look(
                lambda context: other_servers(interface, context), self._asked, self._not_asked
            ),
            self.context.look(lambda context: prepare_ahead(wiring, context), lambda _none: None),
        )

    def _not_looked(self, problem: HaoscarError) -> None:
        self._view.hint(str(problem.reports[0]))

    def _asked(self, servers: Servers) -> None:
        self._servers = servers
        if self._situation is not None:
            self._view.show_servers(named(servers, self._situation.interface))

    def _not_asked(self, _problem: HaoscarError) -> None:
        """Let the assignment ask again, and say what it finds."""
        self._servers = None

    def _gather(self) -> None:
        """Show what is new in a moment, together with what comes until then."""
        if not self._gathering:
            self._gathering = True
            self._view.after(BATCH, self._show)

    def _not_heard(self, problem: HaoscarError) -> None:
        self._view.hint(str(problem.reports[0]))

    # What is shown

    def _chosen(self) -> None:
        """Show what can be done with what is chosen now."""
        choice = self._choice()
        self._view.switch(text.reasons(choice))
        self._view.hint(text.hint(choice))

    def _why_not(self, client: str) -> str:
        """Return why a machine is given no card, "" when it can be."""
        found = self._situation.client(client) if self._situation is not None else None
        return text.why_not_give(found) if found is not None else ""

    def _choice(self) -> text.Choice:
        situation, mac = self._situation, self._view.mac()
        return text.Choice(
            situation,
            self._machines.get(mac),
            situation.client(self._view.client()) if situation is not None else None,
            heard=len(self._machines.free),
            collecting=self._ear.doing.wanted,
        )

    def _show(self) -> None:
        """Take in what is new of the machines, and draw what has changed."""
        self._gathering = False
        taken = self._situation.taken if self._situation is not None else frozenset[Mac]()
        news = self._live.news()
        if news:  # there may be more
            self._gather()
        if self._machines.take(news, taken):
            self._view.show_machines(self._machines.free)
        else:
            self._view.list.refresh()
        self._redraw()

    def _redraw(self) -> None:
        interface = self._situation.interface if self._situation is not None else ""
        self._view.show_status(interface, self._ear.doing)
        self._view.switch(text.reasons(self._choice()))

    def _entry(self, key: str) -> Entry:
        shown = self._machines.get(key)
        return text.entry_of(shown, time.time()) if shown is not None else Entry(key, "", "")

    def _tick(self) -> None:
        """Let "2 s ago" grow older while it is seen."""
        if self._in_front:
            self._view.list.refresh()
        self._view.after(SECOND, self._tick)
