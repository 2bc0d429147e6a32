"""Watching every standby's installation at once, for as long as somebody looks."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from backend.actions.install_progress import (
    Copying,
    MachineView,
    Phase,
    phase_of,
    untouched,
    view,
)
from backend.actions.network_boot import is_set_up
from backend.clone.installs import Installs, InstallState
from backend.errors import HaoscarError
from backend.model.addresses import Mac
from backend.model.site import Standby
from backend.tasks import Meter, Progress, TaskContext
from backend.wiring import Wiring

TICK = 0.25  # seconds between two looks
ANYWAY = 1.0  # seconds after which a record is read although it looks the same: time changes it
LAST_WORDS = 15  # lines of the log after a failure


@dataclass(frozen=True, slots=True)
class InstallsSeen(Progress):
    """What a watcher is told, whenever anything is new: every standby, and whether it can boot."""

    machines: tuple[MachineView, ...] = ()
    set_up: bool = False  # network boot


@dataclass
class _Watched:
    """What is remembered of one machine between two looks."""

    mark: object = None
    read: float = 0.0
    state: InstallState | None = None
    log: tuple[str, ...] = ()
    meter: Meter = field(default_factory=Meter)
    counted: tuple[float, int | None] = (0.0, None)  # when it was armed, its bytes
    copying: Copying = field(default_factory=Copying)


@dataclass
class WatchInstalls:
    """The task that watches until it is cancelled, which is its good end."""

    wiring: Wiring
    clock: Callable[[], float] = time.time  # seconds since 1970
    _watched: dict[Mac, _Watched] = field(default_factory=dict)
    _standbys: tuple[Standby, ...] = ()
    _site_time: int = 0
    _set_up: tuple[float, bool] = (0.0, False)  # when it was looked at

    @property
    def title(self) -> str:
        """What it does."""
        return "Watching the machines that install"

    def run(self, context: TaskContext) -> None:
        """Send InstallsSeen events until cancelled."""
        installs = Installs(self.wiring.paths, self.clock)
        last: InstallsSeen | None = None
        while not context.cancel.cancelled:
            self._look_at_site()
            machines = tuple(self._view(installs, one) for one in self._standbys)
            seen = InstallsSeen(self.title, machines=machines, set_up=self._is_set_up())
            if seen != last:
                last = seen
                context.listener(seen)
            context.cancel.wait(TICK)

    def _look_at_site(self) -> None:
        """Take the standbys of the site file; one that cannot be read leaves the old ones."""
        try:
            changed = self.wiring.paths.site_file.stat().st_mtime_ns
            if changed != self._site_time:
                self._standbys = self.wiring.store().load().standbys
                self._site_time = changed
        except FileNotFoundError:
            self._standbys, self._site_time = (), 0
        except (HaoscarError, OSError):
            return  # whoever opens the step that writes it is told

    def _is_set_up(self) -> bool:
        """Look once a second whether network boot is set up; somebody may undo it meanwhile."""
        looked, set_up = self._set_up
        now = self.clock()
        if not 0 <= now - looked < ANYWAY:
            with contextlib.suppress(HaoscarError, OSError):
                set_up = is_set_up(self.wiring.paths)
            self._set_up = now, set_up
        return set_up

    def _view(self, installs: Installs, standby: Standby) -> MachineView:
        name, mac = str(standby.name), standby.mac
        if mac is None:
            return untouched(name, mac)
        seen = self._watched.setdefault(mac, _Watched())
        now = self.clock()
        try:
            mark = installs.mark(mac)
            if mark != seen.mark or now - seen.read >= ANYWAY or now < seen.read:
                _read(installs, mac, seen, now)
                seen.mark, seen.read = mark, now
        except HaoscarError as problem:  # a damaged ticket: arming again repairs it
            report = problem.reports[0]
            return MachineView(name, Phase.FAILED, report.text, advice=report, mac=mac)
        if seen.state is None:
            return untouched(name, mac)
        quiet = max(0.0, now - max((one[2] for one in mark), default=0) / 1e9)
        return view(seen.state, now, quiet=quiet, copying=seen.copying, log=seen.log)


def _read(installs: Installs, mac: Mac, seen: _Watched, now: float) -> None:
    """Read a machine's record anew, and count how quick its copy is."""
    state = seen.state = installs.state(mac)
    seen.log = ()
    if state is None:
        return
    if phase_of(state) is Phase.FAILED:
        events = installs.events(mac)
        seen.log = tuple(one.text for one in events if one.kind == "log")[-LAST_WORDS:]
    armed, done = seen.counted
    if armed != state.ticket.armed:
        seen.meter, seen.copying, done = Meter(), Copying(), None
    if state.done is not None and state.done != done:
        seen.copying = Copying(*seen.meter.update(now, state.done, state.total))
    seen.counted = (state.ticket.armed, state.done)
