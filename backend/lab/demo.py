"""The demo: from a head node to a running clone, in the virtual cluster, by the commands of a head.

Everything on the head is done by the ``haoscar`` command there, as an administrator would; this
module switches machines on, watches, and measures from outside.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from backend import __version__
from backend.errors import Cancelled, HaoscarError
from backend.lab.cluster import VirtualCluster
from backend.lab.commands import HeadCommands
from backend.lab.machines import BlankMachine, BootDevice, MachineSpec
from backend.lab.overlay import LAUNCHER
from backend.lab.proof import Proof
from backend.lab.report import CloneFacts, DemoReport, Stage
from backend.lab.requirements import ensure_host_packages
from backend.lab.roots import RootStore
from backend.lab.stages import StageClock
from backend.lab.takeover import Rehearsal
from backend.lab.takeover_facts import TakeoverFacts
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import Firmware
from backend.paths import Paths
from backend.system.runner import LocalRunner
from backend.tasks import CancelToken, TaskContext

HEAD = "head1"
BLANK_MAC = Mac.parse("52:54:00:77:00:02")
BLANK_PUBLIC_MAC = Mac.parse("52:54:00:77:00:82")
HEARD_LIMIT = 90.0  # seconds from power-on until the first DHCP request; firmware needs 2 to 20
INSTALL_LIMIT = 420.0  # seconds from there to the report of the booted clone
MEDIA = Path("/root/haoscar-boot.img")
# What each stage of the installation is called in the report, and how it is cut: an event says
# that a stage begins.
INSTALL_TITLES = {
    "start": "Installer starts, finds its card",
    "network": "Asks the head to be let in",
    "admitted": "Sends its inventory, gets its ticket",
    "partition": "Partitions the disk",
    "format": "Makes file systems",
    "copy": "Copies the image over SSH",
    "verify": "Compares every file with the manifest",
    "identity": "Gets its own name and addresses",
    "bootloader": "Installs the boot loader",
    "done": "Restarts, boots from its own disk",
}


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a demo is to show."""

    firmware: Firmware = Firmware.BIOS
    boot: str = "pxe"  # "pxe", "floppy" or "usb": what the blank machine starts from
    keep: bool = False  # leave the virtual cluster running afterwards


@dataclass
class Demo:
    """A Task that returns a DemoReport; a failed demo returns its report too."""

    options: DemoOptions
    paths: Paths = field(default_factory=Paths)
    on_lab: Callable[[VirtualCluster], None] = lambda _lab: None

    @property
    def title(self) -> str:
        """See Task.title."""
        return "From a head node to a pair that has been proved"

    def run(self, context: TaskContext) -> DemoReport:
        """Do it; raises Cancelled, and HaoscarError when there could be no demo at all."""
        clock = StageClock(context)
        report = DemoReport(
            ok=False,
            firmware=self.options.firmware.value,
            boot=self.options.boot,
            started=datetime.now().astimezone().isoformat(timespec="seconds"),
            seconds=0.0,
            version=__version__,
        )
        try:
            for found in self._work(context, clock):
                report = replace(report, **found)
            report = replace(report, ok=True)
        except Cancelled:
            raise
        except HaoscarError as problem:
            report = replace(report, failure=" ".join(str(one) for one in problem.reports))
        return replace(report, stages=clock.sorted(), seconds=clock.now)

    def _work(self, context: TaskContext, clock: StageClock) -> Iterator[dict[str, Any]]:
        """Do everything; yields what is found as it is found, so that a failure loses nothing."""
        with clock.stage("prepare", "Prepare packages and Debian root") as detail:
            installed = ensure_host_packages(self.paths, LocalRunner(), context)
            RootStore(self.paths, LocalRunner()).ensure(context)
            detail.text = f"{len(installed)} packages were missing"
        with clock.stage("lab", "Start the virtual cluster") as detail:
            cluster = VirtualCluster.start(self.paths, context)
            detail.text = ", ".join(cluster.nodes)
        with cluster:
            self.on_lab(cluster)
            run = _Run(self.options, cluster, context, clock)
            try:
                clone = run.clone()
                yield {"clone": clone}
                if clone.unexplained:
                    raise HaoscarError.of(
                        "demo.differences", "Files differ and nobody can say why."
                    )
                yield {"takeover": run.take_over(clone)}
            finally:
                if self.options.keep:
                    cluster.detach()


class _Run:
    """One demo in a running lab."""

    def __init__(
        self, options: DemoOptions, lab: VirtualCluster, context: TaskContext, clock: StageClock
    ) -> None:
        self._options = options
        self._lab = lab
        self._context = context
        self._clock = clock
        self._head = HeadCommands(lab.node(HEAD).runner, str(LAUNCHER))
        self._installed: dict[str, Any] = {}

    def clone(self) -> CloneFacts:
        """Do every step; returns what the clone is."""
        standby = self._define()
        machine = self._lab.add_machine(self._spec())
        with self._heard(BLANK_MAC) as heard:
            began = self._switch_on(machine)
            self._wait_until_heard(machine, heard, began)
        with self._clock.stage("assign", "Assign its MAC address, admit it"):
            self._command("install-standby", standby["name"], "--mac", BLANK_MAC)
        self._installed = installed = self._follow(standby["name"], machine)
        proof = Proof(self._lab.node(HEAD), standby["address"], str(standby["name"]), installed)
        with self._clock.stage("ssh", "SSH answers from the clone", "check") as detail:
            facts = proof.ask(self._context)
            facts = replace(facts, power_on_to_ssh_s=round(self._clock.now - began, 2))
            detail.text = f"{facts.hostname} at {facts.address}, root on {facts.root_device}"
        with self._clock.stage("compare", "Compare the clone with the image", "check") as detail:
            facts = proof.compare(self._context, facts)
            detail.text = f"{facts.files_compared} files, {len(facts.unexplained)} unexplained"
        return facts

    def take_over(self, clone: CloneFacts) -> TakeoverFacts:
        """Step 5 and its proof: agents, and the primary loses its power."""
        rehearsal = Rehearsal(self._lab, self._context, self._clock, self._command)
        virtual_ip = rehearsal.install(str(self._installed["facts"]["hostkey"]))
        return rehearsal.lose_power(virtual_ip, clone.hostname, clone.address)

    def _define(self) -> dict[str, Any]:
        """Steps 1 to 3, and network boot: everything before the machine is switched on."""
        with self._clock.stage("packages", "Step 1: packages of the head") as detail:
            self._command("packages", "install")
            detail.text = "nothing is missing"
        with self._clock.stage("discover", "Discover the site"):
            self._command("init")
        with self._clock.stage("fetch-image", "Step 2: fetch the head's image") as detail:
            image = self._command("fetch-image")
            detail.text = _image_sentence(image)
        with self._clock.stage("add-standby", "Step 3: define the standby") as detail:
            standby = self._command("add-standby")["standby"]
            standby = {"name": standby["name"], "address": standby["local_ip"]}
            detail.text = f"{standby['name']} at {standby['address']}"
        with self._clock.stage("network-boot", "Step 4: boot loaders, installer") as detail:
            served = self._command("setup-network-boot")
            detail.text = f"installer {served['installer_bytes'] / 1e6:.1f} MB"
        if self._options.boot != "pxe":
            with self._clock.stage("media", f"Build the boot {self._options.boot}"):
                self._command("boot-media", self._options.boot, str(MEDIA))
        return dict(standby)

    def _spec(self) -> MachineSpec:
        spec = MachineSpec(
            HostName.parse("blank"),
            BLANK_MAC,
            firmware=self._options.firmware,
            public_mac=BLANK_PUBLIC_MAC,
        )
        media = self._lab.node(HEAD).disk / str(MEDIA).lstrip("/")
        if self._options.boot == "floppy":
            order = (BootDevice.FLOPPY, BootDevice.DISK)
            return replace(spec, rom=False, floppy=media, boot_order=order)
        if self._options.boot == "usb":
            # An empty disk falls through to the stick; after the installation the disk wins.
            order = (BootDevice.DISK, BootDevice.USB)
            return replace(spec, rom=False, usb=media, boot_order=order)
        return spec

    @contextmanager
    def _heard(self, mac: Mac) -> Iterator[threading.Event]:
        """Collect MAC addresses on the head meanwhile; the event is set when ``mac`` was heard."""
        heard, listening, token = threading.Event(), threading.Event(), CancelToken()

        def take(value: Any) -> None:
            if isinstance(value, dict) and value.get("mac") == mac:
                heard.set()

        def listen(event: Any) -> None:
            if getattr(event, "code", "") == "macs.listening":
                listening.set()

        def collect() -> None:
            try:
                seconds = str(int(HEARD_LIMIT) + 30)
                context = TaskContext(listen, token)
                self._head.run(context, "macs", "collect", "--seconds", seconds, on_value=take)
            except HaoscarError:
                listening.set()  # the wait for the machine says what is wrong

        thread = threading.Thread(target=collect, name="collect", daemon=True)
        thread.start()
        listening.wait(30)
        try:
            yield heard
        finally:
            token.cancel()
            thread.join(30)

    def _switch_on(self, machine: BlankMachine) -> float:
        began = self._clock.now
        machine.power_on()
        return began

    def _wait_until_heard(
        self, machine: BlankMachine, heard: threading.Event, began: float
    ) -> None:
        self._context.step("The blank machine is switched on; listening for its MAC address")
        machine.wait_for(heard.is_set, "its first DHCP request", HEARD_LIMIT)
        self._clock.add(
            Stage("heard", "Switched on, heard on the wire", began, self._clock.now - began, "standby", BLANK_MAC)
        )  # fmt: skip

    def _follow(self, name: str, machine: BlankMachine) -> dict[str, Any]:
        """Wait for the installation; adds its stages, raises HaoscarError with the machine's words."""
        assigned = self._clock.now
        try:
            result = self._command(
                "installs", "follow", name, "--limit", str(int(INSTALL_LIMIT)), limit=INSTALL_LIMIT + 30
            )  # fmt: skip
        except HaoscarError as problem:
            result = self._command("installs", "show", name)
            self._add_stages(result, assigned)
            raise HaoscarError.of(
                "demo.installation",
                f"The installation failed: {result.get('failure') or problem}",
                f"The end of its serial line: {machine.serial[-1500:]!r}",
            ) from problem
        self._add_stages(result, assigned)
        return dict(result)

    def _add_stages(self, result: dict[str, Any], assigned: float) -> None:
        offset = time.time() - self._clock.now
        begins = [(one["name"], float(one["time"]) - offset) for one in result["stages"]]
        if not begins:
            return
        boot = Stage(
            "boot",
            "Firmware, boot loader, kernel",
            assigned,
            begins[0][1] - assigned,
            "standby",
        )
        self._clock.add(boot)
        for (name, at), (_next, end) in itertools.pairwise(begins):
            if name in INSTALL_TITLES:
                self._clock.add(Stage(name, INSTALL_TITLES[name], at, end - at, "standby"))

    def _command(self, *words: str, limit: float = 600.0) -> Any:
        return self._head.run(self._context, *words, limit=limit)


def _image_sentence(image: dict[str, Any]) -> str:
    return f"{image.get('name')} v{image.get('version')}"
