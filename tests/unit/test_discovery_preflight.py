"""Facts about a head, what is proposed from them, and what preflight says."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.discovery.cluster import Cluster
from backend.discovery.host import Firewall, HostFacts
from backend.discovery.networks import Certainty, Side, Sides
from backend.discovery.preflight import check
from backend.discovery.proposal import free_address, propose_site, standby_name
from backend.discovery.survey import Survey
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.distribution import Family, parse_os_release
from backend.model.names import DomainName, HostName, InterfaceName
from backend.model.site import Node
from backend.system.links import Link, LinkAddress, NetworkSnapshot, Route
from backend.system.probes import DhcpServer
from backend.system.services import (
    Listener,
)

ETH0 = InterfaceName("eth0")
OWN = IPv4Address("10.0.0.1")
PRIVATE = Side(ETH0, IPv4Network("10.0.0.0/24"), OWN, (), "because", Certainty.LIKELY)
DEBIAN = parse_os_release('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n')
HOST = HostFacts(
    name=HostName("head"), raw_name="head", domain=DomainName("lan"), root=True, distribution=DEBIAN,
    architecture="x86_64", free_bytes=50 << 30, used_bytes=5 << 30, clock_synchronized=True,
    network_configuration="ifupdown",
)  # fmt: skip
SNAPSHOT = NetworkSnapshot((
    Link(ETH0, 2, "ethernet", Mac("02:00:00:00:00:02"), True, True, None,
         (LinkAddress(IPv4Interface("10.0.0.1/24"), "eth0"),)),
))  # fmt: skip
READY = Survey(
    HOST,
    SNAPSHOT,
    Sides(PRIVATE, replace(PRIVATE, interface=InterfaceName("eth1"))),
    dhcp_servers=(),
)
PORTS = (8117, 8122)


def wire(*used: str) -> Callable[[InterfaceName, Iterable[IPv4Address]], dict[IPv4Address, Mac]]:
    holders = {IPv4Address(one): Mac("02:00:00:00:00:99") for one in used}
    return lambda _interface, asked: {one: holders[one] for one in asked if one in holders}


def test_a_ready_head_has_nothing_to_report() -> None:
    assert check(READY, PORTS) == ()


def _host(**changes: object) -> Survey:
    return replace(READY, host=replace(HOST, **changes))  # type: ignore[arg-type]


def _listening(*found: Listener) -> Survey:
    return replace(READY, listeners=found)


def _private(side: Side | None) -> Survey:
    return replace(READY, sides=replace(READY.sides, private=side))


@pytest.mark.parametrize(
    ("survey", "code", "word"),
    [
        (_host(root=False), "host.not-root", "sudo"),
        (_host(name=HostName("localhost")), "host.name", "hostnamectl"),
        (_host(name=None, raw_name="my_head\n"), "host.name", "hostnamectl"),
        (_host(distribution=parse_os_release("ID=arch")), "host.distribution", "Debian 12"),
        (_host(distribution=parse_os_release("ID=debian\nVERSION_ID=11")), "host.release", "demo"),
        (_host(architecture="aarch64"), "host.architecture", "x86_64"),
        (_host(selinux="enforcing"), "host.selinux", "restorecon"),
        (_host(clock_synchronized=False), "host.clock", "chrony"),
        (_host(network_configuration="unknown"), "host.network-configuration", "replicant"),
        (_host(free_bytes=1 << 20), "space.none", "disk"),
        (_host(free_bytes=2 << 30), "space.little", "Exclude"),
        (_host(firewall=Firewall(drops=True)), "firewall.drops", "8117, 8122"),
        (_host(firewall=Firewall(True, frozenset({"dhcp"}), frozenset({"8117/tcp"}))), "firewall.closed",
         "--add-service=tftp --add-port=8122/tcp &&"),
        (_private(None), "network.no-private", "--private"),
        (_private(replace(PRIVATE, aliases=(IPv4Address("10.0.0.9"),))), "network.alias", "failover agent"),
        (replace(READY, sides=Sides(PRIVATE)), "network.no-public", "empty"),
        (replace(READY, snapshot=NetworkSnapshot((replace(SNAPSHOT.links[0], carrier=False),))),
         "network.no-carrier", "Connect"),
        (replace(READY, snapshot=NetworkSnapshot((replace(SNAPSHOT.links[0], addresses=(
            LinkAddress(IPv4Interface("10.0.0.1/24"), "eth0", dynamic=True),)),))), "network.dynamic", "fixed"),
        (replace(READY, dhcp_servers=(DhcpServer(IPv4Address("10.0.0.7"), Mac("02:00:00:00:00:07"),
                                                 IPv4Address("10.0.0.150")),)), "dhcp.foreign", "race"),
        (replace(READY, dhcp_servers=None), "dhcp.not-asked", "preflight"),
        (_listening(Listener("udp", "0.0.0.0", 67, "dnsmasq", 1)), "port.taken", "dnsmasq"),
        (_listening(Listener("tcp", "*", 8117, "nginx", 1)), "port.taken", "nginx"),
        (_listening(Listener("udp", "0.0.0.0", 69)), "port.unknown", "ss -lnp"),
    ],
)  # fmt: skip
def test_each_problem_is_reported_with_its_remedy(survey: Survey, code: str, word: str) -> None:
    reports = check(survey, PORTS)
    assert [one.code for one in reports] == [code]
    assert word in reports[0].remedy


def test_our_own_servers_and_the_loopback_do_not_disturb() -> None:
    survey = _listening(
        Listener("udp", "0.0.0.0", 67, "dhcpd", 1), Listener("udp", "*", 69, "in.tftpd", 2),
        Listener("tcp", "10.0.0.1", 8117, "python3", 3), Listener("udp", "127.0.0.1", 69, "x", 4),
    )  # fmt: skip
    own = DhcpServer(OWN, Mac("02:00:00:00:00:02"), IPv4Address("10.0.0.150"))
    assert check(replace(survey, dhcp_servers=(own, replace(own, local=True))), PORTS) == ()


def test_missing_packages_and_errors_come_first() -> None:
    reports = check(_host(root=False), PORTS, ("xorriso",))
    assert [one.code for one in reports] == ["host.not-root", "packages.missing"]
    assert "xorriso" in reports[1].text


def test_the_highest_free_address_is_offered() -> None:
    cluster = Cluster(
        (Node(HostName("n"), IPv4Address("10.0.0.254")),), frozenset({IPv4Address("10.0.0.253")}),
        ((IPv4Address("10.0.0.250"), IPv4Address("10.0.0.251")),),
    )  # fmt: skip
    offer = free_address(
        PRIVATE, cluster, [IPv4Address("10.0.0.249")], wire("10.0.0.252", "10.0.0.248")
    )
    assert offer is not None
    assert offer.address == IPv4Address("10.0.0.247")
    assert "nobody on eth0 answers" in offer.why


def test_a_large_network_offers_a_neighbour_and_a_full_one_nothing() -> None:
    large = replace(PRIVATE, network=IPv4Network("10.0.0.0/8"), address=IPv4Address("10.4.5.6"))
    offer = free_address(large, Cluster(), (), wire())
    assert offer is not None
    assert offer.address == IPv4Address("10.4.5.254")  # not .255, although a /8 has it as a host
    tiny = replace(PRIVATE, network=IPv4Network("10.0.0.0/30"))
    assert free_address(tiny, Cluster(), (), wire("10.0.0.2")) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 30), st.integers(0, 2**32 - 1), st.sets(st.integers(0, 2**10), max_size=20))
def test_an_offer_is_always_a_free_host_of_the_network(
    prefix: int, number: int, used: set[int]
) -> None:
    network = IPv4Network((number, prefix), strict=False)
    own = network[1]
    taken = {network[one % network.num_addresses] for one in used}
    side = replace(PRIVATE, network=network, address=own)
    offer = free_address(side, Cluster(), (), wire(*map(str, taken)))
    if offer is not None:
        assert offer.address in network
        assert offer.address not in {
            own,
            network.network_address,
            network.broadcast_address,
            *taken,
        }


def test_the_first_site_is_made_from_what_was_found() -> None:
    route = Route(IPv4Network("0.0.0.0/0"), InterfaceName("eth1"), IPv4Address("138.47.21.1"))
    public = Side(InterfaceName("eth1"), IPv4Network("138.47.21.0/24"), IPv4Address("138.47.21.5"),
                  (IPv4Address("138.47.21.199"),), "", Certainty.CERTAIN)  # fmt: skip
    node = Node(HostName("n1"), IPv4Address("10.0.0.11"))
    site = propose_site(Survey(HOST, replace(SNAPSHOT, routes=(route,)), Sides(PRIVATE, public), Cluster((node,)),
                               HostName("bigiron")))  # fmt: skip
    assert (site.cluster, site.domain, site.primary.name) == ("bigiron", "lan", "head")
    assert site.private.network == PRIVATE.network
    assert site.private.gateway is None
    assert site.public is not None
    assert site.public.gateway == IPv4Address("138.47.21.1")
    assert site.public.virtual_ip == IPv4Address("138.47.21.199")
    assert site.primary.public_address == IPv4Address("138.47.21.5")
    assert site.nodes == (node,)


def test_no_site_without_a_private_network_or_a_name_and_both_are_said() -> None:
    with pytest.raises(Refused) as caught:
        propose_site(Survey(replace(HOST, name=None)))
    assert [one.code for one in caught.value.reports] == ["site.no-private", "site.host-name"]


def test_standby_names() -> None:
    assert standby_name("head", ()) == "head-standby"
    assert standby_name("head", ["HEAD-standby", "head-standby2"]) == "head-standby3"
    assert len(standby_name("h" * 63, ())) <= 63


@pytest.mark.parametrize(
    ("text", "family", "verified"),
    [
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"', Family.RHEL, True),
        ("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=24.04", Family.DEBIAN, True),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_ID=21", Family.DEBIAN, False),
        ("ID=$(reboot)\nID_LIKE=\"unterminated\n", Family.OTHER, False),
        ("", Family.OTHER, False),
    ],
)  # fmt: skip
def test_os_release(text: str, family: Family, verified: bool) -> None:
    found = parse_os_release(text)
    assert (found.family, found.verified) == (family, verified)
