"""Recorded machines cloned to other disks in QEMU: partitions, LVM, file systems, boot loader.

The head of the lab stands for the recorded golden client: it gets that machine's fstab and grub.cfg
before its image is fetched, and the recorded layout is put where the capture would have put it.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from backend.clone.capture import capture
from backend.lab.cluster import VirtualCluster
from backend.lab.machines import DiskBus, MachineSpec
from backend.lab.roots import Kernel
from backend.lab.topology import Topology
from backend.model.addresses import Mac
from backend.model.layout import Holder, Layout
from backend.model.names import HostName
from backend.model.site import Firmware
from backend.paths import Paths
from backend.system.runner import Command, Runner
from tests import recorded_machines as recorded
from tests.vm.cloning import BLANK, Head

pytestmark = [
    pytest.mark.vm,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.xdist_group("layouts"),  # its tests share one lab
]
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Case:
    """A recorded machine and the one that becomes its clone."""

    name: str  # of image, standby and machine
    machine: str  # in tests/layouts
    root: str  # what root= names in its grub.cfg; "" is its UUID
    spec: MachineSpec
    disk: str  # how the disk is called there

    @property
    def golden(self) -> Layout:
        """What was captured on the recorded machine."""
        return recorded.captured(self.machine)


def case(name: str, machine: str, number: int, root: str, disk: str, **changes: Any) -> Case:
    spec = replace(
        BLANK, name=HostName.parse(name), mac=Mac.parse(f"52:54:00:77:01:{number:02x}"), **changes
    )
    return Case(name, machine, root, spec, disk)


CASES = (
    case("onepart", "bios-mbr-one", 1, "", "/dev/vda", disk_bytes=22 * GIB),
    case("lvmbios", "lab-lvm-bios", 2, "/dev/mapper/vg0-root", "/dev/sda",
         disk_bytes=8 * GIB, disk_bus=DiskBus.SATA),
    case("lvmuefi", "lab-lvm-uefi", 3, "/dev/mapper/vg0-root", "/dev/sda",
         disk_bytes=8 * GIB, disk_bus=DiskBus.SATA, firmware=Firmware.UEFI),
)  # fmt: skip


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    """A head whose network boot is set up."""
    with VirtualCluster.start(
        Paths(), topology=Topology((Topology().nodes[0],)), kernel=Kernel.GENERIC
    ) as lab:
        found = Head(lab)
        found.haoscar("init")
        yield found


@pytest.mark.parametrize("wanted", CASES, ids=lambda one: one.name)
def test_a_recorded_machine_is_cloned(head: Head, wanted: Case) -> None:
    become_golden_client(head, wanted)
    head.haoscar("fetch-image", "--name", wanted.name)
    put_layout(head, wanted)
    standby = head.haoscar("add-standby", "--name", wanted.name, "--image", wanted.name)["standby"]
    head.network_boot()
    machine = head.lab.add_machine(wanted.spec)
    head.haoscar("install-standby", wanted.name, "--mac", str(wanted.spec.mac))
    machine.power_on()
    try:
        installed = head.installed(wanted.name, machine)
        clone = head.clone(standby["local_ip"], installed)
        check_system(clone, wanted)
        check_disk(clone, wanted)
        check_layout(capture(clone), wanted)
    finally:
        machine.power_off()


def become_golden_client(head: Head, wanted: Case) -> None:
    """Give the head what the recorded machine has on its disk beside the system itself."""
    outputs = recorded.load(wanted.machine)["outputs"]
    head.write("/etc/fstab", outputs["cat /etc/fstab"])
    version = head.say("ls", "/usr/lib/modules").split()[-1]
    head.write("/boot/grub/grub.cfg", grub_configuration(wanted, version))
    if any(one.path == "/boot/efi" for one in wanted.golden.mounts):
        make_efi_loader(head, wanted)


def boot_system(golden: Layout) -> tuple[str, str]:
    """Return the UUID of the file system with the kernels, and the path of /boot on it."""
    mounts = {one.path: one.holder for one in golden.mounts}
    holder = mounts.get("/boot", mounts["/"])
    return golden.file_system(holder).uuid, "" if "/boot" in mounts else "/boot"


def grub_configuration(wanted: Case, version: str) -> str:
    """Return a grub.cfg as update-grub writes it, without its decoration."""
    golden = wanted.golden
    assert golden.root_mount is not None
    uuid, boot = boot_system(golden)
    root = wanted.root or f"UUID={golden.file_system(golden.root_mount.holder).uuid}"
    return f"""\
set timeout=0
insmod part_gpt
insmod part_msdos
insmod ext2
search --no-floppy --fs-uuid --set=root {uuid}
menuentry 'Debian' {{
    linux {boot}/vmlinuz-{version} root={root} ro net.ifnames=0 console=ttyS0,115200
    initrd {boot}/initrd.img-{version}
}}
"""


def make_efi_loader(head: Head, wanted: Case) -> None:
    """Put the golden client's own loader into its EFI partition, as grub-install did there."""
    uuid, boot = boot_system(wanted.golden)
    early = f"search --no-floppy --fs-uuid --set=root {uuid}\nset prefix=($root){boot}/grub\n"
    head.write("/run/early.cfg", early)
    directory = "/boot/efi/EFI/debian"
    head.say("mkdir", "-p", directory)
    head.say(
        "grub-mkimage", "-O", "x86_64-efi", "-c", "/run/early.cfg", "-p", "/boot/grub", "-o",
        f"{directory}/grubx64.efi", "part_gpt", "ext2", "search", "search_fs_uuid", "normal",
    )  # fmt: skip


def put_layout(head: Head, wanted: Case) -> None:
    """Put the recorded layout into the image: that is the golden client which it stands for."""
    directory = Paths().images / wanted.name / "v1"
    assert head.say("stat", "--format=%F", f"{directory}/layout.json").strip() == "regular file"
    head.write(f"{directory}/layout.json", wanted.golden.to_json())


def check_system(clone: Runner, wanted: Case) -> None:
    """The system that answers is the standby, whole, and started by GRUB from its own disk."""
    golden = wanted.golden
    assert say(clone, "hostname") == wanted.name
    assert say(clone, "systemctl", "is-system-running", "--wait") == "running"
    line = say(clone, "cat", "/proc/cmdline").split()
    assert f"root={golden.boot.root_argument}" in line
    assert any(word.startswith("BOOT_IMAGE=") for word in line)  # GRUB adds it
    assert not any(word.startswith("haoscar.") for word in line)
    firmware = clone.run(Command.of("test", "-d", "/sys/firmware/efi"), check=False).ok
    assert firmware == (wanted.spec.firmware is Firmware.UEFI)
    found = json.loads(say(clone, "findmnt", "--json", "--list", "--real"))["filesystems"]
    mounted = {one["target"]: (one["source"], one["fstype"]) for one in found}
    kinds = {one.path: golden.file_system(one.holder).kind.value for one in golden.mounts}
    expected = {one.path: (device(one.holder, wanted), kinds[one.path]) for one in golden.mounts}
    assert {path: mounted.get(path) for path in expected} == expected
    swaps = {line.split()[0] for line in say(clone, "cat", "/proc/swaps").splitlines()[1:]}
    paths = {say(clone, "realpath", device(one.holder, wanted)) for one in golden.swaps}
    assert swaps == paths


def check_disk(clone: Runner, wanted: Case) -> None:
    """Every identifier is kept, and what was to grow has grown."""
    golden = wanted.golden
    for one in (*golden.file_systems, *golden.swaps):
        assert say(clone, "blkid", "-U", one.uuid) == device(one.holder, wanted)
        if one.label:
            assert say(clone, "blkid", "-L", one.label) == device(one.holder, wanted)
    words = ("lsblk", "--json", "--bytes", "--list", "--output", "PATH,SIZE,TYPE")
    found = json.loads(say(clone, *words))["blockdevices"]
    sizes = {one["path"]: int(one["size"]) for one in found}
    assert golden.disk is not None
    assert golden.root_mount is not None
    assert sizes[wanted.disk] == wanted.spec.disk_bytes
    more = wanted.spec.disk_bytes - golden.disk.size
    last = golden.disk.partitions[-1]
    room = 8 << 20  # alignment, the backup table, the rest of an extent
    assert sizes[f"{wanted.disk}{last.number}"] > last.size + more - room
    holder = golden.root_mount.holder
    if holder.volume:
        grown = next(one for one in golden.volumes if one.name == holder.volume)
        before = grown.extents * golden.groups[0].extent_size
        assert sizes[device(holder, wanted)] > before + more - room
    blocks = say(clone, "findmnt", "--bytes", "--noheadings", "--output", "SIZE", "/")
    assert int(blocks) > 0.9 * sizes[device(holder, wanted)]


def check_layout(found: Layout, wanted: Case) -> None:
    """What the product captures on the clone is the golden client's layout, sizes apart."""
    golden = wanted.golden
    assert found.disk is not None
    assert golden.disk is not None
    assert found.disk.path == wanted.disk
    assert comparable(found) == comparable(golden)


def comparable(layout: Layout) -> dict[str, Any]:
    """Return a layout without the disk's name and the sizes that grow with the disk."""
    data: dict[str, Any] = json.loads(layout.to_json())
    assert layout.root_mount is not None
    holder = layout.root_mount.holder
    data["disk"].pop("path")
    data["disk"].pop("size")
    data["disk"]["partitions"][-1].pop("size")
    for one in data["disk"]["partitions"]:
        for name in ("uuid", "type"):
            one[name] = one.get(name, "").lower()
    data["disk"]["table_id"] = data["disk"]["table_id"].lower()
    for one in data["groups"]:
        one.pop("extents")
    for one in data["volumes"]:
        if one["name"] == holder.volume:
            one.pop("extents")
    for name in ("file_systems", "swaps", "volumes", "mounts"):
        data[name].sort(key=lambda one: json.dumps(one, sort_keys=True))
    for one in data["mounts"]:
        one.pop("options")  # the kernel's defaults differ with its version
    return data


def device(holder: Holder, wanted: Case) -> str:
    """Return the device of a partition or volume in the clone."""
    if holder.partition:
        return f"{wanted.disk}{holder.partition}"
    return f"/dev/mapper/{holder.group}-{holder.volume}"


def say(runner: Runner, *words: str) -> str:
    """Return what a program says, without the newline at its end."""
    return runner.run(Command.of(*words)).stdout.strip()
