"""Hostile values through every parser: refused, or harmless in every file that is rendered.

What is accepted is put into a site and rendered; the result must have the lines and the structure
of the same site with plain names, and the real dhcpd must find it good.
"""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from backend.clone.constants import BootMode
from backend.clone.keys import PublicKey
from backend.discovery.dhcpd_conf import parse_dhcpd_conf
from backend.errors import HaoscarError, InvalidInput
from backend.model import addresses
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import ImageSource, Network, Primary, Site, Standby
from backend.netboot import dhcp, entries, media
from backend.paths import Paths
from backend.rendering import render
from backend.site.store import SiteStore, parse_site
from backend.system.runner import Command, LocalRunner

KEY = PublicKey.parse(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)
EVIL = (
    'x"; } host evil { hardware ethernet 02:00:00:00:00:99; }',
    "x\nhost evil { }",
    "x\r",
    "standby1\n",
    "standby1\u2028",
    "standby1\0",
    "${net0/mac}",
    "x;reboot",
    "x}",
    "# x",
    "-cf",
    "x y",
    "\u0661\u0662",  # digits of another script
    "a\u0301",
    "x\\",
    "$(reboot)",
    "{{ 7 * 7 }}",
)
BASES = ("standby1", "10.0.0.2", "52:54:00:77:00:02", "eth1", "cluster.example", "10.0.0.0/24")
hostile = st.one_of(
    st.sampled_from(EVIL),
    st.text(max_size=80),
    st.builds("{}{}{}".format, st.sampled_from(BASES), st.sampled_from(EVIL), st.text(max_size=8)),
    st.builds(
        "{}{}".format, st.text(alphabet='\n\r\t "{};#\\$%', max_size=3), st.sampled_from(BASES)
    ),
)
mostly_right = st.one_of(hostile, st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,70}", fullmatch=True))


def site(
    host: HostName, mac: Mac, interface: InterfaceName, domain: DomainName, image: ImageName
) -> Site:
    standby = Standby(host, image, IPv4Address("10.0.0.2"), 24, IPv4Address("10.0.0.1"), mac=mac)
    return Site(
        cluster=HostName.parse("beowulf"),
        domain=domain,
        private=Network(interface, IPv4Network("10.0.0.0/24")),
        primary=Primary(HostName.parse("head"), IPv4Address("10.0.0.1")),
        images=(ImageSource(image, "localhost"),),
        standbys=(standby,),
    )


PLAIN = site(
    HostName.parse("standby1"),
    Mac.parse("52:54:00:77:00:02"),
    InterfaceName.parse("eth1"),
    DomainName.parse("cluster.example"),
    ImageName.parse("headimage"),
)


def rendered(one: Site) -> dict[str, str]:
    machine = entries.boot_machine(one, one.standbys[0], KEY)
    return {
        "dhcp": dhcp.render_include(one, declare_subnet=True),
        "defaults": dhcp.with_interface(b"", one.private.interface, serves_others=False).decode(),
        "drop-in": dhcp.drop_in(one.private.interface),
        "pxelinux-install": entries.pxelinux_entry(machine, BootMode.INSTALL),
        "pxelinux-local": entries.pxelinux_entry(machine, BootMode.LOCAL),
        "ipxe-install": entries.ipxe_script(machine, BootMode.INSTALL),
        "ipxe-local": entries.ipxe_script(machine, BootMode.LOCAL),
        "grub": media.media_grub_config(machine.head, KEY),
    }


def shape(text: str) -> list[str]:
    """Return the first word of every line, as every reader of these files splits lines."""
    return [(line.split(maxsplit=1) or [""])[0] for line in text.replace("\r", "\n").split("\n")]


EXPECTED = {name: shape(text) for name, text in rendered(PLAIN).items()}


def parsed(parse: Callable[[str], object], text: str, plain: object) -> object:
    """Return what the parser makes of it, or the plain value when it refuses with a report."""
    try:
        return parse(text)
    except InvalidInput as refusal:
        said = [str(one) for one in refusal.reports]
    assert said
    assert all(one.isprintable() for one in said)
    return plain


def hostile_site(draws: tuple[str, str, str, str, str]) -> Site:
    standby = PLAIN.standbys[0]
    values = [
        parsed(parse, text, plain)
        for parse, text, plain in zip(
            (HostName.parse, Mac.parse, InterfaceName.parse, DomainName.parse, ImageName.parse),
            draws,
            (standby.name, standby.mac, PLAIN.private.interface, PLAIN.domain, standby.image),
            strict=True,
        )
    ]
    return site(*values)  # type: ignore[arg-type]


five = st.tuples(mostly_right, hostile, mostly_right, mostly_right, mostly_right)


@settings(max_examples=150, deadline=None)
@given(five)
@example(("a" * 63, "aabb.ccdd.eeff", "a@b.c_d-e", ".".join(["b" * 62] * 4), "A._-"))
@example(("0", "2-0-0-0-0-1", "--help", "deny", "host"))
def test_nothing_adds_a_line_to_any_file(draws: tuple[str, str, str, str, str]) -> None:
    texts = rendered(hostile_site(draws))
    for name in EXPECTED.keys() - {"defaults"}:  # there the name itself is in the first word
        assert shape(texts[name]) == EXPECTED[name], name
    assert len(shape(texts["defaults"])) == len(EXPECTED["defaults"])
    found = parse_dhcpd_conf(Path("/c"), lambda _: texts["dhcp"])
    assert [len(found.hosts), len(found.subnets), len(found.reports)] == [1, 1, 0]


@pytest.mark.programs
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(five)
@example(("a" * 63, "aabb.ccdd.eeff", "a@b.c_d-e", ".".join(["b" * 62] * 4), "A._-"))
@example(("0", "2-0-0-0-0-1", "eth1", "deny", "host"))
def test_real_dhcpd_accepts_whatever_the_parsers_accept(
    tmp_path: Path, draws: tuple[str, str, str, str, str]
) -> None:
    config = tmp_path / "dhcpd.conf"
    config.write_text(rendered(hostile_site(draws))["dhcp"])
    result = LocalRunner().run(Command.of("dhcpd", "-t", "-4", "-q", "-cf", config), check=False)
    assert result.ok, result.stderr


PARSERS: dict[str, Callable[[str], object]] = {
    "host": HostName.parse,
    "mac": Mac.parse,
    "interface": InterfaceName.parse,
    "domain": DomainName.parse,
    "image": ImageName.parse,
    "address": addresses.parse_address,
    "network": addresses.parse_network,
    "netmask": addresses.parse_netmask,
    "key": PublicKey.parse,
}


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=150, deadline=None)
@given(hostile)
def test_what_a_parser_lets_through_is_one_plain_word(name: str, text: str) -> None:
    try:
        value = str(PARSERS[name](text))
    except InvalidInput:
        return
    assert value.isascii()
    assert value.isprintable()
    assert not set(value) & set(" \"'\\;{}#$`<>|&*?()[]")
    assert not value.startswith("-")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.sampled_from("\n\r\t\0\x0b\x1b\x7f"), st.text(max_size=20))
def test_rendering_refuses_a_control_character_even_in_a_trusted_type(
    before: str, control: str, after: str
) -> None:
    smuggled = HostName(before + control + after)  # not parsed: a mistake of ours
    broken = replace(PLAIN, standbys=(replace(PLAIN.standbys[0], name=smuggled),))
    with pytest.raises(HaoscarError):
        dhcp.render_include(broken, declare_subnet=True)
    with pytest.raises(HaoscarError):
        render("dhcp/dhcpd.service.conf.j2", interface=smuggled)


SITE_TEXT = SiteStore(Paths(Path("/nonexistent"))).render(PLAIN).decode()
PLACES = (
    ("cluster", "name"), ("cluster", "domain"), ("networks", "private", "interface"),
    ("networks", "private", "network"), ("networks", "private", "gateway"), ("primary", "name"),
    ("primary", "private_address"), ("image", 0, "name"), ("image", 0, "client"),
    ("image", 0, "ip_assignment"), ("standby", 0, "name"), ("standby", 0, "image"),
    ("standby", 0, "address"), ("standby", 0, "gateway"), ("standby", 0, "mac"),
    ("standby", 0, "disk"), ("standby", 0, "on_failure"),
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(PLACES), mostly_right)
@example(("cluster", "domain"), "x.y")
@example(("standby", 0, "name"), "other")
@example(("networks", "private", "interface"), "ib0")
def test_field_of_the_site_file_adds_no_line_to_any_file(
    place: tuple[str | int, ...], text: str
) -> None:
    document = tomlkit.parse(SITE_TEXT)
    table: Any = document
    *way, last = place
    for step in way:
        table = table[step]
    table[last] = text
    try:
        found = parse_site(tomlkit.dumps(document), Path("site.toml"))
    except InvalidInput as refusal:
        said = [str(one) for one in refusal.reports]
        event(f"{last}: refused")
    else:
        said = []
        event(f"{last}: accepted")
        texts = rendered(found)
        for name in EXPECTED.keys() - {"defaults"}:
            assert shape(texts[name]) == EXPECTED[name], name
    assert all(one.isprintable() for one in said)
