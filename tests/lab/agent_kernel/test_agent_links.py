"""What the agent hears of the kernel, its datagrams, and its own process; in namespaces."""

import json
import os
import resource
import select
import socket
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.system.agent import process
from backend.system.agent.addresses import Addresses
from backend.system.agent.monitor import AddressGone, Link, LinkGone, Missed, Monitor
from backend.system.agent.netlink import KernelError
from backend.system.agent.process import boottime_us
from backend.system.agent.udp import Endpoint
from tests.lab.agent_kernel.world import MACHINES, MS, VIP, VIPS, wait_for

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces"),
]

PORT = 4747
LONELY, ITS_NETWORK = "203.0.113.10", "203.0.113.0/24"


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    one = Monitor(["eth0", "eth1"], VIPS)
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    one = Addresses(VIPS)
    try:
        yield one
    finally:
        one.remove()
        one.close()


def news(monitor: Monitor, limit: float = 2.0) -> list[object]:
    """Wait for news and return them."""
    assert select.select([monitor], (), (), limit)[0], "no news"
    return list(monitor.read())


def await_link(monitor: Monitor, interface: str) -> Link:
    """Wait for the next news of an interface."""
    while True:
        for one in news(monitor):
            if isinstance(one, Link) and one.interface == interface:
                return one


def await_news(monitor: Monitor, wanted: object) -> None:
    heard: list[object] = []
    wait_for(lambda: heard.extend(monitor.read()) or wanted in heard, f"{wanted} of {heard}")


def test_loss_of_carrier_is_noticed_within_50_ms(world, monitor, record_property):
    before = monitor.state()
    assert before["eth0"].carrier
    assert before["eth0"].mac == world.mac("head").hex(":")
    took = []
    for _ in range(5):
        with world.inside("switch"):
            line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with line:
            set_flags(line, "tohead", up=False)
            began = boottime_us()
            link = await_link(monitor, "eth0")
            took.append(boottime_us() - began)
            assert (link.interface, link.up, link.carrier) == ("eth0", True, False)
            assert monitor.state()["eth0"].carrier is False
            set_flags(line, "tohead", up=True)
            await_news(monitor, link._replace(carrier=True))
    record_property("carrier_us", took)
    assert statistics.median(took) < 50 * MS


def set_flags(line: socket.socket, name: str, *, up: bool) -> None:
    """Switch an interface on or off without starting a program (netdevice(7))."""
    import fcntl
    import struct

    request = struct.pack("16sH14x", name.encode(), 0)
    flags = struct.unpack_from("H", fcntl.ioctl(line, 0x8913, request), 16)[0]
    flags = flags | 1 if up else flags & ~1
    fcntl.ioctl(line, 0x8914, struct.pack("16sH14x", name.encode(), flags))


def test_a_deleted_virtual_ip_is_noticed_and_put_back(world, monitor, addresses):
    addresses.add()
    addresses.add()  # once more is no error
    assert addresses.present() == set(VIPS)
    monitor.read()
    world.ip("head", "addr", "del", f"{VIP}/32", "dev", "eth0")
    assert AddressGone("eth0", VIP) in news(monitor)
    assert addresses.present() == set(VIPS[1:])
    assert addresses.renew()
    assert addresses.present() == set(VIPS)
    assert not monitor.read()  # that it is there again wakes nobody
    addresses.remove()
    addresses.remove()
    assert not addresses.renew()
    assert addresses.present() == set()


def test_nobody_renews_the_address_and_it_goes(monitor, addresses):
    began = boottime_us()
    addresses.add()
    await_news(monitor, AddressGone("eth0", VIP))
    assert 500 * MS < boottime_us() - began < 1_500 * MS
    wait_for(lambda: addresses.present() == set(), "the end of the second address")


def test_news_that_were_too_many_are_known_to_be_missing(monitor, addresses):
    monitor._kernel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    for _ in range(20):
        addresses.add()
        addresses.remove()
    assert Missed() in monitor.read()
    monitor.read()
    addresses.add()
    addresses.remove()
    assert AddressGone("eth0", VIP) in news(monitor)


def test_an_address_that_somebody_else_configured_stays(world, addresses):
    world.ip("head", "addr", "add", f"{VIP}/24", "dev", "eth0")
    try:
        assert addresses.present() == {VIPS[0]}
        addresses.add()
        addresses.remove()
        assert addresses.present() == {VIPS[0]}
    finally:
        world.ip("head", "addr", "del", f"{VIP}/24", "dev", "eth0")


def test_one_missing_interface_does_not_keep_the_other_address_away(world):
    addresses = Addresses((*VIPS, ("nothere0", "198.51.100.10")))
    with pytest.raises(KernelError, match="no network interface nothere0"):
        addresses.add()
    assert addresses.present() == set(VIPS)
    addresses.remove()
    assert addresses.present() == set()
    addresses.close()


def test_without_the_privilege_it_says_what_is_missing(world):
    def unprivileged() -> str:
        os.setuid(65534)
        try:
            Addresses(VIPS).add()
        except KernelError as problem:
            return str(problem)
        return ""

    child = world.child("head", unprivileged)
    try:
        said = child.result()
    finally:
        child.end()
    assert f"configure {VIP} on eth0" in said
    assert "CAP_NET_ADMIN" in said


def test_datagrams_survive_the_address_the_link_and_the_interface(world, monitor):
    with world.inside("client"):
        there = Endpoint("eth0", MACHINES["client"], PORT)
    world.ip("head", "addr", "del", f"{MACHINES['head']}/24", "dev", "eth0")
    here = Endpoint("eth0", MACHINES["head"], PORT)  # the address is not there yet

    def exchange() -> bool:
        here.send(MACHINES["client"], b"question")
        if there.receive() == b"question":
            there.send(MACHINES["head"], b"answer")
        return here.receive() == b"answer"

    try:
        assert not here.send(MACHINES["client"], b"lost")
        world.ip("head", "addr", "add", f"{MACHINES['head']}/24", "dev", "eth0")
        wait_for(exchange, "an exchange")
        world.ip("head", "link", "set", "eth0", "down")
        assert not here.send(MACHINES["client"], b"lost")
        assert here.receive() is None
        world.ip("head", "link", "set", "eth0", "up")
        wait_for(exchange, "an exchange after the link came back")
        monitor.state()
        world.ip("head", "link", "del", "eth0")
        assert LinkGone("eth0") in news(monitor)
        world.plug("head")
        world.ip("head", "addr", "add", f"{MACHINES['head']}/24", "dev", "eth0")
        await_link(monitor, "eth0")
        assert here.follow()
        wait_for(exchange, "an exchange over the new interface")
        with pytest.raises(KernelError, match=r"UDP port 4747 of 10\.77\.0\.11 cannot be used"):
            Endpoint("eth0", MACHINES["head"], PORT)
    finally:
        here.close()
        there.close()


def test_realtime_is_had_or_refused_with_what_is_missing(world):
    def become() -> list[object]:
        process.become_realtime(30)
        locked = next(
            line for line in Path("/proc/self/status").read_text().splitlines() if "VmLck" in line
        )
        child = os.fork()
        if child == 0:
            os._exit(os.sched_getscheduler(0))
        ordinary = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        return [policy, os.sched_getparam(0).sched_priority, int(locked.split()[1]), ordinary,
                resource.getrlimit(resource.RLIMIT_RTTIME)[0]]  # fmt: skip

    def unprivileged() -> str:
        resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
        os.setuid(65534)
        said = []
        for attempt in (process.become_realtime, process.join_realtime):
            try:
                attempt()
            except KernelError as problem:
                said.append(str(problem))
        return " ".join(said)

    for work in (become, unprivileged):
        child = world.child("head", work)
        try:
            said = child.result()
        finally:
            child.end()
        if work is become:
            policy, priority, locked, ordinary, limit = said
            assert (policy, priority, ordinary) == (os.SCHED_RR, 30, os.SCHED_OTHER)
            assert locked > 1_000
            assert limit == resource.RLIM_INFINITY
        else:
            assert "CAP_IPC_LOCK" in said
            assert "CAP_SYS_NICE" in said
            assert "real-time budget" in said


def test_systemd_is_told(tmp_path, monkeypatch):
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with listening:
        listening.settimeout(5)
        listening.bind(str(tmp_path / "notify"))
        assert not process.notify("READY=1")
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert process.notify("READY=1")
        assert listening.recv(100) == b"READY=1"
    assert not process.notify("WATCHDOG=1")


def test_the_kernel_is_asked_to_spare_the_agent(world):
    def protect() -> list[object]:
        return [process.oom_protect(), Path("/proc/self/oom_score_adj").read_text().strip()]

    child = world.child("head", protect)
    try:
        assert child.result() in ([True, "-1000"], [False, "0"])  # without CAP_SYS_RESOURCE
    finally:
        child.end()
    assert json.dumps(process.watchdog_us()) == "0"


def test_an_address_can_bring_the_way_to_its_network_with_it(world):
    """As on a head that has no address of its own there: it could not answer anybody otherwise."""
    there = Addresses([("eth0", LONELY)], {LONELY: 24})
    try:
        there.add()
        assert there.present() == {("eth0", LONELY)}
        assert ITS_NETWORK in world.ip("head", "route", "show", "dev", "eth0")
        there.remove()
        assert ITS_NETWORK not in world.ip("head", "route", "show", "dev", "eth0")
    finally:
        there.remove()
        there.close()
