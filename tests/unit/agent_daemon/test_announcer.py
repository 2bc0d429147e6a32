"""When gratuitous ARP is sent."""

from backend.agent.announcer import EVERY, SOON, Announcer


def test_nothing_is_due_before_it_begins() -> None:
    announcer = Announcer()
    assert announcer.due is None
    assert not announcer.take(10**9)


def test_soon_again_and_then_for_ever() -> None:
    announcer = Announcer()
    announcer.begin(1000)
    for after in SOON:
        assert announcer.due == 1000 + after
        assert not announcer.take(1000 + after - 1)
        assert announcer.take(1000 + after)
    now = 1000 + SOON[-1]
    for _ in range(5):
        assert announcer.due == now + EVERY
        now += EVERY
        assert announcer.take(now)


def test_it_stops() -> None:
    announcer = Announcer()
    announcer.begin(0)
    announcer.stop()
    assert announcer.due is None
