"""Only the address is replaced in a configuration file: everything else stays, byte for byte."""

from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.addressing import ifupdown, keyfile, netplan, networkd
from backend.addressing.text import Found, decode, encode, mentions, replaced
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.system.links import Link
from tests.unit.addressing import cases

OLD, NEW = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.201")
FILE = Path("/etc/somewhere")
Find = Callable[[str, Path, IPv4Address], list[Found]]
SYSTEMS: dict[str, tuple[Find, dict[str, str]]] = {
    "ifupdown": (ifupdown.find, cases.IFUPDOWN),
    "keyfile": (keyfile.find, cases.KEYFILE),
    "netplan": (netplan.find, cases.NETPLAN),
    "networkd": (networkd.find, cases.NETWORKD),
}
ALL = [(system, name) for system, (_find, files) in SYSTEMS.items() for name in files]


def link(name: str) -> Link:
    return Link(InterfaceName(name), 2, "ethernet", Mac("52:54:00:00:00:01"), up=True)


@pytest.mark.parametrize(("system", "name"), ALL)
def test_the_one_place_is_found_and_nothing_else_changes(system: str, name: str) -> None:
    find, files = SYSTEMS[system]
    text = files[name].replace("@", str(OLD))
    (found,) = find(text, FILE, OLD)
    assert not found.problem
    assert found.prefix in (24, None)
    assert found.line == files[name][: files[name].index("@")].count("\n") + 1
    after = replaced(text, found, NEW)
    assert after == files[name].replace("@", str(NEW))
    assert decode(encode(after)) == after
    (again,) = find(after, FILE, NEW)
    assert (again.start, again.prefix, again.names) == (found.start, found.prefix, found.names)
    assert not find(after, FILE, OLD)


@pytest.mark.parametrize(("system", "name"), ALL)
def test_the_interface_is_the_one_that_has_the_address(system: str, name: str) -> None:
    find, files = SYSTEMS[system]
    (found,) = find(files[name].replace("@", str(OLD)), FILE, OLD)
    right = "br0" if "br0" in files[name] else "eth1"
    assert found.concerns(link(right))
    if found.names and not any("*" in one for one in found.names):
        assert not found.concerns(link("eth0"))
    if found.macs:
        other = Link(InterfaceName("eth1"), 3, "ethernet", Mac("52:54:00:00:00:99"))
        assert not found.concerns(other)


@pytest.mark.parametrize(
    ("system", "name"), [(system, name) for system, some in cases.REFUSED.items() for name in some]
)
def test_what_is_not_understood_is_said_with_a_way_out(system: str, name: str) -> None:
    text, why = cases.REFUSED[system][name]
    found = SYSTEMS[system][0](text, FILE, OLD)
    assert found
    assert all(why in one.problem and one.remedy for one in found)


@pytest.mark.parametrize(
    ("system", "text"),
    [(system, text) for system, some in cases.ELSEWHERE.items() for text in some],
)
def test_other_uses_of_the_address_are_no_address_of_a_card(system: str, text: str) -> None:
    assert not SYSTEMS[system][0](text, FILE, OLD)


def test_prefixes_and_renderer_are_read() -> None:
    (found,) = ifupdown.find(cases.IFUPDOWN["netmask-first"].replace("@", str(OLD)), FILE, OLD)
    assert found.prefix == 24
    (found,) = netplan.find(cases.NETPLAN["document-start"].replace("@", str(OLD)), FILE, OLD)
    assert found.renderer == "NetworkManager"


def test_mentions_leave_comments_and_the_place_itself_out() -> None:
    text = "# 10.0.0.1\naddress 10.0.0.1/24\nup ip route add x src 10.0.0.1\n10.0.0.10 110.0.0.1\n"
    assert mentions(text, OLD) == (2, 3)
    (found,) = ifupdown.find("iface eth1 inet static\n" + text, FILE, OLD)
    assert mentions("iface eth1 inet static\n" + text, OLD, found) == (4,)


NOISE = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r\\\0", exclude_categories=("Cs",)),
    max_size=30,
)
COMMENTS = st.lists(NOISE.map(lambda one: f"# {one}\n"), max_size=4).map("".join)
AROUND = {
    "ifupdown": ("auto eth1\niface eth1 inet static\n", "  address @/24\n", "  gateway 10.0.0.254\n"),
    "keyfile": ("[connection]\ninterface-name=eth1\n[ipv4]\nmethod=manual\n", "address1=@/24\n", "[ipv6]\n"),
    "netplan": ("network:\n  ethernets:\n    eth1:\n      addresses:\n", "        - @/24\n", "      mtu: 9000\n"),
    "networkd": ("[Match]\nName=eth1\n[Network]\n", "Address=@/24\n", "Gateway=10.0.0.254\n"),
}  # fmt: skip


@given(
    system=st.sampled_from(sorted(AROUND)),
    noise=st.tuples(COMMENTS, COMMENTS, COMMENTS),
    raw=st.binary(max_size=20).map(lambda one: one.replace(b"\n", b"").replace(b"\r", b"")),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=150, deadline=None)
def test_whatever_surrounds_it_only_the_address_changes(
    system: str, noise: tuple[str, str, str], raw: bytes, end: str
) -> None:
    first, line, behind = AROUND[system]
    text = (noise[0] + first + noise[1] + line + noise[2] + behind).replace("\n", end)
    content = encode(text.replace("@/24", "10.0.0.1/24")) + b"# " + raw.rstrip(b"\\")
    before = decode(content)
    (found,) = SYSTEMS[system][0](before, FILE, OLD)
    assert not found.problem
    after = encode(replaced(before, found, NEW))
    at = len(encode(before[: found.start]))
    assert after[:at] == content[:at]
    assert after[at : at + len(str(NEW))] == str(NEW).encode()
    assert after[at + len(str(NEW)) :] == content[at + len(str(OLD)) :]


@given(text=st.text(max_size=300), system=st.sampled_from(sorted(SYSTEMS)))
@settings(max_examples=200, deadline=None)
def test_no_text_makes_a_reader_fail(text: str, system: str) -> None:
    for one in SYSTEMS[system][0](text.replace("a", " 10.0.0.1/24\n"), FILE, OLD):
        assert one.line >= 1
