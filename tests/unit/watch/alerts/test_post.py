"""The post office: it never blocks, a bad target holds up no other, nothing is lost at the end."""

import asyncio
import itertools
import json
import time

import pytest

from backend.system.watch.not_delivered import NotDelivered
from backend.watch.alerts import courier, outbox, post
from backend.watch.alerts.message import Message
from backend.watch.alerts.post import AlertPost
from backend.watch.settings import DOWN, UP, Alert
from tests.unit.watch.alerts.world import message, office, service, settings, until

GOOD = Alert("mail", DOWN, ("good",))


class Couriers:
    """Takes the place of the courier: what happens to each target is told beforehand."""

    def __init__(self) -> None:
        self.hang: set[str] = set()
        self.fail: set[str] = set()
        self.arrived: list[tuple[str, str, str, float]] = []
        self.running = self.most = 0

    async def __call__(self, _: object, told: Message) -> courier.Receipt:
        target = told.alert.words[0]
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if target in self.hang:
                await asyncio.sleep(3600)
            await asyncio.sleep(0.001)
            if target in self.fail:
                raise NotDelivered("no")
        finally:
            self.running -= 1
        self.arrived.append((target, told.service.name, told.run, told.wall))
        return courier.Receipt()


@pytest.fixture
def couriers(monkeypatch) -> Couriers:
    made = Couriers()

    async def deliver(self: object, told: Message) -> courier.Receipt:
        return await made(self, told)

    monkeypatch.setattr(courier.Courier, "deliver", deliver)
    monkeypatch.setattr(outbox, "PAUSES", (0.02, 0.05))
    return made


def to(target: str, name: str = "web", run: str = DOWN, wall: float = 1.0) -> Message:
    alert = Alert("mail", run, (target,))
    return message(alert, run, of=service(name, alert), wall=wall)


def test_sending_returns_at_once_and_others_go_on_while_three_targets_hang(couriers, monkeypatch):
    monkeypatch.setattr(post, "CLOSE_LIMIT", 0.1)
    couriers.hang |= {"h1", "h2", "h3"}

    async def run() -> None:
        async with office(settings()) as (office_, _):
            beat: list[float] = []

            async def monitoring() -> None:
                while True:
                    beat.append(time.monotonic())
                    await asyncio.sleep(0.002)

            task = asyncio.ensure_future(monitoring())
            began = time.monotonic()
            for number in range(100):
                for target in ("h1", "h2", "h3", "good"):
                    office_.send(to(target, f"s{number}"))
            assert time.monotonic() - began < 1.0
            await until(lambda: len(couriers.arrived) == 100)
            task.cancel()
            assert {one[0] for one in couriers.arrived} == {"good"}
            assert max(b - a for a, b in itertools.pairwise(beat)) < 0.5
            assert couriers.most <= 4
            assert len(office_.snapshot()) == 300

    asyncio.run(run())


def test_targets_that_hang_for_their_whole_limit_do_not_take_all_places_again(
    couriers, monkeypatch
):
    monkeypatch.setattr(post, "LONGEST_TRY", 0.1)
    couriers.hang |= {f"h{number}" for number in range(6)}

    async def run() -> None:
        async with office(settings()) as (office_, said):
            for number in range(6):
                office_.send(to(f"h{number}"))
            await until(lambda: len(said) == 6)
            began = time.monotonic()
            office_.send(to("good"))
            await until(lambda: couriers.arrived)
            assert time.monotonic() - began < 0.09

    asyncio.run(run())


def test_the_order_is_kept_per_service_and_target_whatever_fails(couriers):
    couriers.fail.add("bad")

    async def run() -> None:
        async with office(settings()) as (office_, _):
            for number in range(30):
                office_.send(to("bad", "web", DOWN if number % 2 == 0 else UP, float(number)))
                office_.send(to("good", "web", DOWN if number % 2 == 0 else UP, float(number)))
                await asyncio.sleep(0.003)
            couriers.fail.clear()
            await until(lambda: not office_.snapshot())
        for target in ("bad", "good"):
            walls = [one[3] for one in couriers.arrived if one[0] == target]
            assert walls == sorted(walls)
            assert walls[-2:] == [28.0, 29.0]  # the last of each kind

    asyncio.run(run())


def test_a_wrong_alert_is_said_once_and_never_tried(couriers):
    async def run() -> None:
        async with office(settings()) as (office_, said):
            for number in range(5):
                office_.send(message(Alert("mail", DOWN, ("a b",)), wall=float(number)))
            assert len(said) == 1
            assert "no mail address" in said[0]
            assert office_.snapshot() == []
            assert office_.counts() == {"refused": 5}

    asyncio.run(run())


def test_a_mistake_of_ours_is_a_failure_like_others(couriers, monkeypatch):
    async def broken(self: object, told: Message) -> courier.Receipt:
        raise ZeroDivisionError

    monkeypatch.setattr(courier.Courier, "deliver", broken)

    async def run() -> None:
        async with office(settings()) as (_, said):
            _.send(to("good"))
            await until(lambda: said)
            assert "ZeroDivisionError" in said[0]

    asyncio.run(run())


def test_the_end_waits_little_and_what_was_not_delivered_survives(couriers, monkeypatch):
    monkeypatch.setattr(post, "CLOSE_LIMIT", 0.2)
    couriers.hang.add("h1")
    alert = Alert("mail", DOWN, ("h1",))
    site = settings(service("web", alert))

    async def run() -> object:
        said: list[str] = []
        office_ = AlertPost(site, said.append)
        running = asyncio.ensure_future(office_.run())
        office_.send(to("h1"))
        await until(lambda: couriers.running)
        began = time.monotonic()
        await office_.close()
        await asyncio.wait_for(running, 1)
        assert time.monotonic() - began < 1.0
        return json.loads(json.dumps(office_.remember()))

    kept = asyncio.run(run())
    couriers.hang.clear()

    async def again() -> None:
        async with office(site) as (office_, _):
            assert office_.recall(kept) == 1
            await until(lambda: couriers.arrived)

    asyncio.run(again())


def test_what_is_sent_before_the_office_opens_is_delivered_then(couriers):
    async def run() -> None:
        office_ = AlertPost(settings(), print)
        office_.send(to("good"))
        running = asyncio.ensure_future(office_.run())
        await until(lambda: couriers.arrived)
        await office_.close()
        await running

    asyncio.run(run())


def test_forgetting_leaves_nothing(couriers):
    couriers.fail.add("bad")

    async def run() -> None:
        async with office(settings()) as (office_, said):
            office_.send(to("bad"))
            await until(lambda: said)
            office_.forget()
            assert office_.snapshot() == []
            await asyncio.sleep(0.1)
            assert len(said) == 1

    asyncio.run(run())


def test_the_snapshot_is_json_and_says_what_is_wrong(couriers):
    couriers.fail.add("bad")

    async def run() -> None:
        async with office(settings()) as (office_, said):
            office_.send(to("bad"))
            await until(lambda: said)
            (one,) = json.loads(json.dumps(office_.snapshot()))
            assert one["service"] == "nodes:web"
            assert one["alert"] == "mail bad"
            assert one["problem"] == "no"
            assert one["tries"] >= 1

    asyncio.run(run())
