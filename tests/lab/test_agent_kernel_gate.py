"""The gate, the addresses and ARP of the agent, against the kernel itself, in namespaces."""

import contextlib
import os
import signal
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.system.agent import bpf, ruleset
from backend.system.agent.addresses import Addresses, Renewer
from backend.system.agent.arp import Arp, Confirmation, Sighting
from backend.system.agent.bpf_gate import DeadlineGate
from backend.system.agent.gate import Gate
from backend.system.agent.netlink import KernelError
from backend.system.agent.process import boottime_us
from tests.lab.agent_kernel_world import (
    MACHINES,
    SECOND_VIP,
    STRANGE,
    VIP,
    VIPS,
    Prober,
    World,
    built,
    kinds,
    longest_gap,
    realtime,
    wait_for,
)

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces"),
]

MS = 1_000
EVERYTHING = frozenset(("arp2", "echo"))
TOLERANCE = 25 * MS  # the promise


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with built() as one:
        yield one


@pytest.fixture(autouse=True)
def _inside_head(world: World) -> Iterator[None]:
    with world.inside("head"), realtime():
        yield


@pytest.fixture(params=[Gate, DeadlineGate], ids=["nftables", "bpf"])
def kind(request: pytest.FixtureRequest) -> type[Gate]:
    return request.param


@pytest.fixture
def gate(kind: type[Gate]) -> Iterator[Gate]:
    """A gate on the head, closed."""
    one = kind(VIPS)
    one.install()
    assert getattr(one, "refusal", "") == ""
    try:
        yield one
    finally:
        with contextlib.suppress(KernelError):
            one.remove()
        one.shut()


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    """The virtual IPs on the head, renewed."""
    one = Addresses(VIPS)
    one.add()
    failures: list[str] = []
    renewer = Renewer(one, failures.append)
    renewer.start()
    try:
        yield one
        assert not failures
    finally:
        renewer.stop()
        one.remove()
        one.close()


@pytest.fixture
def prober(world: World) -> Iterator[Prober]:
    one = Prober(world)
    try:
        yield one
    finally:
        one.close()


@pytest.mark.parametrize(("interface", "vip", "own"), [("eth0", VIP, MACHINES["head"]), ("eth1", SECOND_VIP, "192.0.2.11")])  # fmt: skip
def test_a_configured_address_answers_only_while_the_gate_is_open(
    world, gate, addresses, interface, vip, own
):
    mac = world.mac("head", interface)
    prober = Prober(world, interface)
    try:
        assert addresses.present() == set(VIPS)
        seen = echoes_seen()
        closed = prober.watch(60 * MS, mac, vip)
        assert kinds(closed, vip) == set()
        assert echoes_seen() == seen
        prober.watch(0, mac, own, wanted=EVERYTHING)
        assert gate.open(boottime_us() + 10_000 * MS)
        prober.watch(0, mac, vip, wanted=EVERYTHING)
        gate.close()
        prober.watch(0, mac, own, wanted=EVERYTHING)  # what was under way has arrived
        seen = echoes_seen()
        assert kinds(prober.watch(60 * MS, mac, vip), vip) == set()
        assert echoes_seen() == seen
    finally:
        prober.close()


def echoes_seen() -> int:
    """Return how many ICMP echo requests this machine's kernel has accepted."""
    lines = [line.split() for line in Path("/proc/thread-self/net/snmp").read_text().splitlines()]
    names, values = (words for words in lines if words[0] == "Icmp:")
    return int(values[names.index("InEchos")])


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_the_gate_closes_by_itself_when_its_process_is_stopped_or_killed(
    world, kind, addresses, prober, number
):
    def open_and_die() -> None:
        gate = kind(VIPS)
        gate.install()
        os.write(writing, str(boottime_us()).encode())
        gate.open(boottime_us() + 100 * MS)
        os.kill(os.getpid(), number)

    mac = world.mac("head")
    reading, writing = os.pipe()
    child = world.child("head", open_and_die)
    try:
        opened = int(os.read(reading, 100))
        found = prober.watch(200 * MS, mac, VIP)
        times = [one.at - opened for one in found if one.address == VIP]
        assert kinds(found) == EVERYTHING
        assert 70 * MS < max(times) < 100 * MS + TOLERANCE + prober.slack
    finally:
        child.end()
        os.close(reading)
        os.close(writing)
        again = kind(VIPS)
        again.remove()
        again.shut()


def test_refreshing_keeps_it_open_and_never_shortens_it_by_accident(world, gate, addresses, prober):
    next_renewal = 0

    def renew() -> None:
        nonlocal next_renewal
        if boottime_us() >= next_renewal:
            next_renewal = boottime_us() + 25 * MS
            gate.open(boottime_us() + 100 * MS)

    mac = world.mac("head")
    prober.watch(0, mac, VIP, also=renew, wanted=EVERYTHING)
    began = boottime_us()
    found = prober.watch(2_000 * MS, mac, VIP, also=renew)
    times = [began, *(one.at for one in found if one.kind == "echo"), began + 2_000 * MS]
    assert longest_gap(times) < 50 * MS + prober.slack
    # and an earlier moment counts, too
    gate.open(boottime_us() + 10_000 * MS)
    gate.open(boottime_us() + 40 * MS)
    assert 0 < gate.remaining() < 40 * MS
    took = wait_for(lambda: gate.remaining() == 0, "the end of the shorter time")
    assert took < 40 * MS + TOLERANCE


def test_a_moment_that_has_passed_or_is_a_jiffy_away_closes_it(world, gate):
    for late in (-5 * MS, 0, 900):
        assert gate.open(boottime_us() + 1_000 * MS)
        assert gate.open(boottime_us() + late) is False
        assert gate.remaining() == 0
    gate.close()  # closing twice is no error


def test_what_the_kernel_says_is_left_is_never_more_than_was_given(world, gate):
    for _ in range(50):
        until = boottime_us() + 285 * MS
        gate.open(until)
        left = gate.remaining()
        assert until - 30 * MS < boottime_us() + left < until + 1 * MS


def test_a_new_process_takes_an_open_gate_over_without_a_gap(world, kind, addresses, prober):
    def open_and_leave() -> int:
        gate = kind(VIPS)
        gate.install()
        gate.open(until)
        return os.getpid()

    mac = world.mac("head")
    until = boottime_us() + 900 * MS
    child = world.child("head", open_and_leave)
    try:
        assert isinstance(child.result(), int)
        gate = kind(VIPS)
        adopted = []

        def install() -> None:
            if len(adopted) < 20:
                gate.install()
                adopted.append(gate.remaining())

        prober.watch(0, mac, VIP, wanted=EVERYTHING)
        began = boottime_us()
        found = prober.watch(80 * MS, mac, VIP, also=install)
        times = [began, *(one.at for one in found if one.kind == "echo"), began + 80 * MS]
        assert longest_gap(times) < TOLERANCE + prober.slack
        assert all(0 < left < until - began for left in adopted)
        assert gate.protected
        wait_for(lambda: gate.remaining() == 0, "the end of what was adopted")
        assert boottime_us() < until + TOLERANCE
    finally:
        child.end()
        gate.remove()
        gate.shut()


def test_two_agents_in_one_namespace_are_refused(kind, gate):
    second = kind(VIPS)
    with pytest.raises(KernelError, match="another process holds the gate"):
        second.install()
    gate.open(boottime_us() + 5_000 * MS)
    with pytest.raises(KernelError, match="close the gate"):
        second.close()  # it cannot, so it must say so
    assert gate.remaining() > 4_000 * MS
    second.shut()


def test_flushing_nftables_does_not_open_the_gate(world, gate, addresses, prober):
    world.run("head", "nft", "flush", "ruleset")
    assert gate.intact()
    assert kinds(prober.watch(30 * MS, world.mac("head"), VIP)) == set()


def test_where_tables_cannot_be_protected_the_gate_mends_itself(
    world, kind, addresses, prober, monkeypatch
):
    monkeypatch.setattr(ruleset, "OWNED", 0)
    monkeypatch.setattr(ruleset, "PERSISTENT", 0)
    mac = world.mac("head")
    gate = kind(VIPS)
    try:
        gate.install()
        assert not gate.protected
        world.run("head", "nft", "flush", "ruleset")
        assert not gate.intact()
        if kind is DeadlineGate:
            assert kinds(prober.watch(30 * MS, mac, VIP)) == set()
        else:
            prober.watch(0, mac, VIP, wanted=EVERYTHING)
        gate.close()
        assert kinds(prober.watch(30 * MS, mac, VIP)) == set()
        world.run("head", "nft", "flush", "ruleset")
        assert gate.open(boottime_us() + 5_000 * MS)
        assert gate.intact()
        assert 4_000 * MS < gate.remaining() < 5_000 * MS
        prober.watch(0, mac, VIP, wanted=EVERYTHING)
    finally:
        gate.remove()
        gate.shut()


def test_frozen_between_the_clock_and_the_kernel_it_is_closed_at_once(world, kind):
    def frozen() -> list[object]:
        readings: list[int] = []
        frozen_at = 0

        def clock() -> int:
            now = boottime_us()
            readings.append(now)
            if len(readings) == frozen_at:
                os.kill(os.getpid(), signal.SIGSTOP)
            return now

        gate = kind(VIPS, clock)
        gate.install()
        frozen_at = len(readings) + 1
        opened = gate.open(boottime_us() + 50 * MS)
        moment = boottime_us()
        left = gate.remaining()
        gate.remove()
        return [opened, left, moment - readings[-1]]

    child = world.child("head", frozen)
    try:
        child.wait_until_stopped()
        end = boottime_us() + 60 * MS
        wait_for(lambda: boottime_us() > end, "the deadline")
        os.kill(child.pid, signal.SIGCONT)
        opened, left, hole = child.result()
        assert (opened, left) == (False, 0)
        sys.stdout.write(
            f"\nfrozen before the write: closed {hole} us after the second look at the clock\n"
        )
    finally:
        child.end()


def test_frozen_twice_only_an_absolute_deadline_keeps_it_closed(world, kind, addresses, prober):
    """The known hole of nftables: frozen before the write, and again before the second look."""

    def frozen() -> None:
        gate = kind(VIPS)
        gate.install()
        until = boottime_us() + 50 * MS
        stops = 2

        def clock() -> int:
            nonlocal stops
            now = boottime_us()
            if stops:
                stops -= 1
                os.kill(os.getpid(), signal.SIGSTOP)
            return now

        gate._clock = clock
        gate.open(until)

    mac = world.mac("head")
    world.run("head", "sysctl", "-qw", "net.ipv4.ip_forward=1")  # a local address is no forwarding
    child = world.child("head", frozen)
    try:
        child.wait_until_stopped()  # it knows how much was left
        end = boottime_us() + 55 * MS
        wait_for(lambda: boottime_us() > end, "the deadline")
        seen = echoes_seen()
        os.kill(child.pid, signal.SIGCONT)
        child.wait_until_stopped()  # it has told the kernel
        if kind is DeadlineGate:
            assert kinds(prober.watch(40 * MS, mac, VIP)) == set()
            assert echoes_seen() == seen
        else:
            prober.watch(0, mac, VIP, wanted=EVERYTHING)
            assert echoes_seen() > seen
    finally:
        child.end()
        world.run("head", "sysctl", "-qw", "net.ipv4.ip_forward=0")
        again = kind(VIPS)
        again.install()
        again.remove()
        again.shut()


def test_a_kernel_that_refuses_bpf_leaves_nftables_and_says_so(world, monkeypatch):
    monkeypatch.setattr(bpf, "program", lambda *_args, **_more: bytes(8))
    gate = DeadlineGate(VIPS)
    try:
        gate.install()
        assert "refused: load the program haoscar_in" in gate.refusal
        assert gate.way == "nftables"
        assert gate.intact()
        assert gate.open(boottime_us() + 300 * MS)
        assert gate.remaining() > 200 * MS
        assert "clsact" not in world.run("head", "tc", "qdisc", "show")
    finally:
        gate.remove()
        gate.shut()


@pytest.mark.parametrize("bpf_works", [True, False])
def test_a_kernel_without_the_egress_hook_needs_bpf(
    world, addresses, prober, monkeypatch, bpf_works
):
    monkeypatch.setattr(ruleset, "_EGRESS", 7)  # a hook that the kernel does not know
    plain = Gate(VIPS)
    with pytest.raises(KernelError, match=r"watch eth0 .netdev egress.*Linux 5\.16"):
        plain.install()
    assert not plain.intact()
    plain.shut()
    gate = DeadlineGate(VIPS)
    arp = Arp(VIPS)
    mac = world.mac("head")
    try:
        if not bpf_works:
            monkeypatch.setattr(bpf, "program", lambda *_args, **_more: bytes(8))
            with pytest.raises(KernelError, match="neither by nftables"):
                gate.install()
            assert "haoscar" not in world.run("head", "nft", "list", "ruleset")
            return
        gate.install()
        assert (gate.intact(), gate.refusal) == (True, "")
        assert arp.announce() == 0
        assert kinds(prober.watch(20 * MS, mac, VIP)) == set()
        gate.open(boottime_us() + 5_000 * MS)
        assert 4_900 * MS < gate.remaining() < 5_000 * MS
        assert arp.announce() == 4
        prober.watch(0, mac, VIP, wanted=EVERYTHING)
    finally:
        arp.close()
        gate.remove()
        gate.shut()


def test_bpf_that_somebody_detached_is_noticed_and_removal_leaves_nothing(world):
    gate = DeadlineGate(VIPS)
    try:
        gate.install()
        world.run("head", "tc", "qdisc", "del", "dev", "eth0", "clsact")
        assert not gate.intact()
        gate.install()
        assert gate.intact()
        gate.remove()
        assert "clsact" not in world.run("head", "tc", "qdisc", "show")
        assert "haoscar" not in world.run("head", "nft", "list", "ruleset")
        # somebody else's filter stays
        world.run("head", "tc", "qdisc", "add", "dev", "eth0", "clsact")
        world.run("head", "tc", "filter", "add", "dev", "eth0", "ingress", "pref", "9", "protocol",
                  "ip", "u32", "match", "ip", "tos", "0x04", "0xff", "flowid", "1:1")  # fmt: skip
        gate.install()
        gate.remove()
        assert "u32" in world.run("head", "tc", "filter", "show", "dev", "eth0", "ingress")
    finally:
        gate.shut()
        world.run("head", "tc", "qdisc", "del", "dev", "eth0", "clsact")


def test_gratuitous_arp_is_heard_only_while_the_gate_is_open(world, gate, prober):
    mac = world.mac("head")
    arp = Arp(VIPS)
    try:
        assert arp.announce() == 0
        assert arp.probe([("eth0", MACHINES["client"])]) == 0
        assert kinds(prober.watch(20 * MS, mac, STRANGE)) == set()
        gate.open(boottime_us() + 5_000 * MS)
        assert arp.announce() == 4
        found = prober.watch(20 * MS, mac, STRANGE)
        assert kinds(found) == {"arp1", "arp2"}
        assert {one.mac for one in found if one.address == VIP} == {mac}
    finally:
        arp.close()


def test_neighbours_confirm_and_a_third_machine_is_noticed(world, gate, addresses):
    arp = Arp(VIPS)
    try:
        gate.open(boottime_us() + 5_000 * MS)
        arp.announce()
        arp.probe([("eth0", MACHINES["client"]), ("eth0", MACHINES["other"]), ("eth0", STRANGE)])
        heard = []
        wait_for(lambda: heard.extend(arp.receive()) or len(arp.confirmed()) >= 2, "two answers")
        assert arp.confirmed() == {
            Confirmation("eth0", VIP, MACHINES["client"]), Confirmation("eth0", VIP, MACHINES["other"])
        }  # fmt: skip
        assert [one for one in heard if isinstance(one, Sighting)] == []
        with world.inside("other"):
            third = Arp([("eth0", VIP)])
        third.announce()
        third.close()
        found: list[object] = []
        wait_for(lambda: found.extend(arp.receive()) or found, "the third machine")
        mac = world.mac("other").hex(":")
        assert set(found) == {Sighting("eth0", VIP, mac)}
        arp.announce()
        assert arp.confirmed() == frozenset()
    finally:
        arp.close()


def test_what_is_forwarded_for_the_other_head_passes_the_closed_gate(world, gate, prober):
    """A client with a stale ARP entry still reaches the new head through the old one."""
    world.run("head", "sysctl", "-qw", "net.ipv4.ip_forward=1")
    with world.inside("other"):
        there = Addresses([("eth0", VIP)])
        there.add()
    try:
        found = prober.watch(60 * MS, world.mac("head"), VIP, wanted=frozenset(("echo",)))
        echoes = {one.mac for one in found if one.kind == "echo" and one.address == VIP}
        assert echoes == {world.mac("other")}
    finally:
        there.remove()
        there.close()
        world.run("head", "sysctl", "-qw", "net.ipv4.ip_forward=0")


def test_an_interface_that_comes_back_is_gated_again(world, gate):
    arp = Arp(VIPS)
    try:
        world.ip("head", "link", "del", "eth0")
        world.plug("head")
        arp.follow()
        gate.install()
        assert gate.intact()
        assert arp.announce() == 0
        gate.open(boottime_us() + 500 * MS)
        assert arp.announce() == 4
    finally:
        arp.close()
        world.ip("head", "addr", "add", f"{MACHINES['head']}/24", "dev", "eth0")


def test_opening_costs_microseconds(world, gate, record_property):
    def rounds() -> list[int]:
        costs = []
        for _ in range(300):
            began = boottime_us()
            gate.open(began + 285 * MS)
            costs.append(boottime_us() - began)
        return sorted(costs)

    best = min((rounds() for _ in range(5)), key=statistics.median)  # others use the machine, too
    median, slow = statistics.median(best), best[297]
    record_property("open_us_median", median)
    sys.stdout.write(f"\nopening the gate ({gate.way}): median {median:.0f} us, 99 % {slow} us\n")
    assert median <= 60
