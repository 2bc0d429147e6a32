"""Which file has the address: among all that may, and what is refused by name."""

from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from backend.addressing.owner import Owner, find_owner
from backend.clone.image_facts import NetworkSystem
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.paths import Paths
from backend.system.links import Link, LinkAddress
from backend.system.services import UnitFacts
from tests.unit.addressing import cases

OLD, OWN = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.201")
NETWORKD = cases.NETWORKD["plain"].replace("@", "10.0.0.1")
IFUPDOWN = "iface eth1 inet static\n  address 10.0.0.1/24\n"
KEYFILE = cases.KEYFILE["nmcli"].replace("@", "10.0.0.1")
NETPLAN = cases.NETPLAN["cloud-init"].replace("@", "10.0.0.1")
RUNS = {
    name: UnitFacts(name, present=True, active=True, enabled=True)
    for name in ("networking.service", "NetworkManager.service", "systemd-networkd.service")
}


def owner(root: Path, files: dict[str, str], *, dynamic: bool = False, units=RUNS) -> Owner:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    address = LinkAddress(IPv4Interface("10.0.0.1/24"), dynamic=dynamic)
    link = Link(
        InterfaceName("eth1"), 7, "ethernet", Mac("52:54:00:00:00:01"), addresses=(address,)
    )
    return find_owner(Paths(root), link, OLD, 24, units)


@pytest.mark.parametrize(
    ("file", "text", "system"),
    [
        ("etc/network/interfaces", IFUPDOWN, NetworkSystem.IFUPDOWN),
        ("etc/NetworkManager/system-connections/private.nmconnection", KEYFILE, NetworkSystem.NETWORK_MANAGER),
        ("etc/netplan/50-cloud-init.yaml", NETPLAN, NetworkSystem.NETPLAN),
        ("etc/systemd/network/10-private.network", NETWORKD, NetworkSystem.NETWORKD),
        ("etc/systemd/network/10-private.network.d/address.conf", "[Network]\nAddress=10.0.0.1/24\n", NetworkSystem.NETWORKD),
    ],
)  # fmt: skip
def test_each_system_is_told_by_its_file(tmp_path: Path, file: str, text: str, system: NetworkSystem) -> None:  # fmt: skip
    found = owner(tmp_path, {file: text, "etc/hosts": "10.0.0.1 head1\n"})
    assert found.found.system is system
    assert found.found.file == Path("/") / file
    assert found.edited(OWN) == text.replace("10.0.0.1", "10.0.0.201")


def test_files_that_interfaces_includes_are_read(tmp_path: Path) -> None:
    files = {
        "etc/network/interfaces": "source interfaces.d/*.cfg\nsource-directory /etc/network/more\n",
        "etc/network/interfaces.d/eth0.cfg": "iface eth0 inet dhcp\n",
        "etc/network/interfaces.d/eth1.cfg": "source /etc/network/interfaces\nsource ../../hosts\n",
        "etc/network/more/eth1": IFUPDOWN,
    }
    assert owner(tmp_path, files).found.file == Path("/etc/network/more/eth1")


def test_netplans_own_products_are_no_second_place(tmp_path: Path) -> None:
    files = {
        "etc/netplan/50-cloud-init.yaml": NETPLAN,
        "run/systemd/network/10-netplan-eth1.network": NETWORKD,
    }
    found = owner(tmp_path, files)
    assert found.found.system is NetworkSystem.NETPLAN


def test_what_else_the_file_says_is_reported(tmp_path: Path) -> None:
    text = IFUPDOWN + "  up ip route add 10.9.0.0/16 via 10.0.0.254 src 10.0.0.1\n# cloud-init\n"
    found = owner(tmp_path, {"etc/network/interfaces": text})
    assert [one.code for one in found.reports] == ["addressing.also-here", "addressing.cloud-init"]
    assert str(found.reports[0].place) == "/etc/network/interfaces:3"


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({}, "addressing.nowhere", "eth1"),
        ({"etc/network/interfaces": IFUPDOWN, "etc/systemd/network/1.network": NETWORKD}, "addressing.several", "1.network"),
        ({"etc/systemd/network/1.network": NETWORKD * 2}, "addressing.several", "1.network:10"),
        ({"etc/network/interfaces": IFUPDOWN, "run/systemd/network/1.network": NETWORKD}, "addressing.several", "/run/"),
        ({"etc/network/interfaces": IFUPDOWN.replace("eth1", "eth1:0")}, "addressing.syntax", "alias"),
        ({"etc/network/interfaces": IFUPDOWN.replace("eth1", "eth2")}, "addressing.other-interface", "eth2"),
        ({"etc/network/interfaces": IFUPDOWN.replace("/24", "/16")}, "addressing.prefix", "/16"),
        ({"etc/sysconfig/network-scripts/ifcfg-eth1": "IPADDR=10.0.0.1\n"}, "addressing.unknown-system", "migrate"),
        ({"run/NetworkManager/system-connections/a.nmconnection": KEYFILE}, "addressing.unknown-system", "/run/"),
        ({"etc/dhcpcd.conf": "static ip_address=10.0.0.1/24\n"}, "addressing.unknown-system", "dhcpcd"),
        ({"etc/systemd/network/2.network": NETWORKD, "run/systemd/netif/links/7": "NETWORK_FILE=/etc/systemd/network/1.network\n"},
         "addressing.not-in-use", "1.network"),
        ({"etc/systemd/network/2.network": "x" * (2 << 20)}, "addressing.too-large", "1 MiB"),
    ],
)  # fmt: skip
def test_refused_by_name(tmp_path: Path, files: dict[str, str], code: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        owner(tmp_path, files)
    assert [one.code for one in caught.value.reports] == [code]
    assert says in str(caught.value)
    assert all(one.remedy for one in caught.value.reports)


def test_dhcp_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="from a DHCP server"):
        owner(tmp_path, {"etc/network/interfaces": "iface eth1 inet dhcp\n"}, dynamic=True)


def test_a_file_of_a_system_that_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="does not run here"):
        owner(tmp_path, {"etc/network/interfaces": IFUPDOWN}, units={})
    assert owner(tmp_path, {}, units=None).found.system is NetworkSystem.IFUPDOWN
