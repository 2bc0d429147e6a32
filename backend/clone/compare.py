"""The proof of a clone: every file that differs from the image, and why it may. Pure.

The input is the output of ``rsync -n --itemize-changes --delete`` (rsync(1)), run from the image to
the clone: what rsync would have to do to make the clone equal to the image.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

ITEM = re.compile(r"(?P<what>[<>ch.][fdLDS][^ ]{9}|\*deleting  ) (?P<path>.+)")

# What the running clone itself changes after its first start, with the reason as people read it.
FIRST_BOOT: tuple[tuple[str, str], ...] = (
    (r"etc/hostname|etc/hosts|etc/mailname", "its own name"),
    (r"etc/machine-id|var/lib/dbus/machine-id", "its own machine-id, made at first start"),
    (r"etc/ssh/ssh_host_[a-z0-9]+_key(\.pub)?", "its own SSH host key, made during the installation"),
    (
        r"etc/(systemd/network|network|netplan|NetworkManager/system-connections|sysconfig/network-scripts)/.*",
        "its own network configuration",
    ),
    (r"etc/resolv\.conf", "its own network configuration"),
    (r"etc/fstab", "its own file system table"),
    (r"boot/grub2?(/.*)?|boot/efi(/.*)?", "its own boot loader, for its disk and firmware"),
    (r"etc/systemd/system/(multi-user\.target\.wants/)?haoscar-first-boot\.service", "the report of its first start"),
    (r"var/lib/haoscar(/.*)?|etc/haoscar(/.*)?", "the record of its installation"),
    (r"var/log(/.*)?", "its own logs"),
    (r"var/lib/systemd(/.*)?", "state that systemd keeps for each machine"),
    (r"var/lib/(dhcp|NetworkManager|chrony|private)(/.*)?", "state of its own services"),
    (r"etc/(\.pwd\.lock|\.updated|ld\.so\.cache)|var/\.updated", "written by systemd at first start"),
    (r"var/cache/ldconfig(/.*)?|var/lib/(misc|logrotate)(/.*)?", "caches made anew at first start"),
    (r"lost\+found(/.*)?|boot/lost\+found(/.*)?", "made with its file system"),
    (r"(root|home/[^/]+)/\.bash_history", "its own shell history"),
    (r"run(/.*)?|tmp(/.*)?|var/tmp(/.*)?|proc(/.*)?|sys(/.*)?|dev(/.*)?", "not part of a disk"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that differs: its path from the root, without the slash, and the reason if known."""

    path: str
    what: str  # rsync's eleven characters, or "*deleting": only the clone has it
    reason: str | None


def parse(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return (what, path) of each itemized line; other lines of rsync are passed over."""
    found = []
    for line in lines:
        match = ITEM.match(line)
        if match:
            path = match["path"].partition(" -> ")[0] if match["what"][1] == "L" else match["path"]
            found.append((match["what"].rstrip(), path.rstrip("/")))
    return found


def differences(
    lines: Iterable[str], explain: Callable[[str], str | None] = lambda _path: None
) -> list[Difference]:
    """Return the differences, each with its reason; ``explain`` knows what the image left out.

    A directory of which only the time differs is nothing of its own: something in it differs, and
    that is listed.
    """
    found = []
    for what, path in parse(lines):
        if what[1:2] == "d" and set(what[2:]) <= {".", "t", "T"}:
            continue
        found.append(Difference(path, what, reason(path) or explain(path)))
    return found


def reason(path: str) -> str | None:
    """Return why this path may differ on a clone that has started once, or None."""
    for pattern, why in FIRST_BOOT:
        if re.fullmatch(pattern, path):
            return why
    return None


def by_reason(found: Iterable[Difference]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the paths grouped by reason, the unexplained ("") first, then the largest group."""
    groups: dict[str, list[str]] = {}
    for one in found:
        groups.setdefault(one.reason or "", []).append("/" + one.path)
    return sorted(
        ((why, tuple(paths)) for why, paths in groups.items()),
        key=lambda group: (group[0] != "", -len(group[1]), group[0]),
    )
