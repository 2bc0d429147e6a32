"""The single measurements, one after another, in one world."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from backend.lab.failover.engines import Usage
from backend.lab.failover.places import HEADS
from backend.lab.monitoring import mix
from backend.lab.monitoring.lateness import Lateness
from backend.lab.monitoring.meter import OURS, Meter
from backend.lab.monitoring.pair import usage
from backend.lab.monitoring.plan import RESTART, Plan
from backend.lab.monitoring.polling import Polling
from backend.lab.monitoring.results import Late, Load, MonitoringBench
from backend.lab.monitoring.room import Room
from backend.lab.topology import Net

LOOKS = 6.0  # looks at the schedule in the shortest interval


class Runs:
    """Used once."""

    def __init__(self, room: Room, plan: Plan) -> None:
        self._room = room
        self._plan = plan
        self._meter = Meter(room.machine(room.active), OURS)
        Meter(room.machine(room.standby), OURS)  # so that its frames are like those on a cable, too
        self._snmpd = {name: room.snmpd(name, Net.PRIVATE) for name in HEADS}

    def measure(self, found: MonitoringBench) -> None:
        """Measure everything; raises Cancelled, HaoscarError."""
        for one in self._snmpd.values():
            one.start(mix.PROCESSES)
        if self._plan.alone:
            found.loads.append(self._alone())
        found.loads.append(self._usual())
        found.loads.append(self._many())
        self._room.clock.say("Polling: starting", RESTART)
        self._room.pair.stop_watching()
        found.polls = Polling(self._room, self._plan).measure()
        self._room.pair.stop_watching()

    def _alone(self) -> Load:
        services = mix.default_rows()
        title = "the three default rows"
        self._begin(title, services)
        return self._cost("default", title, services, self._plan.alone)

    def _usual(self) -> Load:
        plan = self._plan
        services = [*mix.default_rows(), *mix.more(self._room.standby, 3.0)]
        title = f"the three default rows and {mix.MORE} more at 3 s"
        self._begin(title, services)
        load = self._cost("usual", title, services, plan.usual)
        if not plan.looked:
            return load
        self._room.clock.say(f"{title}: the schedule", plan.looked)
        return replace(load, late=self._look(services, plan.looked))

    def _many(self) -> Load:
        plan = self._plan
        services = mix.more(self._room.standby, plan.many_interval, plan.many)
        title = f"{plan.many} services at {plan.many_interval:g} s"
        self._room.clock.say(f"{title}: the first checks", RESTART + plan.many_interval)
        self._room.watch(services)
        self._room.wait(plan.many_interval)
        late: list[Late] = []
        seconds = plan.intervals * plan.many_interval

        def meanwhile() -> None:
            late.append(self._look(services, seconds))

        load = self._cost("many", title, services, seconds, meanwhile)
        asked = f"asked for its status every {_pause(services):g} s, to see the schedule"
        return replace(load, late=late[0], asked=asked)

    def _begin(self, title: str, services: Sequence[mix.Object]) -> None:
        """Start the watch processes, and wait until they do what they will do from now on."""
        calm = self._plan.calm
        self._room.clock.say(f"{title}: starting", RESTART + calm)
        self._room.watch(services)
        self._room.wait(calm)
        self._room.until_well()

    def _cost(
        self, name: str, title: str, services: Sequence[mix.Object], seconds: float,
        meanwhile: Callable[[], None] | None = None,
    ) -> Load:  # fmt: skip
        self._room.clock.say(f"{title}: the cost", seconds)
        began, used, traffic = time.monotonic(), self._usage(), self._meter.traffic()
        if meanwhile is None:
            self._room.wait(seconds)
        else:
            meanwhile()
        passed, after = time.monotonic() - began, self._usage()
        return Load(
            name, title, mix.told(services), len(services), passed,
            sum(1 / one["interval"] for one in services),
            {one: 100 * (after[one].cpu - used[one].cpu) / passed for one in used},
            {one: after[one].memory for one in used},
            self._meter.traffic().since(traffic, passed),
            not_well=self._room.not_well(),
        )  # fmt: skip

    def _look(self, services: Sequence[mix.Object], seconds: float) -> Late:
        """Watch the schedule of the services that are checked often enough."""
        intervals = {
            f"{one['group']}:{one['name']}": float(one["interval"])
            for one in services
            if one["interval"] <= seconds
        }
        found = Lateness(intervals)
        pause, end = _pause(services), time.monotonic() + seconds
        found.take(self._room.status())
        while (left := end - time.monotonic()) > 0:
            self._room.wait(min(pause, left))
            found.take(self._room.status())
        return Late(found.worst, found.median, found.checks, found.skipped, found.whole)

    def _usage(self) -> dict[str, Usage]:
        pair, room = self._room.pair, self._room
        both = [usage(one.program) for one in self._snmpd.values() if one.program is not None]
        return {
            "watch": pair.watch_usage(room.active),
            "watch of the standby": pair.watch_usage(room.standby),
            "snmpd": Usage(sum(one.cpu for one in both), sum(one.memory for one in both)),
        }


def _pause(services: Sequence[mix.Object]) -> float:
    """Return the seconds between two looks at a schedule."""
    return float(min(one["interval"] for one in services)) / LOOKS
