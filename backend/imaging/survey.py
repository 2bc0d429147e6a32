"""What must be known and must be right before a fetch writes anything."""

import errno
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.errors import CommandFailed, HaoscarError, InvalidInput, Refused
from backend.imaging.client import GoldenClient
from backend.imaging.excludes import (
    Exclusion,
    exclusions_for,
    seen_from_outside,
    swap_files,
)
from backend.imaging.mounts import MountChoice, choose_mounts, parse_mountinfo
from backend.model.requests_image import FetchImageRequest
from backend.reports import Report, error, warning
from backend.system.runner import Command, Runner

SLACK = 64 << 20  # bytes that stay free on the images' file system
PER_ENTRY = 512  # bytes of directory and inode for an entry that is shared with another version
OLDEST_RSYNC = (3, 1)


@dataclass(frozen=True, slots=True)
class Survey:
    """The golden client as it is before the copy."""

    mounts: MountChoice
    skipped: tuple[tuple[str, str], ...]  # (mount point, reason)
    swap_files: tuple[tuple[str, int], ...]
    exclusions: tuple[Exclusion, ...]
    used: int | None  # bytes on its file systems; None when only a part of one is copied
    architecture: str
    notes: tuple[Report, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The mount points that are copied, the root first."""
        return tuple(mount.target for mount in self.mounts.included)


def survey(
    client: GoldenClient, local: Runner, request: FetchImageRequest, images: Path, root: str = "/"
) -> Survey:
    """Look at the golden client; raises HaoscarError with every problem at once."""
    problems = [*_rsync_problems("this head", local)]
    if not client.is_local:
        problems += _rsync_problems(client.name, client.runner)
    if client.runner.run(Command.of("id", "-u")).stdout.strip() != "0":
        problems.append(
            error("fetch.not-root", "An image needs every file of the golden client.", "Be root.")
        )
    if problems:
        raise HaoscarError(*problems)
    mounts = choose_mounts(parse_mountinfo(_read(client, "/proc/self/mountinfo")), root)
    _check_names(mounts)
    swaps = swap_files(_read(client, "/proc/swaps", missing=""))
    own = [str(images)[len(root.rstrip("/")) :]] if _is_inside(client, images, root) else []
    requested = _leave_out(client, request.leave_out, root)
    return Survey(
        mounts,
        tuple((one.mount.target, one.reason) for one in seen_from_outside(mounts, root)),
        tuple((path, _size_of(client, path)) for path in swaps),
        exclusions_for(mounts, swaps, requested, own, root),
        _used(client, [mount.target for mount in mounts.included]) if root == "/" else None,
        client.runner.run(Command.of("uname", "-m")).stdout.strip()[:40],
        _notes(mounts),
    )


def check_space(survey: Survey, transferred: int, entries: int, images: Path) -> None:
    """Raise Refused when the images' file system has too little room; sizes in bytes."""
    status = os.statvfs(images)
    free = status.f_bavail * status.f_frsize
    needed = transferred if survey.used is None else min(transferred, survey.used)
    needed += entries * PER_ENTRY + SLACK
    if needed > free:
        raise Refused.of(
            "fetch.no-space",
            f"The image needs {needed / 1e9:.2f} GB more, and {images} has {free / 1e9:.2f} GB free."
            " Nothing was copied.",
            "Delete old versions ('haoscar image delete'), leave a directory out (--leave-out),"
            " or give the images a bigger file system.",
        )
    if status.f_files and status.f_favail < entries:
        raise Refused.of(
            "fetch.no-inodes",
            f"The image has {entries} files, and {images} has room for {status.f_favail} more names"
            " (inodes). Nothing was copied.",
            "Delete old versions, or give the images a file system with more inodes.",
        )


def check_store(directory: Path) -> None:
    """Raise Refused when a file system cannot hold an image: xattrs, ACLs, capabilities, owners."""
    lacking = []
    handle, name = tempfile.mkstemp(prefix=".probe-", dir=directory)
    os.close(handle)
    probe = Path(name)
    acl = _acl()
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    try:
        for what, attribute, value in (
            ("extended attributes", "user.haoscar", b"1"),
            ("ACLs", "system.posix_acl_access", acl),
            ("file capabilities", "security.capability", capability),
        ):
            try:
                os.setxattr(probe, attribute, value)
            except OSError as problem:
                if problem.errno in (errno.ENOTSUP, errno.EPERM, errno.EINVAL):
                    lacking.append(what)
        try:
            os.chown(probe, 12345, 12345)
        except OSError:
            lacking.append("owners of files")
    finally:
        probe.unlink()
    if lacking:
        raise Refused.of(
            "fetch.poor-store",
            f"The file system of {directory} cannot hold {', '.join(lacking)}.",
            "Put the images on ext4, xfs or btrfs, and run as root.",
        )


def _acl() -> bytes:
    """Return the ACL u::rw-,u:1000:r--,g::r--,m::r--,o::r-- as the kernel stores it."""
    nobody = 0xFFFFFFFF
    rules = ((1, 6, nobody), (2, 4, 1000), (4, 4, nobody), (16, 4, nobody), (32, 4, nobody))
    parts = [
        tag.to_bytes(2, "little") + rights.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, rights, who in rules
    ]
    return (2).to_bytes(4, "little") + b"".join(parts)


def _rsync_problems(where: str, runner: Runner) -> list[Report]:
    install = f"Install the package rsync on {where}."
    try:
        result = runner.run(Command.of("rsync", "--version"), check=False)
    except CommandFailed:
        return [error("fetch.no-rsync", f"There is no rsync on {where}.", install)]
    match = re.search(r"version v?(\d+)\.(\d+)", result.stdout)
    if not result.ok or match is None:
        return [error("fetch.no-rsync", f"There is no rsync on {where}.", install)]
    if (int(match[1]), int(match[2])) < OLDEST_RSYNC:
        text = f"rsync on {where} is version {match[1]}.{match[2]}; 3.1 is needed."
        return [error("fetch.old-rsync", text, "Update it.")]
    return [
        error("fetch.poor-rsync", f"rsync on {where} was built without {what}.", "Replace it.")
        for what in ("ACLs", "xattrs", "hardlinks")
        if f"no {what}" in result.stdout
    ]


def _read(client: GoldenClient, path: str, missing: str | None = None) -> str:
    result = client.runner.run(Command.of("cat", path), check=missing is None)
    return result.stdout if result.ok or missing is None else missing


def _size_of(client: GoldenClient, path: str) -> int:
    result = client.runner.run(Command.of("stat", "--format=%s", "--", path), check=False)
    text = result.stdout.strip()
    return int(text) if result.ok and text.isdigit() else 0


def _leave_out(client: GoldenClient, paths: Sequence[str], root: str) -> list[str]:
    """Return the paths to leave out, a directory with a slash: it stays, empty, as a mount point."""
    found = []
    for path in paths:
        probe = Command.of("stat", "--format=%F", "--", root.rstrip("/") + path)
        result = client.runner.run(probe, check=False)
        if not result.ok:
            raise InvalidInput.of(
                "fetch.leave-out",
                f"{path} is to be left out, and {client.name} has no such file or directory.",
                "Check how it is written.",
            )
        found.append(path + ("/" if result.stdout.strip() == "directory" else ""))
    return found


def _used(client: GoldenClient, targets: Sequence[str]) -> int:
    """Return the bytes used on the file systems that are copied."""
    result = client.runner.run(Command.of("df", "-B1", "--output=used", "--", *targets))
    return sum(int(line) for line in result.stdout.split() if line.isdigit())


def _is_inside(client: GoldenClient, images: Path, root: str) -> bool:
    return client.is_local and str(images).startswith(root.rstrip("/") + "/")


def _check_names(choice: MountChoice) -> None:
    mounts = [*choice.included, *(one.mount for one in choice.skipped)]
    for mount in mounts:
        if "\ufffd" in mount.target:
            raise InvalidInput.of(
                "fetch.mount-name",
                f"The mount point {mount.target!a} has a name that is not UTF-8.",
                "Rename it, or unmount it while the image is fetched.",
            )


def _notes(choice: MountChoice) -> tuple[Report, ...]:
    notes = []
    if any(mount.fstype == "btrfs" for mount in choice.included):
        notes.append(
            warning(
                "fetch.btrfs",
                "btrfs subvolumes that are not mounted themselves are not copied.",
                "Mount those that belong to the system.",
            )
        )
    if any(mount.fstype == "zfs" for mount in choice.included):
        notes.append(
            warning(
                "fetch.zfs", "ZFS data sets that are not mounted are not copied.", "Mount them."
            )
        )
    return tuple(notes)
