"""Edit Watch List: host group, the table of its services, and their editors; Save writes the site file."""

import tkinter as tk
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from tkinter import ttk
from typing import ClassVar

from backend.actions.action import Outcome
from backend.actions.watch_list import SaveWatchList, Watched, place_of
from backend.actions.watch_sound import all_problems, look_and_judge
from backend.change.records import ChangeRecord
from backend.errors import HaoscarError
from backend.model.watchlist import Ref, WatchList
from backend.reports import Report, Severity
from backend.tasks import CancelToken
from panels import watch_texts as texts
from panels.base import Panel
from panels.context import PanelContext
from panels.watch_ack import AckEditor
from panels.watch_groups import GroupEditor, PeriodsEditor
from panels.watch_look import ServiceLook
from panels.watch_running import Page, Running
from panels.watch_service import Doings, ServiceEditor
from panels.watch_view import RUNNING, Shown, WatchView

Editor = ServiceEditor | GroupEditor | PeriodsEditor | ServiceLook | AckEditor
ESCAPE = "HaoscarWatchEditor"  # the bind tag of what is inside an editor


class WatchListPanel(Panel):
    """Collects changes of the watch list; nothing is written before Save has shown it."""

    name: ClassVar[str] = "watch-list"
    title: ClassVar[str] = "Edit Watch List"
    help: ClassVar[str] = texts.HELP

    def __init__(self, context: PanelContext) -> None:
        super().__init__(context)
        self._watched: Watched | None = None  # what was read; None: nothing yet
        self._watch = WatchList()  # as it is now, with what was changed here
        self._unreadable = False  # the site file is missing or damaged
        self._chosen = ""  # the host group
        self._looking = CancelToken()

    # Widgets

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(0, weight=1)
        self._parent = parent
        self._view = WatchView(parent, self.context, {
            "add": lambda: self._open_service(None), "edit": self._open, "open": self._open,
            "delete": self._delete_selected, "periods": self._open_periods,
            "edit-group": lambda: self._open_group(self._chosen),
            "add-group": lambda: self._open_group(""), "save": self._begin_saving,
            "reset": self.reset, "close": self.context.close, "select": self._enable,
            "group": self._select_group,
            **{key: partial(self._command, key) for key in RUNNING},
        })  # fmt: skip
        self._view.grid(sticky="nsew")
        doings = Doings(self._service_done, self._back, self._delete_service)
        self._service = ServiceEditor(parent, self.context, doings)
        self._group = GroupEditor(
            parent, self.context, self._group_done, self._back, self._delete_group
        )
        self._periods = PeriodsEditor(parent, self.context, self._periods_done, self._back)
        page = Page(self._view, self._show, self._back, self._stored)
        self._running = Running(parent, self.context, page)
        parent.bind_class(ESCAPE, "<Escape>", self._escape)
        parent.bind_all("<FocusIn>", self._focused, add="+")
        self._refresh()

    # Reading

    def activate(self) -> None:
        """Read what is stored; what was changed here stays. Follow the watch process."""
        self._running.start()
        self._read_stored()

    def _read_stored(self) -> None:
        self._looking.cancel()
        wiring = self.context.wiring
        self._looking = self.context.look(
            lambda _context: look_and_judge(wiring), self._read, self._unread
        )

    def _read(self, watched: Watched) -> None:
        changed = self._changed
        before = self._watched.stored if self._watched is not None else None
        if changed and before is not None and before != watched.stored:
            return  # Save will say that somebody else has changed it, and Reset takes that
        self._watched, self._unreadable = watched, False
        if not changed:
            self._watch = watched.watch
        self._refresh()

    def _unread(self, problem: HaoscarError) -> None:
        self._watched, self._unreadable = None, True
        self._watch = WatchList()
        self._refresh(problem.reports)

    @property
    def _changed(self) -> bool:
        """Whether the list is not what is stored."""
        return self._watched is not None and self._watch != self._watched.watch

    @property
    def unsaved(self) -> str:
        """See Panel.unsaved."""
        return texts.LEAVING if self._changed or self._pending else ""

    # Showing

    def _refresh(self, reports: Iterable[Report] | None = None, state: str = "") -> None:
        """Show the list as it is now; ``reports`` and ``state`` (an error) in place of the usual."""
        groups = tuple(str(one.name) for one in self._watch.groups)
        if self._chosen not in groups:
            self._chosen = groups[0] if groups else ""
        found = self._problems()
        wrong = {
            str(one.place.source) for one in found if one.place and one.severity is Severity.ERROR
        }
        self._view.show(Shown(
            groups, self._chosen, self._says_members(), self._watch.of_group(self._chosen),
            frozenset(wrong), (state, "Error") if state else self._says_state(),
            (*found, *self._stored_doubts()) if reports is None else reports,
        ))  # fmt: skip
        self._running.refresh()
        self._enable()

    def _says_members(self) -> str:
        group = self._watch.group(self._chosen)
        if group is None:
            return texts.NO_GROUP if self._watched is not None else ""
        disabled = " Disabled: nothing in it is checked." if group.disabled else ""
        return f"Hosts: {' '.join(group.hosts) or texts.BOTH_HEADS}.{disabled}"

    def _says_state(self) -> tuple[str, str]:
        if self._watched is None:
            return (texts.UNREADABLE, "Error") if self._unreadable else (texts.LOOKING, "Muted")
        if self._changed:
            return texts.UNSAVED, "Warning"
        return (texts.PROPOSED if self._watched.proposed else texts.STORED), "Muted"

    def _problems(self) -> list[Report]:
        """Return what is wrong or doubtful in the list as it is now."""
        if self._watched is None:
            return []
        found = all_problems(self._watch, self._watched.machines)
        return [one.report(place_of(self._watch, one.path)) for one in found]

    def _stored_doubts(self) -> Iterable[Report]:
        """Return what only the head itself could tell, as long as it is about this list."""
        if self._watched is None or self._changed:
            return ()
        return [one for one in self._watched.reports if one.code.startswith("watch.")]

    def _enable(self) -> None:
        known = self._watched is not None
        chosen = self._view.table.selected() is not None
        savable = self._changed or (self._watched is not None and self._watched.proposed)
        for key, on in (
            ("add", known and bool(self._chosen)),
            ("edit", chosen),
            ("delete", chosen),
            ("edit-group", known and bool(self._chosen)),
            ("add-group", known),
            ("periods", known),
            ("save", savable),
            ("reset", self._changed),
        ):
            self._view.enable(key, on)
        self._running.selected()

    def _stored(self) -> frozenset[str] | None:
        """Return the services of the site file by their names; None when it could not be read."""
        if self._watched is None:
            return None
        return frozenset(str(one.ref) for one in self._watched.stored.services)

    def _command(self, key: str) -> None:
        self._running.command(key)

    def open_service(self, service: str, button: str = "") -> bool:
        """Select a service, and do what a button does; False while it is not known."""
        ref = Ref.parse(service)
        ready = self._watch.service(ref) is not None and self._running.knows(service)
        if ready:
            self._chosen = str(ref.group)
            self._back()
            self._view.table.select(service)
            if button == "edit":
                self._open()
            elif button in RUNNING:
                self._command(button)
        return ready

    # The editors, and what else takes the place of the list

    @property
    def _pages(self) -> tuple[Editor, ...]:
        return (
            self._service, self._group, self._periods, self._running.look, self._running.ack,
        )  # fmt: skip

    def _show(self, page: tk.Widget) -> None:
        for one in (self._view, *self._pages):
            one.grid_remove()
        page.grid(row=0, column=0, sticky="nsew")

    def _back(self) -> None:
        """Show the list again."""
        self._show(self._view)
        self._refresh()
        self._view.table.focus_set()

    @property
    def _editor(self) -> Editor | None:
        """The editor that is open."""
        return next((one for one in self._pages if one.winfo_manager()), None)

    def _focused(self, event: "tk.Event[tk.Misc]") -> None:
        """Let Esc reach the editor before it reaches the window."""
        editor, widget = self._editor, event.widget
        if not isinstance(widget, tk.Misc):
            return  # the list of a choice, of which tkinter knows nothing but the name
        if editor is not None and str(widget).startswith(f"{editor}."):
            tags = widget.bindtags()
            if ESCAPE not in tags:
                widget.bindtags((*tags[:2], ESCAPE, *tags[2:]))

    def _escape(self, _event: "tk.Event[tk.Misc]") -> str:
        self._back()
        return "break"  # it closes the editor, not the whole page

    def _open(self) -> None:
        key = self._view.table.selected()
        if key is not None:
            self._open_service(Ref.parse(key))

    def _open_service(self, ref: Ref | None) -> None:
        if self._watched is not None:
            self._service.load(self._watched, self._watch, self._chosen, ref)
            self._show(self._service)

    def _open_group(self, group: str) -> None:
        if self._watched is not None:
            self._group.load(self._watched, self._watch, group)
            self._show(self._group)

    def _open_periods(self) -> None:
        self._periods.load(self._watch)
        self._show(self._periods)

    def _service_done(self, watch: WatchList, ref: Ref) -> None:
        self._watch, self._chosen = watch, str(ref.group)
        self._back()
        self._view.table.select(str(ref))

    def _group_done(self, watch: WatchList, group: str) -> None:
        self._watch, self._chosen = watch, group
        self._back()

    def _periods_done(self, watch: WatchList) -> None:
        self._watch = watch

    def _select_group(self) -> None:
        self._chosen = self._view.group
        self._view.table.select(None)
        self._refresh()

    def _delete_selected(self) -> None:
        key = self._view.table.selected()
        if key is not None:
            self._delete_service(Ref.parse(key))

    def _delete_service(self, ref: Ref) -> None:
        self._watch = self._watch.without_service(ref)
        self._view.table.select(None)
        self._back()

    def _delete_group(self, group: str) -> None:
        services = len(self._watch.of_group(group))
        if not services:
            self._group_gone(group, "Delete")
            return
        self.context.ask(
            f"Delete the host group {group} with its {services} services?", ("Delete", "Keep"),
            partial(self._group_gone, group), detail="Nothing is written before Save.",
        )  # fmt: skip

    def _group_gone(self, group: str, answer: str) -> None:
        if answer == "Delete":
            self._watch = self._watch.without_group(group)
            self._back()

    # Saving and leaving

    def main_action(self) -> None:
        """Do what Enter does: OK in an editor, else Save."""
        if self._editor is not None:
            self._editor.take()
        elif self._view.enabled("save"):
            self._begin_saving()

    def _begin_saving(self) -> None:
        if self._watched is None:
            return
        action = SaveWatchList(self.context.wiring, self._watched.stored, self._watch)
        self.context.carry_out(action, self._saved, self._refused, then=self.name)

    def _saved(self, _record: ChangeRecord, _outcome: Outcome) -> None:
        if self._watched is not None:
            self._watched = replace(self._watched, watch=self._watch, proposed=False)
        self._read_stored()
        self.context.changed()

    def _refused(self, problem: HaoscarError) -> None:
        self._refresh(problem.reports, texts.REFUSED)

    def reset(self) -> None:
        """Put back what is stored; in an editor, what the list says."""
        if self._editor is not None:
            self._back()
        elif self._changed:
            self.context.ask(
                texts.DISCARDING, (texts.DISCARD, texts.KEEP), self._answered, detail=texts.LOST
            )
        else:
            self._read_stored()

    def leave(self) -> None:
        """See Panel.leave; asks about changes that are not saved."""
        self._looking.cancel()
        self._running.stop()
        if self.unsaved:
            self._parent.after_idle(self._ask)

    @property
    def _pending(self) -> bool:
        """Whether something was typed into an editor that is open."""
        editor = self._editor
        return isinstance(editor, ServiceEditor | GroupEditor) and editor.pending

    def _ask(self) -> None:
        self.context.ask(
            texts.LEAVING, (texts.SAVE, texts.DISCARD, texts.KEEP), self._answered,
            detail=texts.LEAVING_DETAIL,
        )  # fmt: skip

    def _answered(self, answer: str) -> None:
        if answer == texts.SAVE:
            self.context.show(self.name)
            if self._pending:
                self.main_action()
            if not self._pending:  # else it shows what is wrong with it
                self._begin_saving()
        elif answer == texts.DISCARD and self._watched is not None:
            self._watch = self._watched.watch
            self._back()
            self._read_stored()
