"""What the watch list says of a head: the commands, and how the role moves because of it."""

import time
from types import SimpleNamespace
from typing import Any

from backend.agent.core.events import Switchover
from backend.agent.core.messages import Health
from backend.agent.core.state import Head, Peer, Role, start
from backend.agent.core.timing import SECOND, Members, Timing
from backend.agent.errands import Errands
from backend.agent.head_control import HeadControl
from backend.agent.resources.planner import step
from backend.agent.resources.state import Board, Drain, Phase, Rules, Serve, begin
from backend.agent.settings import Member, Network, Resource, Settings
from backend.agent.status import role_answer
from backend.agent.verdict import LONGEST, Verdict, heard
from backend.system.agent.process import boottime_us

NOW = 1_000_000_000
GOOD = Health.FIT | Health(1)
DATABASE = Resource("db", "unit", (("unit", "db.service"),), stop_limit=30.0)
SETTINGS = Settings(
    "c", 1, (Member(1, "head1", True, ("",)), Member(2, "head2", True, ("",))),
    (Network("private", "eth0"),), (), "", "", "", resources=(DATABASE,),
)  # fmt: skip


def head(**changes: Any) -> Head:
    found = start(Members(1, (1, 2), ()), Timing(), 0, fresh=False)._replace(
        role=Role.ACTIVE, lease_until=NOW + 200_000, term=5, health=GOOD, peer=Peer(GOOD, NOW)
    )
    return found._replace(**changes)


class World:
    """Errands with a real board; programs end when a test says so."""

    def __init__(self) -> None:
        self.board: Board = begin((DATABASE,), Rules(300_000), NOW)
        running = self.board.items[0]._replace(phase=Phase.RUNNING, seen=True)
        self.board = self.board._replace(items=(running,), serving=True, term=5)
        self.decided: list[object] = []
        self.alarms: list[str] = []
        self.errands = Errands(self, self.decide)  # type: ignore[arg-type]
        self.conductor, self.chronicle = self, SimpleNamespace(alarm=self.alarms.append)
        self.settings, self.peer_is_off = SETTINGS, False

    def tell(self, event: Any) -> None:
        self.board = step(self.board, event, NOW).state

    def drain(self) -> None:
        self.tell(Drain())

    def resources_stopped(self) -> bool:
        return self.board.all_stopped

    def stop(self) -> None:
        """Let the stop that runs end well."""
        items = tuple(
            one._replace(verb=None, job="", phase=Phase.STOPPED) for one in self.board.items
        )
        self.board = self.board._replace(items=items)

    def decide(self, event: object) -> str:
        self.decided.append(event)
        return "decided"


def test_the_resources_are_stopped_before_the_role_goes() -> None:
    world = World()
    assert world.errands.empties(head(), NOW), "the core does not hear of it yet"
    assert world.board.draining
    world.errands.look(head(), NOW + SECOND)
    assert world.decided == []
    world.stop()
    assert not world.errands.empties(head(), NOW + 2 * SECOND), "now it does"
    world.errands.look(head(), NOW + 2 * SECOND)
    assert world.decided == [Switchover()]


def test_without_a_fit_living_peer_it_keeps_serving() -> None:
    for peer in (
        Peer(Health(1), NOW), Peer(GOOD, NOW - SECOND), Peer(GOOD | Health.MAINTENANCE, NOW),
        Peer(GOOD | Health.STOPPING, NOW), Peer(),
    ):  # fmt: skip
        world = World()
        assert world.errands.empties(head(peer=peer), NOW)
        world.errands.look(head(peer=peer), NOW)
        assert not world.board.draining
    mine = World()
    assert mine.errands.empties(head(maintenance_until=NOW + SECOND), NOW)
    assert not mine.board.draining


def test_soon_after_a_hand_over_there_is_no_second_one() -> None:
    world = World()
    calm = head(calm_until=NOW + 10 * SECOND)
    assert world.errands.empties(calm, NOW)
    assert not world.board.draining
    assert world.errands.empties(calm, NOW + 10 * SECOND)
    peer = Peer(GOOD, NOW + 10 * SECOND)
    assert world.errands.empties(calm._replace(peer=peer), NOW + 10 * SECOND)
    assert world.board.draining


def test_a_verdict_that_ends_takes_the_stop_back() -> None:
    world = World()
    world.errands.empties(head(), NOW)
    world.errands.fit_again(head())
    assert not world.board.draining
    world.errands.look(head(), NOW + 90 * SECOND)
    assert (world.decided, world.alarms) == ([], [])


def test_a_peer_that_is_lost_meanwhile_takes_the_stop_back() -> None:
    world = World()
    world.errands.empties(head(), NOW)
    world.errands.empties(head(peer=Peer(Health(1), NOW)), NOW)
    assert not world.board.draining


def test_when_the_other_head_does_not_take_over_the_resources_start_again() -> None:
    world = World()
    world.errands.empties(head(), NOW)
    world.stop()
    world.errands.look(head(), NOW)
    world.errands.look(head(inviting_until=NOW + 300_000), NOW + SECOND)
    assert world.board.draining
    world.errands.look(head(), NOW + SECOND)
    assert not world.board.draining
    assert world.board.item("db").phase is Phase.STARTING
    assert world.alarms == ["the other head did not take over; the resources start again"]
    peer = Peer(GOOD, NOW + 2 * SECOND)
    world.errands.empties(head(peer=peer), NOW + 2 * SECOND)
    assert not world.board.draining, "not at once again"


def test_a_role_that_has_gone_by_another_way_is_not_asked_back() -> None:
    world = World()
    world.errands.empties(head(), NOW)
    world.errands.look(head(role=Role.STANDBY), NOW + SECOND)
    world.stop()
    world.errands.look(head(role=Role.STANDBY), NOW + 2 * SECOND)
    assert world.decided == []


class Daemon:
    def __init__(self, world: World) -> None:
        self.parts, self.head, self.settings = world, head(), SETTINGS
        self.verdict = Verdict()

    def judged(self, verdict: Verdict) -> str:
        self.verdict = verdict
        return "heard"


def test_the_role_is_told_in_few_words() -> None:
    answer = role_answer(head(), SETTINGS, Verdict(), NOW)
    assert answer == {
        "ok": True, "role": "active", "term": 5, "maintenance": False, "fit": True, "why": "",
        "peer": {
            "name": "head2", "alive": True, "fit": True, "active": False, "maintenance": False,
            "willing": True,
        },
    }  # fmt: skip
    unfit = role_answer(head(peer=Peer()), SETTINGS, Verdict(NOW + 1, "no sshd"), NOW)
    assert (unfit["fit"], unfit["why"]) == (False, "no sshd")
    assert (unfit["peer"]["alive"], unfit["peer"]["willing"]) == (False, False)
    begin_, count = time.process_time(), 2000
    for _ in range(count):
        role_answer(head(), SETTINGS, Verdict(), NOW)
    assert (time.process_time() - begin_) / count < 200e-6, "it is asked once a second"


def test_a_verdict_lapses_and_is_harmless() -> None:
    verdict = heard(False, "sshd\x1b[2J\ndoes not work", 30.0, NOW)
    assert verdict.unfit(NOW + 29 * SECOND)
    assert not verdict.unfit(NOW + 30 * SECOND)
    assert verdict.why == "sshd [2J does not work"
    assert verdict.shown(NOW) == {"fit": False, "why": verdict.why, "seconds": 30.0}
    assert verdict.lines(NOW) == [
        "the watch list says that this head is not fit: sshd [2J does not work (for 30 s yet)"
    ]
    assert verdict.shown(NOW + 60 * SECOND) == {"fit": True, "why": "", "seconds": 0.0}
    assert heard(True, "", 30.0, NOW) == Verdict()
    assert not heard(False, "", 1e9, NOW).unfit(NOW + int(LONGEST * SECOND))


def test_the_health_command_takes_nothing_strange() -> None:
    daemon = Daemon(World())
    control = HeadControl(daemon)  # type: ignore[arg-type]
    for question in (
        {}, {"fit": "no", "seconds": 5}, {"fit": False}, {"fit": False, "why": 7, "seconds": 5},
        {"fit": False, "seconds": -1}, {"fit": 0, "seconds": 5},
    ):  # fmt: skip
        assert control.health(question)["ok"] is False
    assert control.health({"fit": False, "why": "no sshd", "seconds": 5})["ok"] is True
    assert daemon.verdict.unfit(boottime_us())
    assert control.role({})["role"] == "active"
    assert control.health({"fit": True})["ok"] is True
    assert daemon.verdict == Verdict()


def test_a_resource_is_restarted_by_the_agent_only() -> None:
    world = World()
    control = HeadControl(Daemon(world))  # type: ignore[arg-type]
    world.states = list  # type: ignore[attr-defined]
    assert control.restart({"resource": "nothing"})["ok"] is False
    assert control.restart({"resource": "db"})["ok"] is True
    assert world.board.item("db").phase is Phase.STOPPING
    assert control.restart({"resource": "db"})["ok"] is True, "it is at it already"
    world.stop()
    world.tell(Serve(5))
    world.board = world.board._replace(draining=True)
    assert "does not run db now" in control.restart({"resource": "db"})["error"]
    held = world.board.item("db")._replace(held=True, blame="no disk")
    world.board = world.board._replace(draining=False, items=(held,))
    assert control.restart({"resource": "db"})["error"] == "db was given up here: no disk"
