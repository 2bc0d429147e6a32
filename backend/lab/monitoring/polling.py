"""What polling costs the network: machines without other traffic, answers of several sizes."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from backend.errors import HaoscarError
from backend.lab.failover.places import OBSERVER
from backend.lab.monitoring import mix
from backend.lab.monitoring.meter import Count, Meter, polls_of
from backend.lab.monitoring.plan import SETTLE, Plan
from backend.lab.monitoring.results import Poll
from backend.lab.monitoring.room import Room
from backend.lab.topology import Net

# Interval: a machine on which no agent runs, and which is polled so often.
POLLED = {1.0: "client", 3.0: OBSERVER}
NAMES = {one: mix.polling({one: ""})[0]["name"] for one in POLLED}


class Mark(NamedTuple):
    """Just after a poll."""

    at: float  # when it ended
    passed: Count  # until then


class Polling:
    """Used once; other watch lists have ended."""

    def __init__(self, room: Room, plan: Plan) -> None:
        self._room = room
        self._plan = plan
        asker = room.address(room.active, Net.PUBLIC)
        self._snmpd = {one: room.snmpd(name, Net.PUBLIC) for one, name in POLLED.items()}
        self._meters = {
            one: Meter(room.machine(name), polls_of(asker)) for one, name in POLLED.items()
        }

    def measure(self) -> list[Poll]:
        """Return what a poll costs with each size; raises Cancelled, HaoscarError."""
        self._room.watch(mix.polling({one: each.address for one, each in self._snmpd.items()}))
        return [self._poll(size) for size in self._plan.sizes]

    def _poll(self, size: int) -> Poll:
        self._room.clock.say(f"Polling: {size} processes", SETTLE + self._plan.polled)
        for one in self._snmpd.values():
            one.start(mix.LISTED[:size])
        since = time.time()
        self._room.until(lambda: self._settled(since), "two polls that went well")
        before = {one: self._mark(one) for one in POLLED}
        self._room.wait(self._plan.polled)
        after = {one: self._mark(one) for one in POLLED}
        return poll(size, before, after)

    def _mark(self, interval: float) -> Mark:
        """Return what was counted up to the last poll, which is over, before the next one begins."""
        found: list[Mark] = []

        def quiet() -> bool:
            last = self._last(interval)
            count = self._meters[interval].counts()["snmp"]
            if time.time() - last < interval / 2 and self._last(interval) == last:
                found.append(Mark(last, count))
            return bool(found)

        self._room.until(quiet, "a poll")
        return found[0]

    def _last(self, interval: float) -> float:
        found = (one for one in self._room.status() if one["service"] == NAMES[interval])
        return float(next(found)["last_check"] or 0.0)

    def _settled(self, since: float) -> bool:
        """Whether each machine was polled twice: once to learn how long its answer is."""
        recent = all(self._last(one) > since + one for one in POLLED)
        return recent and not self._room.not_well()


def poll(size: int, before: Mapping[float, Mark], after: Mapping[float, Mark]) -> Poll:
    """Return what lies between two moments; raises HaoscarError when nothing was polled. Pure.

    One poll is told from the longest interval: what was read less than a second ago may be used again.
    """
    rates, one = {}, None
    for interval in sorted(before):
        polls = round((after[interval].at - before[interval].at) / interval)
        old, new = before[interval].passed, after[interval].passed
        if polls and new.bytes > old.bytes:
            size_of = new.bytes - old.bytes
            rates[interval] = size_of / (polls * interval)
            one = Poll(size, size_of / polls, (new.frames - old.frames) / polls, polls, {})
    if one is None:
        raise HaoscarError.of("bench.polls", f"Nothing was polled of {size} processes.")
    return Poll(size, one.bytes, one.frames, one.polls, rates)
