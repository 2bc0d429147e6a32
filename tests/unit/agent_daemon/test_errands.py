"""Planned moves stop the resources first; the last resort comes last."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from backend.agent.alone import SILENT
from backend.agent.core.events import Event, Force, Stop, Switchover
from backend.agent.core.messages import Health
from backend.agent.core.state import Head, Peer, Role, start
from backend.agent.core.timing import SECOND, Members, Timing
from backend.agent.errands import Errands
from backend.agent.resources.state import Rules, Serve, begin
from backend.agent.settings import Fencing, Resource, Settings

NOW = 1_000_000_000
DATABASE = Resource("db", "unit", (("unit", "db.service"),), stop_limit=30.0)


class Conductor:
    def __init__(self) -> None:
        self.board = begin((DATABASE,), Rules(300_000), NOW)
        self.told: list[object] = []
        self.fenced = 0

    def tell(self, event: object) -> None:
        self.told.append(event)

    def fence(self) -> None:
        self.fenced += 1


class Chronicle:
    def __init__(self) -> None:
        self.alarms: list[str] = []

    def alarm(self, sentence: str) -> None:
        self.alarms.append(sentence)


@dataclass
class Parts:
    settings: Settings = field(
        default_factory=lambda: Settings("c", 2, (), (), (), "", "", "", fencing=Fencing("fence_x"))
    )
    conductor: Conductor = field(default_factory=Conductor)
    chronicle: Chronicle = field(default_factory=Chronicle)
    stopped: bool = False
    drained: int = 0
    peer_is_off: bool = False

    def resources_stopped(self) -> bool:
        return self.stopped

    def drain(self) -> None:
        self.drained += 1


class World:
    def __init__(self) -> None:
        self.parts = Parts()
        self.decided: list[Event] = []
        self.errands = Errands(self.parts, self.decide)  # type: ignore[arg-type]

    def decide(self, event: Event) -> str:
        self.decided.append(event)
        return "decided"


def head(**changes: Any) -> Head:
    found = start(Members(2, (1, 2), (3,)), Timing(), 0, fresh=False)
    good = Health.FIT | Health(1)
    return found._replace(health=good, peer=Peer(good, NOW, NOW))._replace(**changes)


ACTIVE = {"role": Role.ACTIVE, "lease_until": NOW + 200_000, "term": 5}


def test_a_switchover_waits_until_the_resources_are_stopped() -> None:
    world = World()
    assert world.errands.begin(Switchover(), head(**ACTIVE), NOW) == "stopping the resources first"
    world.errands.look(head(**ACTIVE), NOW + SECOND)
    assert (world.parts.drained, world.decided) == (1, [])
    world.parts.stopped = True
    world.errands.look(head(**ACTIVE), NOW + 2 * SECOND)
    world.errands.look(head(**ACTIVE), NOW + 3 * SECOND)
    assert world.decided == [Switchover()]


def test_without_anything_to_stop_it_is_done_at_once() -> None:
    world = World()
    world.parts.stopped = True
    assert world.errands.begin(Switchover(), head(**ACTIVE), NOW) == "decided"
    assert world.decided == [Switchover()]


def test_a_switchover_whose_resources_do_not_stop_is_taken_back() -> None:
    world = World()
    world.errands.begin(Switchover(), head(**ACTIVE), NOW)
    world.errands.look(head(**ACTIVE), NOW + 60 * SECOND)
    assert world.decided == []
    assert world.parts.conductor.told == [Serve(5)]
    assert world.parts.chronicle.alarms == ["the resources have not stopped in time"]


def test_a_stop_does_not_wait_for_ever() -> None:
    world = World()
    world.errands.begin(Stop(), head(**ACTIVE), NOW)
    assert world.errands.waiting(NOW + SECOND)
    world.errands.look(head(**ACTIVE), NOW + 60 * SECOND)
    assert world.decided == [Stop()]
    assert not world.errands.waiting(NOW + 60 * SECOND)


@pytest.mark.parametrize(
    ("changes", "first"),
    [(ACTIVE, True), ({**ACTIVE, "inviting_until": NOW + 1}, False), ({**ACTIVE, "stopping": 1}, False), ({}, False)],
)  # fmt: skip
def test_who_asks_for_the_role_waits_but_a_dead_network_does_not(
    changes: dict[str, Any], first: bool
) -> None:
    world = World()
    assert world.errands.first(head(**changes), NOW) is first
    assert world.parts.drained == int(first)


def test_a_promised_standby_fences_and_serves_only_when_that_is_confirmed() -> None:
    world = World()
    silent = head(promised=3, peer=Peer(Health.FIT | Health.ACTIVE, NOW - SILENT, NOW - SILENT))
    world.errands.look(silent, NOW)
    assert (world.parts.conductor.fenced, world.decided) == (1, [])
    world.parts.peer_is_off = True
    world.errands.look(silent, NOW)
    assert world.decided == [Force()]


def test_a_peer_that_speaks_again_is_not_off() -> None:
    world = World()
    world.parts.peer_is_off = True
    world.errands.look(head(), NOW)
    assert not world.parts.peer_is_off
