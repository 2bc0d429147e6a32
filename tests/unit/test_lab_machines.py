"""The machines of the lab as argument lists: wires, containers, QEMU."""

from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from backend.errors import InvalidInput, Refused
from backend.lab import overlay
from backend.lab.containers import nspawn_command
from backend.lab.machines import (
    BootDevice,
    Card,
    DiskBus,
    MachineFiles,
    MachineSpec,
    qemu_arguments,
)
from backend.lab.network import cable_lines, port_name, switch_lines
from backend.lab.topology import Net, NodeKind, Topology, node
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import Firmware
from backend.system.namespaces import Inside, NamespaceRunner
from backend.system.runner import Command

NAME = HostName.parse("blank")
MAC = Mac.parse("02:00:00:00:00:02")
FILES = MachineFiles(Path("/lab/blank"))
TAPS = {Net.PRIVATE: "blank-pri", Net.PUBLIC: "blank-pub"}
KEY = overlay.LabKey("PRIVATE\n", "ssh-ed25519 AAAA lab\n")


def arguments(spec: MachineSpec, code: Path | None = None) -> str:
    return " ".join(qemu_arguments(spec, FILES, TAPS, code))


def test_every_card_of_the_standard_lab_has_its_own_addresses() -> None:
    ports = [port for one in Topology().nodes for port in one.ports]
    assert len({port.mac for port in ports}) == len(ports)
    assert len({port.address.ip for port in ports}) == len(ports)
    assert all(int(port.mac[:2], 16) & 3 == 2 for port in ports)  # local, one card


def test_the_lab_stays_inside_test_networks() -> None:
    head = Topology().nodes[0]
    assert head.port(Net.PRIVATE).address == IPv4Interface("10.77.0.1/24")
    assert head.port(Net.PUBLIC).address.network.network_address.packed[:3] == b"\xc0\x00\x02"
    with pytest.raises(KeyError):
        Topology().nodes[1].port(Net.PUBLIC)


def test_a_hostile_machine_name_is_refused() -> None:
    with pytest.raises(InvalidInput):
        node("a\nlink delete eth0", NodeKind.COMPUTE, private="10.77.0.9/24")


def test_port_names_fit_the_kernel_and_differ() -> None:
    names = {port_name("a-very-long-host-name", net) for net in Net}
    assert len(names) == 2
    assert all(len(name) <= 15 for name in names)


def test_cables_end_at_the_right_bridge() -> None:
    head = Topology().nodes[0]
    lines = cable_lines(head, head.port(Net.PUBLIC))
    assert "netns head1" in lines[0]
    assert "master public" in lines[1]
    assert (
        "link add private type bridge forward_delay 0 stp_state 0 mcast_snooping 0"
        in switch_lines()
    )


def test_a_container_joins_nothing_of_the_host() -> None:
    head = Topology().nodes[0]
    mounts = {Path("/src"): Path("/src"), Path("/lab/haoscar"): Path("/usr/local/bin/haoscar")}
    command = nspawn_command(head, Path("/lab/head1/root"), "/sys/fs/cgroup/lab", mounts)
    for word in (
        "--register=no", "--keep-unit", "--directory=/lab/head1/root", "--bind-ro=/src:/src",
        "--network-namespace-path=/run/netns/head1", "/sys/fs/cgroup/lab/head1",
    ):  # fmt: skip
        assert word in command.argv
    assert "--bind-ro=/lab/haoscar:/usr/local/bin/haoscar" in command.argv


def test_only_the_head_gets_the_private_key_and_the_dhcp_server() -> None:
    topology = Topology()
    by_name = {
        one.name: {file.path: file for file in overlay.overlay_files(one, topology, KEY)}
        for one in topology.nodes
    }
    assert by_name["head1"]["root/.ssh/id_ed25519"].mode == 0o600
    assert "root/.ssh/id_ed25519" not in by_name["node1"]
    dhcpd = by_name["head1"]["etc/dhcp/dhcpd.conf"].content
    assert "host node2 {" in dhcpd
    assert "client" not in dhcpd
    assert "etc/dhcp/dhcpd.conf" not in by_name["client"]
    network = by_name["client"]["etc/systemd/network/10-public.network"].content
    assert "Address=192.0.2.100/24" in network


def test_written_overlays_have_the_modes_sshd_wants(tmp_path: Path) -> None:
    topology = Topology()
    overlay.write_overlay(tmp_path, overlay.overlay_files(topology.nodes[1], topology, KEY))
    assert (tmp_path / "root").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "root/.ssh").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "root/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "etc/hostname").read_text() == "node1\n"


def test_a_head_sees_the_code_and_its_libraries() -> None:
    mounts = overlay.product_mounts()
    assert any((path / "backend").is_dir() for path in mounts)
    assert str(overlay.source_directory()) in overlay.launcher()


def test_another_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, "PYTHON", (3, 99))
    with pytest.raises(Refused, match=r"Debian's Python 3\.99"):
        overlay.check_python()


def test_a_bios_machine_starts_from_the_network_first() -> None:
    text = arguments(MachineSpec(NAME, MAC))
    assert f"virtio-net-pci,netdev=private,mac={MAC},bootindex=1" in text
    assert "virtio-blk-pci,drive=disk,bootindex=2" in text
    assert "pflash" not in text
    assert "romfile" not in text


def test_a_uefi_machine_has_its_own_variables() -> None:
    text = arguments(MachineSpec(NAME, MAC, firmware=Firmware.UEFI), Path("/fw/code.fd"))
    assert "readonly=on,file=/fw/code.fd" in text
    assert f"file={FILES.variables}" in text


def test_a_card_without_rom_cannot_boot() -> None:
    spec = MachineSpec(
        NAME, MAC, card=Card.E1000, rom=False, floppy=Path("/boot.fd"),
        boot_order=(BootDevice.FLOPPY, BootDevice.DISK),
    )  # fmt: skip
    text = arguments(spec)
    assert f"e1000,netdev=private,mac={MAC},romfile=" in text
    assert "isa-fdc.bootindexA=0" in text
    assert "ide-hd" not in text


def test_disk_and_stick_on_other_buses() -> None:
    spec = MachineSpec(
        NAME, MAC, disk_bus=DiskBus.SATA, usb=Path("/stick.img"), rom=False,
        boot_order=(BootDevice.DISK, BootDevice.USB),
    )  # fmt: skip
    text = arguments(spec)
    assert "ide-hd,drive=disk,bus=sata.0,bootindex=1" in text
    assert "usb-storage,drive=stick,removable=on,bootindex=2" in text


def test_a_second_card_never_boots() -> None:
    text = arguments(MachineSpec(NAME, MAC, public_mac=Mac.parse("02:00:00:00:00:03")))
    assert "netdev=public,mac=02:00:00:00:00:03,romfile=" in text


def test_commands_inside_get_a_clean_environment_and_all_namespaces() -> None:
    runner = NamespaceRunner(lambda: Inside.machine(42))
    command = runner.command(Command(("true",), cwd=Path("/srv"), env={"X": "1"}))
    assert command.argv[0] == "nsenter"
    assert {"--target=42", "--pid", "--mount", "--root", "--uts", "--ipc", "--net"} <= set(
        command.argv
    )
    assert "--ignore-environment" in command.argv
    assert "--chdir=/srv" in command.argv
    assert command.argv[-2:] == ("X=1", "true")
    assert command.cwd is None


def test_the_machines_uuid_follows_from_its_card() -> None:
    assert MachineSpec(NAME, MAC).uuid == MachineSpec(NAME, MAC).uuid
    assert MachineSpec(NAME, MAC).uuid != MachineSpec(NAME, Mac.parse("02:00:00:00:00:04")).uuid
