"""The gate where the kernel lets BPF work, where it does not, and what it leaves."""

import os

import pytest

from backend.system.agent import bpf, ruleset
from backend.system.agent.arp import Arp
from backend.system.agent.bpf_gate import DeadlineGate
from backend.system.agent.gate import Gate
from backend.system.agent.netlink import KernelError
from backend.system.agent.process import boottime_us
from tests.lab.agent_kernel.world import (
    EVERYTHING,
    MS,
    VIP,
    VIPS,
    kinds,
)

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces"),
]


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
