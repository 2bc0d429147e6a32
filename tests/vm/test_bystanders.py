"""Three blank machines are switched on at the same moment; only the assigned one is installed.

One of the others belongs to nobody, one has the card of a known compute node. Both ask the network
first, as new machines do, and then start a USB stick that says so on the serial line: that they come
so far shows that the network gave them nothing to start, and that nobody had to wait for it.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import HaoscarError
from backend.lab.cluster import VirtualCluster
from backend.lab.machines import BlankMachine, BootDevice, MachineSpec
from backend.lab.topology import Net, Topology
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.paths import Paths
from backend.system.runner import Command, LocalRunner
from tests.vm.cloning import BLANK, Head

pytestmark = [
    pytest.mark.vm,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.xdist_group("bystanders"),  # its tests share one lab
]
LIMIT = 900.0  # seconds; three guests on two cores
GAVE_UP = "nothing came from the network"
NODE = Topology().nodes[1]
ASSIGNED = replace(BLANK, mac=Mac.parse("52:54:00:77:03:01"), disk_bytes=2 << 30)
SMALL = replace(
    BLANK,
    disk_bytes=2 << 30,
    memory_mib=128,
    # SeaBIOS tries only the first of all hard disks, and the stick counts as one.
    boot_order=(BootDevice.NETWORK, BootDevice.USB),
)
UNKNOWN = replace(SMALL, name=HostName.parse("unknown"), mac=Mac.parse("52:54:00:77:03:02"))
OF_NODE = replace(SMALL, name=HostName.parse("asnode1"), mac=NODE.port(Net.PRIVATE).mac)


def stick(path: Path) -> Path:
    """Write the image of a stick whose boot sector says GAVE_UP on the serial line, and halts."""
    code = bytes.fromhex(
        "31c08ed8fc"  # xor ax,ax; mov ds,ax; cld
        "be207c"  # mov si,0x7c20: the text
        "bafd03"  # next: mov dx,0x3fd (line status)
        "eca82074fb"  # wait: in al,dx; test al,0x20 (may send); jz wait
        "ac84c07406"  # lodsb; test al,al; jz done
        "baf803eeebed"  # mov dx,0x3f8; out dx,al; jmp next
        "f4ebfd"  # done: hlt; jmp done
    )
    sector = code.ljust(0x20, b"\0") + GAVE_UP.encode() + b"\r\n\0"
    path.write_bytes((sector.ljust(510, b"\0") + b"\x55\xaa").ljust(1 << 20, b"\0"))
    return path


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    """A head with a standby and two known compute nodes, one of which is switched off."""
    with VirtualCluster.start(Paths(), topology=Topology(Topology().nodes[:3])) as lab:
        lab.node(NODE.name).power_off()
        found = Head(lab)
        found.haoscar("init")
        found.haoscar("fetch-image")
        found.haoscar("add-standby", "--name", "standby1")
        found.network_boot()
        yield found


def asked(head: Head, mac: Mac) -> int:
    """Return how often the head's DHCP server heard a card."""
    journal = ("journalctl", "--no-pager", "--output=cat", "--unit=isc-dhcp-server")
    return len(re.findall(rf"DHCPDISCOVER from {mac}", head.say(*journal)))


def has_data(machine: BlankMachine) -> bool:
    """Whether anything but zeros is on the disk of a machine that is off."""
    words = ("qemu-img", "map", "--output=json", str(machine.files.disk))
    found = json.loads(LocalRunner().run(Command.of(*words)).stdout)
    return any(one["data"] and not one["zero"] for one in found)


def refused(head: Head, *words: str) -> list[str]:
    """Run a command that must be refused; returns the codes of its reports."""
    with pytest.raises(HaoscarError) as caught:
        head.haoscar(*words)
    return [one.code for one in caught.value.reports]


def test_the_card_of_a_compute_node_is_not_taken(head: Head) -> None:
    codes = refused(head, "install-standby", "standby1", "--mac", str(OF_NODE.mac))
    assert codes == ["macs.belongs-to-node"]
    assert head.haoscar("installs", "show")["standbys"][0]["mac"] is None


def test_only_the_assigned_machine_is_installed(head: Head, tmp_path: Path) -> None:
    head.haoscar("install-standby", "standby1", "--mac", str(ASSIGNED.mac))
    specs: list[MachineSpec] = [
        ASSIGNED,
        *(replace(one, usb=stick(tmp_path / f"{one.name}.img")) for one in (UNKNOWN, OF_NODE)),
    ]
    machines = [head.lab.add_machine(spec) for spec in specs]
    ours, unknown, of_node = machines
    try:
        for machine in machines:
            machine.power_on()
        for machine in (unknown, of_node):
            machine.wait_for_serial(GAVE_UP, LIMIT)
            assert asked(head, machine.spec.mac) > 0
            assert "haoscar" not in machine.serial
            machine.power_off()
        ours.wait_for(copying(head), "the copy of the image", LIMIT)
        head.haoscar("installs", "disarm", "standby1")
    finally:
        for machine in machines:
            machine.power_off()
    assert has_data(ours)
    assert not has_data(unknown)
    assert not has_data(of_node)
    assert recorded_machines(head) == {ASSIGNED.mac.hyphens}
    assert head.haoscar("installs", "show")["refused"] == []


def copying(head: Head) -> Callable[[], bool]:
    """Return the condition that the assigned machine copies its image."""

    def reached() -> bool:
        return head.haoscar("installs", "show", "standby1").get("stage") == "copy"

    return reached


def recorded_machines(head: Head) -> set[str]:
    """Return the cards that the head has a record of an installation for."""
    return {Path(line).name for line in head.say("ls", "-1", str(Paths().installs)).split()} - {
        "refused.jsonl"
    }


@pytest.mark.parametrize("mac", [UNKNOWN.mac, OF_NODE.mac], ids=["unknown", "compute-node"])
def test_a_machine_that_says_hello_all_the_same_is_turned_away(head: Head, mac: Mac) -> None:
    public = head.say("cat", "/root/.ssh/id_ed25519.pub").split()[1]
    body = f"mac={mac}\nkey=ssh-ed25519 {public}\n"
    address = head.node.spec.port(Net.PRIVATE).address.ip
    curl = Command.of(
        "curl", "--silent", "--max-time", "60", "--write-out", "%{http_code}", "--data-binary",
        "@-", "--header", "Content-Type: text/plain", f"http://{address}:8117/hello",
    )  # fmt: skip
    said = head.lab.node("node2").runner.run(curl.given(body.encode()).within(120)).stdout
    assert said.endswith("403")
    assert str(mac) in head.haoscar("installs", "show")["refused"][-1]["text"]
