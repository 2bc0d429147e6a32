r"""What is left out of an image or made new on its clones, each with its reason, as data; pure.

Patterns are rsync's, always anchored at the root of the tree: ``*`` stays inside one name, ``**``
crosses slashes, a backslash takes the next character as it is. ``/tmp/*`` keeps the directory and
leaves out what is in it. Whatever is below something left out is left out too.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.imaging.mounts import MountChoice, SkippedMount

_SPECIAL = re.compile(r"([*?\[\\])")
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A pattern and why it is not copied; ``made_new`` when the clone makes its own."""

    pattern: str
    reason: str
    made_new: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return it for image.json."""
        return {"pattern": self.pattern, "reason": self.reason, "made_new": self.made_new}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Exclusion":
        """Read it from image.json; raises KeyError."""
        return cls(str(data["pattern"]), str(data["reason"]), bool(data["made_new"]))


def _group(reason: str, *patterns: str, made_new: bool = False) -> tuple[Exclusion, ...]:
    return tuple(Exclusion(one, reason, made_new) for one in patterns)


# The order is the order of the preview: identity first, then state, then bulk.
STANDARD: tuple[Exclusion, ...] = (
    *_group(
        "SSH host keys: every machine has its own",
        "/etc/ssh/ssh_host_*", "/etc/dropbear/dropbear_*_host_key",
        made_new=True,
    ),
    *_group(
        "the machine's identity for systemd and D-Bus",
        "/etc/machine-id", "/var/lib/dbus/machine-id",
        made_new=True,
    ),
    *_group(
        "the failover agent of this machine: install-agent puts the clone's own there",
        "/etc/haoscar/agent.json*", "/etc/haoscar/agent.key*", "/var/lib/haoscar-agent",
        "/var/lib/haoscar/agent.key", "/var/lib/haoscar/agents.json",
        "/usr/local/lib/haoscar/haoscar-agent.pyz*",
        "/etc/systemd/system/haoscar-agent.service", "/etc/systemd/system/haoscar-witness.service",
        "/etc/systemd/system/*.wants/haoscar-agent.service",
        "/etc/systemd/system/*.wants/haoscar-witness.service",
        made_new=True,
    ),
    *_group(
        "the seed of the random number generator: two machines must never share it",
        "/var/lib/systemd/random-seed", "/var/lib/urandom/random-seed",
        "/boot/efi/loader/random-seed", "/boot/loader/random-seed", "/efi/loader/random-seed",
        made_new=True,
    ),
    *_group(
        "the host's own key for stored credentials",
        "/var/lib/systemd/credential.secret",
        made_new=True,
    ),
    *_group(
        "addresses leased to this machine by DHCP (the leases a DHCP server gave out are kept)",
        "/var/lib/dhcp/dhclient*.lease*", "/var/lib/dhclient/*", "/var/lib/dhcpcd/*",
        "/var/lib/NetworkManager/*.lease",
        made_new=True,
    ),
    *_group(
        "what NetworkManager knows of this machine only",
        "/var/lib/NetworkManager/secret_key", "/var/lib/NetworkManager/timestamps",
        "/var/lib/NetworkManager/seen-bssids",
        made_new=True,
    ),
    *_group(
        "names bound to this machine's network cards and drives",
        "/etc/udev/rules.d/70-persistent-net.rules", "/etc/udev/rules.d/70-persistent-cd.rules",
        "/etc/udev/rules.d/75-cd-aliases-generator.rules",
    ),
    *_group(
        "LVM's notes about this machine's disks: the clone has others",
        "/etc/lvm/cache/*", "/etc/lvm/backup/*", "/etc/lvm/archive/*",
        "/etc/lvm/devices/system.devices*", "/etc/lvm/devices/backup/*",
        made_new=True,
    ),
    *_group(
        "names bound to this machine's disks",
        "/etc/blkid.tab*", "/etc/multipath/bindings", "/etc/multipath/wwids",
        "/etc/zfs/zpool.cache",
    ),
    *_group(
        "names of which the storage network may see only one: two machines with one initiator"
        " name destroy each other's data",
        "/etc/iscsi/initiatorname.iscsi", "/etc/nvme/hostnqn", "/etc/nvme/hostid",
    ),
    *_group(
        "locks held on NFS servers: from the clone they would be reported as lost",
        "/var/lib/nfs/sm/*", "/var/lib/nfs/sm.bak/*", "/var/lib/nfs/statd/sm/*",
        "/var/lib/nfs/statd/sm.bak/*", "/var/lib/nfs/rmtab",
    ),
    *_group(
        "settings of this machine's screen and radio hardware",
        "/var/lib/systemd/backlight/*", "/var/lib/systemd/rfkill/*",
    ),
    *_group("crash dumps", "/var/lib/systemd/coredump/*", "/var/crash/*", "/var/lib/systemd/pstore/*"),
    *_group(
        "HA-OSCAR's own images, journal and installations: they are this head's",
        "/var/lib/haoscar/*", "/var/cache/haoscar/*",
    ),
    *_group(
        "what the running kernel and the running system put there",
        "/dev/*", "/proc/*", "/run/*", "/sys/*", "/etc/mtab.lock", "/.autorelabel",
        made_new=True,
    ),
    *_group("temporary files", "/tmp/*", "/var/tmp/*"),  # noqa: S108 (left out, not used)
    *_group(
        "the journal of this machine-id; other logs are kept, for the standby takes over their role",
        "/var/log/journal/*",
        made_new=True,
    ),
    *_group(
        "old logs that have been rotated away",
        "/var/log/**.gz", "/var/log/**.xz", "/var/log/**.bz2", "/var/log/**.zst",
        "/var/log/**.[0-9]", "/var/log/**-20[0-9][0-9][0-9][0-9][0-9][0-9]",
    ),
    *_group(
        "package files that the package manager can load again",
        "/var/cache/apt/archives/*.deb", "/var/cache/apt/archives/partial/*",
        "/var/cache/apt/*.bin", "/var/cache/dnf/*", "/var/cache/yum/*", "/var/cache/libdnf5/*",
        "/var/cache/PackageKit/*",
        made_new=True,
    ),
)  # fmt: skip


def exclusions_for(
    choice: MountChoice,
    swap_files: Iterable[str] = (),
    requested: Iterable[str] = (),
    own: Iterable[str] = (),
    root: str = "/",
) -> tuple[Exclusion, ...]:
    """Return everything left out of one image: the standard list and what this client adds.

    ``requested`` and ``own`` (the image directory itself) are paths below ``root``; ``swap_files``
    are absolute on the client.
    """
    added = [Exclusion(_below(one.mount.target, root) + "/*", one.reason) for one in choice.skipped]
    added += [
        Exclusion(
            pattern(_below(mount.target, root), "/lost+found"),
            "made with every file system",
            made_new=True,
        )
        for mount in choice.included
    ]
    added += [
        Exclusion(
            pattern(_below(path, root)), "a swap file: its content means nothing", made_new=True
        )
        for path in swap_files
        if path.startswith(root.rstrip("/") + "/")
    ]
    added += [
        Exclusion(
            pattern(path.rstrip("/"), "/*" if path.endswith("/") else ""),
            "left out on your request",
        )
        for path in requested
    ]
    added += [Exclusion(pattern(path), "the images themselves") for path in own]
    known: dict[str, Exclusion] = {}
    for one in (*STANDARD, *added):
        known.setdefault(one.pattern, one)
    return tuple(known.values())


def seen_from_outside(choice: MountChoice, root: str = "/") -> tuple[SkippedMount, ...]:
    """Return the skipped mounts that do not lie in something that is left out anyway."""
    seen: list[SkippedMount] = []
    for one in choice.skipped:  # sorted: what contains comes before what is contained
        path = _below(one.mount.target, root)
        inside = any(path.startswith(_below(other.mount.target, root) + "/") for other in seen)
        if not inside and explain(path) is None:
            seen.append(one)
    return tuple(seen)


def pattern(path: str, suffix: str = "") -> str:
    """Return the pattern that matches exactly this path, followed by a suffix of our own.

    rsync takes a backslash as an escape only in a pattern that has wildcards (rsync(1)).
    """
    if not _WILD.search(path + suffix):
        return path + suffix
    return _SPECIAL.sub(r"\\\1", path) + suffix


def explain(path: str, exclusions: Sequence[Exclusion] = STANDARD) -> str | None:
    """Return why a path (with or without its leading slash) is not in an image, or None if it is."""
    absolute = "/" + path.removeprefix("./").strip("/")
    found = next((one for one in exclusions if _expression(one.pattern).match(absolute)), None)
    return None if found is None else found.reason


def swap_files(swaps: str) -> tuple[str, ...]:
    """Return the swap files (not the partitions) that /proc/swaps lists."""
    lines = (line.split() for line in swaps.splitlines()[1:])
    names = (words[0] for words in lines if len(words) > 1 and words[1] == "file")
    return tuple(
        re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), name) for name in names
    )


def _below(target: str, root: str) -> str:
    relative = target[len(root.rstrip("/")) :]
    return "" if relative == "/" else relative


_compiled: dict[str, re.Pattern[str]] = {}


def _expression(wild: str) -> re.Pattern[str]:
    if wild not in _compiled:
        _compiled[wild] = re.compile(_translate(wild) + r"(?:/.*)?\Z", re.DOTALL)
    return _compiled[wild]


_TOKEN = re.compile(r"\\(.)|(\*\*)|(\*)|(\?)|(\[[^\]]+\])|(.)", re.DOTALL)


def _translate(wild: str) -> str:
    """Return the regular expression of an rsync pattern."""
    if not _WILD.search(wild):
        return re.escape(wild)
    words = []
    for literal, anything, star, question, some, plain in _TOKEN.findall(wild):
        if anything:
            words.append(".*")
        elif star:
            words.append("[^/]*")
        elif question:
            words.append("[^/]")
        elif some:
            words.append(some)
        else:
            words.append(re.escape(literal or plain))
    return "".join(words)
