"""Names and addresses: what is parsed may go into a file, everything else is refused with the rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.model.addresses import (
    Mac,
    parse_address,
    parse_netmask,
    parse_network,
)
from backend.model.names import DomainName, HostName, ImageName, InterfaceName, UserName
from backend.reports import Place

KINDS = (HostName, DomainName, ImageName, InterfaceName, UserName, Mac)


@given(st.text())
def test_no_kind_lets_a_dangerous_character_through(text: str) -> None:
    for kind in KINDS:
        try:
            value = kind.parse(text)
        except InvalidInput:
            continue
        else:
            assert not set(value) & set("\n\r\0 \t\"'{};$`\\<>|&()#")
            assert value.isascii()
            assert value
            assert not value.startswith("-") or kind is InterfaceName


@pytest.mark.parametrize(
    "text",
    [
        "00:16:3E:12:34:56",
        "00-16-3e-12-34-56",
        "00163e123456",
        "0016.3e12.3456",
        "0:16:3e:12:34:56",
        " 00:16:3e:12:34:56\r\n",
    ],
)
def test_macs_in_every_spelling(text: str) -> None:
    mac = Mac.parse(text)
    assert mac == "00:16:3e:12:34:56"
    assert Mac.from_bytes(mac.raw) == mac
    assert mac.hyphens == "00-16-3e-12-34-56"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "00:16:3e:12:34",
        "00:16-3e:12:34:56",
        "00:16:3e:12:34:5g",
    ],
)
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Mac.parse(text)


def test_the_place_of_a_mistake_is_kept() -> None:
    with pytest.raises(InvalidInput) as caught:
        HostName.parse("bad name", Place("site.toml", 14))
    assert str(caught.value.reports[0]).startswith("site.toml:14: 'bad name' is not a host name.")


@pytest.mark.parametrize("name", ["-a", "a-", "a_b", "ä", "a" * 64, "a.b", "a\n"])
def test_host_names_follow_rfc_1123(name: str) -> None:
    with pytest.raises(InvalidInput):
        HostName.parse(name)


def test_domain_length_is_limited() -> None:
    assert DomainName.parse("cluster.example")
    with pytest.raises(InvalidInput):
        DomainName.parse(".".join(["a" * 60] * 5))


def test_addresses() -> None:
    assert str(parse_address(" 10.0.0.1 ")) == "10.0.0.1"
    assert parse_network("10.0.0.0/24").prefixlen == 24
    assert parse_netmask("255.255.255.0") == parse_netmask("/24") == 24
    for function, text in (
        (parse_address, "10.0.0.256"),
        (parse_network, "10.0.0.1/24"),
        (parse_netmask, "255.0.255.0"),
    ):
        with pytest.raises(InvalidInput):
            function(text)
