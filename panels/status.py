"""Cluster status: the pair as it is now, and what one can do with it."""

from tkinter import ttk
from typing import ClassVar

from backend.actions import status_drill
from backend.actions.action import Outcome
from backend.actions.drill import DrillAction, Drilled, DrillRequest
from backend.actions.maintenance import MaintenanceAction
from backend.actions.status_follow import FollowStatus, News
from backend.actions.switchover import SwitchoverAction
from backend.drill.faults import Fault
from backend.tasks import CancelToken, Event
from panels.base import Panel
from panels.context import PanelContext
from panels.status_parts import PairView
from panels.widgets import names
from panels.widgets.buttons import ButtonRow, button

DURATIONS = {"15 min": 15.0, "1 h": 60.0, "4 h": 240.0, "1 day": 1440.0, "7 days": 10080.0}
MAINTENANCE_ON, MAINTENANCE_OFF = "Maintenance on...", "Maintenance off"
FAULTS = {
    "Planned": Fault.PLANNED,
    "Agent killed": Fault.AGENT_KILLED,
    "Agent frozen": Fault.AGENT_FROZEN,
    "Power loss": Fault.POWER_LOSS,
}
CANCEL = "Cancel"
LONG = """\
Meanwhile no head takes over by itself, and none gives its role up for its health. A planned switchover still works."""
WHICH = """\
Planned: a switchover. Agent killed: the agent of the active head is killed; systemd starts it again. Agent frozen: it stands \
still for 5 s. Power loss: the active head is reset at once; only from the other one.

What will be done is shown before it begins. The witnesses measure for how long the virtual IPs do not answer."""
HELP = """\
The two heads, as the agent of this machine sees them, a few times a second.

The upper row is the pair's adaptive recovery: it is healthy; something is silent or in doubt; a service is started again where \
it ran; the other head takes over; or a person has to look, because nobody may or can take over. The frame marks where the pair is.

Below it stand the heads. The green one serves and has the virtual IPs. The ring is its lease, for which a quorum of both heads and \
the witnesses has granted it the role; it is renewed five times in its length, and when it has run out the kernel closes the virtual \
IPs by itself. Seen from the standby, the ring is its vote for the other head. The lines are the networks between the heads, each with the \
share of what is lost and its jitter.

Switchover exchanges the roles, planned. Drill... makes a fault on purpose and measures the outage. Maintenance keeps the heads from \
taking over by themselves while somebody works on one, and ends by itself."""


class StatusPanel(Panel):
    """Follows the agent while it is seen."""

    name: ClassVar[str] = "status"
    title: ClassVar[str] = "Cluster status"
    help: ClassVar[str] = HELP

    def __init__(self, context: PanelContext) -> None:
        super().__init__(context)
        self._follow: FollowStatus | None = None
        self._token: CancelToken | None = None
        self._in_maintenance: bool | None = None

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        theme = self.context.theme
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(0, weight=1)
        self._view = PairView(parent, self.context, self.name)
        self._view.grid(sticky="nsew")
        self._install = button(
            parent, "Complete installation", lambda: self.context.show("complete"), main=True,
            tip="Step 5 installs the agents on both heads and the witnesses.",
        )  # fmt: skip
        self._install.grid(row=1, sticky="w", pady=(theme.half, 0))
        row = ButtonRow(parent)
        row.grid(row=2, sticky="ew", pady=(theme.half, 0))
        self._row = row
        self._switchover = row.add(
            "Switchover", self.main_action, main=True, tip="Let the other head take over, planned."
        )
        self._drill = row.add(
            "Drill...", self._choose_fault, tip="Make a fault on purpose and measure the outage."
        )
        self._maintenance = row.add(
            MAINTENANCE_ON,
            self._toggle,
            tip="No automatic takeover while somebody works on a head.",
        )
        close = row.add("Close", self.context.close, right=True)
        for key, widget in (
            ("switchover", self._switchover), ("drill", self._drill),
            ("maintenance", self._maintenance), ("install", self._install), ("close", close),
        ):  # fmt: skip
            names.name(widget, f"{self.name}.{key}")
        self._enable(News())

    def activate(self) -> None:
        """See Panel.activate."""
        self.leave()
        paths = self.context.wiring.paths
        self.context.look(lambda _context: status_drill.last_drill(paths), self._view.show_drill)
        follow = self._follow = FollowStatus(paths)

        def news(_event: Event) -> None:
            if self._follow is follow:
                self._show(follow.take())

        self._token = self.context.follow(follow, news)

    def leave(self) -> None:
        """See Panel.leave."""
        self._follow = None
        if self._token is not None:
            self._token.cancel()
            self._token = None

    def main_action(self) -> None:
        """Exchange the roles, once it has been shown what that does; without an agent, get one."""
        if self._switchover.instate(["!disabled"]):
            self.context.carry_out(SwitchoverAction(self.context.wiring))
        elif self._install.winfo_ismapped():
            self.context.show("complete")

    def _show(self, news: News) -> None:
        self._view.show(news)
        self._enable(news)

    def _enable(self, news: News) -> None:
        """Let only that be pressed for which there is an agent to be asked."""
        usable = ["!disabled" if news.status and not news.problem else "disabled"]
        for one in (self._switchover, self._drill, self._maintenance):
            one.state(usable)
        if news.installed:
            self._install.grid_remove()
        else:
            self._install.grid()
        on = news.status is not None and news.status.maintenance_seconds > 0
        if on != self._in_maintenance:
            self._in_maintenance = on
            self._maintenance.configure(text=MAINTENANCE_OFF if on else MAINTENANCE_ON)
            self._row.arrange()

    def _toggle(self) -> None:
        if self._in_maintenance:
            self.context.carry_out(MaintenanceAction(self.context.wiring, False))
        else:
            self.context.ask(
                "Maintenance for how long?", (*DURATIONS, CANCEL), self._begin, detail=LONG
            )

    def _begin(self, answer: str) -> None:
        minutes = DURATIONS.get(answer)
        if minutes is not None:
            self.context.carry_out(MaintenanceAction(self.context.wiring, True, minutes))

    def _choose_fault(self) -> None:
        self.context.ask("Which fault?", (*FAULTS, CANCEL), self._begin_drill, detail=WHICH)

    def _begin_drill(self, answer: str) -> None:
        fault = FAULTS.get(answer)
        if fault is not None:
            request = DrillRequest(fault)
            self.context.carry_out(DrillAction(self.context.wiring, request), self._drilled)

    def _drilled(self, drilled: Drilled, _outcome: Outcome) -> None:
        self._view.show_drill(status_drill.LastDrill.of(drilled))
        self._view.open_drill()
