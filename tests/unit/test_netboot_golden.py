"""Every template variant against its golden file; REGOLD=1 writes them anew."""

import os
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from backend.clone.constants import BootMode
from backend.clone.keys import PublicKey
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import ImageSource, IpAssignment, Network, Primary, Site, Standby
from backend.netboot import dhcp, entries, media

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "netboot"
KEY = PublicKey.parse(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)

ONE = Standby(
    name=HostName.parse("standby1"),
    image=ImageName.parse("headimage"),
    address=IPv4Address("10.0.0.2"),
    prefix=24,
    gateway=IPv4Address("10.0.0.1"),
    mac=Mac.parse("52:54:00:77:00:02"),
)
TWO = replace(
    ONE,
    name=HostName.parse("standby2"),
    address=IPv4Address("10.0.0.3"),
    gateway=None,
    mac=Mac.parse("52:54:00:77:00:03"),
)


def site(*standbys: Standby, method: IpAssignment = IpAssignment.STATIC) -> Site:
    return Site(
        cluster=HostName.parse("beowulf"),
        domain=DomainName.parse("cluster.example"),
        private=Network(InterfaceName.parse("eth1"), IPv4Network("10.0.0.0/24")),
        primary=Primary(HostName.parse("head"), IPv4Address("10.0.0.1")),
        images=(ImageSource(ImageName.parse("headimage"), "localhost", ip_assignment=method),),
        standbys=standbys,
    )


PUBLIC = replace(
    site(ONE),
    public=Network(
        InterfaceName.parse("eth0"),
        IPv4Network("192.0.2.0/24"),
        IPv4Address("192.0.2.254"),
        IPv4Address("192.0.2.10"),
    ),
    primary=Primary(HostName.parse("head"), IPv4Address("10.0.0.1"), IPv4Address("192.0.2.11")),
)
MACHINE = entries.boot_machine(site(ONE), ONE, KEY)
ASKING = replace(MACHINE, address=None)
HEAD = IPv4Address("10.0.0.1")

CASES = {
    "dhcp-one.conf": lambda: dhcp.render_include(site(ONE), declare_subnet=True),
    "dhcp-two.conf": lambda: dhcp.render_include(site(ONE, TWO), declare_subnet=True),
    "dhcp-existing-subnet.conf": lambda: dhcp.render_include(site(ONE), declare_subnet=False),
    "dhcp-public.conf": lambda: dhcp.render_include(PUBLIC, declare_subnet=True),
    "dhcp-static-dhcp.conf": lambda: dhcp.render_include(
        site(ONE, method=IpAssignment.STATIC_DHCP), declare_subnet=True
    ),
    "dhcp-dynamic.conf": lambda: dhcp.render_include(
        site(ONE, TWO, method=IpAssignment.DYNAMIC_DHCP), declare_subnet=True
    ),
    "dhcp-dynamic-existing.conf": lambda: dhcp.render_include(
        site(ONE, method=IpAssignment.DYNAMIC_DHCP), declare_subnet=False
    ),
    "dhcp-no-gateway.conf": lambda: dhcp.render_include(site(TWO), declare_subnet=True),
    "dhcp-no-mac.conf": lambda: dhcp.render_include(
        site(replace(ONE, mac=None)), declare_subnet=True
    ),
    "dhcpd.service.conf": lambda: dhcp.drop_in(InterfaceName.parse("eth1")),
    "pxelinux-install": lambda: entries.pxelinux_entry(MACHINE, BootMode.INSTALL),
    "pxelinux-install-dhcp": lambda: entries.pxelinux_entry(ASKING, BootMode.INSTALL),
    "pxelinux-local": lambda: entries.pxelinux_entry(MACHINE, BootMode.LOCAL),
    "pxelinux-default": entries.pxelinux_default,
    "install.ipxe": lambda: entries.ipxe_script(MACHINE, BootMode.INSTALL),
    "install-dhcp.ipxe": lambda: entries.ipxe_script(ASKING, BootMode.INSTALL),
    "local.ipxe": lambda: entries.ipxe_script(MACHINE, BootMode.LOCAL),
    "unknown.ipxe": entries.ipxe_unknown,
    "autoexec.ipxe": entries.ipxe_autoexec,
    "floppy.cfg": media.floppy_config,
    "floppy.ipxe": media.floppy_script,
    "media_grub.cfg": lambda: media.media_grub_config(HEAD, KEY),
}


@pytest.mark.parametrize("name", CASES)
def test_rendered_file_is_the_golden_one(name: str) -> None:
    rendered = CASES[name]()
    golden = GOLDEN / name
    if os.environ.get("REGOLD"):
        golden.write_text(rendered, encoding="utf-8")
    assert rendered == golden.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {one.name for one in GOLDEN.iterdir()} == set(CASES)


def test_static_machine_is_given_its_address_on_the_kernel_line() -> None:
    assert MACHINE.address == IPv4Interface("10.0.0.2/24")
    assert "haoscar.addr=10.0.0.2/24" in entries.pxelinux_entry(MACHINE, BootMode.INSTALL)


def test_dynamic_machine_asks_dhcp() -> None:
    dynamic = site(ONE, method=IpAssignment.DYNAMIC_DHCP)
    assert entries.boot_machine(dynamic, ONE, KEY).address is None


def test_every_configuration_ends_with_one_newline_and_has_no_trailing_blank() -> None:
    for name, make in CASES.items():
        text = make()
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        assert all(line == line.rstrip() for line in text.splitlines()), name
