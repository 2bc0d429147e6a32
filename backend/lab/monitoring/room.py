"""The world of the bench: what is asked, what asks, and how to wait for it."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backend.errors import HaoscarError
from backend.lab.failover.machine import Machine
from backend.lab.failover.places import HEADS, other_head
from backend.lab.failover.scene import Scene
from backend.lab.monitoring import mix
from backend.lab.monitoring.pair import SNMP_FILE, WatchedPair
from backend.lab.monitoring.plan import Clock
from backend.lab.monitoring.snmpd import Snmpd
from backend.lab.topology import Net
from backend.model.secrets import Secret
from backend.snmpd.files import credentials_file
from backend.system import bench_responders
from backend.system.runner import Command

START_LIMIT = 20.0  # seconds until the watch processes check
WELL_LIMIT = 30.0  # seconds until every service has been found well
LOOK = 0.1  # seconds between two looks
STEP = 1.0  # seconds between two words about the progress


class Room:
    """A scene whose heads can be watched; used from one thread."""

    def __init__(self, scene: Scene, pair: WatchedPair, clock: Clock, key: Secret) -> None:
        self.scene = scene
        self.pair = pair
        self.clock = clock
        self.active = scene.active
        self.standby = other_head(scene.active)
        self._key = key
        for name in HEADS:
            disk = self.machine(name).disk
            (disk / mix.FILE.rpartition("/")[2]).touch()
            (disk / SNMP_FILE.name).touch(0o600)
            (disk / SNMP_FILE.name).write_text(credentials_file(key).reveal())
        self._start_responders(self.machine(self.standby))

    def machine(self, name: str) -> Machine:
        """Return a machine."""
        return self.scene.world.machines[name]

    def address(self, name: str, net: Net) -> str:
        """Return a machine's address."""
        return str(self.scene.world.places.spec(name).port(net).address.ip)

    def snmpd(self, name: str, net: Net) -> Snmpd:
        """Return an SNMP agent that both heads may ask; it is not started yet."""
        askers = tuple(self.address(head, net) for head in HEADS)
        return Snmpd(self.machine(name), net, askers, self._key)

    def watch(self, services: Sequence[mix.Object]) -> None:
        """Have these services watched; returns when the active head checks."""
        self.pair.watch(services)
        checks = self.pair.checks
        self.until(lambda: checks(self.active), "the watch processes", START_LIMIT)

    def status(self) -> Sequence[Mapping[str, Any]]:
        """Return what the watch process says of each service."""
        said: Sequence[Mapping[str, Any]] = self.pair.ask_watch(self.active, "status")["services"]
        return said

    def not_well(self) -> tuple[str, ...]:
        """Return the services that are not ok, each as a sentence."""
        return tuple(
            f"{one['ref']} is {one['state']}: {one['summary'] or 'nothing is known'}."
            for one in self.status()
            if one["state"] != "ok"
        )

    def until_well(self) -> None:
        """Wait until every service is ok; raises HaoscarError with one that is not."""
        end = time.monotonic() + WELL_LIMIT
        while bad := self.not_well():
            if time.monotonic() > end:
                raise self._problem(f"Not every service is well after {WELL_LIMIT:g} s: {bad[0]}")
            self.scene.wait(LOOK)

    def until(self, done: Callable[[], bool], what: str, limit: float = WELL_LIMIT) -> None:
        """Wait for something; raises HaoscarError when it does not come."""
        end = time.monotonic() + limit
        while not done():
            if time.monotonic() > end:
                raise self._problem(f"No sign of {what} within {limit:g} s.")
            self.scene.wait(LOOK)

    def wait(self, seconds: float) -> None:
        """Let time pass, and say how far the whole is."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.scene.wait(min(left, STEP))
            self.clock.went()

    def _problem(self, sentence: str) -> HaoscarError:
        return HaoscarError.of("bench.monitoring", f"{sentence}{self.pair.said()}")

    def _start_responders(self, machine: Machine) -> None:
        ports = {"tcp": mix.TCP, "http": mix.HTTP, "dns": mix.DNS, "ntp": mix.NTP}
        log = self.scene.world.directory / "responders.out"
        command = Command.of(sys.executable, "-I", bench_responders.__file__, json.dumps(ports))
        machine.start(command.within(None), log)
        self.until(lambda: "ready" in log.read_text(errors="replace"), "the bench's responders")
