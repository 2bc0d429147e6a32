"""What the head answers to one machine's inventory: the script for exactly that machine, or why not."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from backend.clone.bootloader import boot_problems, loader_steps
from backend.clone.constants import TARGET
from backend.clone.identity import identity_steps
from backend.clone.image_facts import ImageFacts, gather_facts
from backend.clone.inventory import Inventory, parse_inventory
from backend.clone.keys import PublicKey
from backend.clone.layout_plan import DiskPlan, plan
from backend.clone.script import TicketSteps, first_boot_steps, render_ticket
from backend.clone.standard_layout import StandardIds, new_ids, standard_layout
from backend.clone.steps import Run, Step
from backend.clone.target import choose_disk
from backend.clone.ticket import Ticket
from backend.errors import HaoscarError, Refused
from backend.imaging.catalog import Catalog, ImageVersion
from backend.imaging.checklists import CheckLists, check_lists
from backend.imaging.manifest import read_manifest
from backend.model.layout import FileSystemKind, Layout, LayoutKind
from backend.model.site import Firmware, IpAssignment, PostInstall, Site, Standby
from backend.paths import Paths
from backend.reports import Report, warning
from backend.system.files import read_if_there, write_atomically

IDS = "ids.json"  # in the machine's record: the identifiers of a standard layout
EXPECTED = "expected.json"  # what the booted clone must say
CHECKS = ("content", "metadata", "xattrs")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the first boot has to report."""

    hostname: str  # "" when it keeps the golden client's
    root_uuid: str
    root_device: str
    firmware: str

    def problem(self, facts: dict[str, str]) -> str:
        """Return what is wrong with a first boot's facts in one sentence, or nothing."""
        words = facts.get("cmdline", "").split()
        roots = [word for word in words if word.startswith("root=")]
        if not facts.get("machine_id"):
            return "It reported no machine-id, so it is not a complete system."
        if any(word.startswith("haoscar.") for word in words) or not roots:
            return "It did not start through its own boot loader (its kernel line is another one)."
        if facts.get("root_uuid", "").lower() != self.root_uuid.lower():
            where = facts.get("root", "an unknown device")
            return f"Its root is {where}, not the file system that was installed."
        if self.hostname and facts.get("hostname", "").partition(".")[0] != self.hostname:
            return f"It calls itself {facts.get('hostname') or 'nothing'}, not {self.hostname}."
        if facts.get("firmware") != self.firmware:
            return f"It started by {facts.get('firmware')}, but was installed by {self.firmware}."
        return ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The script, and what it needs while it runs."""

    script: str
    reduced: tuple[str, ...]
    ignored: tuple[str, ...]
    total: int  # bytes of the copy
    expected: Expectation
    notes: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers inventories; reads the image, writes only into the machine's own record."""

    paths: Paths
    host_key: PublicKey
    compression: tuple[str, ...] = ()

    def answer(self, site: Site, ticket: Ticket, text: bytes, record: Path) -> Answer:
        """Return the answer; raises HaoscarError with the reasons for the machine and the head."""
        standby = _standby(site, ticket)
        standby = replace(standby, wipe=standby.wipe or ticket.wipe)
        version = Catalog(self.paths).get(ticket.image, ticket.version)
        inventory = parse_inventory(text)
        if not any(card.mac == ticket.mac for card in inventory.cards):
            raise Refused.of("inventory.other", f"The machine shows no card {ticket.mac}.")
        size = image_bytes(version)
        layout = read_layout(version, record, size)
        disk = choose_disk(inventory, standby, layout, image_bytes=size)
        planned = plan(layout, disk, inventory.firmware)
        steps, notes = self._steps(site, standby, ticket, version, planned, inventory)
        assignment = image.ip_assignment if (image := site.image(ticket.image)) else None
        hostname = "" if assignment is IpAssignment.REPLICANT else str(standby.name)
        expected = Expectation(
            hostname, planned.root_uuid, planned.root_device, inventory.firmware.value
        )
        write_atomically(record / EXPECTED, json.dumps(asdict(expected)).encode(), 0o600)
        return Answer(
            render_ticket(steps), steps.reduced, steps.ignored, size, expected,
            (*planned.notes, *notes),
        )  # fmt: skip

    def _steps(
        self,
        site: Site,
        standby: Standby,
        ticket: Ticket,
        version: ImageVersion,
        planned: DiskPlan,
        inventory: Inventory,
    ) -> tuple[TicketSteps, tuple[Report, ...]]:
        if not any((version.tree / name).exists() for name in ("usr/bin/ssh", "bin/ssh")):
            raise Refused.of(
                "image.no-ssh", f"The image {version} has no ssh program to report with.",
                "Install openssh-client on the golden client and fetch the image again.",
            )  # fmt: skip
        facts = gather_facts(version.tree)
        identity = identity_steps(
            site, standby, planned.layout, facts, inventory, swap_files=version.facts().swap_files
        )
        loader = loader_steps(planned.layout, planned.disk, inventory.firmware, facts)
        reduced = _mounts_of(planned, (FileSystemKind.VFAT,))
        extended = (FileSystemKind.EXT2, FileSystemKind.EXT3, FileSystemKind.EXT4)
        own = tuple(f"{path}/lost+found".lstrip("/") for path in _mounts_of(planned, extended))
        steps = TicketSteps(
            disk=planned,
            identity=identity.steps,
            loader=loader,
            first_boot=first_boot_steps(site.primary.private_address, self.host_key),
            reduced=reduced,
            ignored=own,
            compression=self.compression,
            kexec=_kexec(ticket, facts, planned),
            post_install=ticket.post_install,
            on_failure=ticket.on_failure,
        )
        return steps, identity.notes


def bootable(version: ImageVersion) -> tuple[Report, ...]:
    """Return on which firmware a clone of this image would not start, as warnings.

    Raises Refused when it would start on none, so that this is said before a machine is switched on;
    InvalidInput, OSError.
    """
    layout = Layout.from_json(version.layout_file.read_text(encoding="utf-8"))
    facts = gather_facts(version.tree)
    problems = {one: boot_problems(layout, facts, one) for one in Firmware}
    if all(problems.values()):
        raise Refused(*problems[layout.boot.firmware])
    return tuple(
        warning(
            one.code, f"On {firmware.upper()} machines it will not start: {one.text}", one.remedy
        )
        for firmware, found in problems.items()
        for one in found
    )


def make_checks(version: ImageVersion, answer: Answer, record: Path) -> None:
    """Write the lists that the copy is compared with; raises InvalidInput, OSError."""
    lists: CheckLists = check_lists(read_manifest(version.manifest), answer.reduced, answer.ignored)
    for name in CHECKS:
        write_atomically(record / f"check.{name}", getattr(lists, name), 0o600)


def read_expectation(record: Path) -> Expectation:
    """Return what the clone has to report; raises Refused when nothing is known of it."""
    try:
        return Expectation(**json.loads((record / EXPECTED).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as problem:
        raise Refused.of(
            "install.unknown", f"Nothing is known of its installation: {problem}."
        ) from None


def read_layout(version: ImageVersion, record: Path, size: int) -> Layout:
    """Return the layout of the image, the standard one filled in with identifiers that stay."""
    layout = Layout.from_json(version.layout_file.read_text(encoding="utf-8"))
    if layout.kind is not LayoutKind.STANDARD:
        return layout
    return standard_layout(layout, _ids(record), image_bytes=size)


def _ids(record: Path) -> StandardIds:
    content = read_if_there(record / IDS)
    if content is not None:
        try:
            return StandardIds(**json.loads(content))
        except (ValueError, TypeError, HaoscarError):
            pass  # a damaged file: new identifiers are as good
    ids = new_ids()
    write_atomically(record / IDS, json.dumps(asdict(ids)).encode(), 0o600)
    return ids


def image_bytes(version: ImageVersion) -> int:
    """Return the size of an image's files in bytes; raises InvalidInput."""
    return version.facts().size


def _standby(site: Site, ticket: Ticket) -> Standby:
    standby = site.standby(ticket.standby)
    if standby is None or standby.mac != ticket.mac:
        raise Refused.of(
            "ticket.changed", f"{ticket.mac} is no longer assigned to {ticket.standby}.",
            "Assign it again and arm the machine again.",
        )  # fmt: skip
    return standby


def _mounts_of(planned: DiskPlan, kinds: tuple[FileSystemKind, ...]) -> tuple[str, ...]:
    return tuple(one.path.lstrip("/") for one in planned.mounts if one.file_system in kinds)


def _kexec(ticket: Ticket, facts: ImageFacts, planned: DiskPlan) -> tuple[Step, ...]:
    """Return the step that loads the clone's newest kernel, where the ticket asks for it."""
    if ticket.post_install is not PostInstall.KEXEC or not facts.kernels:
        return ()
    kernel = facts.kernels[0]
    words = [
        "kexec", "-l", f"{TARGET}{kernel.kernel}", f"--initrd={TARGET}{kernel.initrd}",
        f"--append=root=UUID={planned.root_uuid} ro",
    ]  # fmt: skip
    return (Run(tuple(words), "load the kernel of the clone"),)
