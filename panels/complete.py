"""Step 5: "Complete installation" - witnesses, the virtual IP, the agents, and a drill as the proof."""

from functools import partial
from tkinter import ttk
from typing import ClassVar

from backend.actions import complete, status_drill, virtual_ip
from backend.actions.action import Outcome
from backend.actions.complete import OfferedKey, Outlook
from backend.actions.drill import DrillAction, Drilled
from backend.actions.install_agent import InstallAgentAction, Installed
from backend.actions.reaching import ORDINARY
from backend.actions.remove_agent import RemoveAgentAction
from backend.actions.status_drill import LastDrill
from backend.actions.virtual_ip import Moved, RollBackAction, VirtualIpAction, Waiting
from backend.errors import HaoscarError
from backend.reports import info
from backend.tasks import CancelToken, Event, Progress
from panels.base import Panel
from panels.complete_addresses import Addresses, Keep
from panels.complete_drill import DrillBox
from panels.complete_members import Members
from panels.complete_texts import ASKING, COMPARE, DECLINE, HELP, INTRO, LOOKING, TRUST, WHOSE
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import ButtonRow

AGREEMENT = 30.0  # seconds in which the agents should agree
STATUS = "status"  # the panel that follows a drill


class CompletePanel(Panel):
    """One main button does all that is still to be done, in its order."""

    name: ClassVar[str] = "complete"
    title: ClassVar[str] = "Complete installation"
    help: ClassVar[str] = HELP

    def __init__(self, context: PanelContext) -> None:
        super().__init__(context)
        self._outlook: Outlook | None = None
        self._looking = CancelToken()
        self._waiting: CancelToken | None = None  # of what follows an unconfirmed change
        self._going_on = False  # the main button was pressed, and its next part follows
        self._proved = False  # a drill was measured on this head

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        theme = self.context.theme
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(2, weight=1)
        self._intro = ttk.Label(parent, text=INTRO, style="Muted.TLabel", justify="left")
        self._problem = ttk.Label(parent, justify="left")
        self._members = Members(parent, self.context, self.name)
        self._addresses = Addresses(parent, self.context, self.name, self._give_back)
        self._keep = Keep(parent, self.context, self.name, self._kept, self._go_back)
        self._drill = DrillBox(parent, self.context, self.name, self._begin_drill)
        gap = {1: theme.quarter, 2: theme.quarter}
        for row, widget in enumerate((
            self._intro, self._problem, self._members, self._addresses, self._keep,
            self._buttons(parent), self._drill,
        )):  # fmt: skip
            above = gap.get(row, theme.half) if row else 0
            widget.grid(row=row, sticky="nsew", pady=(above, 0))
        self._problem.grid_remove()
        self._keep.grid_remove()
        names.name(self._problem, f"{self.name}.problem")
        parent.bind("<Configure>", lambda event: self._wrap(event.width), add="+")

    def _buttons(self, parent: ttk.Frame) -> ButtonRow:
        row = ButtonRow(parent)
        self._main = row.add("Complete installation", self.main_action, main=True)
        again = row.add("Look again", self.activate, tip="Look anew which machines answer.")
        self._remove = row.add(
            "Remove agents...", self._take_away, tip="Take the failover agent from every member."
        )
        close = row.add("Close", self.context.close, right=True)
        for key, widget in (
            ("complete", self._main), ("again", again), ("remove", self._remove), ("close", close),
        ):  # fmt: skip
            names.name(widget, f"{self.name}.{key}")
        return row

    # What is seen

    def activate(self) -> None:
        """See Panel.activate."""
        wiring = self.context.wiring
        if self._outlook is None:
            self._say(LOOKING, "Muted")
        self._looking.cancel()
        self._looking = self.context.look(
            lambda context: complete.look(wiring, context), self._show, self._unknown
        )
        self.context.look(lambda _context: status_drill.last_drill(wiring.paths), self._remembered)

    def _remembered(self, drill: LastDrill | None) -> None:
        self._proved = drill is not None
        self._drill.show(drill)

    def leave(self) -> None:
        """See Panel.leave; the watcher of an unconfirmed change goes on by itself."""
        self._going_on = False
        self._follow_no_more()

    def reset(self) -> None:
        """See Panel.reset."""
        self._members.reset()
        self._addresses.reset()

    def _show(self, outlook: Outlook) -> None:
        self._outlook = outlook
        self._members.show(outlook)
        self._addresses.show(outlook.addresses)
        problem = outlook.problems[0] if outlook.problems else None
        self._say(f"✖ {problem}" if problem else "", "Error")
        self._enable()
        self._drill.enable(outlook.complete)
        agents = any(one.agent for one in outlook.machines)
        self._remove.state(["!disabled" if agents else "disabled"])
        if outlook.waiting and self._waiting is None:
            self._follow("")
        elif self._going_on and self._waiting is None:
            self.main_action()

    def _enable(self, *, on: bool = True) -> None:
        """Let the main button be pressed, unless something else comes first."""
        first = self._waiting is not None or self._problems
        self._main.state(["!disabled" if on and not first else "disabled"])

    @property
    def _problems(self) -> bool:
        return self._outlook is not None and bool(self._outlook.problems)

    def _unknown(self, problem: HaoscarError) -> None:
        self._outlook, self._going_on = None, False
        self._say(f"✖ {problem.reports[0]}", "Error")

    def _say(self, text: str, style: str) -> None:
        self._problem.configure(text=text, style=f"{style}.TLabel")
        if text:
            self._problem.grid()
        else:
            self._problem.grid_remove()

    def _wrap(self, width: int) -> None:
        for label in (self._intro, self._problem):
            label.configure(wraplength=max(1, width - self.context.theme.half))

    # The main button

    def main_action(self) -> None:
        """Keep what waits for it; else make the address virtual, install the agents, and drill."""
        self._going_on = False
        if self._waiting is not None:
            self._kept()
        elif self._outlook is None:  # not looked yet, or in vain
            self._going_on = True
            self.activate()
        elif not self._problems:
            sides = self._addresses.wanted
            if sides:
                action = VirtualIpAction(self.context.wiring, sides[0])
                self.context.carry_out(action, self._moved, then=self.name)
            else:
                self._ask_for_keys()

    def _ask_for_keys(self) -> None:
        """Show the host keys that nobody has confirmed, all at once.

        Those that an authenticated connection or root's own ssh has confirmed need no question.
        """
        wiring, machines = self.context.wiring, self._members.machines
        self._say(ASKING, "Muted")
        self._enable(on=False)

        def usable() -> None:
            self._say("", "Muted")
            self._enable()

        def done(keys: tuple[OfferedKey, ...]) -> None:
            usable()
            doubtful = tuple(one for one in keys if not one.note)
            if doubtful:
                answered = partial(self._answered, keys)
                self.context.ask(WHOSE, (TRUST, DECLINE), answered, detail=listed(keys))
            else:
                self._answered(keys, TRUST)

        self.context.look(
            lambda context: complete.unknown_keys(wiring, machines, ORDINARY, context),
            done, lambda _problem: usable(),
        )  # fmt: skip

    def _answered(self, keys: tuple[OfferedKey, ...], answer: str) -> None:
        if answer != TRUST:
            text = "The host keys were not confirmed. Nothing was changed."
            self.context.say(info("complete.declined", text))
            return
        wiring = self.context.wiring
        self.context.look(
            lambda _context: complete.trust(wiring, keys, ORDINARY), lambda _none: self._install()
        )

    def _install(self) -> None:
        action = InstallAgentAction(
            self.context.wiring, choice=self._members.choice, agreement=AGREEMENT
        )
        self.context.carry_out(action, self._installed, then=self.name)

    def _installed(self, installed: Installed, _outcome: Outcome) -> None:
        """Look again; the proof follows, unless there was one or something is in doubt."""
        self.activate()
        measurable = bool(self._members.witnesses) and not installed.doubts
        if installed.done and measurable and not self._proved:
            self._begin_drill()
        else:
            self._drill.focus_set()

    # The address

    def _moved(self, moved: Moved, _outcome: Outcome) -> None:
        self._looking.cancel()  # what it sees is from before
        self._going_on = True
        self._follow(str(moved.transfer.virtual))

    def _follow(self, virtual: str) -> None:
        """Ask whether it is kept, for as long as that can be answered."""
        self._keep.ask(virtual)
        token = CancelToken()

        def news(event: Event) -> None:
            if isinstance(event, Progress) and self._waiting is token:
                self._keep.tell(event.done, event.detail)

        def decided(kept: bool) -> None:
            if self._waiting is token:
                self._decided(kept)

        def failed(_problem: HaoscarError) -> None:
            if self._waiting is token:
                self._follow_no_more()

        self._waiting = token = self.context.follow(
            Waiting(self.context.wiring), news, decided, failed
        )
        self._enable()

    def _kept(self) -> None:
        """Keep it; what follows the change notices that, and goes on."""
        wiring = self.context.wiring
        self._keep.decided()
        self.context.look(
            lambda _context: virtual_ip.keep(wiring),
            lambda said: self.context.say(info("complete.kept", said)),
        )

    def _go_back(self) -> None:
        self._going_on = False
        self._keep.decided()
        task = virtual_ip.go_back(self.context.wiring)
        self.context.follow(task, lambda _event: None)

    def _decided(self, kept: bool) -> None:
        """Go on when it was kept, wherever that was said."""
        self._follow_no_more()
        if not kept:
            self._going_on = False
            text = "The address went back: files and addresses are as they were before."
            self.context.say(info("complete.back", text))
        self.context.changed()
        self.activate()

    def _follow_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._keep.grid_remove()
        self._enable()

    def _give_back(self, side: str) -> None:
        self.context.carry_out(
            RollBackAction(self.context.wiring, side), self._changed, then=self.name
        )

    # The rest

    def _take_away(self) -> None:
        self.context.carry_out(
            RemoveAgentAction(self.context.wiring), self._changed, then=self.name
        )

    def _changed(self, _result: object, _outcome: Outcome) -> None:
        self.activate()

    def _begin_drill(self) -> None:
        action = DrillAction(self.context.wiring, self._drill.request)
        self.context.carry_out(action, self._drilled, then=STATUS)

    def _drilled(self, drilled: Drilled, _outcome: Outcome) -> None:
        self._remembered(LastDrill.of(drilled))


def listed(keys: tuple[OfferedKey, ...]) -> str:
    """Return host keys as they are read and compared. Pure."""
    lines = []
    for one in keys:
        note = f" ({one.note})" if one.note else ""
        lines.append(f"{one.name}, {one.address}{note}\n    {one.key.type} {one.key.fingerprint}")
    return "\n".join([*lines, "", COMPARE])
