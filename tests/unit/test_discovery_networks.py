"""Which side is private and which public, and the machines of the cluster."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from backend.discovery.cluster import Cluster, Sources, merge, read_sources
from backend.discovery.hosts_file import MARK
from backend.discovery.networks import Certainty, decide, is_private
from backend.discovery.survey import choose
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.system.links import Link, LinkAddress, NetworkSnapshot, Route, read

EVERYWHERE = IPv4Network("0.0.0.0/0")


def link(index: int, name: str, *addresses: str, kind: str = "ethernet", up: bool = True) -> Link:
    found, networks = [], set()
    for text in addresses:
        address = IPv4Interface(text)
        found.append(LinkAddress(address, name, secondary=address.network in networks))
        networks.add(address.network)
    return Link(
        InterfaceName(name),
        index,
        kind,
        Mac(f"02:00:00:00:00:{index:02x}"),
        up,
        up,
        None,
        tuple(found),
    )


def snapshot(*links: Link, default: str = "", via: str = "") -> NetworkSnapshot:
    gateway = IPv4Address(via) if via else None
    routes = (Route(EVERYWHERE, InterfaceName(default), gateway),) if default else ()
    return NetworkSnapshot((link(1, "lo", "127.0.0.1/8", kind="loopback"), *links), routes)


OFFICE = ("138.47.21.5/24", "138.47.21.1")


@pytest.mark.parametrize(
    ("links", "default", "via", "private", "public", "certainty"),
    [
        ([link(2, "eth0", "10.0.0.1/24"), link(3, "eth1", OFFICE[0])], "eth1", OFFICE[1], "eth0", "eth1", "likely"),
        ([link(2, "eth0", "192.168.1.7/24"), link(3, "eth1", "10.0.0.1/24")], "eth0", "192.168.1.1", "eth1", "eth0", "likely"),
        ([link(2, "eth0", "10.0.0.5/24"), link(3, "eth1", OFFICE[0])], "eth0", "10.0.0.1", "eth0", "eth1", "likely"),
        ([link(2, "eth0", "10.0.0.1/24")], "eth0", "10.0.0.254", "eth0", None, "likely"),
        ([link(2, "eth0", OFFICE[0])], "eth0", OFFICE[1], "eth0", None, "guess"),
        ([link(2, "eth0", "192.0.2.9/24"), link(3, "eth1", "10.0.0.1/8")], "eth0", "192.0.2.1", "eth1", "eth0", "likely"),
        ([link(2, "a", "10.1.0.1/24"), link(3, "b", "10.2.0.1/24")], "", "", "a", None, "guess"),
        ([link(2, "docker0", "172.17.0.1/16", kind="bridge"), link(3, "b", "10.2.0.1/24")], "b", "", "b", None, "likely"),
        ([link(2, "eth0", "10.0.0.1/24", up=False), link(3, "eth1", "10.1.0.1/24")], "", "", "eth1", None, "likely"),
        ([link(2, "eth0", OFFICE[0], "10.0.0.1/24")], "eth0", OFFICE[1], "eth0", "eth0", "likely"),
    ],
)  # fmt: skip
def test_sides(
    links: list[Link], default: str, via: str, private: str, public: str | None, certainty: str
) -> None:
    found = decide(snapshot(*links, default=default, via=via))
    assert found.private is not None
    assert found.private.interface == private
    assert (found.public.interface if found.public else None) == public
    assert found.private.certainty == certainty
    assert private in found.private.why
    assert bool(found.reports) == (certainty == "guess")


def test_one_interface_with_two_networks_is_told_apart() -> None:
    found = decide(
        snapshot(link(2, "eth0", OFFICE[0], "10.0.0.1/24"), default="eth0", via=OFFICE[1])
    )
    assert found.private is not None
    assert found.public is not None
    assert found.private.address == IPv4Address("10.0.0.1")
    assert found.public.address == IPv4Address("138.47.21.5")


def test_known_machines_decide_even_against_the_default_route() -> None:
    look = snapshot(
        link(2, "a", "10.1.0.1/24"), link(3, "b", "10.2.0.1/24"), default="b", via="10.2.0.9"
    )
    found = decide(look, cluster=[IPv4Address("10.2.0.11"), IPv4Address("10.2.0.12")])
    assert found.private is not None
    assert (found.private.interface, found.private.certainty) == ("b", Certainty.CERTAIN)
    assert "2 known machines" in found.private.why
    assert found.public is None
    assert [one.interface for one in found.others] == ["a"]


def test_a_network_that_dhcp_serves_is_private() -> None:
    look = snapshot(link(2, "a", "10.1.0.1/24"), link(3, "b", "10.2.0.1/24"))
    found = decide(look, served=[IPv4Network("10.2.0.0/24")])
    assert found.private is not None
    assert (found.private.interface, found.private.certainty) == ("b", Certainty.CERTAIN)


def test_aliases_belong_to_their_network() -> None:
    look = snapshot(link(2, "a", "10.1.0.1/24", "10.1.0.100/24", "10.1.0.101/32"))
    found = decide(look)
    assert found.private is not None
    assert found.private.aliases == (IPv4Address("10.1.0.100"), IPv4Address("10.1.0.101"))


def test_nothing_to_choose_from() -> None:
    assert decide(snapshot()).private is None


def test_the_users_choice_wins_and_a_wrong_one_names_what_there_is() -> None:
    sides = decide(snapshot(link(2, "a", "10.1.0.1/24"), link(3, "b", "10.2.0.1/24")))
    chosen = choose(sides, InterfaceName("b"))
    assert chosen.private is not None
    assert (chosen.private.interface, chosen.private.certainty) == ("b", "certain")
    with pytest.raises(InvalidInput, match="There are: a, b"):
        choose(sides, InterfaceName("c"))


def test_test_networks_are_not_private() -> None:
    networks = [
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "100.64.0.0/10",
        "138.47.0.0/16",
    ]
    assert not any(is_private(IPv4Network(one)) for one in networks)
    assert all(
        is_private(IPv4Network(one)) for one in ["10.0.0.0/24", "172.31.0.0/16", "192.168.0.0/16"]
    )


def test_netlink_messages_become_typed_values() -> None:
    links = [
        {"index": 2, "flags": 0x11043, "ifi_type": 1, "attrs": [("IFLA_IFNAME", "eth0"), ("IFLA_ADDRESS", "02:00:00:00:00:02"), ("IFLA_MASTER", 3)]},
        {"index": 3, "flags": 0x1003, "ifi_type": 1, "attrs": [("IFLA_IFNAME", "br0"), ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "bridge")]})]},
        {"index": 4, "flags": 0, "ifi_type": 1, "attrs": [("IFLA_IFNAME", "bad:name")]},
    ]  # fmt: skip
    addresses = [
        {"index": 3, "flags": 0x80, "prefixlen": 24, "attrs": [("IFA_LOCAL", "10.0.0.1"), ("IFA_LABEL", "br0")]},
        {"index": 3, "flags": 0x81, "prefixlen": 24, "attrs": [("IFA_LOCAL", "10.0.0.9"), ("IFA_LABEL", "br0:1")]},
        {"index": 3, "flags": 0, "prefixlen": 99, "attrs": [("IFA_LOCAL", "10.0.0.9")]},
    ]  # fmt: skip
    routes = [
        {"type": 1, "table": 254, "dst_len": 0, "attrs": [("RTA_OIF", 3), ("RTA_GATEWAY", "10.0.0.254"), ("RTA_PRIORITY", 100)]},
        {"type": 1, "table": 254, "dst_len": 0, "attrs": [("RTA_OIF", 3), ("RTA_GATEWAY", "10.0.0.253"), ("RTA_PRIORITY", 50)]},
        {"type": 2, "table": 255, "dst_len": 32, "attrs": [("RTA_OIF", 3), ("RTA_DST", "10.0.0.1")]},
    ]  # fmt: skip
    found = read(links, addresses, routes)
    assert [one.name for one in found.links] == ["eth0", "br0"]
    eth0, br0 = found.links
    assert (eth0.kind, eth0.mac, eth0.up, eth0.carrier, eth0.bridge) == (
        "ethernet", "02:00:00:00:00:02", True, True, "br0",
    )  # fmt: skip
    assert (br0.kind, br0.carrier, [one.alias for one in br0.addresses]) == (
        "bridge",
        False,
        [False, True],
    )
    assert found.default_route is not None
    assert str(found.default_route.gateway) == "10.0.0.253"
    assert len(found.routes) == 2


PRIVATE = IPv4Network("10.0.0.0/24")


def sources(**files: str) -> Sources:
    names = {
        "hosts": "/etc/hosts",
        "dhcpd": "/etc/dhcp/dhcpd.conf",
        "slurm": "/etc/slurm/slurm.conf",
    }
    texts = {Path(names[key]): text for key, text in files.items()}
    return read_sources(texts.get)


def merged(found: Sources) -> Cluster:
    return merge(found, PRIVATE, [IPv4Address("10.0.0.1")], "head")


def test_the_three_files_are_merged_and_this_head_is_left_out() -> None:
    found = merged(sources(
        hosts="10.0.0.1 head\n10.0.0.11 node001.lan node001\n10.0.0.12 n2 node002\n10.0.0.250 switch\n",
        dhcpd="host NODE001 { hardware ethernet 02:00:00:00:00:0b; }\nhost head { fixed-address 10.0.0.1; }\n"
        "subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.100 10.0.0.110; option routers 10.0.0.254; }",
        slurm="SlurmctldHost=head\nNodeName=head,node[001-003]\n",
    ))  # fmt: skip
    assert [(one.name, str(one.address), one.mac) for one in found.nodes] == [
        ("NODE001", "10.0.0.11", "02:00:00:00:00:0b"), ("node002", "10.0.0.12", None), ("node003", "None", None),
    ]  # fmt: skip
    assert found.reports == ()
    assert "node002" in found.reserved(IPv4Address("10.0.0.12"))
    assert found.reserved(IPv4Address("10.0.0.250"))
    assert found.reserved(IPv4Address("10.0.0.254"))
    assert "DHCP" in found.reserved(IPv4Address("10.0.0.105"))
    assert found.reserved(IPv4Address("10.0.0.111")) == ""


def test_the_hosts_file_alone_names_nodes_when_nothing_else_does() -> None:
    found = merged(
        sources(hosts="127.0.0.1 localhost\n10.0.0.1 head\n10.0.0.11 a\n138.47.0.1 world\n")
    )
    assert [one.name for one in found.nodes] == ["a"]
    assert [one.code for one in found.reports] == ["cluster.from-hosts"]


def test_our_own_lines_are_no_machines_of_the_cluster() -> None:
    texts = {
        Path("/etc/hosts"): f"10.0.0.11 a\n10.0.0.200 head-standby {MARK}\n",
        Path("/etc/dhcp/dhcpd.conf"): 'include "/etc/dhcp/haoscar/haoscar.conf";',
        Path("/etc/dhcp/haoscar/haoscar.conf"): "host head-standby { fixed-address 10.0.0.200; }",
    }
    found = merged(read_sources(texts.get))
    assert [one.name for one in found.nodes] == ["a"]
    assert found.reserved(IPv4Address("10.0.0.200"))


def test_contradictions_are_reported_with_their_place() -> None:
    found = merged(sources(
        hosts="10.0.0.99 a\n",
        dhcpd="host a { hardware ethernet 02:00:00:00:00:0a; fixed-address 10.0.0.10; }\n"
        "host b { hardware ethernet 02:00:00:00:00:0a; fixed-address 10.0.0.10; }\n",
    ))  # fmt: skip
    texts = [str(one) for one in found.reports]
    assert [one.code for one in found.reports] == ["cluster.conflict"] * 3
    assert any(
        "/etc/dhcp/dhcpd.conf:2" in one and "02:00:00:00:00:0a belongs to a" in one for one in texts
    )
    assert any("/etc/hosts:1" in one and "10.0.0.99" in one for one in texts)


def test_ten_thousand_nodes_are_merged_quickly() -> None:
    lines = "\n".join(f"10.0.{n // 250}.{n % 250 + 1} n{n:05d}" for n in range(10_000))
    found = merge(sources(hosts=lines, slurm="NodeName=n[00000-09999]"), PRIVATE, [], "head")
    assert len(found.nodes) == 10_000
    assert found.nodes[-1].address == IPv4Address("10.0.39.250")
