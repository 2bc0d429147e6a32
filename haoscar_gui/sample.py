"""A made-up head node below a directory, half way through the steps, for pictures of the window."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backend.actions.action import Group, Outcome, Prepared
from backend.change.preview import Change, ChangeKind
from backend.clone.constants import Stage
from backend.clone.events import InstallEvent
from backend.clone.installs import Installs
from backend.clone.keys import PublicKey
from backend.clone.ticket import Ticket
from backend.discovery.mac_collecting import from_json, save_collection
from backend.discovery.macs import Collection
from backend.imaging.facts import ImageFacts
from backend.model.addresses import Mac
from backend.model.names import ImageName
from backend.model.site import IpAssignment, PostInstall
from backend.reports import warning
from backend.wiring import Wiring

CARD = "00:e0:81:25:1c:dc"
SITE = f"""\
version = 1

[cluster]
name = "oscar"
domain = "oscardomain"

[networks.private]
interface = "eth0"
network = "10.0.0.0/24"
virtual_ip = "10.0.0.200"

[networks.public]
interface = "eth1"
network = "192.0.2.0/24"
gateway = "192.0.2.1"
virtual_ip = "192.0.2.10"

[primary]
name = "haoscar"
private_address = "10.0.0.1"
public_address = "192.0.2.11"

[[image]]
name = "serverimage"
client = "haoscar"
post_install = "reboot"

[[standby]]
name = "oscarserver1"
image = "serverimage"
address = "10.0.0.2"
prefix = 24
gateway = "10.0.0.1"
public_interface = "eth1"
public_alias = "192.0.2.10"
public_address = "192.0.2.12"
mac = "{CARD}"

[[node]]
name = "oscarnode1"
address = "10.0.0.11"
mac = "00:e0:81:25:1c:7a"

[[node]]
name = "oscarnode2"
address = "10.0.0.12"
mac = "00:e0:81:25:1c:7b"
"""
HEARD = (  # MAC, kind, firmware, description, times heard
    ("00:e0:81:25:1c:dc", "rom", "uefi", "network boot ROM", 3),
    ("00:e0:81:25:1c:7a", "os", None, "running system", 1),
    ("52:54:00:aa:10:01", "ipxe", "bios", "iPXE", 2),
)


def make_sample(root: Path) -> Wiring:
    """Fill a directory as if it were such a head; raises HaoscarError, OSError."""
    wiring = Wiring.rooted_at(root)
    now = time.time()
    for name, content in (
        ("etc/os-release", 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n'),
        ("etc/hostname", "haoscar\n"),
        ("etc/haoscar/site.toml", SITE),
    ):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    for number, age in ((1, 20 * 86400.0), (2, 7200.0)):
        _image(wiring, number, now - age)
    _heard(wiring, now)
    _installing(wiring)
    return wiring


def _image(wiring: Wiring, number: int, when: float) -> None:
    directory = wiring.paths.images / "serverimage" / f"v{number}"
    (directory / "tree").mkdir(parents=True)
    facts = ImageFacts(
        name=ImageName("serverimage"), number=number,
        created=datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds"),
        client="haoscar", user=None,
        distribution={"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12"},
        architecture="x86_64", kernels=("6.1.0-38-amd64",), entries=121_804, files=98_120,
        size=4_103_772_160, transferred=4_103_772_160 if number == 1 else 212_480_000,
        seconds=71.0, ip_assignment=IpAssignment.STATIC, post_install=PostInstall.REBOOT,
        file_systems=(("/", "ext4"), ("/boot", "ext4")), skipped=(), excluded=(), swap_files=(),
        manifest_digest="0" * 64,
    )  # fmt: skip
    (directory / "image.json").write_bytes(facts.to_json())
    (directory / "manifest.jsonl").write_text("")


def _heard(wiring: Wiring, now: float) -> None:
    collection = Collection()
    for mac, kind, firmware, description, times in HEARD:
        collection.put(
            from_json({
                "mac": mac, "first_heard": now - 60, "last_heard": now - 2, "times_heard": times,
                "attempts": times, "kind": kind, "heard_as": [kind], "firmware": firmware,
                "architecture": None, "description": description, "vendor_class": None,
                "host_name": None, "uuid": None, "vlan": None, "node": None,
            })
        )  # fmt: skip
    save_collection(wiring.paths, collection)


def _installing(wiring: Wiring) -> None:
    """Let the standby be in the middle of its installation."""
    site = wiring.store().load()
    installs = Installs(wiring.paths)
    installs.arm(site, site.standbys[0], 2)
    mac = Mac.parse(CARD)
    key = PublicKey.parse("ssh-ed25519 " + _blob())
    installs.admit(mac, key)
    installs.change(mac, Ticket.running)
    now = time.time()
    for age, stage in ((40.0, Stage.PARTITION), (38.0, Stage.FORMAT), (35.0, Stage.COPY)):
        installs.record(mac, InstallEvent(now - age, "stage", stage=stage))
    total = 4_103_772_160
    installs.record(mac, InstallEvent(now, "bytes", done=int(total * 0.42), total=total))


def _blob() -> str:
    """Return the Base64 of a key that is nobody's."""
    import base64

    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + bytes(32)
    return base64.b64encode(blob).decode()


@dataclass(frozen=True, slots=True)
class Scene:
    """What the three views show in the pictures."""

    prepared: Prepared[None]
    outcome: Outcome


def scene() -> Scene:
    """Return a change of the DHCP server, as an example."""
    diff = (
        "--- /etc/dhcp/dhcpd.conf (now)", "+++ /etc/dhcp/dhcpd.conf (then)", "@@ -9,3 +9,4 @@",
        " subnet 10.0.0.0 netmask 255.255.255.0 {", "   option routers 10.0.0.1;", " }",
        '+include "/etc/haoscar/dhcpd.conf";',
    )  # fmt: skip
    changes = (
        Change(ChangeKind.NEW_FILE, "New file /etc/haoscar/dhcpd.conf (mode 0644, 412 bytes).",
               "/etc/haoscar/dhcpd.conf", "answers the standby heads, by MAC address"),
        Change(ChangeKind.CHANGED, "Change /etc/dhcp/dhcpd.conf.", "/etc/dhcp/dhcpd.conf",
               "one line at its end includes that file; the rest stays as it is", diff),
        Change(ChangeKind.CHECK, "Check: dhcpd accepts the configuration.",
               why="dhcpd -t -4 -q -cf /etc/dhcp/dhcpd.conf"),
        Change(ChangeKind.UNIT, "Service isc-dhcp-server: start it at boot and restart it now.",
               why="it reads the new configuration"),
    )  # fmt: skip
    prepared = Prepared(
        title="Configure the DHCP server",
        sentence="It will answer oscarserver1 on eth0, and no other machine because of us.",
        groups=(Group("This head", changes),),
        run=lambda _context: None,
        tell=lambda _nothing: Outcome(""),
        reports=(
            warning(
                "dhcp.other-server",
                "Another DHCP server answers on eth0: 10.0.0.254 (00:1b:21:3c:9d:01).",
                "Switch it off first, or let it ignore the standby.",
            ),
        ),
    )
    outcome = Outcome(
        "The DHCP server answers oscarserver1.",
        ("new file /etc/haoscar/dhcpd.conf", "changed /etc/dhcp/dhcpd.conf",
         "service isc-dhcp-server: enabled and restarted"),
        undo="20261122-104501-1",
        next="Switch the standby on and let it boot from the network.",
    )  # fmt: skip
    return Scene(prepared, outcome)
