"""Which alert goes next, when it is tried again, and what is dropped."""

import pytest

from backend.watch.alerts import outbox
from backend.watch.alerts.message import Message
from backend.watch.alerts.outbox import AT_ONCE, MOST, Outbox
from backend.watch.settings import DOWN, UP, Alert
from tests.unit.watch.alerts.world import WALL, message, service

ROOT, OTHER = Alert("mail", DOWN, ("root",)), Alert("mail", DOWN, ("other",))


def about(name: str, alert: Alert = ROOT, run: str = DOWN, wall: float = WALL) -> Message:
    return message(alert, run, of=service(name, alert), wall=wall)


def all_names(box: Outbox) -> list[tuple[str, str, float]]:
    return [(one.message.service.name, one.message.run, one.message.wall) for one in box]


def test_a_failing_one_is_tried_with_growing_pauses_and_given_up_after_half_an_hour():
    box = Outbox()
    assert box.add(about("web"), 0.0) == []
    now, tries, said = 0.0, [], []
    while len(box):
        item = box.take(now)
        if item is None:
            later = box.wake_at(now)
            assert later is not None
            assert later > now
            now = later
            continue
        tries.append(now)
        said += box.failed(item, "refused\x1b[31m", now)
    assert tries[:6] == [0, 2, 7, 22, 82, 382]
    assert 1800 <= tries[-1] <= 2100
    assert len(said) == 2, said  # once that it is tried again, once that it is given up
    assert "refused\\x1b[31m" in said[0]
    assert "given up" in said[1]
    assert "30 minutes" in said[1]
    assert box.counts == {"given_up": 1}


def test_what_can_never_work_is_given_up_at_once():
    box = Outbox()
    box.add(about("web"), 0.0)
    item = box.take(0.0)
    assert item is not None
    assert "given up" in box.failed(item, "no such port", 0.0, final=True)[0]
    assert len(box) == 0


def test_newer_takes_the_place_of_older_and_goes_last():
    box = Outbox()
    box.add(about("web", wall=1.0), 0.0)
    box.add(about("web", run=UP, wall=2.0), 0.0)
    box.add(about("web", wall=3.0), 0.0)
    assert all_names(box) == [("web", UP, 2.0), ("web", DOWN, 3.0)]  # the last word is the truth
    assert box.counts["superseded"] == 1


def test_what_one_check_sends_twice_is_sent_twice_as_mon_does():
    box = Outbox()
    box.add(about("web", wall=1.0), 0.0)
    box.add(about("web", wall=1.0), 0.0)
    assert len(box) == 2


def test_what_is_being_sent_is_not_superseded_but_its_second_try_is():
    box = Outbox()
    box.add(about("web", wall=1.0), 0.0)
    first = box.take(0.0)
    assert first is not None
    box.add(about("web", wall=2.0), 0.0)
    assert len(box) == 2
    box.failed(first, "refused", 1.0)
    assert all_names(box) == [("web", DOWN, 2.0)]


def test_order_is_kept_in_a_lane_also_over_failures():
    box = Outbox()
    box.add(about("web", wall=1.0), 0.0)
    box.add(about("web", run=UP, wall=2.0), 0.0)
    first = box.take(0.0)
    assert first is not None
    assert box.take(0.0) is None
    box.failed(first, "refused", 0.0)
    assert box.take(1.9) is None  # the up-alert does not overtake
    again = box.take(2.0)
    assert again is first
    box.delivered(first)
    second = box.take(2.0)
    assert second is not None
    assert second.message.run == UP


def test_one_target_gets_one_at_a_time_and_others_go_on():
    box = Outbox()
    box.add(about("web"), 0.0)
    box.add(about("dns"), 0.0)
    box.add(about("ntp", OTHER), 0.0)
    taken = [box.take(0.0), box.take(0.0), box.take(0.0)]
    assert [one.message.service.name if one else None for one in taken] == ["web", "ntp", None]


def test_at_most_four_at_once_and_at_most_two_of_them_doubtful():
    box = Outbox()
    targets = [Alert("mail", DOWN, (f"u{number}",)) for number in range(8)]
    for number, target in enumerate(targets):
        box.add(about(f"s{number}", target), 0.0)
    running = [box.take(0.0) for _ in range(AT_ONCE)]
    assert all(running)
    assert box.take(0.0) is None
    for one in running:
        assert one is not None
        box.failed(one, "hangs", 0.0)
    for _ in range(4):  # the other four work
        one = box.take(0.0)
        assert one is not None
        box.delivered(one)
    assert [box.take(2.0) is not None for _ in range(4)] == [True, True, False, False]
    box.add(about("new", Alert("syslog")), 2.0)
    fresh = box.take(2.0)
    assert fresh is not None
    assert fresh.message.service.name == "new"


def test_an_ill_target_is_probed_by_one_and_what_waits_follows_at_once_when_it_is_well():
    box = Outbox()
    for number in range(20):
        box.add(about(f"s{number}"), 0.0)
    first = box.take(0.0)
    assert first is not None
    assert len(box.failed(first, "refused", 0.0)) == 1
    assert box.take(1.0) is None  # nobody else knocks meanwhile
    second = box.take(2.0)
    assert second is not None
    assert second is not first  # those that were not tried come first
    assert box.failed(second, "refused", 2.0) == []  # said once for the target
    third = box.take(7.0)
    assert third is not None
    assert box.delivered(third) == ["The alert mail root is delivered again."]
    count = 0
    while (one := box.take(7.0)) is not None:
        box.delivered(one)
        count += 1
    assert count == 19


def test_a_newcomer_does_not_wait_five_minutes_for_an_ill_target():
    box = Outbox()
    box.add(about("web"), 0.0)
    now = 0.0
    for _ in range(6):
        while (one := box.take(now)) is None:
            now = box.wake_at(now) or now
        box.failed(one, "refused", now)
    box.add(about("dns"), now + 1)
    assert box.take(now + 14) is None
    fresh = box.take(now + 15)
    assert fresh is not None
    assert fresh.message.service.name == "dns"


def test_a_full_queue_drops_the_superseded_of_the_same_service_first_and_says_so_once(monkeypatch):
    box = Outbox()
    lane = [(DOWN, 1.0), (UP, 2.0)]
    for run, wall in lane:
        box.add(about("web", run=run, wall=wall), 0.0)
    for number in range(MOST - 2):
        box.add(about(f"s{number}"), 0.0)
    said = box.add(about("web", OTHER, wall=3.0), 0.0)
    assert len(said) == 1
    assert str(MOST) in said[0]
    assert len(box) == MOST
    assert ("web", DOWN, 1.0) not in all_names(box)
    assert ("web", UP, 2.0) in all_names(box)
    for number in range(50):
        assert box.add(about(f"t{number}", wall=4.0), 0.0) == []
    assert len(box) == MOST
    assert box.counts["dropped"] == 51


def test_forgotten_ones_are_not_tried_again():
    box = Outbox()
    box.add(about("web"), 0.0)
    item = box.take(0.0)
    assert item is not None
    box.clear()
    assert box.failed(item, "refused", 1.0) == []
    assert len(box) == 0
    assert box.wake_at(1.0) is None


def test_waking_is_never_in_the_past():
    box = Outbox()
    for number in range(AT_ONCE + 3):
        box.add(about(f"s{number}", Alert("mail", DOWN, (f"u{number}",))), 0.0)
    while box.take(0.0) is not None:
        pass
    assert box.wake_at(5.0) is None  # only the end of a delivery can change anything


def test_a_thousand_alerts_cost_little_time():
    import time

    box = Outbox()
    began = time.process_time()
    for number in range(MOST):
        box.add(about(f"s{number}"), 0.0)
    count = 0
    while (one := box.take(0.0)) is not None:
        box.delivered(one)
        count += 1
    assert count == MOST
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize("failures", [1, 3, 50])
def test_pauses_end_at_five_minutes(failures):
    box = Outbox()
    box.add(about("web"), 0.0)
    now = 0.0
    for _ in range(failures):
        item = box.take(now)
        if item is None:
            break
        box.failed(item, "x", now)
        later = box.wake_at(now)
        if later is None:
            break
        assert later - now <= outbox.PAUSES[-1]
        now = later
