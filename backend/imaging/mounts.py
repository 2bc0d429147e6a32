"""Which mounted file systems belong to a system, read from its /proc/self/mountinfo; pure.

Source: proc_pid_mountinfo(5). The file that holds the root always belongs to the system, whatever
its type (a container's overlay, a diskless node's NFS). Of the others only those on a local disk.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backend.errors import InvalidInput

DISK_TYPES = frozenset(
    ("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "reiserfs", "vfat", "xfs", "zfs")
)
NETWORK_TYPES = frozenset(
    ("9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
     "ocfs2", "gfs2", "orangefs", "pvfs2", "smb3", "smbfs", "virtiofs")
)  # fmt: skip
SUBVOLUME_TYPES = frozenset(("bcachefs", "btrfs", "zfs"))  # a part of one may be mounted by itself
IMAGE_TYPES = frozenset(("erofs", "iso9660", "squashfs", "udf"))
REMOVABLE = ("/media/", "/run/media/")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo."""

    target: str
    fstype: str
    source: str
    device: str  # major:minor of the file system
    root: str  # the directory of the file system that is seen at the target


@dataclass(frozen=True, slots=True)
class SkippedMount:
    """A mounted file system that stays out of the image, and why."""

    mount: Mount
    reason: str


@dataclass(frozen=True, slots=True)
class MountChoice:
    """What is copied, the root first, and what is not."""

    included: tuple[Mount, ...]
    skipped: tuple[SkippedMount, ...]


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Return the mounts, of several on one target only the last; raises InvalidInput."""
    mounts: dict[str, Mount] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        head, separator, tail = line.partition(" - ")
        left, right = head.split(" "), tail.split(" ")
        if not separator or len(left) < 6 or len(right) < 2:
            raise InvalidInput.of(
                "mounts.line",
                f"Line {number} of the golden client's mount table cannot be read: {line[:80]!r}.",
                "It must look like /proc/self/mountinfo of Linux.",
            )
        target = _unescape(left[4])
        mounts.pop(target, None)  # the later one lies on top
        mounts[target] = Mount(target, right[0], _unescape(right[1]), left[2], _unescape(left[3]))
    return tuple(mounts.values())


def choose_mounts(mounts: Sequence[Mount], root: str = "/") -> MountChoice:
    """Divide the mounts at and below ``root`` into the system's own and the others."""
    top = _mount_of(root, mounts)
    included = [Mount(root, top.fstype, top.source, top.device, top.root)]
    skipped = []
    inside = [m for m in mounts if m.target != root and m.target.startswith(root.rstrip("/") + "/")]
    # The widest view of a file system first: the others then are duplicates of a part of it.
    for mount in sorted(inside, key=lambda m: (len(m.root), m.target.count("/"), m.target)):
        reason = _reason(mount, included)
        if reason is None:
            included.append(mount)
        else:
            skipped.append(SkippedMount(mount, reason))
    included[1:] = sorted(included[1:], key=lambda m: m.target)
    skipped.sort(key=lambda s: s.mount.target)
    return MountChoice(tuple(included), tuple(skipped))


def _mount_of(path: str, mounts: Sequence[Mount]) -> Mount:
    holders = [m for m in mounts if path == m.target or _inside(path, m.target)]
    if not holders:
        raise InvalidInput.of(
            "mounts.no-root",
            f"The golden client's mount table has no file system for {path}.",
            "Look at /proc/self/mountinfo there.",
        )
    return max(holders, key=lambda m: len(m.target))


def _inside(path: str, directory: str) -> bool:
    return path.startswith(directory.rstrip("/") + "/")


def _reason(mount: Mount, included: Sequence[Mount]) -> str | None:
    """Return why a mount stays out, or None when it belongs to the system."""
    kind = mount.fstype
    if kind in NETWORK_TYPES or kind.startswith(("fuse", "nfs")):
        what = "a FUSE" if kind.startswith("fuse") else "a network"
        return f"{what} file system ({kind}): it belongs to somebody else and is mounted again"
    if kind in IMAGE_TYPES:
        return f"a read-only medium or image ({kind})"
    if kind == "overlay":
        return "a container's file system, put together again when the container starts"
    if kind not in DISK_TYPES:
        return f"a file system of the running kernel ({kind}), empty on a disk"
    if mount.target.startswith(REMOVABLE):
        return "a removable medium"
    if mount.source.startswith("/dev/loop"):
        return "a file mounted as a disk; the file itself is in the image"
    twin = next((one for one in included if _same(one, mount)), None)
    if twin is not None:
        return f"shows what is in the image already, below {twin.target}"
    if mount.root != "/" and kind not in SUBVOLUME_TYPES:
        return "a bind mount: a directory from elsewhere, shown here"
    return None


def _same(one: Mount, other: Mount) -> bool:
    """Whether two mounts show the same files; subvolumes of one btrfs do not."""
    if one.device != other.device:
        return False
    if one.fstype == "btrfs":
        return one.root == other.root
    return one.root == other.root or _inside(other.root, one.root)


def _unescape(field: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)
