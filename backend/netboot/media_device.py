"""Writing a boot medium to a real device: named, shown, refused when in use, confirmed, read back."""

import errno
import fcntl
import hashlib
import json
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend.errors import CommandFailed, HaoscarError, InvalidInput, Refused
from backend.reports import Report, error
from backend.system.runner import Command, Runner
from backend.tasks import TaskContext

COLUMNS = "PATH,TYPE,SIZE,MODEL,SERIAL,TRAN,RM,RO,MOUNTPOINTS,FSTYPE,LABEL,PTTYPE"
CHUNK = 1 << 20  # bytes
_BLKFLSBUF = 0x1261  # linux/fs.h: forget what the kernel holds of a block device
_PLAIN = frozenset({"disk", "part", "loop", "rom"})  # anything else is built upon the device


@dataclass(frozen=True, slots=True)
class Content:
    """Something that a device carries: the device itself, or a partition or volume on it."""

    path: str
    kind: str  # "disk", "part", "lvm", "crypt" ...
    size: int
    signature: str = ""  # file system or partition table, "" when nothing is known
    label: str = ""
    mounted_at: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = self.signature or "nothing that is known"
        label = f' "{self.label}"' if self.label else ""
        where = f", in use as {', '.join(self.mounted_at)}" if self.mounted_at else ""
        return f"{self.path}: {what}{label}, {self.size / 1e6:.1f} MB{where}"


@dataclass(frozen=True, slots=True)
class Device:
    """A block device and what is on it."""

    path: Path
    model: str
    serial: str
    size: int  # bytes
    kind: str
    external: bool  # removable, or on a USB port
    read_only: bool
    contents: tuple[Content, ...]

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """What must be the same when it is written as when it was confirmed."""
        return str(self.path), self.model, self.serial, self.size

    @property
    def description(self) -> str:
        """One line for people: name, model, size."""
        return f"{self.path} ({self.model or 'model unknown'}, {self.size / 1e6:.1f} MB)"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Somebody has been shown this device, and has agreed that everything on it will be lost."""

    identity: tuple[str, str, str, int]


def read_device(runner: Runner, path: Path) -> Device:
    """Return a device with everything on it; raises Refused when it is none."""
    real = path.resolve()
    try:
        said = runner.run(Command.of("lsblk", "-J", "-b", "-o", COLUMNS, "--", real)).stdout
    except CommandFailed as problem:
        raise Refused.of(
            "media.no-device", f"{path} is not a device of this machine.", "See: lsblk"
        ) from problem
    return _with_contents(runner, parse_device(said))


def removable_devices(runner: Runner) -> tuple[Device, ...]:
    """Return every floppy, stick and other removable medium that is in, with what it carries.

    Raises CommandFailed, InvalidInput. Drives without a medium are left out.
    """
    said = runner.run(Command.of("lsblk", "-J", "-b", "-o", COLUMNS)).stdout
    found = [one for one in parse_devices(said) if one.external and one.kind == "disk" and one.size]
    return tuple(_with_contents(runner, one) for one in found)


def _with_contents(runner: Runner, device: Device) -> Device:
    return replace(device, contents=tuple(_probed(runner, one) for one in device.contents))


def _probed(runner: Runner, content: Content) -> Content:
    """Return what really is on it: lsblk only knows what udev remembers, if udev runs at all."""
    command = Command.of("blkid", "-p", "-o", "export", "--", content.path)
    result = runner.run(command, check=False)
    found = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    return replace(
        content,
        signature=_printable(found.get("TYPE") or found.get("PTTYPE")) or content.signature,
        label=_printable(found.get("LABEL")) or content.label,
    )


def parse_device(text: str) -> Device:
    """Read lsblk's JSON of one device; raises InvalidInput."""
    found = parse_devices(text)
    if not found:
        raise _unreadable("no device")
    return found[0]


def parse_devices(text: str) -> tuple[Device, ...]:
    """Read lsblk's JSON of any number of devices; raises InvalidInput."""
    try:
        return tuple(_device(entry) for entry in json.loads(text)["blockdevices"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as problem:
        raise _unreadable(repr(problem)) from problem


def _unreadable(what: str) -> HaoscarError:
    return InvalidInput.of("media.lsblk", f"lsblk said something that cannot be read: {what}.")


def _device(top: dict[str, Any]) -> Device:
    return Device(
        path=Path(top["path"]),
        model=_printable(top["model"]),
        serial=_printable(top["serial"]),
        size=int(top["size"]),
        kind=str(top["type"]),
        external=bool(top["rm"]) or top["tran"] == "usb" or top["path"].startswith("/dev/fd"),
        read_only=bool(top["ro"]),
        contents=tuple(_contents(top)),
    )


def _contents(entry: dict[str, Any]) -> list[Content]:
    found = [
        Content(
            path=_printable(entry["path"]),
            kind=str(entry["type"]),
            size=int(entry["size"]),
            signature=_printable(entry["fstype"] or entry["pttype"]),
            label=_printable(entry["label"]),
            mounted_at=tuple(_printable(one) for one in entry["mountpoints"] if one),
        )
    ]
    for child in entry.get("children", ()):
        found.extend(_contents(child))
    return found


def _printable(value: object) -> str:
    """Return a text that a device carries, fit for a terminal."""
    text = "" if value is None else str(value)
    return "".join(one if one.isprintable() else "?" for one in text).strip()[:80]


def problems(device: Device, image_size: int, *, internal: bool = False) -> list[Report]:
    """Return every reason not to write to a device; ``internal`` allows a built-in disk."""
    found: list[Report] = []
    if device.kind not in ("disk", "loop"):
        found.append(
            error("media.not-whole", f"{device.path} is not a whole device but a {device.kind}.",
                  "Name the whole device, such as /dev/sdb.")
        )  # fmt: skip
    used = [one for one in device.contents if one.mounted_at or one.kind not in _PLAIN]
    found.extend(
        error("media.in-use", f"{one.path} is in use ({', '.join(one.mounted_at) or one.kind}).",
              "Unmount it first; a disk of this system is never written.")
        for one in used
    )  # fmt: skip
    if device.read_only:
        found.append(
            error(
                "media.read-only", f"{device.path} is write-protected.", "Move its tab or switch."
            )
        )
    if device.size < image_size:
        found.append(
            error("media.too-small",
                  f"{device.path} holds {device.size} bytes, the image has {image_size}.",
                  "Insert a medium that is large enough.")
        )  # fmt: skip
    if not device.external and not internal:
        found.append(
            error("media.internal", f"{device.description} is a built-in disk.",
                  "If you really mean it, add --internal.")
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class WriteMedium:
    """Writes an image to a confirmed device and reads it back; a task for any thread."""

    runner: Runner
    image: Path
    device: Device
    confirmation: Confirmation
    internal: bool = False

    @property
    def title(self) -> str:
        """See Task.title."""
        return f"Write {self.image.name} to {self.device.path}"

    def run(self, context: TaskContext) -> None:
        """Write and compare; raises Refused when the device is not the one that was confirmed."""
        context.step(f"Looking at {self.device.path} once more")
        now = read_device(self.runner, self.device.path)
        if now.identity != self.confirmation.identity:
            raise Refused.of(
                "media.changed",
                f"{now.description} is not the device that was confirmed.",
                "Nothing was written. Start again.",
            )
        found = problems(now, self.image.stat().st_size, internal=self.internal)
        if found:
            raise Refused(*found)
        if not stat.S_ISBLK(now.path.stat().st_mode):
            raise Refused.of("media.no-device", f"{now.path} is not a block device.")
        write_and_compare(self.image, now.path, context)


def write_and_compare(image: Path, target: Path, context: TaskContext) -> None:
    """Copy an image over a device and compare it; raises Refused, HaoscarError, Cancelled.

    O_EXCL makes the kernel refuse a block device that is mounted or otherwise in use.
    """
    size = image.stat().st_size
    try:
        descriptor = os.open(target, os.O_RDWR | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as problem:
        busy = problem.errno == errno.EBUSY
        raise Refused.of(
            "media.in-use" if busy else "media.open",
            f"{target} could not be opened: {problem.strerror}.",
            "Unmount it first." if busy else "",
        ) from problem
    with os.fdopen(descriptor, "r+b", buffering=0) as device:
        context.step(f"Writing to {target}")
        try:
            wanted = _write(image, device.fileno(), size, context)
        except OSError as problem:
            raise _broken(target, problem.strerror or str(problem)) from problem
        context.step(f"Reading {target} back")
        _forget(device.fileno())
        if _digest(device.fileno(), size, context) != wanted:
            raise _broken(target, "what was read back is not what was written")


def _broken(target: Path, what: str) -> HaoscarError:
    return HaoscarError.of(
        "media.broken",
        f"Writing to {target} failed: {what}.",
        "The medium is unusable; take another.",
    )


def _write(image: Path, descriptor: int, size: int, context: TaskContext) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    done = 0
    with image.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            view = memoryview(chunk)
            while view:
                view = view[os.write(descriptor, view) :]
            done += len(chunk)
            context.progress(done, size, "bytes")
    os.fsync(descriptor)
    return digest.digest()


def _forget(descriptor: int) -> None:
    """Make the next read come from the medium, not from memory."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    if stat.S_ISBLK(os.fstat(descriptor).st_mode):
        fcntl.ioctl(descriptor, _BLKFLSBUF)
    os.lseek(descriptor, 0, os.SEEK_SET)


def _digest(descriptor: int, size: int, context: TaskContext) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    left = size
    while left:
        chunk = os.read(descriptor, min(CHUNK, left))
        if not chunk:
            break
        digest.update(chunk)
        left -= len(chunk)
        context.progress(size - left, size, "bytes")
    return digest.digest()
