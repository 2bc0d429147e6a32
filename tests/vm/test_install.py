"""The installer on a real (emulated) machine: without a head that wants it, it fails closed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.clone.constants import KERNEL_ARGUMENTS
from backend.clone.engine import InstallerImage
from backend.clone.installer import BuildInstaller
from backend.lab.cluster import VirtualCluster
from backend.lab.machines import MachineSpec
from backend.lab.roots import RootStore
from backend.lab.topology import Topology
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.paths import Paths
from backend.system.runner import LocalRunner
from backend.tasks import TaskContext
from tests.unit.test_clone_ticket import key

pytestmark = [
    pytest.mark.vm,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.xdist_group("install"),  # its tests share one lab
]
MAC = Mac.parse("02:00:5e:00:53:21")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstallerImage]:
    """An installer image built in a throwaway overlay of the lab's Debian root."""
    root = RootStore(Paths(), LocalRunner()).ensure(TaskContext())
    work = tmp_path_factory.mktemp("head")
    merged = work / "merged"
    for name in ("upper", "work", "merged"):
        (work / name).mkdir()
    options = f"lowerdir={root.path},upperdir={work}/upper,workdir={work}/work"
    mounts = [
        (["-t", "overlay", "-o", options, "overlay"], merged),
        (["-t", "proc", "proc"], merged / "proc"),
        (["--bind", "/dev"], merged / "dev"),
    ]
    done: list[Path] = []
    try:
        for words, where in mounts:
            subprocess.run(["mount", *words, where], check=True)
            done.append(where)
        runner = LocalRunner(("chroot", str(merged)))
        built = BuildInstaller(runner, Paths(merged)).run(TaskContext())
        # The lab has its own mounts and does not see this overlay.
        kernel, initrd = (shutil.copy(one, work) for one in (built.kernel, built.initrd))
        yield InstallerImage(Path(kernel), Path(initrd), built.built)
    finally:
        for where in reversed(done):
            subprocess.run(["umount", where], check=False)


@pytest.fixture(scope="module")
def lab() -> Iterator[VirtualCluster]:
    """Wires with a head that does not expect anybody."""
    with VirtualCluster.start(Paths(), topology=Topology((Topology().nodes[0],))) as cluster:
        yield cluster


def boot(lab: VirtualCluster, image: InstallerImage, name: str, *words: str, wait: str) -> str:
    """Start the installer directly; returns its serial log once it has switched itself off."""
    spec = MachineSpec(
        HostName.parse(name),
        replace_last(MAC, len(lab.machines)),
        disk_bytes=64 << 20,
        kernel=image.kernel,
        initramfs=image.initrd,
        kernel_line=" ".join((*words, *KERNEL_ARGUMENTS)),
    )
    machine = lab.add_machine(spec)
    machine.power_on()
    try:
        machine.wait_for_serial(wait, 180)
        assert machine.wait_until_off(120), "it did not switch itself off"
        return machine.serial
    finally:
        machine.power_off()


def replace_last(mac: Mac, number: int) -> Mac:
    return Mac.parse(f"{mac[:-2]}{0x21 + number:02x}")


def test_without_a_boot_server_it_says_so_and_switches_off(
    lab: VirtualCluster, image: InstallerImage
) -> None:
    head = str(lab.node("head1").spec.ports[0].address.ip)
    said = boot(
        lab, image, "alone", f"haoscar.head={head}", f"haoscar.key={key()}",
        "haoscar.addr=10.0.0.77/24", wait="INSTALLATION FAILED",
    )  # fmt: skip
    assert "does not answer" in said
    assert "Powering off" in said


def test_a_kernel_line_without_the_heads_key_ends_at_once(
    lab: VirtualCluster, image: InstallerImage
) -> None:
    said = boot(lab, image, "nokey", "haoscar.head=10.0.0.1", wait="INSTALLATION FAILED")
    assert "no haoscar.key=" in said
