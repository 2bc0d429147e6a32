"""The ticket script: what one standby executes, rendered from steps. Pure; every word is quoted."""

import importlib.resources
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Protocol

from backend.clone.constants import (
    CLONE_DIRECTORY,
    FIRST_BOOT_UNIT,
    GATE_USER,
    HEAD_ALIAS,
    SSH_PORT,
    TARGET,
    Stage,
)
from backend.clone.copy_source import SOURCE
from backend.clone.keys import PublicKey
from backend.clone.steps import Move, Remove, Run, Step, Write
from backend.errors import HaoscarError
from backend.imaging.checklists import find_words
from backend.model.site import OnFailure, PostInstall
from backend.rendering import render

BEGIN = "# haoscar-ticket 1"
END = "# end of ticket"
# Owner, mode and times as they are, hard links, ACLs and attributes; the manifest check that follows
# and the authenticated channel make rsync's own checksums superfluous.
# In place: the file system is new and empty, so a temporary name and a rename for each file gain
# nothing, and a cut copy is not kept.
RSYNC = ("-aHAX", "--numeric-ids", "--whole-file", "--inplace", "--checksum-choice=none")
REDUCED_RSYNC = ("-rt", "--whole-file", "--modify-window=1", "--checksum-choice=none")
UNIT_DIRECTORY = "/etc/systemd/system"


class DiskSteps(Protocol):
    """The part of a disk plan that a ticket needs."""

    @property
    def partition(self) -> Sequence[Run]:
        """Partition the disk."""

    @property
    def format(self) -> Sequence[Run]:
        """Make file systems."""

    @property
    def mount(self) -> Sequence[Run]:
        """Mount them below /sysroot."""

    @property
    def unmount(self) -> Sequence[Run]:
        """Unmount them."""


@dataclass(frozen=True, slots=True)
class TicketSteps:
    """Everything one ticket does, in order."""

    disk: DiskSteps
    identity: Sequence[Step]
    loader: Sequence[Step]
    first_boot: Sequence[Step]
    reduced: tuple[str, ...]  # mount points without owner and mode (FAT), relative: "boot/efi"
    ignored: tuple[str, ...]  # what the copy has of its own: "lost+found"
    compression: tuple[str, ...]  # options of rsync
    kexec: Sequence[Step] = ()
    post_install: PostInstall = PostInstall.REBOOT
    on_failure: OnFailure = OnFailure.POWEROFF


def render_ticket(steps: TicketSteps) -> str:
    """Return the script; raises HaoscarError for text that no shell argument can carry."""
    lines = [BEGIN, f"ON_FAILURE={shlex.quote(steps.on_failure)}"]
    lines += [_stage(Stage.PARTITION), *step_lines(steps.disk.partition)]
    lines += [_stage(Stage.FORMAT), *step_lines((*steps.disk.format, *steps.disk.mount))]
    lines += [_stage(Stage.COPY), *_copies(steps)]
    lines += [_stage(Stage.VERIFY), call("verify", *find_words(steps.reduced, steps.ignored))]
    lines += [_stage(Stage.IDENTITY), "enter", *step_lines(steps.identity)]
    lines += [call("keep_key", CLONE_DIRECTORY), *step_lines(steps.first_boot)]
    lines += [_enable_first_boot(), _stage(Stage.BOOTLOADER), *step_lines(steps.loader)]
    lines += [*step_lines(steps.kexec), "leave", *step_lines(steps.disk.unmount)]
    lines += ["done_with", call("finish", steps.post_install), END]
    return "\n".join(lines) + "\n"


def rsync_options(steps: TicketSteps) -> tuple[str, ...]:
    """Return the options of the main copy."""
    excludes = tuple(f"--exclude=/{path}/*" for path in steps.reduced)
    return (*RSYNC, *steps.compression, *excludes)


def first_boot_steps(head: IPv4Address, key: PublicKey) -> tuple[Step, ...]:
    """Return the files with which the clone reports its first start."""
    config = render(
        "installer/ssh_config.j2",
        alias=HEAD_ALIAS, address=head, port=SSH_PORT, user=GATE_USER, directory=CLONE_DIRECTORY,
    )  # fmt: skip
    report = importlib.resources.files("templates").joinpath("installer/first-boot.sh")
    unit = render("installer/haoscar-first-boot.service.j2", directory=CLONE_DIRECTORY)
    why = "the clone reports its first start from its own disk"
    return (
        Write(f"{CLONE_DIRECTORY}/ssh_config", config, why, 0o600),
        Write(f"{CLONE_DIRECTORY}/known_hosts", f"{HEAD_ALIAS} {key.line}\n", why, 0o600),
        Write(f"{CLONE_DIRECTORY}/report.sh", report.read_text(encoding="utf-8"), why, 0o700),
        Write(f"{UNIT_DIRECTORY}/{FIRST_BOOT_UNIT}", unit, why),
    )


def step_lines(steps: Iterable[Step]) -> list[str]:
    """Return the lines of some steps."""
    return [_line(step) for step in steps]


def call(function: str, *words: str) -> str:
    """Return a call of one of our shell functions, each word quoted."""
    for word in words:
        if "\0" in word:
            raise HaoscarError.of("ticket.nul", f"A NUL character cannot be passed to {function}.")
    return " ".join((function, *(shlex.quote(word) for word in words)))


def _line(step: Step) -> str:
    match step:
        case Run(argv, why, None, chroot, may_fail):
            return call("try" if may_fail else "run", why, *_argv(argv, chroot))
        case Run(argv, why, str() as text, chroot, may_fail):
            return call("try_feed" if may_fail else "feed", why, text, *_argv(argv, chroot))
        case Write(path, content, _why, mode):
            return call("put", _absolute(path), f"{mode:o}", content)
        case Remove(path, _why):
            return call("drop", _absolute(path))
        case Move(path, target, _why):
            return call("aside", _absolute(path), _absolute(target))
    raise TypeError(f"{step!r} is no step of a ticket")


def _argv(argv: Sequence[str], chroot: bool) -> tuple[str, ...]:
    return ("chroot", TARGET, *argv) if chroot else tuple(argv)


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        raise HaoscarError.of("ticket.path", f"{path!r} is not a path of the clone.")
    return path


def _stage(stage: Stage) -> str:
    return call("stage", stage)


def _copies(steps: TicketSteps) -> list[str]:
    # The head gives out one part after the other in this order, each once.
    lines = [call("copy", SOURCE, "/", *rsync_options(steps))]
    for path in steps.reduced:
        options = (*REDUCED_RSYNC, *steps.compression)
        lines.append(call("copy", SOURCE, f"/{path}/", *options))
    return lines


def _enable_first_boot() -> str:
    wants = f"{UNIT_DIRECTORY}/multi-user.target.wants/{FIRST_BOOT_UNIT}"
    return call("link", f"{UNIT_DIRECTORY}/{FIRST_BOOT_UNIT}", wants)
