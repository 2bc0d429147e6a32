"""The files of a configuration: the text itself, the key, the credentials; who may read and write."""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from backend.agent.config_checks import myself
from backend.agent.config_draft import WARNING, Draft, Findings
from backend.agent.config_values import Wrong
from backend.system.agent.keyfile import LONGEST, read_key

LARGEST = 1 << 18  # bytes of a configuration; an ordinary one has two thousand
SHORTEST_KEY = 32  # bytes, without a final line end

REASONS = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.EACCES: "may not be read by this user",
    errno.EPERM: "may not be read by this user",
    errno.ELOOP: "is a link that leads nowhere",
}


class Facts(NamedTuple):
    """What is known of a file."""

    size: int
    mode: int
    owner: int


def read_text(file: str, largest: int = LARGEST) -> str:
    """Return the text of a configuration; raises Wrong when it cannot be trusted or read."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as problem:
        raise Wrong(f"It {_reason(problem)}.", "Give the configuration with --config.") from None
    with os.fdopen(handle, "rb") as source:
        facts = _judged(os.fstat(source.fileno()))
        if facts.mode & 0o022 or facts.owner not in (0, os.geteuid()):
            raise Wrong(
                "Somebody else could change it, and what it names runs as root.",
                f"Run: chown root {file}; chmod 644 {file}",
            )
        content = source.read(largest + 1)
    if len(content) > largest:
        raise Wrong(f"It has more than {largest >> 10} KiB.", "No configuration is so long.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise Wrong("It is not UTF-8 text.", "Save it in UTF-8.", line) from None


def check_files(draft: Draft, findings: Findings) -> None:
    """Look at the files that this member needs before it can start."""
    top, me = draft.top, myself(draft)
    key = top.values.get("key_file")
    if key is not None:
        check_key(key, top.line("key_file"), findings)
    if me is None or me.values.get("role") != "head":
        return
    if draft.fencing is not None and "credentials_file" in draft.fencing.values:
        file = draft.fencing.values["credentials_file"]
        check_secret("credentials_file", file, draft.fencing.line("credentials_file"), findings)
    watchdog = top.values.get("watchdog")
    if watchdog and not os.path.exists(watchdog):  # noqa: PTH110 - pathlib costs memory
        text = f"watchdog: {watchdog} does not exist."
        findings.add(WARNING, top.line("watchdog"), text, "Load its driver, or leave the key out.")


def check_key(file: str, line: int, findings: Findings) -> None:
    """Look at the key that all members share."""
    before = len(findings.problems)
    facts = check_secret("key_file", file, line, findings)
    if facts is None or len(findings.problems) > before:
        return
    try:
        size = len(read_key(file)) if facts.size <= LONGEST else facts.size
    except OSError as problem:
        findings.error(line, f"key_file: {file} {_reason(problem)}.", "Run this as root.")
        return
    if not SHORTEST_KEY <= size <= LONGEST:
        text = f"key_file: the key in {file} has {size} bytes, and must have {SHORTEST_KEY} to {LONGEST}."  # fmt: skip
        remedy = f"Copy the cluster's key there, or make one: head -c 48 /dev/urandom | base64 -w 0 >{file}"  # fmt: skip
        findings.error(line, text, remedy)


def check_secret(key: str, file: str, line: int, findings: Findings) -> Facts | None:
    """Return what is known of a file that only its owner may read; None after a report."""
    try:
        facts = _judged(os.stat(file))  # noqa: PTH116 - pathlib costs memory
    except OSError as problem:
        remedy = "Put it there, owned by root, mode 0600."
        findings.error(line, f"{key}: {file} {_reason(problem)}.", remedy)
        return None
    except Wrong as problem:
        findings.error(line, f"{key}: {file}: {problem.text}", problem.remedy)
        return None
    if facts.mode & 0o077:
        text = f"{key}: others than its owner may use {file} (mode {facts.mode:04o})."
        findings.error(line, text, f"Run: chmod 600 {file}")
    if facts.owner not in (0, os.geteuid()):
        text = f"{key}: {file} belongs to somebody else (user {facts.owner})."
        findings.error(line, text, f"Run: chown root {file}")
    return facts


def _judged(found: os.stat_result) -> Facts:
    if not stat.S_ISREG(found.st_mode):
        raise Wrong("It is not a file.", "Put a file there.")
    return Facts(found.st_size, stat.S_IMODE(found.st_mode), found.st_uid)


def _reason(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return REASONS.get(problem.errno or 0, f"cannot be read: {problem.strerror}")
    return "has a name that no file can have"
