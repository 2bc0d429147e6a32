"""Blank machines: QEMU with an empty disk on the lab's wires, switched on and off like real ones."""

import enum
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.errors import CommandFailed, HaoscarError
from backend.lab.host import firmware_files, qemu_program
from backend.lab.network import LabNetwork
from backend.lab.topology import Net
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import Firmware
from backend.system.namespaces import Inside
from backend.system.processes import ProcessId, children
from backend.system.qemu_monitor import QemuMonitor
from backend.system.runner import Command, Runner, spawn

START_LIMIT = 15.0  # seconds until QEMU answers


class DiskBus(enum.StrEnum):
    """What the disk hangs on: it decides its name and driver."""

    VIRTIO = "virtio"
    SATA = "sata"
    NVME = "nvme"


class Card(enum.StrEnum):
    """The kind of network card."""

    VIRTIO = "virtio-net-pci"
    E1000 = "e1000"
    E1000E = "e1000e"


class BootDevice(enum.StrEnum):
    """Something firmware can start from."""

    NETWORK = "network"
    DISK = "disk"
    FLOPPY = "floppy"
    USB = "usb"


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """What a blank machine is made of."""

    name: HostName
    mac: Mac  # of the card on the private network
    firmware: Firmware = Firmware.BIOS
    disk_bytes: int = 4 << 30
    disk_bus: DiskBus = DiskBus.VIRTIO
    backing: Path | None = None  # a qcow2 image the disk starts as a copy of
    card: Card = Card.VIRTIO
    rom: bool = True  # whether the card can boot by itself
    public_mac: Mac | None = None  # a second card, on the public network
    memory_mib: int = 768
    processors: int = 1
    cpu: str = "qemu64,+rdrand"  # without rdrand key generation waits for entropy
    boot_order: tuple[BootDevice, ...] = (BootDevice.NETWORK, BootDevice.DISK)
    floppy: Path | None = None
    usb: Path | None = None  # the image of a stick
    kernel: Path | None = None  # started directly, without firmware and loader (tests)
    initramfs: Path | None = None
    kernel_line: str = ""

    @property
    def uuid(self) -> uuid.UUID:
        """What the firmware says in DHCP option 97."""
        return uuid.uuid5(uuid.NAMESPACE_OID, self.mac)


@dataclass(frozen=True, slots=True)
class MachineFiles:
    """Where the parts of a machine are on the disk."""

    directory: Path

    @property
    def disk(self) -> Path:
        """The qcow2 disk."""
        return self.directory / "disk.qcow2"

    @property
    def serial(self) -> Path:
        """What the machine wrote to its serial line, since it was last switched on."""
        return self.directory / "serial.log"

    @property
    def monitor(self) -> Path:
        """The control socket."""
        return self.directory / "qmp"

    @property
    def variables(self) -> Path:
        """The UEFI firmware's variables."""
        return self.directory / "variables.fd"


def qemu_arguments(
    spec: MachineSpec, files: MachineFiles, taps: dict[Net, str], code: Path | None
) -> list[str]:
    """Return QEMU's arguments; ``code`` is the UEFI firmware. TCG: KVM hangs on some hosts."""
    order = {device: index + 1 for index, device in enumerate(spec.boot_order)}
    words = [
        "-accel", "tcg,tb-size=128",  # its default grows to 1 GB
        "-machine", "pc", "-cpu", spec.cpu, "-smp", str(spec.processors),
        "-m", str(spec.memory_mib), "-name", spec.name, "-uuid", str(spec.uuid),
        "-nodefaults", "-vga", "none", "-display", "none",
        "-serial", f"file:{files.serial}",
        "-qmp", f"unix:{files.monitor},server=on,wait=off",
    ]  # fmt: skip
    if code is not None:
        words += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}"]
        words += ["-drive", f"if=pflash,format=raw,file={files.variables}"]
    if spec.kernel is not None:
        words += ["-kernel", str(spec.kernel), "-append", spec.kernel_line]
        words += ["-initrd", str(spec.initramfs)] if spec.initramfs else []
    words += _card(spec, Net.PRIVATE, spec.mac, taps, order.get(BootDevice.NETWORK))
    if spec.public_mac is not None:
        words += _card(spec, Net.PUBLIC, spec.public_mac, taps, None)
    words += _disk(spec, files, order.get(BootDevice.DISK))
    if spec.floppy is not None:
        words += ["-drive", f"if=floppy,index=0,format=raw,file={spec.floppy}"]
        if index := order.get(BootDevice.FLOPPY):
            words += ["-global", f"isa-fdc.bootindexA={index - 1}"]
    if spec.usb is not None:
        words += ["-device", "qemu-xhci,id=usb"]
        words += ["-drive", f"id=stick,if=none,format=raw,file={spec.usb}"]
        words += ["-device", _boots("usb-storage,drive=stick,removable=on", order, BootDevice.USB)]
    return words


def _boots(device: str, order: dict[BootDevice, int], kind: BootDevice) -> str:
    return f"{device},bootindex={order[kind]}" if kind in order else device


def _card(
    spec: MachineSpec, net: Net, mac: Mac, taps: dict[Net, str], index: int | None
) -> list[str]:
    device = f"{spec.card},netdev={net},mac={mac}"
    if not spec.rom or index is None:
        device += ",romfile="
    if index is not None and spec.rom:
        device += f",bootindex={index}"
    tap = f"tap,id={net},ifname={taps[net]},script=no,downscript=no"
    return ["-netdev", tap, "-device", device]


def _disk(spec: MachineSpec, files: MachineFiles, index: int | None) -> list[str]:
    boot = "" if index is None else f",bootindex={index}"
    # The disk is thrown away with the lab: nothing need reach the platter.
    drive = f"id=disk,if=none,format=qcow2,file={files.disk},cache=unsafe,discard=unmap"
    devices = {
        DiskBus.VIRTIO: ["-device", f"virtio-blk-pci,drive=disk{boot}"],
        DiskBus.SATA: ["-device", "ahci,id=sata", "-device", f"ide-hd,drive=disk,bus=sata.0{boot}"],
        DiskBus.NVME: ["-device", f"nvme,drive=disk,serial=lab{boot}"],
    }
    return ["-drive", drive, *devices[spec.disk_bus]]


class BlankMachine:
    """One QEMU machine of a lab; its disk stays when it is switched off."""

    def __init__(
        self,
        spec: MachineSpec,
        *,
        reaper: int,
        directory: Path,
        network: LabNetwork,
        runner: Runner,
        process: ProcessId | None,
        remember: Callable[[str, ProcessId | None], None],
    ) -> None:
        self.spec = spec
        self.name = str(spec.name)
        self.files = MachineFiles(directory)
        self._reaper = reaper
        self._network = network
        self._runner = runner
        self._process = process
        self._remember = remember

    @property
    def is_on(self) -> bool:
        """Whether it runs; a machine that switched itself off does not."""
        return self._process is not None and self._process.alive

    @property
    def serial(self) -> str:
        """What it has written to its serial line since it was switched on."""
        path = self.files.serial
        return path.read_bytes().decode("utf-8", "replace") if path.exists() else ""

    def create(self) -> None:
        """Make its disk and firmware variables; raises HaoscarError when a program is missing."""
        self.files.directory.mkdir(parents=True, exist_ok=True)
        words = ["qemu-img", "create", "-q", "-f", "qcow2"]
        if self.spec.backing is not None:
            words += ["-b", str(self.spec.backing), "-F", "qcow2"]
        self._runner.run(Command.of(*words, self.files.disk, str(self.spec.disk_bytes)))
        if self.spec.firmware is Firmware.UEFI:
            shutil.copyfile(firmware_files()[1], self.files.variables)

    def power_on(self) -> None:
        """Switch it on; returns as soon as its processor runs; raises HaoscarError."""
        if self.is_on:
            return
        nets = [Net.PRIVATE] + ([Net.PUBLIC] if self.spec.public_mac else [])
        for net in nets:
            self._network.remove_tap(self.name, net)  # of a machine that switched itself off
        taps = {net: self._network.make_tap(self.name, net) for net in nets}
        self.files.monitor.unlink(missing_ok=True)
        code = firmware_files()[0] if self.spec.firmware is Firmware.UEFI else None
        arguments = qemu_arguments(self.spec, self.files, taps, code)
        command = Command((qemu_program(), *arguments), timeout=None)
        inside = Inside(self._reaper, own_network=True)
        log_file = self.files.directory / "qemu.log"
        daemon = spawn(command.after(*inside.prefix), log_file)
        deadline = time.monotonic() + START_LIMIT
        while not self.files.monitor.exists() or not (found := children(daemon.pid)):
            if not daemon.running or time.monotonic() > deadline:
                daemon.stop()
                raise CommandFailed.of(
                    "lab.machine-start",
                    f"{self.name} did not start: {log_file.read_text()[-2000:].strip()}",
                )
            time.sleep(0.01)
        self._process = ProcessId.of(found[0])
        self._remember(self.name, self._process)

    def power_off(self) -> None:
        """Take its power away; its disk stays as it is."""
        if self._process is not None and self._process.alive:
            with QemuMonitor(self.files.monitor) as monitor:
                monitor.execute("quit")
            self._process.wait(10.0)
        self._process = None
        self._remember(self.name, None)

    def reset(self) -> None:
        """Press its reset button."""
        with QemuMonitor(self.files.monitor) as monitor:
            monitor.execute("system_reset")

    def cpu_seconds(self) -> float:
        """Return the processor time the machine has used since it was switched on."""
        return 0.0 if self._process is None else self._process.cpu_seconds()

    def memory_bytes(self) -> int:
        """Return the memory QEMU uses for it now."""
        return 0 if self._process is None else self._process.memory_bytes()

    def wait_for(self, done: Callable[[], bool], what: str, limit: float) -> float:
        """Wait for a condition; returns the seconds it took, raises HaoscarError with the serial log.

        Stops early when the machine has switched itself off without the condition.
        """
        began = time.monotonic()
        while not done():
            waited = time.monotonic() - began
            if waited > limit or not self.is_on:
                how = f"after {waited:.0f} s" if self.is_on else "and the machine is off"
                raise HaoscarError.of(
                    "lab.machine-waited",
                    f"{self.name}: {what} did not come {how}.",
                    f"The end of its serial line: {self.serial[-1500:]!r}",
                )
            time.sleep(0.1)
        return time.monotonic() - began

    def wait_for_serial(self, text: str, limit: float) -> float:
        """Wait until it has written ``text`` to its serial line; see wait_for."""
        return self.wait_for(lambda: text in self.serial, f"{text!r} on the serial line", limit)

    def wait_until_off(self, limit: float) -> bool:
        """Wait until it has switched itself off; returns whether it has."""
        return self._process is None or self._process.wait(limit)
