"""From the site file and what was found to each member's configuration."""

import json
from pathlib import Path

import pytest

from backend.rollout.facts import Facts, cards_of, spare_of
from backend.rollout.source import interfaces_of, members_of
from backend.site.store import parse_site

SITE = """\
version = 1
[cluster]
name = "lab"
domain = "lab.example"
[networks.private]
interface = "eth0"
network = "10.77.0.0/24"
virtual_ip = "10.77.0.10"
[primary]
name = "head1"
private_address = "10.77.0.1"
[[image]]
name = "head"
client = "head1"
[[standby]]
name = "head2"
image = "head"
address = "10.77.0.2"
[[node]]
name = "node1"
address = "10.77.0.11"
"""


def test_a_standby_gets_the_name_of_its_own_card(tmp_path: Path) -> None:
    site = parse_site(SITE, tmp_path / "site.toml")
    members, _ = members_of(site)
    assert private_card(members[1].config) == "eth0"  # all that the site file knows
    found = {one: Facts(cards={"10.77.0.2": "ens3"}) for one in members if one.name == "head2"}
    exact, _ = members_of(site, interfaces_of(site, found))
    assert [private_card(one.config) for one in exact] == ["eth0", "ens3", ""]
    assert exact == members  # the same machines


def test_a_standby_without_a_public_address_gets_the_card_that_is_left(tmp_path: Path) -> None:
    public = '[networks.public]\ninterface = "eth1"\nnetwork = "192.0.2.0/24"\n[primary]\n'
    site = parse_site(SITE.replace("[primary]\n", public), tmp_path / "site.toml")
    member = next(one for one in members_of(site)[0] if one.name == "head2")

    def card(*spare: tuple[str, ...]) -> str | None:
        facts = Facts(cards={"10.77.0.2": "ens3"}, spare=spare)
        return interfaces_of(site, {member: facts})["head2"].get("public")

    assert card(("ens4", "enp0s4")) == "ens4"  # nobody named it eth1 there
    assert card(("ens4",), ("ens5", "eth1")) == "eth1"
    assert card(("ens4",), ("ens5",)) is None  # it is not clear which
    assert card() is None


def test_spare_cards_are_those_of_ethernet_without_an_address() -> None:
    text = """[{"ifname":"lo","link_type":"loopback"},
        {"ifname":"ens3","link_type":"ether","addr_info":[{"local":"10.0.0.1"},{"local":"fe80::1"}]},
        {"ifname":"ens4","link_type":"ether","altnames":["enp0s4"],"addr_info":[{"local":"fe80::2"}]}]"""
    assert spare_of(text) == (("ens4", "enp0s4"),)
    assert cards_of(text) == {"10.0.0.1": "ens3"}
    assert spare_of("rubbish") == ()


def private_card(config: bytes) -> str:
    networks = json.loads(config)["networks"]
    return str(next(one for one in networks if one["name"] == "private").get("interface", ""))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[{"ifname":"ens3","addr_info":[{"local":"10.0.0.1"}]}]', {"10.0.0.1": "ens3"}),
        ('[{"ifname":"lo"}]', {}),
        ("", {}),
        ("rubbish", {}),
        ('[{"ifname":"a b","addr_info":[{"local":"10.0.0.1"}]}]', {}),
        ('[{"ifname":"ens3","addr_info":[{"local":"$(reboot)"}]}]', {}),
        ("{}", {}),
        ("3", {}),
    ],
)
def test_what_a_machine_says_of_its_cards_is_parsed(text: str, wanted: dict[str, str]) -> None:
    assert cards_of(text) == wanted


def test_that_nothing_is_watched_is_told(tmp_path: Path) -> None:
    watched = """[[host_group]]
name = "heads"
[[watch]]
group = "heads"
name = "load"
monitor = "netsnmp-loadaverage.monitor"
interval = "20m"
"""

    def told(text: str) -> list[str]:
        return [one.code for one in members_of(parse_site(text, tmp_path / "site.toml"))[1]]

    assert "rollout.unwatched" in told(SITE)
    assert "rollout.unwatched" not in told(SITE + watched)
