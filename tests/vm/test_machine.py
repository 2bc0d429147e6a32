"""A blank QEMU machine on the lab's wires asks for an address: firmware, card and tap work."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.lab.cluster import VirtualCluster
from backend.lab.machines import BlankMachine, BootDevice, Card, DiskBus, MachineSpec
from backend.lab.topology import Topology
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import Firmware
from backend.paths import Paths
from backend.system.runner import Command

pytestmark = [
    pytest.mark.vm,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.xdist_group("machine"),  # its tests share one lab
]
BLANK = MachineSpec(HostName.parse("blank"), Mac.parse("02:00:5e:00:53:01"), disk_bytes=64 << 20)


@pytest.fixture(scope="module")
def lab() -> Iterator[VirtualCluster]:
    """A lab with nothing but its head, whose DHCP server writes down who asks."""
    head = Topology().nodes[0]
    with VirtualCluster.start(Paths(), topology=Topology((head,))) as cluster:
        yield cluster


def heard(lab: VirtualCluster, mac: Mac) -> list[str]:
    """Return what the head's DHCP server heard from a card."""
    journal = Command.of("journalctl", "--no-pager", "--output=cat", "--unit=isc-dhcp-server")
    said = lab.node("head1").runner.run(journal).stdout
    return re.findall(rf"DHCPDISCOVER from {mac}", said)


def switch_on(lab: VirtualCluster, spec: MachineSpec) -> BlankMachine:
    """Put a machine on the wires and switch it on."""
    active = Command.of("systemctl", "is-active", "--wait", "isc-dhcp-server")
    lab.node("head1").runner.run(Command.of("systemctl", "start", "isc-dhcp-server"))
    lab.node("head1").runner.run(active)
    machine = lab.add_machine(spec)
    machine.power_on()
    return machine


@pytest.mark.parametrize(
    "spec",
    [
        replace(BLANK, name=HostName.parse("bios")),
        replace(BLANK, name=HostName.parse("uefi"), firmware=Firmware.UEFI),
        replace(BLANK, name=HostName.parse("e1000"), card=Card.E1000, disk_bus=DiskBus.SATA),
    ],
    ids=lambda spec: str(spec.name),
)
def test_a_blank_machine_asks_for_an_address(lab: VirtualCluster, spec: MachineSpec) -> None:
    spec = replace(spec, mac=Mac.parse(f"02:00:5e:00:53:{len(lab.machines) + 1:02x}"))
    machine = switch_on(lab, spec)
    try:
        machine.wait_for(lambda: bool(heard(lab, spec.mac)), "a DHCPDISCOVER", 120)
        assert machine.is_on
        assert machine.cpu_seconds() > 0
    finally:
        machine.power_off()
    assert not machine.is_on


def test_a_card_without_rom_stays_silent_but_runs(lab: VirtualCluster) -> None:
    mac = Mac.parse("02:00:5e:00:53:99")
    spec = replace(
        BLANK, name=HostName.parse("norom"), mac=mac, rom=False, boot_order=(BootDevice.DISK,)
    )
    loud = replace(BLANK, name=HostName.parse("loud"), mac=Mac.parse("02:00:5e:00:53:98"))
    silent = switch_on(lab, spec)
    with_rom = switch_on(lab, loud)
    try:  # the other one, started later, has asked: this one would have
        with_rom.wait_for(lambda: len(heard(lab, loud.mac)) > 1, "a DHCPDISCOVER", 120)
        assert silent.is_on
        assert heard(lab, mac) == []
    finally:
        silent.power_off()
        with_rom.power_off()


def test_a_machine_that_runs_ends_with_the_lab(tmp_path: Path) -> None:
    head = Topology().nodes[0]
    with VirtualCluster.start(Paths(), topology=Topology((head,))) as lab:
        lab.add_machine(BLANK).power_on()
        process = lab.state.machines["blank"]
        assert process.alive
    assert process.wait(5)
    assert not lab.directory.exists()
