"""What discover prints, for people and for programs."""

import json
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from backend.cli.survey_views import as_facts, lines, link_rows
from backend.discovery.cluster import Cluster
from backend.discovery.host import BootService, HostFacts
from backend.discovery.networks import Certainty, Side, Sides
from backend.discovery.survey import Survey
from backend.model.addresses import Mac
from backend.model.names import HostName, InterfaceName
from backend.model.site import Node
from backend.system.links import Link, LinkAddress, NetworkSnapshot, Route
from backend.system.probes import DhcpServer

ETH0 = InterfaceName("eth0")
OWN, OTHER = Mac("02:00:00:00:00:02"), Mac("02:00:00:00:00:09")
SURVEY = Survey(
    HostFacts(HostName("head"), "head", dhcp=(BootService("isc-dhcp-server.service", True, True),)),
    NetworkSnapshot(
        (Link(ETH0, 2, "ethernet", OWN, True, False, None,
              (LinkAddress(IPv4Interface("10.0.0.1/24")), LinkAddress(IPv4Interface("10.0.0.9/24"), "eth0:1"))),),
        (Route(IPv4Network("0.0.0.0/0"), ETH0, IPv4Address("10.0.0.254")),),
    ),
    Sides(Side(ETH0, IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1"), (), "eth0 it is.", Certainty.GUESS)),
    Cluster(tuple(Node(HostName(f"n{n}"), IPv4Address(f"10.0.0.{n + 10}")) for n in range(25))),
    dhcp_servers=(DhcpServer(IPv4Address("10.0.0.1"), OWN, IPv4Address("10.0.0.3"), True),
                  DhcpServer(IPv4Address("10.0.0.7"), OTHER, IPv4Address("10.0.0.4"))),
)  # fmt: skip


def test_people_read_sentences() -> None:
    text = "\n".join(lines(SURVEY))
    assert "eth0 it is. (guess)" in text
    assert "isc-dhcp-server.service (running)" in text
    assert "10.0.0.7 (02:00:00:00:00:09)" in text
    assert "10.0.0.1 (" not in text  # this head's own server is no other server
    assert "25 machines of the cluster: n0 10.0.0.10" in text
    assert "and 5 more." in text
    assert list(link_rows(SURVEY.snapshot)) == [
        ("eth0", "ethernet", OWN, "no carrier", "10.0.0.1/24, 10.0.0.9/24 (alias)")
    ]


def test_programs_read_json() -> None:
    found = json.loads(json.dumps(as_facts(SURVEY)))
    assert found["private"]["certainty"] == "guess"
    assert found["public"] is None
    assert found["interfaces"][0]["addresses"][1] == {
        "address": "10.0.0.9/24", "label": "eth0:1", "alias": True,
    }  # fmt: skip
    assert found["default_route"] == {"interface": "eth0", "gateway": "10.0.0.254"}
    assert [one["local"] for one in found["dhcp_servers"]] == [True, False]
    assert len(found["nodes"]) == 25


def test_a_head_without_anything_can_be_shown() -> None:
    empty = Survey(HostFacts(None, "odd_name"))
    text = "\n".join(lines(empty))
    assert "No private network was found." in text
    assert "was not searched" in text
    assert json.loads(json.dumps(as_facts(empty)))["dhcp_servers"] is None
