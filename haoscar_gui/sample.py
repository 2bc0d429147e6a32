"""A made-up head node below a directory, for pictures of the window: its story in three chapters."""

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from backend.actions.status_drill import LastDrill, keep
from backend.actions.watch_list import save_plan
from backend.change.plan import MakeDirectory, Plan, Step, WriteFile
from backend.clone.constants import INSTALLER_FILE, KERNEL_FILE, BootSign, Stage
from backend.clone.events import InstallEvent
from backend.clone.installs import Installs
from backend.clone.keys import PublicKey
from backend.clone.ticket import Ticket
from backend.discovery.mac_collecting import from_json, save_collection
from backend.discovery.macs import Collection
from backend.drill.phases import Phase
from backend.imaging.facts import ImageFacts
from backend.model.addresses import Mac
from backend.model.names import ImageName
from backend.model.site import IpAssignment, PostInstall
from backend.model.watchlist import WatchList
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.netboot.loaders import TFTP_LOADERS
from backend.netboot.plan import BOOT_UNIT_FILE, configure_dhcp_plan
from backend.netboot.tftp import read_tftp_facts
from backend.paths import Paths
from backend.rollout import places
from backend.rollout.member import Member
from backend.rollout.record import Record
from backend.tasks import TaskContext
from backend.wiring import Wiring
from haoscar_gui.sample_machine import SamplePrograms
from haoscar_gui.sample_watch import sample_watch

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
    ("00:e0:81:25:1c:7a", "os", None, "operating system", 1),
    ("52:54:00:aa:10:01", "ipxe", "bios", "iPXE", 2),
)
FILES = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
    "etc/hostname": "haoscar\n",
    "etc/network/interfaces": (
        "auto eth0\niface eth0 inet static\n  address 10.0.0.1/24\n\n"
        "auto eth1\niface eth1 inet static\n  address 192.0.2.11/24\n  gateway 192.0.2.1\n"
    ),
    "etc/dhcp/dhcpd.conf": (
        "subnet 10.0.0.0 netmask 255.255.255.0 {\n  option routers 10.0.0.1;\n}\n"
    ),
}
BYTES = 4_103_772_160  # of the image
SIGNS = ((56.0, BootSign.ASKED), (48.0, BootSign.LOADER), (47.0, BootSign.KERNEL))  # seconds ago
STAGES = (
    (42.0, Stage.START), (41.0, Stage.NETWORK), (40.5, Stage.ADMITTED), (40.0, Stage.PARTITION),
    (38.0, Stage.FORMAT), (35.0, Stage.COPY),
)  # fmt: skip
LATER = ((4.0, Stage.VERIFY), (3.0, Stage.IDENTITY), (2.0, Stage.BOOTLOADER), (1.0, Stage.DONE))
DRILL = LastDrill(
    "2026-11-26T10:45:01+01:00", "planned: haoscar was active, oscarserver1 stood by",
    "Passed: 10.0.0.200 did not answer oscarnode1 for 17 ms, within the budget.",
    (Phase("detect", 0.0, 3.1), Phase("decide", 3.1, 6.4), Phase("take over", 6.4, 14.2),
     Phase("announce", 14.2, 17.3)),
    17.0, 25.0, passed=True,
)  # fmt: skip


def make_sample(root: Path) -> Wiring:
    """Fill a directory as if it were such a head while its standby installs.

    Raises HaoscarError, OSError.
    """
    wiring = Wiring(Paths(root), SamplePrograms())
    now = time.time()
    for name, content in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    for number, age in ((1, 20 * 86400.0), (2, 7200.0)):
        _image(wiring, number, now - age)
    _heard(wiring, now)
    _changes(wiring)
    _installing(wiring)
    return wiring


def _installed(wiring: Wiring) -> None:
    """Let the standby run from its own disk."""
    installs, mac, now = Installs(wiring.paths), Mac.parse(CARD), time.time()
    for age, stage in LATER:
        installs.record(mac, InstallEvent(now - age, "stage", stage=stage))
    installs.change(mac, Ticket.done)
    installs.change(mac, Ticket.booted, InstallEvent(now, "booted", facts={"root": "/dev/sda3"}))


def _paired(wiring: Wiring) -> None:
    """Let both heads and a witness have the agent, after a drill."""
    for name, head, address in (
        ("haoscar", True, "10.0.0.1"), ("oscarserver1", True, "10.0.0.2"),
        ("oscarnode1", False, "10.0.0.11"),
    ):  # fmt: skip
        Record(wiring.paths).add(Member(name, head, address, b""))
    for config in (places.CONFIG, places.WATCH_CONFIG):
        wiring.paths.at(config).write_text("{}")
    plan = save_plan(wiring, WatchList(), sample_watch())
    wiring.journal().apply(plan, TaskContext())
    keep(wiring.paths, DRILL)


CHAPTERS: tuple[Callable[[Wiring], None], ...] = (_installed, _paired)


class Story:
    """How far the head is: 0 its standby installs, 1 it is installed, 2 they are a pair."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._chapter = 0

    def until(self, chapter: int) -> None:
        """Go on as far as this chapter; there is no way back. Raises HaoscarError, OSError."""
        while self._chapter < chapter:
            CHAPTERS[self._chapter](self._wiring)
            self._chapter += 1


def _image(wiring: Wiring, number: int, when: float) -> None:
    directory = wiring.paths.images / "serverimage" / f"v{number}"
    (directory / "tree").mkdir(parents=True)
    facts = ImageFacts(
        name=ImageName("serverimage"), number=number,
        created=datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds"),
        client="haoscar", user=None,
        distribution={"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12"},
        architecture="x86_64", kernels=("6.1.0-38-amd64",), entries=121_804, files=98_120,
        size=BYTES, transferred=BYTES if number == 1 else 212_480_000,
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


def _changes(wiring: Wiring) -> None:
    """Make what a person has changed so far, as far as it is files; the journal tells it."""
    journal, context = wiring.journal(), TaskContext()
    site_file = Path("/etc/haoscar/site.toml")
    why = "the site, with its standby"
    step = WriteFile(site_file, SITE.encode(), why)
    journal.apply(Plan("Add the standby oscarserver1", "", (step,)), context)
    site = wiring.store().load()
    dhcp = configure_dhcp_plan(site, read_dhcp_facts(wiring.paths))
    journal.apply(Plan(dhcp.title, dhcp.sentence, _files(dhcp)), context)
    ours = Path(read_tftp_facts(wiring.paths).directory)
    names = (*(one.name for one in TFTP_LOADERS), KERNEL_FILE, INSTALLER_FILE)
    served: list[Step] = [WriteFile(ours / one, b"", "machines fetch it") for one in names]
    served.append(WriteFile(BOOT_UNIT_FILE, b"", "the boot server"))
    title = "Set up network boot"
    journal.apply(Plan(title, "Standby heads may boot from the network.", tuple(served)), context)


def _files(plan: Plan) -> tuple[Step, ...]:
    return tuple(one for one in plan.steps if isinstance(one, WriteFile | MakeDirectory))


def _installing(wiring: Wiring) -> None:
    """Let the standby be in the middle of its installation."""
    site = wiring.store().load()
    now = time.time()
    installs = Installs(wiring.paths, lambda: now - 60.0)
    installs.arm(site, site.standbys[0], 2)
    mac = Mac.parse(CARD)
    for age, sign in SIGNS:
        installs.record(mac, InstallEvent(now - age, sign))
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + bytes(32)
    installs.admit(mac, PublicKey.parse(f"ssh-ed25519 {base64.b64encode(blob).decode()}"))
    installs.change(mac, Ticket.running)
    for age, stage in STAGES:
        installs.record(mac, InstallEvent(now - age, "stage", stage=stage))
    installs.record(mac, InstallEvent(now, "bytes", done=int(BYTES * 0.42), total=BYTES))
