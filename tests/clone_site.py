"""A small site, a standby and its inventory for the tests of the clone."""

from ipaddress import IPv4Address, IPv4Network

from backend.clone.inventory import Inventory, parse_inventory
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import (
    ImageSource,
    IpAssignment,
    Network,
    Primary,
    Site,
    Standby,
)

BOOT_MAC = "52:54:00:00:00:02"
INVENTORY = """haoscar-inventory 1
firmware\tuefi
memory\t2034512
disk\tpath=/dev/sda\tsize=8589934592\tsector=512\ttransport=sata\tmodel=QEMU  HARDDISK\tserial=QM1
card\tmac=52:54:00:00:00:02\tname=eth0\tdriver=e1000\tlink=1\tbooted=1\tpredicted=enp0s3,ens3
card\tmac=52:54:00:00:00:03\tname=eth1\tdriver=e1000\tlink=1\tbooted=0\tpredicted=enp0s4,ens4
end
"""


def inventory(text: str = INVENTORY) -> Inventory:
    """Return what the standby of the tests says it is."""
    return parse_inventory(text)


def standby(**changes: object) -> Standby:
    """Return the standby of the tests, with changes."""
    values: dict[str, object] = {
        "name": HostName("standby1"),
        "image": ImageName("head"),
        "address": IPv4Address("10.0.0.2"),
        "prefix": 24,
        "mac": Mac(BOOT_MAC),
        "public_address": IPv4Address("192.0.2.12"),
        "public_alias": IPv4Address("192.0.2.100"),
        **changes,
    }
    return Standby(**values)  # type: ignore[arg-type]


def site(method: IpAssignment = IpAssignment.STATIC, *, public: bool = True) -> Site:
    """Return a site with a private and, as a rule, a public network."""
    return Site(
        cluster=HostName("beo"),
        domain=DomainName("beo.example"),
        private=Network(InterfaceName("ens18"), IPv4Network("10.0.0.0/24"),
                        virtual_ip=IPv4Address("10.0.0.200")),
        primary=Primary(HostName("head"), IPv4Address("10.0.0.1"), IPv4Address("192.0.2.11")),
        public=Network(
            InterfaceName("eth1"), IPv4Network("192.0.2.0/24"), IPv4Address("192.0.2.1"),
            IPv4Address("192.0.2.100"),
        ) if public else None,
        images=(ImageSource(ImageName("head"), "head", ip_assignment=method),),
    )  # fmt: skip
