"""The live addresses change places without a moment in which one that stays is missing."""

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.addressing import live
from backend.addressing.transfer import Transfer, from_json, group_of
from backend.clone.image_facts import NetworkSystem
from backend.errors import HaoscarError, InvalidInput
from backend.model.names import InterfaceName
from tests.unit.addressing.kernel import FakeMachine

CARD, NETWORK = InterfaceName("eth1"), IPv4Network("10.0.0.0/24")
OLD, OWN = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.201")


def transfer(machine: FakeMachine) -> Transfer:
    now = live.look(machine, CARD)
    return Transfer("private", CARD, NETWORK, OLD, OWN, NetworkSystem.IFUPDOWN, "",
                    group_of(now, NETWORK), now.routes)  # fmt: skip


def settled(machine: FakeMachine, wanted: live.Wanted) -> live.Live:
    clock = iter(range(1000))
    return live.settle(
        machine, lambda: wanted, clock=lambda: next(clock) / 10, sleep=lambda _s: None
    )


@given(
    others=st.lists(st.integers(2, 20), unique=True, max_size=4),
    first=st.integers(0, 4),
    elsewhere=st.booleans(),
    promote=st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_there_and_back_is_the_same_and_nothing_that_stays_is_missing(
    others: list[int], first: int, elsewhere: bool, promote: bool
) -> None:
    machine = FakeMachine(Path("/"), promote=promote)
    every = [f"10.0.0.{one}/24" for one in others]
    every.insert(min(first, len(every)), f"{OLD}/24")
    for text in (*every, *(("172.16.0.1/16",) if elsewhere else ())):
        machine.add(text, words=["brd", "10.0.0.255"])
    machine.routes.append(
        {"dst": "default", "gateway": "10.0.0.254", "prefsrc": str(OLD), "flags": []}
    )
    before = (list(machine.addresses), list(machine.routes))
    step = transfer(machine)
    now = settled(machine, step.forward())
    assert group_of(now, NETWORK) == step.forward().group
    assert [str(one.address) for one in now.addresses if one.prefix == 32] == [str(OLD)]
    stays = {one.split("/")[0] for one in every}
    assert all(stays <= moment for moment in machine.history)
    assert all(machine.connected)
    assert not any(route.get("metric") for route in machine.routes)
    settled(machine, step.back())
    assert all(stays <= moment for moment in machine.history)
    assert all(machine.connected)
    key = sorted((one["local"], one["prefixlen"], one.get("secondary", False)) for one in before[0])
    assert sorted((one["local"], one["prefixlen"], one.get("secondary", False)) for one in machine.addresses) == key  # fmt: skip
    assert group_of(live.look(machine, CARD), NETWORK) == step.group
    assert machine.routes == before[1]


@given(count=st.integers(0, 12), others=st.lists(st.integers(2, 9), unique=True, max_size=2))
@settings(max_examples=60, deadline=None)
def test_a_batch_that_was_cut_off_is_finished_or_taken_back(count: int, others: list[int]) -> None:
    machine = FakeMachine(Path("/"))
    for text in (f"{OLD}/24", *(f"10.0.0.{one}/24" for one in others)):
        machine.add(text)
    before = sorted(str(one) for one in machine.addresses)
    step = transfer(machine)
    for line in live.changes(live.look(machine, CARD), step.forward())[:count]:
        assert machine.ip(line) == ""
    settled(machine, step.back())
    assert sorted(str(one) for one in machine.addresses) == before
    assert machine.routes == []


def test_an_address_that_is_there_already_needs_nothing() -> None:
    machine = FakeMachine(Path("/"))
    machine.add(f"{OLD}/24")
    assert live.changes(live.look(machine, CARD), transfer(machine).back()) == []


def test_routes_that_are_gone_are_put_back_or_named() -> None:
    machine = FakeMachine(Path("/"))
    machine.add(f"{OLD}/24")
    machine.routes += [
        {"dst": "default", "gateway": "10.0.0.254", "protocol": "static", "metric": 100, "flags": ["linkdown"]},
        {"dst": "10.8.0.0/16", "gateway": "10.0.0.253", "encap": "mpls", "flags": []},
        {"type": "blackhole", "dst": "10.9.0.0/16", "flags": []},
    ]  # fmt: skip
    wanted = transfer(machine).back()
    machine.routes.clear()
    now = live.look(machine, CARD)
    assert sorted(live.changes(now, wanted)) == [
        "route add blackhole 10.9.0.0/16 dev eth1",
        "route add default via 10.0.0.254 metric 100 proto static dev eth1",
    ]
    assert live.lost(now, wanted) == ["dst 10.8.0.0/16 encap mpls gateway 10.0.0.253"]


def test_somebody_who_always_changes_it_back_is_an_error() -> None:
    machine = FakeMachine(Path("/"))
    machine.add(f"{OLD}/24")
    step = transfer(machine)
    machine.ip = lambda _line: ""  # type: ignore[method-assign]
    with pytest.raises(HaoscarError, match="again and again"):
        settled(machine, step.forward())


def test_what_ip_says_is_read_or_refused() -> None:
    found = {"family": "inet", "local": "10.0.0.1", "prefixlen": 24, "broadcast": "10.0.0.255", "scope": "global",
             "label": "eth1:1", "metric": 100, "noprefixroute": True, "valid_life_time": 60}  # fmt: skip
    text = json.dumps([{"addr_info": [found]}])
    (one,) = live.parse("eth1", text, "").addresses
    assert one.words() == "10.0.0.1/24 brd 10.0.0.255 label eth1:1 metric 100 noprefixroute"
    assert one.dynamic
    for wrong in ("{", '[{"addr_info":[{"family":"inet"}]}]', "[1]"):
        with pytest.raises(InvalidInput):
            live.parse("eth1", wrong, "")


def test_a_transfer_is_kept_and_read_again() -> None:
    machine = FakeMachine(Path("/"))
    machine.add(f"{OLD}/24", words=["brd", "10.0.0.255"])
    machine.routes.append({"dst": "default", "gateway": "10.0.0.254", "flags": []})
    step = replace(transfer(machine), neighbours=(IPv4Address("10.0.0.11"),))
    assert from_json(step.to_json()) == step
    for wrong in (b"", b"[]", b'{"version": 2}', step.to_json().replace(b"eth1", b"et h1")):
        with pytest.raises(InvalidInput):
            from_json(wrong)
