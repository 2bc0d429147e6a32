"""What makes the clone a machine of its own: name, addresses, keys, machine-id, fstab. Pure."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from backend.clone.image_facts import ImageFacts
from backend.clone.inventory import Inventory
from backend.clone.network_config import cards_of, network_steps
from backend.clone.probe_outputs import parse_fstab
from backend.clone.steps import Move, Remove, Run, Step, Write
from backend.model.layout import FileSystemKind, Layout, LayoutKind
from backend.model.site import IpAssignment, Site, Standby
from backend.reports import Report, info, warning

LOOPBACK_NAME = "127.0.1.1"  # Debian's line for the machine's own name
KEYGEN = ("ssh-keygen", "-q", "-N", "", "-C", "", "-t")
KERNEL_MOUNTS = ("proc", "sysfs", "devpts", "swap", "none")


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """The steps, in their order, and what the administrator is told."""

    steps: tuple[Step, ...]
    notes: tuple[Report, ...]

    def touched(self) -> dict[str, str]:
        """Return every path that differs from the image on purpose, with the reason."""
        found: dict[str, str] = {}
        for step in self.steps:
            if isinstance(step, Write | Remove):
                found[step.path] = step.why
            elif isinstance(step, Move):
                found.setdefault(step.path, step.why)
                found[step.target] = step.why
            elif "ssh-keygen" in step.argv:
                key = step.argv[step.argv.index("-f") + 1]
                found |= {key: step.why, f"{key}.pub": step.why}
        return found


def identity_steps(
    site: Site,
    standby: Standby,
    layout: Layout,
    facts: ImageFacts,
    inventory: Inventory,
    *,
    swap_files: tuple[tuple[str, int], ...] = (),
) -> IdentityPlan:
    """Return what is written, removed and run in the clone; raises Refused.

    ``layout`` is that of the plan, so that fstab names what was made. ``swap_files`` are paths and
    bytes of swap files that the image leaves out.
    """
    notes: list[Report] = []
    steps = _unique_steps(facts)
    source = site.image(standby.image)
    if source is not None and source.ip_assignment is IpAssignment.REPLICANT:
        text = f"{standby.name} is a replicant: it has the golden client's own name and addresses."
        notes.append(
            warning("identity.replicant", text, "Connect it only when the golden client is off.")
        )
    else:
        steps += _name_steps(site, standby, facts)
        cards = cards_of(site, standby, inventory, facts)
        steps += network_steps(cards, facts)
        if site.public is not None and not any(one.role == "public" for one in cards):
            text = f"{standby.name} has one network card: it cannot take over public addresses."
            notes.append(warning("identity.no-public-card", text, "Put a second card in."))
    steps += _fstab_steps(layout, facts)
    steps += _swap_file_steps(layout, swap_files)
    steps += _server_steps(facts, notes)
    steps += _label_steps(steps, facts)
    return IdentityPlan(tuple(steps), tuple(notes))


def _name_steps(site: Site, standby: Standby, facts: ImageFacts) -> list[Step]:
    why = "The clone has a name of its own."
    return [
        Write("/etc/hostname", f"{standby.name}\n", why),
        Write("/etc/hosts", hosts_file(facts.hosts, facts.host_name, site, standby), why),
    ]


def hosts_file(text: str, golden_name: str, site: Site, standby: Standby) -> str:
    """Return /etc/hosts for the clone: everything kept, but no loopback line is the golden client.

    The clone's own address and the primary's are added where no line has them.
    """
    lines = []
    for line in text.splitlines():
        kept = _without_golden(line, golden_name, site)
        if kept is not None:
            lines.append(kept)
    own = f"{standby.name}.{site.domain} {standby.name}"
    primary = site.primary
    wanted = (
        (standby.address, own, standby.name),
        (primary.private_address, f"{primary.name}.{site.domain} {primary.name}", primary.name),
    )
    lines = [_renamed(line, standby.address, own) for line in lines]
    if any(line.split()[:1] == [LOOPBACK_NAME] for line in text.splitlines()):
        place = next(
            (n + 1 for n, line in enumerate(lines) if line.split()[:1] == ["127.0.0.1"]), 0
        )
        lines.insert(place, f"{LOOPBACK_NAME}\t{own}")
    for address, names, _ in wanted:
        if not any(line.split()[:1] == [str(address)] for line in lines):
            lines.append(f"{address}\t{names}")
    return "\n".join(lines) + "\n"


def _without_golden(line: str, golden_name: str, site: Site) -> str | None:
    """Return the line, without the golden client's name where it stands for "this machine"."""
    words = line.partition("#")[0].split()
    if not words or not (words[0].startswith("127.") or words[0] == "::1"):
        return line
    if words[0] == LOOPBACK_NAME:
        return None
    golden = {golden_name, f"{golden_name}.{site.domain}", site.primary.name} - {"", "localhost"}
    golden |= {word for word in words[1:] if word.partition(".")[0] in golden}
    kept = [word for word in words[1:] if word not in golden]
    if len(kept) == len(words) - 1:
        return line
    return f"{words[0]}\t{' '.join(kept)}" if kept else None


def _renamed(line: str, address: IPv4Address, names: str) -> str:
    """Return the line with the clone's own names, when it is the line of the clone's address."""
    words = line.partition("#")[0].split()
    if words[:1] != [str(address)]:
        return line
    extra = [word for word in words[1:] if word not in names.split()]
    return f"{address}\t{' '.join((names, *extra))}"


def _unique_steps(facts: ImageFacts) -> list[Step]:
    steps: list[Step] = [
        Write("/etc/machine-id", "", "systemd makes a new one at the first start.", mode=0o444)
    ]
    steps += [
        Remove(path, "Two machines must not share it; it is made again.")
        for path in (*facts.stale_files, *facts.host_keys)
        if path != "/etc/machine-id"
    ]
    if "ssh-keygen" in facts.programs:
        kinds = ["ed25519", "ecdsa", *(["rsa"] if facts.rsa_host_key else [])]
        steps += [
            Run(
                (*KEYGEN, kind, "-f", f"/etc/ssh/ssh_host_{kind}_key"),
                "The clone has SSH host keys of its own.",
                chroot=True,
            )
            for kind in kinds
        ]
    return steps


def _fstab_steps(layout: Layout, facts: ImageFacts) -> list[Step]:
    if layout.kind is LayoutKind.STANDARD:
        text = standard_fstab(layout, facts.fstab)
        return [Write("/etc/fstab", text, "The clone has a disk of its own.")]
    text = fstab_by_uuid(layout, facts.fstab)
    if text == facts.fstab:
        return []
    return [Write("/etc/fstab", text, "The disk may have another name here: by UUID instead.")]


def _swap_file_steps(layout: Layout, swap_files: tuple[tuple[str, int], ...]) -> list[Step]:
    """Return what makes swap files again; the standard layout's fstab names none."""
    if layout.kind is LayoutKind.STANDARD:
        return []
    why = "A swap file is not copied; it is made again."
    steps: list[Step] = []
    for path, size in swap_files:
        if not path.startswith("/") or not path.isprintable() or not 0 < size < 1 << 50:
            continue
        steps.append(Write(path, "", why, mode=0o600))
        steps.append(Run(("fallocate", "-l", str(size), path), why, chroot=True, may_fail=True))
        steps.append(Run(("mkswap", path), why, chroot=True, may_fail=True))
    return steps


def standard_fstab(layout: Layout, text: str) -> str:
    """Return fstab for the standard layout; what is not on a disk (NFS, tmpfs) is kept."""
    lines = ["# Written by HA-OSCAR when this machine was cloned."]
    for mount in layout.mounts:
        system = layout.file_system(mount.holder)
        options = "umask=0077,nofail" if system.kind is FileSystemKind.VFAT else "errors=remount-ro"
        check = 1 if mount.path == "/" else 2
        lines.append(f"UUID={system.uuid} {mount.path} {system.kind} {options} 0 {check}")
    taken = {mount.path for mount in layout.mounts}
    for line in text.splitlines():
        found = parse_fstab(line)
        device = ("/dev/", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=")
        if not found or found[0].path in taken or found[0].source.startswith(device):
            continue
        if found[0].type != "swap" and found[0].type not in KERNEL_MOUNTS:
            lines.append(line)
    return "\n".join(lines) + "\n"


def fstab_by_uuid(layout: Layout, text: str) -> str:
    """Return fstab with the golden client's disk names replaced by the UUIDs that are on them."""
    if layout.disk is None:
        return text
    path = layout.disk.path
    stem = f"{path}p" if path[-1].isdigit() else path
    uuids = {f"{stem}{one.holder.partition}": one.uuid for one in layout.file_systems}
    uuids |= {f"{stem}{one.holder.partition}": one.uuid for one in layout.swaps}
    return re.sub(
        r"^([ \t]*)(/dev/\S+)(?=[ \t])",
        lambda found: found[1] + (f"UUID={uuids[found[2]]}" if found[2] in uuids else found[2]),
        text,
        flags=re.MULTILINE,
    )


def _server_steps(facts: ImageFacts, notes: list[Report]) -> list[Step]:
    if not facts.server_units or "systemctl" not in facts.programs:
        return []
    names = ", ".join(facts.server_units)
    text = f"On the clone {names} do not start by themselves: two heads must not both answer."
    notes.append(info("identity.servers-off", text))
    why = "Two heads must not both answer DHCP and boot requests."
    return [
        Run(("systemctl", "disable", unit), why, chroot=True, may_fail=True)
        for unit in facts.server_units
    ]


def _label_steps(steps: list[Step], facts: ImageFacts) -> list[Step]:
    if not facts.selinux_contexts or "setfiles" not in facts.programs:
        return []
    paths = [step.path for step in steps if isinstance(step, Write)]
    argv = ("setfiles", "-F", facts.selinux_contexts, *paths)
    return [Run(argv, "SELinux knows the new files.", chroot=True, may_fail=True)]
