"""Every key of the agent's configuration: how it is read, its meaning, range, default, example."""

from __future__ import annotations

from typing import Callable, NamedTuple

from backend.agent import config_values as read
from backend.agent.config_json import Value
from backend.agent.core.timing import LONGEST, MS, SHORTEST, Timing

VERSION = 1
PROFILES = {"default": Timing().lease // MS, "fast": 120}  # the lease in milliseconds
MOST_NETWORKS = 8  # the bits that Health has for them
MOST_WITNESSES = 5
MOST = 64  # virtual IPs, resources


class Key(NamedTuple):
    """One key of an object."""

    name: str
    read: Callable[[Value], object]  # raises Wrong
    values: str  # type and range, for people
    meaning: str
    example: str  # as JSON
    required: bool = False
    default: str = "none"  # for people; the value itself is that of settings.py


class Section(NamedTuple):
    """One kind of object in the file."""

    name: str  # the key in which it, or the list of them, stands; "" for the file itself
    one: str  # how a message calls one of them
    keys: tuple[Key, ...]
    most: int = 0  # of a list; 0: it is no list


NAME = "letters, digits and hyphens, 63 at most"
WORD = "letters, digits, dots, hyphens and underscores, 64 at most"
PATH = "a path from the root"

TOP = Section("", "the file", (
    Key("version", read.whole(1, VERSION), "1", "which form of the file this is", "1", True),
    Key("cluster", read.label, NAME, "the name of the cluster, the same at every member",
        '"beowulf"', True),
    Key("me", read.label, "the name of a member", "which member this machine is", '"head1"', True),
    Key("key_file", read.path, PATH,
        "the key that all members share: 32 bytes or more, readable by its owner only",
        '"/etc/haoscar/agent.key"', True),
    Key("state_directory", read.path, PATH, "what must survive a reboot",
        '"/var/lib/haoscar-agent"', True),
    Key("run_directory", read.path, PATH, "what belongs to this boot: the control socket",
        '"/run/haoscar-agent"', True),
    Key("port", read.whole(1, 65535), "a whole number, 1 to 65535",
        "the UDP port of every member", "4747", default="4747"),
    Key("profile", read.choice(*PROFILES), "default (320 ms) or fast (120 ms)",
        "the length of the lease, by a name", '"default"', default='"default"'),
    Key("lease_ms", read.whole(SHORTEST // MS, LONGEST // MS), "milliseconds, 60 to 60000",
        "the length of the lease, instead of a profile; the same at every member", "320",
        default="the profile's"),
    Key("preferred", read.label, "the name of a head",
        "who serves first when both heads start cold", '"head1"', default="the first head"),
    Key("takeover_without_witness", read.choice("hold", "risk"), "hold or risk",
        "what a standby does that has neither witnesses nor fencing when it hears nothing: "
        "wait for a human, or serve and risk that both do",
        '"hold"', default="none: such a file is refused"),
    Key("watchdog", read.device, "a path below /dev, or empty",
        "the hardware watchdog of a head", '"/dev/watchdog"'),
    Key("metrics", read.endpoint, "an IPv4 address with a port, or empty",
        "where a head answers in Prometheus' text format", '"127.0.0.1:9747"'),
    Key("realtime", read.truth, "true or false",
        "real-time scheduling and locked memory; the agent says loudly where they cannot be had",
        "true", default="true"),
))  # fmt: skip

NETWORK = Section("networks", "network", (
    Key("name", read.word, WORD, "its name, by which members and virtual IPs refer to it",
        '"private"', True),
    Key("interface", read.interface, "an interface name, 15 characters at most, or empty",
        "this machine's card on it; a witness may leave it out", '"eth0"',
        default="empty: any card"),
), MOST_NETWORKS)  # fmt: skip

MEMBER = Section("members", "member", (
    Key("id", read.whole(1, 255), "a whole number, 1 to 255", "its number in every message",
        "1", True),
    Key("name", read.label, NAME, "its host name", '"head1"', True),
    Key("role", read.choice("head", "witness"), "head or witness",
        "two members are heads, up to five are witnesses; all of them vote", '"head"', True),
    Key("addresses", read.addresses, "an object: network name to IPv4 address",
        "its own address on each network that it is on", '{"private": "10.0.0.2"}', True),
), 2 + MOST_WITNESSES)  # fmt: skip

VIRTUAL_IP = Section("virtual_ips", "virtual IP", (
    Key("address", read.address, "an IPv4 address", "the address that follows the active head",
        '"10.0.0.1"', True),
    Key("network", read.word, "the name of a network", "the network that it is on",
        '"private"', True),
    Key("prefix", read.whole(8, 30), "a whole number, 8 to 30",
        "the length of that network's mask: the heads' own addresses must be in the same network",
        "24", True),
), MOST)  # fmt: skip

RESOURCE = Section("resources", "resource", (
    Key("name", read.word, WORD, "its name", '"exports"', True),
    Key("kind", read.choice("unit", "ocf", "mount", "command"), "unit, ocf, mount or command",
        "what it is: a systemd unit, an OCF resource agent, a file system, a program", '"unit"',
        True),
    Key("options", read.options, "an object: names to text or whole numbers",
        "what its kind needs to know", '{"unit": "nfs-server.service"}'),
    Key("after", read.names, "a list of names of resources",
        "those that must be started before it, and stopped after it", '["home"]'),
    Key("exclusive", read.truth, "true or false",
        "it must never run twice: its start waits for fencing or the watchdog", "true",
        default="false"),
    Key("start_limit", read.seconds(0.1, 3600), "seconds, 0.1 to 3600",
        "how long its start may take", "60", default="60"),
    Key("stop_limit", read.seconds(0.1, 3600), "seconds, 0.1 to 3600",
        "how long its stop may take", "60", default="60"),
    Key("check_every", read.seconds(0.5, 3600, never=True), "seconds, 0.5 to 3600, or 0: never",
        "how often the active head looks whether it is well", "10", default="10"),
), MOST)  # fmt: skip


class Option(NamedTuple):
    """One option of a kind of resource."""

    name: str
    form: str  # a regular expression
    meaning: str
    example: str
    required: bool = True


ANY_TEXT = r".+"
COMMAND = r"[^\s\"']+(?: +[^\s\"']+)*"  # words between blanks; nothing understands quotes
# What is not listed is refused, except for ocf: there it is a parameter of the resource agent.
OPTIONS: dict[str, tuple[Option, ...]] = {
    "unit": (Option("unit", r"[A-Za-z0-9:_.\\@-]+", "the systemd unit", "nfs-server.service"),),
    "ocf": (
        Option("agent", r"(?:ocf:)?[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+",
            "the resource agent, by provider and type", "ocf:heartbeat:Filesystem"),
    ),
    "mount": (
        Option("device", ANY_TEXT, "what is mounted", "/dev/disk/by-label/home"),
        Option("directory", r"/.+", "where", "/home"),
        Option("type", r"[a-z0-9_.-]+", "the kind of file system", "xfs", False),
        Option("options", ANY_TEXT, "options of mount, with commas", "noatime", False),
    ),
    "command": (
        Option("start", COMMAND, "starts it, and ends with 0 when it runs", "/opt/app/bin/app start"),
        Option("stop", COMMAND, "stops it, and ends with 0 when it no longer runs",
            "/opt/app/bin/app stop"),
        Option("check", COMMAND, "ends with 0 when it is well, with 3 when it does not run",
            "/opt/app/bin/app status", False),
    ),
}  # fmt: skip

FENCING = Section("fencing", "fencing", (
    Key("agent", read.fence_agent, "the name of a program of the fence-agents project",
        "what switches the other head off", '"fence_ipmilan"', True),
    Key("options", read.options, "an object: names to text or whole numbers",
        "what it needs to know of the other head, without secrets", '{"ip": "10.0.0.212"}'),
    Key("credentials_file", read.path, PATH,
        "lines option=value with what is secret, readable by its owner only",
        '"/etc/haoscar/fence.head2"'),
    Key("limit", read.seconds(1, 600), "seconds, 1 to 600", "how long it may take", "60",
        default="60"),
))  # fmt: skip

SECTIONS = (TOP, NETWORK, MEMBER, VIRTUAL_IP, RESOURCE, FENCING)
