"""The disk layout of a golden client as data: what is made again on another disk.

Sizes and positions are bytes, never sectors, so that a layout means the same on every disk. Each
value checks itself when it is made, whether by the capture or from a file; nothing here can carry
a control character.
"""

import enum
import json
import re
from dataclasses import dataclass

from backend.errors import InvalidInput
from backend.model.disk import UUID, Disk, need, need_match, need_printable
from backend.model.layout_json import decode, encode
from backend.model.site import Firmware

FORMAT = 1  # of the JSON text; raised when an old reader would misunderstand a new layout
_LVM_NAME = r"(?!\.{1,2}\Z)[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}"
_PATH = re.compile(r"/|(?:/(?!\.{1,2}(?:/|\Z))[^/\x00-\x1f\x7f\\]+)+")


class LayoutKind(enum.StrEnum):
    """Whether a layout was read from a disk or stands in for one that does not exist."""

    CAPTURED = "captured"
    STANDARD = "standard"


class FileSystemKind(enum.StrEnum):
    """The file systems that can be made again exactly."""

    EXT2 = "ext2"
    EXT3 = "ext3"
    EXT4 = "ext4"
    XFS = "xfs"
    VFAT = "vfat"


class BootLoader(enum.StrEnum):
    """The boot loaders that are known; GRUB under both of its names."""

    GRUB = "grub"  # Debian: /boot/grub, grub-install
    GRUB2 = "grub2"  # Red Hat: /boot/grub2, grub2-install
    NONE = "none"  # the standard layout, before the image has been looked at


class Family(enum.StrEnum):
    """The family of distributions, where their tools differ."""

    DEBIAN = "debian"
    REDHAT = "redhat"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Holder:
    """Where a file system or swap space lies: on a partition, or on a logical volume."""

    partition: int = 0
    group: str = ""
    volume: str = ""

    def __post_init__(self) -> None:
        logical = bool(self.group and self.volume)
        need(logical != bool(self.partition), "a file system lies neither here nor there")
        if logical:
            need_match(_LVM_NAME, self.group, "the name of a volume group")
            need_match(_LVM_NAME, self.volume, "the name of a logical volume")

    def __str__(self) -> str:
        if self.partition:
            return f"partition {self.partition}"
        return f"volume {self.group}/{self.volume}"


@dataclass(frozen=True, slots=True)
class VolumeGroup:
    """An LVM volume group on exactly one partition."""

    name: str
    partition: int
    extent_size: int
    extents: int  # all of them, the free ones too
    pv_uuid: str = ""

    def __post_init__(self) -> None:
        need_match(_LVM_NAME, self.name, "the name of a volume group")
        power = self.extent_size & (self.extent_size - 1) == 0
        need(power and 1024 <= self.extent_size <= 1 << 34, "the extent size of LVM is odd")
        need(0 < self.extents < 1 << 40, f"{self.extents} is not a number of extents")
        pattern = r"(?:[A-Za-z0-9]{6}(?:-[A-Za-z0-9]{4}){5}-[A-Za-z0-9]{6})?"
        need_match(pattern, self.pv_uuid, "the UUID of a physical volume")


@dataclass(frozen=True, slots=True)
class LogicalVolume:
    """A linear logical volume."""

    group: str
    name: str
    extents: int

    def __post_init__(self) -> None:
        need_match(_LVM_NAME, self.group, "the name of a volume group")
        need_match(_LVM_NAME, self.name, "the name of a logical volume")
        need(0 < self.extents < 1 << 40, f"{self.extents} is not a number of extents")


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system with what mkfs must be told to make its like again."""

    holder: Holder
    kind: FileSystemKind
    uuid: str
    label: str = ""
    features: tuple[str, ...] = ()  # ext: the exact set; xfs: "section.name=value"
    block_size: int = 0  # 0: mkfs decides
    inode_size: int = 0
    inode_ratio: int = 0  # ext: bytes for each inode
    reserved_percent: float = 5.0  # ext: of the blocks, for root
    errors: str = ""  # ext: continue, remount-ro or panic
    fat_bits: int = 0  # vfat: 12, 16 or 32

    def __post_init__(self) -> None:
        uuid = r"[0-9A-F]{4}-[0-9A-F]{4}" if self.kind is FileSystemKind.VFAT else UUID
        need_match(uuid, self.uuid, "the UUID of a file system")
        limit = {FileSystemKind.XFS: 12, FileSystemKind.VFAT: 11}.get(self.kind, 16)
        need_printable(self.label, limit, f"a label for {self.kind}")
        for feature in self.features:
            need_match(r"[a-z0-9_]{1,30}(?:\.[a-z0-9_]{1,20}=[0-9]{1,10})?", feature, "a feature")
        sizes = (0, 512, *(1 << bits for bits in range(10, 17)))
        need(self.block_size in sizes, f"{self.block_size} is not a block size")
        need(self.inode_size in (0, *(1 << bits for bits in range(7, 13))), "odd inode size")
        need(0 <= self.inode_ratio <= 1 << 26, f"{self.inode_ratio} is not an inode ratio")
        need(0 <= self.reserved_percent <= 50, "more than half of a file system is reserved")
        need(self.errors in ("", "continue", "remount-ro", "panic"), "odd error behaviour")
        need(self.fat_bits in (0, 12, 16, 32), f"FAT{self.fat_bits} does not exist")


@dataclass(frozen=True, slots=True)
class Swap:
    """Swap space on a partition or a volume."""

    holder: Holder
    uuid: str
    label: str = ""

    def __post_init__(self) -> None:
        need_match(UUID, self.uuid, "the UUID of swap space")
        need_printable(self.label, 16, "a label for swap space")


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a file system of the layout belongs in the tree."""

    path: str
    holder: Holder
    options: str = ""

    def __post_init__(self) -> None:
        good = _PATH.fullmatch(self.path) is not None and self.path.isprintable()
        need(good and len(self.path) <= 1024, f"{ascii(self.path)[:60]} is not a mount point")
        need_match(r"[A-Za-z0-9_=.,:/+@%-]{0,1000}", self.options, "a list of mount options")


@dataclass(frozen=True, slots=True)
class BootFacts:
    """How the golden client starts."""

    firmware: Firmware
    loader: BootLoader
    family: Family
    root_argument: str = ""  # what follows root= on its kernel command line
    efi_loader: str = ""  # "\EFI\debian\shimx64.efi"
    efi_label: str = ""
    fstab: str = ""  # as found

    def __post_init__(self) -> None:
        need_printable(self.root_argument, 300, "a root= argument")
        pattern = r"(?:(?:\\[A-Za-z0-9_. -]{1,80}){1,10})?"
        need_match(pattern, self.efi_loader, "the path of an EFI loader")
        need_match(r"[A-Za-z0-9_. ()+-]{0,80}", self.efi_label, "the label of an EFI boot entry")
        need(len(self.fstab) <= 1 << 16 and "\x00" not in self.fstab, "fstab is not a text")


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole layout; ``disk`` is None only for a standard layout that has no disk yet."""

    kind: LayoutKind
    boot: BootFacts
    disk: Disk | None = None
    groups: tuple[VolumeGroup, ...] = ()
    volumes: tuple[LogicalVolume, ...] = ()
    file_systems: tuple[FileSystem, ...] = ()
    swaps: tuple[Swap, ...] = ()
    mounts: tuple[Mount, ...] = ()
    reason: str = ""  # why the layout is the standard one, as a sentence

    def __post_init__(self) -> None:
        need_printable(self.reason, 500, "a sentence")
        if self.disk is None:
            empty = not (self.groups or self.volumes or self.file_systems or self.mounts)
            need(self.kind is LayoutKind.STANDARD and empty, "it has no disk")
            return
        self._check_references(self.disk)
        need(self.root_mount is not None, "nothing is mounted on /")

    def _check_references(self, disk: Disk) -> None:
        groups = {one.name for one in self.groups}
        volumes = {(one.group, one.name) for one in self.volumes}
        need(len(groups) == len(self.groups), "a volume group is there twice")
        need(len(volumes) == len(self.volumes), "a logical volume is there twice")
        need(all(one.group in groups for one in self.volumes), "a volume has no volume group")
        for group in self.groups:
            used = sum(one.extents for one in self.volumes if one.group == group.name)
            need(used <= group.extents, f"{group.name} has fewer extents than its volumes")
            room = disk.partition(group.partition).size
            need(group.extents * group.extent_size <= room, f"{group.name} exceeds its partition")
        used_places = [
            *(one.holder for one in self.file_systems),
            *(one.holder for one in self.swaps),
        ]
        taken = [Holder(partition=one.partition) for one in self.groups]
        need(len({*used_places, *taken}) == len(used_places) + len(taken), "a place is used twice")
        for holder in used_places:
            known = (holder.group, holder.volume) in volumes or not holder.group
            need(known, f"there is no {holder}")
            if holder.partition:
                need(not disk.partition(holder.partition).extended, f"{holder} is a container")
        on = {one.holder for one in self.file_systems}
        need(all(one.holder in on for one in self.mounts), "a mount has no file system")
        paths = [one.path for one in self.mounts]
        need(len(set(paths)) == len(paths), "two file systems share a mount point")

    @property
    def root_mount(self) -> Mount | None:
        """The mount of "/", or None."""
        return next((one for one in self.mounts if one.path == "/"), None)

    def file_system(self, holder: Holder) -> FileSystem:
        """Return the file system there; raises InvalidInput when there is none."""
        found = next((one for one in self.file_systems if one.holder == holder), None)
        if found is None:
            raise InvalidInput.of(
                "layout.value", f"The disk layout has no file system on {holder}."
            )
        return found

    def to_json(self) -> str:
        """Return the layout as text for layout.json."""
        return json.dumps({"format": FORMAT, **encode(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Layout":
        """Read the text of layout.json; raises InvalidInput for anything that is not exactly one."""
        return decode(cls, text, FORMAT)
