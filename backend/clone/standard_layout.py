"""The layout of a clone whose golden client has no disk of its own: one root that fills the disk.

GPT with a BIOS boot partition and an EFI partition, so that the same layout starts on both kinds
of firmware.
"""

import re
import secrets
import uuid
from dataclasses import dataclass, replace

from backend.clone.target import STANDARD_ROOT_START, standard_root_bytes
from backend.errors import InvalidInput
from backend.model.disk import MIB, UUID, Disk, Partition, Table
from backend.model.layout import (
    BootLoader,
    FileSystem,
    FileSystemKind,
    Holder,
    Layout,
    LayoutKind,
    Mount,
)

LINUX_ROOT = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"  # x86-64 root, Discoverable Partitions
# Named one by one: the same on every mke2fs, and GRUB 2.06 reads all of them.
EXT4_FEATURES = (
    "has_journal", "ext_attr", "resize_inode", "dir_index", "filetype", "extent", "64bit",
    "flex_bg", "sparse_super", "large_file", "huge_file", "dir_nlink", "extra_isize",
    "metadata_csum",
)  # fmt: skip
BIOS_NUMBER, ESP_NUMBER, ROOT_NUMBER = 1, 2, 3


@dataclass(frozen=True, slots=True)
class StandardIds:
    """The identifiers of one standard layout; kept, so that its plan can be made again."""

    table: str
    bios_boot: str
    esp: str
    root: str
    root_file_system: str
    esp_volume: str  # "ABCD-1234"

    def __post_init__(self) -> None:
        uuids = (self.table, self.bios_boot, self.esp, self.root, self.root_file_system)
        good = all(re.fullmatch(UUID, one) for one in uuids) and len(set(uuids)) == len(uuids)
        if not good or not re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}", self.esp_volume):
            raise InvalidInput.of("layout.ids", "The identifiers of the new disk are not valid.")


def new_ids() -> StandardIds:
    """Draw fresh random identifiers."""
    table, bios_boot, esp, root, root_file_system = (str(uuid.uuid4()) for _ in range(5))
    volume = secrets.token_hex(4).upper()
    return StandardIds(table, bios_boot, esp, root, root_file_system, f"{volume[:4]}-{volume[4:]}")


def standard_layout(layout: Layout, ids: StandardIds, *, image_bytes: int = 0) -> Layout:
    """Return the layout with a disk; a captured one is returned as it is. Pure."""
    if layout.kind is LayoutKind.CAPTURED or layout.disk is not None:
        return layout
    size = standard_root_bytes(image_bytes)
    partitions = (
        Partition(
            BIOS_NUMBER, MIB, MIB, "21686148-6449-6E6F-744E-656564454649", ids.bios_boot, "BIOS boot"
        ),
        Partition(
            ESP_NUMBER, 2 * MIB, STANDARD_ROOT_START - 2 * MIB,
            "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", ids.esp, "EFI",
        ),
        Partition(ROOT_NUMBER, STANDARD_ROOT_START, size, LINUX_ROOT, ids.root, "root"),
    )  # fmt: skip
    root, esp = Holder(partition=ROOT_NUMBER), Holder(partition=ESP_NUMBER)
    root_system = FileSystem(
        root, FileSystemKind.EXT4, ids.root_file_system, "root", EXT4_FEATURES,
        block_size=4096, inode_size=256, inode_ratio=16384, errors="remount-ro",
    )  # fmt: skip
    esp_system = FileSystem(esp, FileSystemKind.VFAT, ids.esp_volume, "EFI", fat_bits=32)
    end = STANDARD_ROOT_START + size + MIB
    return replace(
        layout,
        boot=replace(layout.boot, loader=BootLoader.GRUB),
        disk=Disk("/dev/standard", end, 512, Table.GPT, ids.table, partitions),
        file_systems=(root_system, esp_system),
        mounts=(Mount("/", root), Mount("/boot/efi", esp, "fmask=0077,dmask=0077")),
    )
