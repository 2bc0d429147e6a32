"""``haoscar demo --wizard``: the virtual cluster with the wizard's window open, for a person to click.

The window runs on the cluster's primary head; this module only presses the blank machine's power
button. When the window is closed, everything is gone.
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from backend.clone.constants import Stage
from backend.clone.events import stage_times
from backend.clone.installs import Installs
from backend.errors import HaoscarError, InvalidInput
from backend.lab.cluster import VirtualCluster
from backend.lab.demo import BLANK_MAC, BLANK_PUBLIC_MAC, HEAD
from backend.lab.machines import BlankMachine, MachineSpec
from backend.lab.power_button import Press, Sight, press
from backend.lab.requirements import ensure_host_packages
from backend.lab.window import HeadWindow
from backend.model.names import HostName
from backend.model.site import Firmware
from backend.paths import Paths
from backend.site.store import SiteStore
from backend.system.files import make_private
from backend.system.runner import LocalRunner
from backend.system.x_display import Display
from backend.tasks import TaskContext

LOOK = 0.5  # seconds between two looks at the head


@dataclass
class WizardDemo:
    """A Task that ends when the window is closed."""

    display: Display
    firmware: Firmware = Firmware.BIOS
    paths: Paths = field(default_factory=Paths)
    environment: Mapping[str, str] = field(default_factory=dict)  # of the window
    on_lab: Callable[[VirtualCluster], None] = lambda _lab: None

    @property
    def title(self) -> str:
        """See Task.title."""
        return "A cluster to click through"

    def run(self, context: TaskContext) -> None:
        """Do it; raises Cancelled, HaoscarError."""
        directory = self.paths.cache / "lab"
        make_private(directory)
        with self.display.socket(directory) as socket:
            context.step("Preparing packages and the Debian root")
            ensure_host_packages(self.paths, LocalRunner(), context)
            with VirtualCluster.start(self.paths, context, display=socket) as lab:
                self._show(lab, context)

    def _show(self, lab: VirtualCluster, context: TaskContext) -> None:
        """Show the window until it is closed."""
        spec = MachineSpec(
            HostName.parse("blank"), BLANK_MAC, self.firmware, public_mac=BLANK_PUBLIC_MAC
        )
        attendant = _Attendant(lab, lab.add_machine(spec), context)
        self.on_lab(lab)
        window = HeadWindow(lab.node(HEAD), self.display, self.environment)
        with window.open():
            context.say(
                f"The wizard of {HEAD} is open. Compute nodes: node1, node2. The blank machine "
                f"({BLANK_MAC}) is switched on when a standby has been defined. When the window is "
                f"closed, or on Ctrl-C, everything is gone. A shell on the head: haoscar lab shell {HEAD}"
            )
            context.step("Waiting until the window is closed")
            while not window.wait(LOOK):
                context.check_cancelled()
                attendant.look()


class _Attendant:
    """Looks after the blank machine."""

    def __init__(self, lab: VirtualCluster, machine: BlankMachine, context: TaskContext) -> None:
        self._machine = machine
        self._context = context
        # The head's own records, read from outside.
        paths = Paths(lab.node(HEAD).disk)
        self._store, self._installs = SiteStore(paths), Installs(paths)
        self._started: float | None = None

    def look(self) -> None:
        """Press the power button when it is time; says so."""
        sight = self._sight()
        todo = press(sight)
        if todo is Press.NOTHING:
            return
        if todo is Press.ON:
            why = "A standby is defined" if self._started is None else "It was off"
            self._context.say(f"{why}: the blank machine is switched on.")
            self._machine.power_on()
        else:
            if sight.ticket is not None:
                self._context.say("The blank machine is switched off and on.")
            self._machine.reset()
        self._started = sight.now

    def _sight(self) -> Sight:
        sight = Sight(
            now=time.time(),
            wanted=self._started is None and self._defined(),
            is_on=self._machine.is_on,
            started=self._started,
        )
        with contextlib.suppress(InvalidInput, OSError):
            ticket = self._installs.ticket(BLANK_MAC)
            if ticket is None:
                return sight
            events = self._installs.events(BLANK_MAC)
            heard = [one.time for one in events if one.time > ticket.armed and one.kind != "armed"]
            done = dict(stage_times(events)).get(Stage.DONE)
            return replace(sight, ticket=ticket, heard=max(heard, default=None), done=done)
        return sight

    def _defined(self) -> bool:
        with contextlib.suppress(HaoscarError):
            return self._store.exists() and bool(self._store.load().standbys)
        return False
