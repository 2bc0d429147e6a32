"""rsync: the argument list, its progress, its totals and its exit codes; pure.

One rsync copies all file systems of the system: each is a source of its own, ``--relative`` keeps
its path, and ``--one-file-system`` keeps everything else out that is mounted below it, also what
is mounted while the copy runs. Patterns are anchored at the root of the tree by the ``/./``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import CommandFailed
from backend.imaging.excludes import Exclusion
from backend.reports import Report, error
from backend.system.runner import Command

IO_TIMEOUT = 600  # seconds without a byte; building the list of a big tree can be that quiet


@dataclass(frozen=True, slots=True)
class Transport:
    """How rsync reaches the golden client; without ``host`` it is this machine."""

    host: str | None = None
    shell: tuple[str, ...] = ()  # ssh with its options
    sudo: bool = False  # the shell's user becomes root by ``sudo -n``
    sudo_in_shell: bool = False  # ... by ``sudo -S``, and the shell gives it the password
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy: which file systems of which root, to where, sharing with which earlier tree."""

    root: str
    targets: tuple[str, ...]  # mount points, absolute on the client, the root first
    destination: Path
    exclusions: Sequence[Exclusion] = ()
    link_dest: Path | None = None
    compare_content: bool = False


def copy_command(copy: Copy, transport: Transport) -> Command:
    """Return the command that copies; no time limit, for the user can cancel it."""
    words = [
        "rsync",
        "-aHAXS",
        *_common(copy, transport),
        "--partial",
        "--info=progress2,stats2",
    ]
    return _finish(words, copy, transport)


def count_command(copy: Copy, transport: Transport) -> Command:
    """Return the command that only counts what ``copy_command`` will transfer.

    Without ACLs and xattrs: a dry run into a directory that lacks its subdirectories fails there.
    """
    words = ["rsync", "-aHS", "--dry-run", *_common(copy, transport), "--info=stats2"]
    return _finish(words, copy, transport)


def _common(copy: Copy, transport: Transport) -> list[str]:
    words = [
        "--numeric-ids",
        "--one-file-system",
        "--relative",
        "--delete",
        "--delete-excluded",
        "--no-inc-recursive",
        "--no-human-readable",
        "--outbuf=N",
        "--protect-args",
    ]
    words += [f"--exclude={one.pattern}" for one in copy.exclusions]
    if copy.link_dest is not None:
        words.append(f"--link-dest={copy.link_dest}")
    if copy.compare_content:
        words.append("--checksum")
    if transport.host is not None:
        words.append(f"--timeout={IO_TIMEOUT}")
        words.append(f"--rsh={_rsh(transport.shell)}")
        if transport.sudo_in_shell:
            words.append("--rsync-path=sudo -k -S -p '' rsync")
        elif transport.sudo:
            words.append("--rsync-path=sudo -n rsync")
    return words


def _finish(words: list[str], copy: Copy, transport: Transport) -> Command:
    sources = [_source(copy.root, target) for target in copy.targets]
    if transport.host is not None:
        host = f"[{transport.host}]" if ":" in transport.host else transport.host
        sources = [f"{host}:{source}" for source in sources]
    argv = (*words, "--", *sources, f"{copy.destination}/")
    return Command(argv, env=transport.env, timeout=None)


def _source(root: str, target: str) -> str:
    relative = target[len(root.rstrip("/")) :].strip("/")
    return f"{root.rstrip('/')}/./{relative}"


def _rsh(words: Sequence[str]) -> str:
    """Quote for rsync's own splitting of --rsh: quotes are doubled inside quotes, no backslash."""
    quoted = []
    for word in words:
        if re.search(r"[\s'\"]", word) or not word:
            word = '"' + word.replace('"', '""') + '"'
        quoted.append(word)
    return " ".join(quoted)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of progress: bytes transferred, rsync's percentage of all bytes, entries checked."""

    done: int
    percent: int
    rate: float | None  # bytes a second
    checked: int | None = None
    entries: int | None = None


_STEP = re.compile(
    r"\s*(\d[\d,]*)\s+(\d{1,3})%\s+(\d+(?:\.\d+)?)(k|M|G|T|P)?B/s\s+[\d:?]+"
    r"(?:\s+\(xfr#\d+, (?:to|ir)-chk=(\d+)/(\d+)\))?\s*"
)
_FACTOR = {None: 1, "": 1, "k": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}


def parse_step(line: str) -> Step | None:
    """Return the progress that a line of ``--info=progress2`` shows, or None for other lines."""
    match = _STEP.fullmatch(line)
    if match is None:
        return None
    done, percent, rate, factor, left, entries = match.groups()
    checked = int(entries) - int(left) if left is not None else None
    return Step(
        int(done.replace(",", "")),
        int(percent),
        float(rate) * _FACTOR[factor],
        checked,
        int(entries) if entries is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Totals:
    """What ``--info=stats2`` says at the end."""

    entries: int  # files, directories, links ...
    files: int  # regular files
    size: int  # bytes of all files, as ls shows them
    transferred: int  # bytes of the files that had to be transferred


_STATS = {
    "entries": re.compile(r"Number of files: ([\d,.]+)"),
    "files": re.compile(r"Number of files: .*\breg: ([\d,.]+)"),
    "size": re.compile(r"Total file size: ([\d,.]+)"),
    "transferred": re.compile(r"Total transferred file size: ([\d,.]+)"),
}


def parse_totals(text: str) -> Totals:
    """Read the statistics; raises CommandFailed when they are not there."""
    found = {}
    for name, expression in _STATS.items():
        match = expression.search(text)
        if match is None and name != "files":
            raise CommandFailed.of(
                "rsync.no-totals",
                "rsync ended without its statistics.",
                f"It said: {text.strip()[-400:]}",
            )
        found[name] = int(re.sub(r"[.,]", "", match[1])) if match else 0
    return Totals(**found)


VANISHED = 24
_REMEDY_RESUME = "What was copied is kept: run the same command again, and it goes on there."
_EXITS: dict[int, tuple[str, str]] = {
    1: ("rsync did not understand its options.", "Install rsync 3.1 or newer on both machines."),
    2: ("The two rsync programs do not understand each other.", "Update the older one."),
    3: ("rsync could not choose its files or directories.", "Read the lines above."),
    4: ("rsync lacks something it was asked for, such as xattrs or ACLs.", "Update rsync."),
    5: ("rsync could not start its protocol.", "A shell start-up file on the client may print text."),
    10: ("The connection was cut.", _REMEDY_RESUME),
    11: ("A file could not be written or read.", "Is a disk full or failing? " + _REMEDY_RESUME),
    12: ("The connection was cut while data was on its way.", _REMEDY_RESUME),
    13: ("rsync failed on one of the machines.", _REMEDY_RESUME),
    14: ("The two rsync programs lost each other.", _REMEDY_RESUME),
    20: ("rsync was stopped.", _REMEDY_RESUME),
    22: ("rsync ran out of memory.", "Close other programs, or leave a big directory out."),
    23: ("Some files could not be copied completely.", "Remove the cause named above, then repeat."),
    30: ("The golden client sent nothing for too long.", _REMEDY_RESUME),
    35: ("The golden client did not answer.", "Look at its network and its rsync."),
    126: ("rsync cannot be executed on the golden client.", "Check its permissions there."),
    127: ("There is no rsync on the golden client.", "Install the package rsync there."),
    255: ("ssh could not reach the golden client or was cut off.", _REMEDY_RESUME),
}  # fmt: skip


def exit_report(code: int, said: Sequence[str] = ()) -> Report | None:
    """Return what an exit code means with rsync's own last complaints, or None for success.

    Code 24 (files vanished) is success: on a running system temporary files come and go.
    """
    if code in (0, VANISHED):
        return None
    text, remedy = _EXITS.get(code, (f"rsync ended with exit code {code}.", _REMEDY_RESUME))
    complaints = [line.strip() for line in said if is_complaint(line)][-5:]
    if complaints:
        text += " rsync said: " + " | ".join(complaints)
    return error(f"rsync.exit-{code}", text, remedy)


def is_complaint(line: str) -> bool:
    """Whether an output line tells of a problem."""
    return line.startswith(
        ("rsync:", "rsync error:", "IO error", "ERROR", "sudo:", "ssh:", "Permission denied",
         "Connection ", "Host key", "@@@", "bash:", "sh:", "cannot ", "kex_", "client_loop:")
    )  # fmt: skip


def vanished_path(line: str) -> str | None:
    """Return the path of a ``file has vanished`` line, or None."""
    match = re.match(r'(?:file|directory) has vanished: "(.*)"', line)
    return match[1] if match else None
