"""The kernels' own entries for each other, while the active head keeps them fresh; in namespaces."""

import json
import os
from collections.abc import Iterator

import pytest

from backend.agent.acquaintances import Acquaintances
from backend.system.agent.addresses import Addresses
from backend.system.agent.arp import Arp
from backend.system.agent.neighbours import Neighbours
from backend.system.agent.udp import Endpoint
from tests.lab.agent_kernel.world import MACHINES, VIP, VIPS, World, built, wait_for

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces"),
]

CLIENT = MACHINES["client"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with built() as one:
        yield one


@pytest.fixture
def arp(world: World) -> Iterator[Arp]:
    """The head has the virtual IPs, and the client knows where the first one is."""
    with world.inside("head"):
        addresses, arp = Addresses(VIPS), Arp(VIPS)
        addresses.add()
    world.run("client", "ping", "-c", "1", "-W", "2", VIP)
    try:
        yield arp
    finally:
        arp.close()
        addresses.remove()
        addresses.close()


def entry(world: World, machine: str, address: str) -> str:
    """Return the state of a neighbour's entry in a machine's table."""
    found = json.loads(world.ip(machine, "-j", "neigh", "show", address, "dev", "eth0"))
    return str(found[0]["state"][0]) if found else ""


def grow_old(world: World) -> None:
    """Let both entries be of a kind that the kernels will have to ask about."""
    for machine, address, other in (("client", VIP, "head"), ("head", CLIENT, "client")):
        mac = world.mac(other).hex(":")
        world.ip(machine, "neigh", "replace", address, "lladdr", mac, "dev", "eth0", "nud", "stale")
        assert entry(world, machine, address) == "STALE"


def test_an_announcement_to_everybody_confirms_nothing(world: World, arp: Arp) -> None:
    grow_old(world)
    with world.inside("head"):
        assert arp.announce() >= 2
        arp.probe([("eth0", CLIENT)])  # its answer comes after the announcement was read
        wait_for(arp.receive, "an answer")
    assert entry(world, "client", VIP) == "STALE"


def test_both_kernels_know_each_other_anew(world: World, arp: Arp) -> None:
    grow_old(world)
    with world.inside("head"):
        one = Acquaintances(arp, {"eth0": 0, "eth1": 1}, lambda network: network == 0)
        one.refresh()
        one.close()
    wait_for(lambda: entry(world, "client", VIP) == "REACHABLE", "confirmed")
    wait_for(lambda: entry(world, "head", CLIENT) == "REACHABLE", "confirmed")


def test_whom_the_kernel_has_forgotten_is_asked_still(world: World, arp: Arp) -> None:
    grow_old(world)
    with world.inside("head"):
        one = Acquaintances(arp, {"eth0": 0}, lambda _network: True)
        one.refresh()
        wait_for(lambda: entry(world, "head", CLIENT) == "REACHABLE", "confirmed")
        world.ip("head", "neigh", "del", CLIENT, "dev", "eth0")
        world.ip(
            "client", "neigh", "replace", VIP, "lladdr", world.mac("head").hex(":"),
            "dev", "eth0", "nud", "stale",
        )  # fmt: skip
        one.refresh()  # reads the table again, without it
        one.close()
    wait_for(lambda: entry(world, "client", VIP) == "REACHABLE", "confirmed")


def test_what_is_not_learnt_by_arp_is_left_out(world: World) -> None:
    world.ip("head", "neigh", "replace", "10.77.0.200", "lladdr", "02:00:00:00:00:c8",
             "dev", "eth0", "nud", "permanent")  # fmt: skip
    world.ip("head", "neigh", "replace", "10.77.0.201", "lladdr", "02:00:00:00:00:c9",
             "dev", "eth0", "nud", "stale")  # fmt: skip
    with world.inside("head"):
        table = Neighbours()
        found = {one.address[3]: one.mac[5] for one in table.of("eth0", 100) if one.mac}
        assert table.of("eth0", 0) == []
        assert table.of("nowhere0", 100) == []
        table.close()
    assert found[201] == 0xC9
    assert 200 not in found


@pytest.mark.parametrize("heard", [True, False])
def test_a_member_that_is_heard_needs_no_arp(world: World, heard: bool) -> None:
    """The client hears, but does not answer ARP: as if all three questions got lost."""
    setting = "net.ipv4.neigh.eth0."
    world.run("head", "sysctl", "-q", f"{setting}delay_first_probe_time=1")
    world.run("head", "sysctl", "-q", f"{setting}retrans_time_ms=100")
    mac = world.mac("client").hex(":")
    world.ip("head", "neigh", "replace", CLIENT, "lladdr", mac, "dev", "eth0", "nud", "stale")
    world.ip("client", "link", "set", "eth0", "arp", "off")
    with world.inside("head"):
        end = Endpoint("eth0", MACHINES["head"], 4747)
    wanted = "REACHABLE" if heard else "FAILED"

    def reached() -> bool:
        end.send(CLIENT, b"x", heard=heard)
        return entry(world, "head", CLIENT) == wanted

    try:
        wait_for(reached, wanted)
    finally:
        end.close()
        world.ip("client", "link", "set", "eth0", "arp", "on")
