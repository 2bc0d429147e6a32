"""Every key of the site file: meaning, type, range, default, example, and how it is read."""

from backend.model.addresses import Mac, parse_address, parse_host
from backend.model.names import DomainName, HostName, ImageName, InterfaceName, UserName
from backend.model.site import IpAssignment, OnFailure, PostInstall
from backend.site.keys import Key, Section
from backend.site.schema_agent import AGENT, FENCING, RESOURCE
from backend.site.schema_recovery import MONITORING, RECOVERY
from backend.site.schema_watch import ALERT, HOST_GROUP, PERIOD, WATCH, WATCH_PERIOD
from backend.site.values import (
    disk_choice,
    machine_network,
    one_of,
    prefix,
    text,
    truth,
)

VERSION = 1
ADDRESS = "an IPv4 address"


def _address(name: str, meaning: str, example: str, *, required: bool = False) -> Key:
    return Key(name, text(parse_address), ADDRESS, meaning, f'"{example}"', required)


def _network_keys(interface: str, network: str, gateway: str, virtual: str) -> tuple[Key, ...]:
    return (
        Key(
            "interface", text(InterfaceName.parse), "an interface name, 15 characters at most",
            "the primary's network interface on this network", f'"{interface}"', required=True,
        ),
        Key(
            "network", text(machine_network), "an IPv4 network, prefix length 8 to 30",
            "the network itself, with its mask", f'"{network}"', required=True,
        ),
        _address("gateway", "the router of this network", gateway),
        _address(
            "virtual_ip",
            "the address that follows the active head; for compute nodes or users it is the head",
            virtual,
        ),
    )  # fmt: skip


HOST_VALUES = "letters, digits and hyphens, 63 at most, no domain"

CLUSTER = Section(
    ("cluster",),
    "The cluster as a whole.",
    (
        Key(
            "name", text(HostName.parse), HOST_VALUES, "the name of the cluster",
            '"beowulf"', required=True,
        ),
        Key(
            "domain", text(DomainName.parse), "a DNS domain, 253 characters at most",
            "the domain of its machines", '"cluster.example.org"', required=True,
        ),
    ),
    required=True,
)  # fmt: skip

PRIVATE = Section(
    ("networks", "private"),
    "The network of the compute nodes; heads hear each other here and clones are installed over it.",
    _network_keys("eth1", "10.0.0.0/24", "10.0.0.254", "10.0.0.1"),
    required=True,
)

PUBLIC = Section(
    ("networks", "public"),
    "The network of the users. Leave the whole table out when there is none.",
    _network_keys("eth0", "192.0.2.0/24", "192.0.2.1", "192.0.2.10"),
)

PRIMARY = Section(
    ("primary",),
    "The head that serves now.",
    (
        Key(
            "name", text(HostName.parse), HOST_VALUES, "its host name", '"head1"', required=True,
        ),
        _address(
            "private_address", "its own address on the private network", "10.0.0.2", required=True
        ),
        _address("public_address", "its own address on the public network", "192.0.2.11"),
    ),
    required=True,
)  # fmt: skip

IMAGE = Section(
    ("image",),
    "One table for each image: a golden client, and what its clones do.",
    (
        Key(
            "name", text(ImageName.parse),
            "letters, digits, dots, hyphens and underscores, 64 at most",
            "the name of the image", '"head"', required=True,
        ),
        Key(
            "client", text(parse_host), "a host name or an IPv4 address",
            "the golden client that the image is fetched from", '"head1"', required=True,
        ),
        Key(
            "user", text(UserName.parse), "a login name, 32 characters at most",
            "who logs in there over SSH, root or a user with sudo; "
            "without it the client is this head itself",
            '"root"', default_text="none: no SSH",
        ),
        Key(
            "ip_assignment", one_of(IpAssignment), ", ".join(IpAssignment),
            "how an installed machine gets its address", '"static"', default=IpAssignment.STATIC,
        ),
        Key(
            "post_install", one_of(PostInstall), ", ".join(PostInstall),
            "what a machine does when it has been installed", '"reboot"',
            default=PostInstall.REBOOT,
        ),
    ),
    repeated=True,
)  # fmt: skip

STANDBY = Section(
    ("standby",),
    "One table for each standby head.",
    (
        Key(
            "name", text(HostName.parse), HOST_VALUES, "its host name", '"head2"', required=True,
        ),
        Key(
            "image", text(ImageName.parse), "the name of an [[image]]",
            "what is installed on it", '"head"', required=True,
        ),
        _address("address", "its own address on the private network", "10.0.0.3", required=True),
        Key(
            "prefix", prefix, "a whole number, 8 to 30, the private network's",
            "the length of its subnet mask", "24", default_text="the private network's",
        ),
        _address("gateway", "its default gateway, on the private or the public network", "10.0.0.254"),
        Key(
            "primary_public_interface", text(InterfaceName.parse),
            "an interface name, 15 characters at most", "the primary's public interface", '"eth0"',
        ),
        Key(
            "public_interface", text(InterfaceName.parse),
            "an interface name, 15 characters at most", "the standby's own public interface",
            '"eth0"',
        ),
        _address(
            "public_alias", "the public address that users connect to, taken over on failover",
            "192.0.2.10",
        ),
        _address("public_address", "its own public address, not the alias", "192.0.2.12"),
        Key(
            "mac", text(Mac.parse), "a MAC address",
            "of the network card that it boots from", '"52:54:00:12:34:56"',
        ),
        Key(
            "disk", text(disk_choice), '"auto", a serial number, or a path below /dev',
            "the disk to install on", '"auto"', default="auto",
        ),
        Key(
            "wipe", truth, "true or false",
            "whether a disk that carries data may be overwritten", "false", default=False,
        ),
        Key(
            "on_failure", one_of(OnFailure), ", ".join(OnFailure),
            "what it does when its installation failed", '"poweroff"',
            default=OnFailure.POWEROFF,
        ),
    ),
    repeated=True,
)  # fmt: skip

NODE = Section(
    ("node",),
    "One table for each compute node. Nodes are never installed.",
    (
        Key(
            "name", text(HostName.parse), HOST_VALUES, "its host name", '"node01"', required=True,
        ),
        _address("address", "its address", "10.0.0.101"),
        Key(
            "mac", text(Mac.parse), "a MAC address", "of its network card",
            '"52:54:00:12:34:65"',
        ),
    ),
    repeated=True,
)  # fmt: skip

SINGLE = (CLUSTER, PRIVATE, PUBLIC, PRIMARY, AGENT, MONITORING)
REPEATED = (IMAGE, STANDBY, NODE, RESOURCE, FENCING, HOST_GROUP, PERIOD, WATCH)
SECTIONS = (*SINGLE, *REPEATED, RECOVERY, WATCH_PERIOD, ALERT)
TOP = ("version", "networks", *(one.path[0] for one in SECTIONS if len(one.path) == 1))
