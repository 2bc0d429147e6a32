"""Which networks are well: the faults of the baseline, on both heads at once, and statistics."""

import random
from collections.abc import Callable
from typing import NamedTuple

import pytest

from backend.agent.core.timing import MS
from backend.agent.links import SPAN, Links
from tests.unit.agent_wire.two_heads import (
    BOTH,
    LEASE,
    PRIVATE,
    PUBLIC,
    REST,
    SETTINGS,
    Speaker,
    World,
)

ALL_PRIVATE = {(member, 0) for member in (1, 2, 3, 4, 5)}


class Case(NamedTuple):
    """A fault, after which the active head finds within a time that it should move, or never."""

    name: str
    fault: Callable[[World], None]
    within: int | None  # milliseconds; None: never
    bits: tuple[int, int]  # what the active head and the standby say in the end
    witnesses: tuple[int, ...] = (3, 4, 5)


def cut(*ends: tuple[int, int]) -> Callable[[World], None]:
    return lambda world: world.down.update(ends)


def pull(network: int) -> Callable[[World], None]:
    def fault(world: World) -> None:
        world.down.add((1, network))
        world.heads[1].links.carrier(network, False, world.now)
        world.look(1)  # the kernel says so

    return fault


CASES = (
    Case("F0 nothing", cut(), None, (BOTH, BOTH)),
    Case("F2s active's private path", cut((1, 0)), 550, (PUBLIC, BOTH)),
    Case("F2s, one witness left", cut((1, 0)), 550, (PUBLIC, BOTH), (4,)),
    Case("F2s, no witness left", cut((1, 0)), None, (BOTH, PUBLIC), ()),
    Case("standby's private path", cut((2, 0)), None, (BOTH, PUBLIC)),
    Case("private switch", cut(*ALL_PRIVATE), None, (BOTH, PUBLIC)),
    Case("public switch", cut((1, 1), (2, 1)), None, (BOTH, PRIVATE)),
    Case("active's public path", cut((1, 1)), None, (BOTH, PRIVATE)),
    Case("witnesses' path", cut((3, 0), (4, 0), (5, 0)), None, (BOTH, BOTH)),
    Case("standby dead", lambda world: world.dead.add(2), None, (BOTH, BOTH)),
    Case("all others dead", lambda world: world.dead.update((2, 3, 4, 5)), None, (BOTH, BOTH)),
    Case("F2 active's private cable", pull(0), 60, (PUBLIC, BOTH)),
    Case("F3 active's public cable", pull(1), 60, (PRIVATE, BOTH)),
    Case("F4s active cut off", cut((1, 0), (1, 1)), None, (BOTH, BOTH)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
def test_a_fault(case: Case) -> None:
    for seed in range(12):
        world = World(seed, case.witnesses)
        world.run(1500 + seed)
        assert world.seen[-1] == (BOTH, BOTH)
        assert not world.moves
        case.fault(world)
        began = world.now
        world.run(2500)
        said = tuple(world.heads[member].bits for member in (1, 2))
        assert said == case.bits, seed
        if case.within is None:
            assert not world.moves, seed
        else:
            assert world.moves, seed
            assert world.moves[0] - began <= case.within * MS, seed
            assert world.moves[-1] > world.now - (REST + 2) * MS, "it stays possible"


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
def test_the_healing_of_a_fault_moves_nothing(case: Case) -> None:
    for seed in range(12):
        world = World(seed, case.witnesses)
        world.run(1000)
        case.fault(world)
        world.run(2000)
        world.moves.clear()
        world.heal()
        world.run(1500)
        late = [one for one in world.moves if one > world.now - 1400 * MS]
        assert not late, seed
        if case.within is None:
            assert not world.moves, seed
        assert tuple(world.heads[member].bits for member in (1, 2)) == (BOTH, BOTH)


@pytest.mark.parametrize(("loss", "seed"), [(0.2, 1), (0.4, 2), (0.4, 3)])
def test_loss_alone_is_no_reason(loss: float, seed: int) -> None:
    world = World(seed)
    world.run(1000)
    world.loss = loss
    world.run(60_000)
    assert not world.moves
    shown = {(one["member"], one["network"]): one for one in world.heads[2].links.snapshot(0)}
    for network in ("private", "public"):
        assert abs(shown["one", network]["loss"] - loss) < 0.12
    world.loss = 0.0
    world.run(30_000)
    world.down.add((1, 0))  # patience comes back to what it was
    began = world.now
    world.run(1000)
    assert world.moves
    assert world.moves[0] - began <= 550 * MS


@pytest.mark.parametrize(
    ("loss", "before", "most"), [(0.4, 1000, 2), (0.4, 4000, 1), (0.7, 4000, 1)]
)
def test_loss_that_has_just_begun_is_no_reason(loss: float, before: int, most: int) -> None:
    """Nobody can know in the first moments; by what is lost elsewhere it is mostly guessed."""
    moved = 0
    for seed in range(300):
        world = World(seed)
        world.run(before + seed % 60)
        world.loss = loss
        world.run(1500)
        moved += bool(world.moves)
    assert moved <= most  # the last: without looking elsewhere 6


def test_a_silent_path_on_a_network_that_drops_much_is_found_later() -> None:
    world = World(5)
    world.loss = 0.4
    world.run(10_000)
    assert not world.moves
    world.down.add((1, 0))
    began = world.now
    world.run(4000)
    assert world.moves
    assert LEASE < world.moves[0] - began < 7 * LEASE


@pytest.mark.parametrize("first", [0, 1])
def test_a_head_that_returns_moves_nothing(first: int) -> None:
    """It is heard on one network a while before the other."""
    for seed in range(12):
        world = World(seed)
        world.run(1000)
        world.dead.add(2)
        world.run(3000)
        world.heal()
        world.heads[2] = Speaker(2, world.now)
        world.down.add((2, 1 - first))
        world.run(100)
        world.down.clear()
        world.run(3000)
        assert not world.moves
        assert world.seen[-1] == (BOTH, BOTH)


@pytest.mark.parametrize("pause", [100, 200, 400, 1000, 3000])
@pytest.mark.parametrize("member", [1, 2])
def test_a_head_that_stood_still_blames_no_network(pause: int, member: int) -> None:
    world = World(pause)
    world.run(2000)
    world.frozen.add(member)
    world.run(pause)
    world.frozen.clear()
    links = world.heads[member].links
    links.stalled(world.now)
    links.heard(3 - member, 1, 10**6, world.now)  # one socket is read before the other
    world.look(member)
    assert world.heads[member].bits == BOTH
    world.run(1000)
    assert not world.moves
    assert world.seen[-1] == (BOTH, BOTH)


def test_at_rest_nobody_is_probed() -> None:
    world = World(1)
    world.run(3000)
    probed = []
    for one in (1, 2):
        links = world.heads[one].links
        original = links.probes
        links.probes = lambda now, original=original: probed.extend(original(now)) or []  # type: ignore[method-assign]
    world.run(3000)
    assert probed == []
    world.down.add((1, 0))
    world.run(300)
    assert {(3, 0), (2, 0)} <= set(probed)
    assert all(network == 0 for _, network in probed)


def links_of(member: int = 1) -> Links:
    return Links(SETTINGS._replace(me=member), 0)


def test_a_network_without_a_card_or_a_carrier_is_not_well() -> None:
    links = links_of()
    assert links.health_bits(5, serving=True, other=BOTH) == BOTH
    links.carrier(1, False, 10)
    assert links.health_bits(10, serving=True, other=BOTH) == PRIVATE
    links.carrier(1, True, 20)
    assert links.health_bits(20, serving=True, other=BOTH) == BOTH
    witness = links_of(3)
    witness.carrier(1, True, 5)  # it has none there
    assert witness.health_bits(5, serving=False, other=BOTH) == PRIVATE


def test_a_standby_says_later_that_a_network_is_well_again() -> None:
    links = links_of(2)
    links.carrier(0, False, 1000)
    assert links.health_bits(1000, serving=False, other=BOTH) == PUBLIC
    links.carrier(0, True, 2000)
    assert links.health_bits(2000, serving=False, other=BOTH) == PUBLIC
    assert links.health_bits(1999 + LEASE * 9 // 10, serving=False, other=BOTH) == PUBLIC
    assert links.health_bits(2000 + LEASE * 9 // 10, serving=False, other=BOTH) == BOTH


def test_a_network_that_was_never_heard_is_blamed_after_two_leases() -> None:
    links = links_of()
    for now in range(0, 2 * LEASE, 30 * MS):
        links.heard(2, 1, 1 + now // MS, now + 1)
        assert links.health_bits(now + 1, serving=True, other=BOTH) == BOTH
    for now in range(2 * LEASE, 4 * LEASE, 30 * MS):
        links.heard(2, 1, 1 + now // MS, now + 1)
    assert links.health_bits(4 * LEASE, serving=True, other=BOTH) == PUBLIC
    links.heard(4, 0, 1, 4 * LEASE)
    assert links.health_bits(4 * LEASE, serving=True, other=BOTH) == BOTH


def blamed() -> tuple[Links, int]:
    """Return the active head's links when the private network has just become unwell."""
    links = links_of()
    for now in range(0, 1080 * MS, 30 * MS):
        links.heard(2, 1, 1 + now // (30 * MS), now + 1)
        if now < 600 * MS:
            links.heard(2, 0, 1 + now // (30 * MS), now + 1)
    assert links.health_bits(1080 * MS, serving=True, other=BOTH) == PUBLIC
    return links, 1080 * MS


def test_two_heads_that_blame_themselves_at_once_do_not_take_it_back() -> None:
    links, now = blamed()
    assert links.health_bits(now, serving=True, other=PUBLIC) == PUBLIC


def test_the_dead_accuse_nobody_any_longer() -> None:
    links, now = blamed()
    assert links.health_bits(now + LEASE, serving=True, other=BOTH) == PUBLIC
    assert links.health_bits(now + 2 * LEASE, serving=True, other=BOTH) == BOTH


def test_silence_counts_from_when_there_is_a_carrier() -> None:
    links, now = blamed()
    links.carrier(0, False, now)
    links.carrier(0, True, now + 20 * MS)
    links.heard(2, 1, 901, now + 30 * MS)
    assert links.health_bits(now + 30 * MS, serving=True, other=BOTH) == BOTH
    for later in range(60, 540, 30):
        links.heard(2, 1, 901 + later // 30, now + later * MS)
    assert links.health_bits(now + 510 * MS, serving=True, other=BOTH) == PUBLIC


def shown(links: Links, now: int) -> dict[str, object]:
    return next(
        one for one in links.snapshot(now) if (one["member"], one["network"]) == ("two", "public")
    )


def test_what_is_not_known_is_none() -> None:
    expected = {"loss": None, "jitter_us": None, "age_us": None, "well": True}
    assert shown(links_of(), 5) == {"member": "two", "network": "public", **expected}
    assert len(links_of().snapshot(5)) == 5
    links = links_of()
    links.heard(2, 1, 1, 100)
    one = shown(links, 400)
    assert (one["loss"], one["jitter_us"], one["age_us"]) == (0.0, None, 300)
    links.heard(9, 1, 1, 100)  # nobody; or not there, as far as the configuration knows
    links.heard(3, 1, 1, 100)
    assert len(links.snapshot(5)) == 5


def test_loss_is_counted_over_the_last_datagrams() -> None:
    links = links_of()
    for counter in range(1, 1001):
        if counter % 4:
            links.heard(2, 1, counter, counter * MS)
    assert shown(links, 0)["loss"] == 0.25
    for counter in range(1001, 1001 + SPAN):
        links.heard(2, 1, counter, counter * MS)
    assert shown(links, 0)["loss"] == 0.0
    links.heard(2, 1, 1000 + 2 * SPAN, (1000 + SPAN) * MS + LEASE)
    assert shown(links, 0)["loss"] == round(1 - 1 / SPAN, 4)


def test_what_was_not_heard_in_an_outage_is_no_loss() -> None:
    links = links_of()
    for counter in range(1, 101):
        links.heard(2, 1, counter, counter * MS)
    links.heard(2, 1, 200, 101 * MS + 2 * LEASE)
    assert shown(links, 0)["loss"] == 0.0
    links.heard(2, 1, 202, 102 * MS + 2 * LEASE)
    assert shown(links, 0)["loss"] == pytest.approx(1 / 103, abs=1e-4)


def test_what_comes_late_is_not_lost() -> None:
    links = links_of()
    order = list(range(1, 301))
    for place in range(0, 300, 10):
        part = order[place : place + 10]
        random.Random(place).shuffle(part)
        order[place : place + 10] = part
    for now, counter in enumerate(order):
        links.heard(2, 1, counter, now * MS)
    assert shown(links, 0)["loss"] == 0.0


def test_a_new_process_begins_to_count_anew() -> None:
    links = links_of()
    for counter in range(1, 301):
        links.heard(2, 1, counter, counter * MS)
    links.heard(2, 1, 3, 400 * MS)
    links.heard(2, 1, 5, 430 * MS)
    assert shown(links, 0)["loss"] == round(1 / 3, 4)


def test_jitter_is_how_much_one_gap_differs_from_the_next() -> None:
    even, uneven = links_of(), links_of()
    now = 0
    for counter in range(1, 400):
        even.heard(2, 1, counter, counter * 30 * MS)
        now += 20 * MS if counter % 2 else 40 * MS
        uneven.heard(2, 1, counter, now)
    assert shown(even, 0)["jitter_us"] == 0
    jitter = shown(uneven, 0)["jitter_us"]
    assert isinstance(jitter, int)
    assert abs(jitter - 20 * MS) < 2 * MS
    even.heard(2, 1, 400, 400 * 30 * MS + 3600 * 1000 * MS)  # an outage of an hour is no gap
    after = shown(even, 0)["jitter_us"]
    assert isinstance(after, int)
    assert after <= LEASE // 16


def test_a_head_without_an_address_on_a_network_reaches_it_by_its_carrier() -> None:
    without = SETTINGS.members[1]._replace(addresses=("10.0.0.2", ""))
    members = tuple(without if one.id == 2 else one for one in SETTINGS.members)
    for me in (1, 2):
        links = Links(SETTINGS._replace(me=me, members=members), 0)
        assert links.health_bits(10 * LEASE, serving=me == 1, other=BOTH) == BOTH
        assert not links.probes(10 * LEASE)
        links.carrier(1, up=False, now=10 * LEASE)
        assert links.health_bits(10 * LEASE, serving=me == 1, other=BOTH) == PRIVATE


def test_a_witness_has_no_opinion_of_a_network_that_it_is_not_on() -> None:
    links = Links(SETTINGS._replace(me=3), 0)
    assert links.health_bits(LEASE, serving=False, other=0) == PRIVATE
