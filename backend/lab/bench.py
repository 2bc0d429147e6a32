"""How quick the copy of an image is, beside bare rsync: same head, same guest, same new disk.

The guest is the product's own installer, started as it always is; only where it would ask for its
ticket it measures instead, turn and turn about, with the installer's own copy function.
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from backend.clone.constants import INSTALLER_FILE, KERNEL_ARGUMENTS, KERNEL_FILE
from backend.clone.copy_source import MODULE, SOURCE
from backend.clone.installer import copy_options, scripts
from backend.clone.script import RSYNC
from backend.errors import HaoscarError
from backend.lab.cluster import VirtualCluster
from backend.lab.commands import HeadCommands
from backend.lab.machines import BlankMachine, MachineSpec
from backend.lab.overlay import LAUNCHER
from backend.lab.requirements import ensure_host_packages
from backend.lab.topology import Net, Topology
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.paths import Paths
from backend.rendering import render
from backend.system.runner import Command, LocalRunner
from backend.tasks import TaskContext

MAC = Mac.parse("52:54:00:77:02:01")
ADDRESS = "10.77.0.240/24"
DISK = "/dev/vda"
BARE = ("-aHAX", "--numeric-ids", "--whole-file")
ROUND_LIMIT = 600.0  # seconds for one copy; an idle machine needs half a minute
START_LIMIT = 300.0
CONFIGURATION = "/etc/rsyncd.conf"  # also what a daemon on an SSH session reads
_RESULT = re.compile(r"bench round=(\d+) way=(product|bare) seconds=([0-9.]+)")


@dataclass(frozen=True, slots=True)
class CopyBench:
    """What was measured; seconds of each copy in the order of the rounds."""

    size: int  # bytes of all files of the image
    product: tuple[float, ...]
    bare: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The product's rate as a part of bare rsync's, from the medians."""
        return median(self.bare) / median(self.product)

    def rate(self, seconds: float) -> float:
        """Return MB/s."""
        return self.size / seconds / 1e6

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        ways = {"product": self.product, "bare": self.bare}
        return {
            "bytes": self.size,
            "ratio": round(self.ratio, 3),
            **{
                name: {
                    "seconds": list(times),
                    "mb_per_s": [round(self.rate(one), 2) for one in times],
                    "median_mb_per_s": round(self.rate(median(times)), 2),
                }
                for name, times in ways.items()
            },
        }


def results(serial: str, size: int) -> CopyBench:
    """Read the results from the guest's serial line; raises HaoscarError when one is missing."""
    found = _RESULT.findall(serial)
    product = tuple(float(seconds) for _, way, seconds in found if way == "product")
    bare = tuple(float(seconds) for _, way, seconds in found if way == "bare")
    if not product or len(product) != len(bare):
        raise HaoscarError.of(
            "bench.results",
            "The guest did not measure to the end.",
            f"The end of its serial line: {serial[-1500:]!r}",
        )
    return CopyBench(size, product, bare)


@dataclass
class BenchCopy:
    """A Task that returns a CopyBench."""

    rounds: int = 3
    processors: int = 1  # of the guest; with more, decryption runs beside rsync, as on a real head
    paths: Paths = field(default_factory=Paths)

    @property
    def title(self) -> str:
        """See Task.title."""
        return "The copy of an image beside bare rsync"

    def run(self, context: TaskContext) -> CopyBench:
        """Measure; raises Cancelled, HaoscarError."""
        ensure_host_packages(self.paths, LocalRunner(), context)
        head = Topology().nodes[0]
        with VirtualCluster.start(self.paths, context, Topology((head,))) as lab:
            return self._measure(lab, context)

    def _measure(self, lab: VirtualCluster, context: TaskContext) -> CopyBench:
        head = lab.nodes[str(lab.topology.nodes[0].name)]
        commands = HeadCommands(head.runner, str(LAUNCHER))
        commands.run(context, "init")
        image = commands.run(context, "fetch-image")
        tree = f"{image['directory']}/tree"
        commands.run(context, "installer", "build")
        address = head.spec.port(Net.PRIVATE).address.ip
        text = render("lab/rsyncd.conf.j2", address=address, module=MODULE, tree=tree)
        head.runner.run(Command.of("tee", CONFIGURATION).given(text.encode()))
        head.runner.run(Command.of("rsync", "--daemon"))
        context.step("Reading the image once, so that both ways find it in memory")
        commands.run(context, "image", "verify", str(image["name"]))
        product = (*RSYNC, *copy_options(Paths(head.disk)))
        key = (head.disk / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[1]
        machine = lab.add_machine(
            MachineSpec(
                HostName.parse("bench"),
                MAC,
                kernel=head.disk / f"var/lib/haoscar/installer/{KERNEL_FILE}",
                initramfs=self._initramfs(lab, head.disk, product),
                kernel_line=_kernel_line(str(address), key),
                processors=self.processors,
            )
        )
        machine.power_on()
        try:
            self._follow(machine, context)
            return results(machine.serial, int(image["size"]))
        finally:
            machine.power_off()

    def _follow(self, machine: BlankMachine, context: TaskContext) -> None:
        for number in range(1, 2 * self.rounds + 1):
            context.step(f"Copy {number} of {2 * self.rounds}")

            def measured(wanted: int = number) -> bool:
                context.check_cancelled()
                return len(_RESULT.findall(machine.serial)) >= wanted

            limit = ROUND_LIMIT + (START_LIMIT if number == 1 else 0.0)
            machine.wait_for(measured, f"the result of copy {number}", limit)

    def _initramfs(self, lab: VirtualCluster, disk: Path, product: tuple[str, ...]) -> Path:
        """Return the installer's image with the measuring in place of asking for a ticket."""
        added = lab.directory / "bench"
        (added / "haoscar").mkdir(parents=True)
        measuring = render(
            "lab/bench-copy.sh.j2",
            rounds=self.rounds, source=SOURCE, module=MODULE, disk=DISK, product=shlex.join(product),
            bare=shlex.join(BARE),
        )  # fmt: skip
        (added / "haoscar/steps.sh").write_text(scripts()["steps.sh"] + measuring)
        (added / "haoscar/bench-key").write_bytes(lab.key_file.read_bytes())
        archive = lab.directory / "bench.cpio"
        names = b"haoscar\0haoscar/steps.sh\0haoscar/bench-key\0"
        pack = Command.of(
            "cpio", "--quiet", "--create", "--null", "--format=newc", "--owner=0:0",
            f"--directory={added}", f"--file={archive}",
        )  # fmt: skip
        LocalRunner().run(pack.given(names))
        installer = (disk / f"var/lib/haoscar/installer/{INSTALLER_FILE}").read_bytes()
        whole = lab.directory / "bench.img"
        # The kernel unpacks one archive after the other; the later file wins.
        whole.write_bytes(installer + bytes(-len(installer) % 4) + archive.read_bytes())
        return whole


def _kernel_line(head: str, key: str) -> str:
    words = (
        f"haoscar.head={head}", f"haoscar.key={key}", f"haoscar.addr={ADDRESS}",
        f"BOOTIF=01-{MAC.hyphens}", *KERNEL_ARGUMENTS,
    )  # fmt: skip
    return " ".join(words)
