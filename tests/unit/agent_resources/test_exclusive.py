"""What must never run twice: it waits for proof, and the sentence says for which."""

from backend.agent.core.timing import MS, SECOND
from backend.agent.resources.permission import may_feed_watchdog
from backend.agent.resources.state import (
    Drain,
    Fence,
    FencingSaid,
    PeerOff,
    PeerWord,
    Retire,
    Rules,
    SelfFence,
    Serve,
    StopFencing,
)
from backend.system.agent.program import How
from tests.unit.agent_resources.world import LEASE, World, ocf

FENCED = Rules(LEASE, fencing=True)


def shared(rules: Rules, **more: object) -> World:
    never: dict[str, object] = {"check_every": 0.0}
    disk = ocf("disk", exclusive=True, **never, **more)
    return World(disk, ocf("db", "disk", **never), ocf("web", **never), rules=rules)


def test_without_any_proof_it_is_refused_and_the_rest_starts() -> None:
    world = shared(Rules(LEASE))
    world.tell(Serve(1))
    world.end("start web")
    assert not world.running
    assert "disk is not started" in world.said[0]
    assert "neither fencing nor its watchdog is configured" in world.said[0]
    world.advance(3600)
    assert world.phases()["disk"] == "blocked"
    assert world.phases()["db"] == "blocked"
    assert world.wanted == []


def test_confirmed_fencing_lets_it_start() -> None:
    world = shared(FENCED)
    world.tell(Serve(1))
    assert world.wanted == []  # a moment for the other head's own word
    world.advance(0.7)
    assert world.wanted == [Fence()]
    world.tell(FencingSaid("the device does not answer"))
    assert "the device does not answer" in world.board.item("disk").why
    world.tell(PeerOff())
    assert "start disk" in world.running
    world.end("start disk")
    assert "start db" in world.running


def test_fencing_that_came_before_the_role_counts_for_a_lease_only() -> None:
    for age, allowed in ((0, True), (LEASE, True), (LEASE + MS, False), (60 * SECOND, False)):
        world = shared(FENCED)
        world.tell(PeerOff())
        world.now += age
        world.tell(Serve(1))
        assert ("start disk" in world.running) is allowed, age


def test_the_other_heads_own_word_counts_if_it_answers_a_question_of_this_term() -> None:
    world = shared(FENCED)
    world.tell(PeerWord(True, world.now - 1))
    world.tell(Serve(1))
    served = world.now
    world.tell(PeerWord(True, served - 1))  # asked before: it may have served since
    assert "start disk" not in world.running
    world.advance(0.01)
    world.tell(PeerWord(True, served))
    assert "start disk" in world.running
    world.advance(10)
    assert Fence() not in world.wanted


def test_a_head_that_says_it_is_stopping_is_given_the_time_its_stops_may_take() -> None:
    world = World(
        ocf("disk", exclusive=True, stop_limit=20.0), ocf("db", "disk", stop_limit=30.0),
        rules=FENCED,
    )  # fmt: skip
    world.tell(Serve(1))
    for _ in range(48):
        world.tell(PeerWord(False, world.now))
        world.advance(1)
    assert world.wanted == []
    assert "still stopping" in world.board.item("disk").why
    for _ in range(4):
        world.tell(PeerWord(False, world.now))
        world.advance(1)
    assert world.wanted == [Fence()]
    world.tell(PeerWord(True, world.now))
    assert world.wanted == [Fence(), StopFencing()]
    assert "start disk" in world.running


def test_a_head_that_fell_silent_while_stopping_is_fenced() -> None:
    world = shared(FENCED)
    world.tell(Serve(1))
    world.tell(PeerWord(False, world.now))
    world.advance(1.5)
    assert world.wanted == []
    world.advance(1)
    assert world.wanted == [Fence()]


def test_the_watchdog_of_the_other_head_is_waited_for() -> None:
    world = shared(Rules(LEASE, peer_watchdog=10 * SECOND, margin=2 * SECOND))
    world.tell(Serve(1))
    assert "watchdog" in world.last
    world.advance(12.2)
    assert "start disk" not in world.running
    world.advance(0.2)
    assert "start disk" in world.running


def test_proof_of_one_term_does_not_count_in_the_next() -> None:
    world = shared(FENCED)
    world.tell(Serve(1))
    world.tell(PeerOff())
    world.ends("start disk", "start db", "start web")
    world.tell(Retire())
    world.ends("stop web", "stop db", "stop disk")
    world.advance(5)
    world.tell(Serve(2))
    assert list(world.running) == ["start web"]


def test_a_lost_role_ends_the_wish_to_fence() -> None:
    world = shared(FENCED)
    world.tell(Serve(1))
    world.advance(1)
    world.tell(Retire())
    assert world.wanted == [Fence(), StopFencing()]


def test_what_does_not_stop_resets_this_machine_once() -> None:
    world = shared(FENCED)
    world.tell(Serve(1))
    world.tell(PeerOff())
    world.ends("start disk", "start db", "start web")
    world.tell(Retire())
    assert not may_feed_watchdog(world.board, leased=False)
    world.ends("stop web", "stop db")
    world.end("stop disk", how=How.TIMED_OUT)
    world.end("probe disk", 0)
    [action] = world.wanted
    assert isinstance(action, SelfFence)
    assert "disk did not stop" in action.why
    assert not world.board.exclusive_stopped
    world.advance(31)
    world.end("stop disk", 1)
    world.end("probe disk", how=How.TIMED_OUT)
    assert len(world.wanted) == 1
    assert not may_feed_watchdog(world.board, leased=False)


def test_a_planned_hand_over_that_does_not_come_to_an_end_resets_nothing() -> None:
    world = shared(FENCED)
    world.tell(Serve(1))
    world.tell(PeerOff())
    world.ends("start disk", "start db", "start web")
    world.tell(Drain())
    world.ends("stop db", "stop web")
    world.end("stop disk", 1)
    world.end("probe disk", 0)
    assert world.wanted == []
    assert not world.board.all_stopped
    world.tell(Serve(1))  # the daemon gives up: everything comes back
    world.end("probe disk", 0)
    world.ends("start web", "start db")
    assert set(world.phases().values()) == {"running"}
    world.tell(Retire())  # now the role is lost, and it still does not stop
    world.ends("stop web", "stop db")
    world.end("stop disk", 1)
    world.end("probe disk", 0)
    assert isinstance(world.wanted[-1], SelfFence)


def test_a_standby_that_never_ran_it_is_not_reset_because_its_stop_fails() -> None:
    world = World(ocf("disk", exclusive=True), rules=FENCED, probed=False)
    world.end("probe disk", 5)  # not installed here
    world.end("stop disk", 5)
    world.end("probe disk", 5)
    assert world.wanted == []
    assert not world.board.exclusive_stopped  # but it gives no word either
    assert may_feed_watchdog(world.board, leased=False)
    world.advance(31)
    world.end("stop disk", 5)
    world.end("probe disk", 5)
    assert world.wanted == []


def test_the_watchdog_is_fed_by_a_lease_or_when_nothing_exclusive_runs() -> None:
    world = shared(FENCED)
    assert may_feed_watchdog(world.board, leased=False)
    assert world.board.exclusive_stopped
    world.tell(Serve(1))
    assert not world.board.exclusive_stopped  # it may start any moment
    world.tell(PeerOff())
    assert not may_feed_watchdog(world.board, leased=False)
    assert may_feed_watchdog(world.board, leased=True)
