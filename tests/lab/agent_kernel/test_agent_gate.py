"""The gate of the agent, against the kernel itself, in namespaces."""

import os
import signal
import sys
from pathlib import Path

import pytest

from backend.system.agent import ruleset
from backend.system.agent.bpf_gate import DeadlineGate
from backend.system.agent.netlink import KernelError
from backend.system.agent.process import boottime_us
from tests.lab.agent_kernel.world import (
    EVERYTHING,
    MACHINES,
    MS,
    SECOND_VIP,
    TOLERANCE,
    VIP,
    VIPS,
    Prober,
    kinds,
    longest_gap,
    wait_for,
)

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces"),
]


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
