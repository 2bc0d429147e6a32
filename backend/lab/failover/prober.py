"""The prober of a world, started and stopped, and its records read as values."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.errors import HaoscarError
from backend.lab.failover.places import CLIENTS, HEADS, OBSERVER, TTL, VIRTUAL
from backend.lab.failover.programs import Program
from backend.lab.failover.world import World
from backend.lab.topology import Net
from backend.system import vip_prober
from backend.system.namespaces import Inside, NamespaceRunner
from backend.system.runner import Command

CLIENT_US, JUDGE_US, ARP_US = 5_000, 2_000, 10_000  # how often each asks
NETS = tuple(Net)
START_LIMIT = 10.0  # seconds
LOG = "/run/prober.log"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the prober's log; see vip_prober."""

    sent: int  # us
    number: int
    kind: int
    net: Net
    head: str  # "" when it cannot be told


class Prober:
    """Runs from the moment it is made to the end of the world; stopped while nobody looks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._log = Path(f"/proc/{world.reaper.pid}/root{LOG}")
        self._from = 0
        inside = Inside(world.reaper.pid, own_network=True)
        said = world.directory / "prober.out"
        command = Command.of(sys.executable, "-I", vip_prober.__file__, json.dumps(_order(world)))
        said = world.directory / "prober.out"
        place = NamespaceRunner(lambda: inside)
        self.process = Program.start(command, place, world.reaper, said).process
        deadline = time.monotonic() + START_LIMIT
        while b"ready" not in said.read_bytes():
            if not self.process.alive or time.monotonic() > deadline:
                raise HaoscarError.of(
                    "failover.prober", f"The prober did not start: {said.read_text()[-2000:]}"
                )
            time.sleep(0.002)
        self.realtime = b"ready, real-time" in said.read_bytes()

    def pause(self) -> None:
        """Send nothing until ``resume``: the idle cost of an engine is measured without it."""
        self.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after ``pause``, and forget what was recorded before."""
        self.process.send(signal.SIGCONT)
        self.forget()

    def forget(self) -> None:
        """Throw the records away."""
        os.truncate(self._log, 0)

    def records(self, since: int = 0, until: int | None = None) -> list[Record]:
        """Return the records of answers to questions sent within these moments, in us."""
        content = self._log.read_bytes()
        return list(_parse(content, since, until))

    def latest(self, span_us: int) -> list[Record]:
        """Return the records of the last moments, as far as they have been written."""
        size = self._log.stat().st_size
        wanted = min(size, 16 * 1024)
        with self._log.open("rb") as log:
            log.seek((size - wanted) // vip_prober.RECORD.size * vip_prober.RECORD.size)
            content = log.read()
        return list(_parse(content, now_us() - span_us, None))

    def served(self, head: str, span_us: int = 60_000) -> bool:
        """Whether a head has answered the clients on every network just now."""
        found = {
            record.net
            for record in self.latest(span_us)
            if record.kind == vip_prober.CLIENT and record.head == head
        }
        return len(found) == len(NETS)

    def holders(self, span_us: int = 60_000) -> dict[Net, set[str]]:
        """Return which heads have answered the judge on each network just now."""
        found: dict[Net, set[str]] = {net: set() for net in NETS}
        for record in self.latest(span_us):
            if record.kind == vip_prober.JUDGE and record.head:
                found[record.net].add(record.head)
        return found


def now_us() -> int:
    """Return the prober's clock."""
    return time.monotonic_ns() // 1000


def _parse(content: bytes, since: int, until: int | None) -> Iterator[Record]:
    size = vip_prober.RECORD.size
    whole = content[: len(content) // size * size]
    names = ("", *HEADS)
    for sent, number, kind, net, head in vip_prober.RECORD.iter_unpack(whole):
        if sent >= since and (until is None or sent <= until):
            yield Record(sent, number, kind, NETS[net], names[head])


def _order(world: World) -> dict[str, object]:
    spec = world.places.spec
    return {
        "log": LOG,
        "ttls": [TTL[head] for head in HEADS],
        "clients": [
            {"netns": f"/run/netns/{CLIENTS[net]}", "vip": str(VIRTUAL[net].ip)} for net in NETS
        ],
        "observer": f"/run/netns/{OBSERVER}",
        "cards": [
            {
                "interface": spec(OBSERVER).port(net).interface,
                "mac": _hexadecimal(world, OBSERVER, net),
                "address": str(spec(OBSERVER).port(net).address.ip),
                "vip": str(VIRTUAL[net].ip),
                "heads": [_hexadecimal(world, head, net) for head in HEADS],
            }
            for net in NETS
        ],
        "every_us": [CLIENT_US, JUDGE_US, ARP_US],
    }


def _hexadecimal(world: World, name: str, net: Net) -> str:
    return str(world.places.spec(name).port(net).mac).replace(":", "")
