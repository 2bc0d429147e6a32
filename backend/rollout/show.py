"""What will change on the members, as data for the preview: files with diffs, services. Pure."""

import difflib

from backend.change.preview import Change, ChangeKind
from backend.rollout.facts import FileFact
from backend.rollout.places import Mode, unit_file
from backend.rollout.show_heads import snmpd_changes, snmpd_removal, watch_changes
from backend.rollout.steps import MemberPlan, Removal
from backend.rollout.writes import Run, Write

LARGEST = 64 * 1024  # bytes of a text whose lines are shown


def changes(plan: MemberPlan) -> list[Change]:
    """Return what a plan changes on its member, in order."""
    found = [
        Change(ChangeKind.DIRECTORY, f"New directory {path} (mode {Mode.directory:04o}).", path)
        for path in plan.directories
    ]
    found += [_write(one) for one in plan.writes]
    if plan.unfinished:
        text = "An earlier installation was cut off here; it is finished now."
        found.append(Change(ChangeKind.UNIT, text))
    if plan.retire:
        text = f"Service {plan.retire}: stop it and remove {unit_file(plan.retire)}."
        found.append(Change(ChangeKind.UNIT, text))
    words = ["start it at boot"] if plan.enable else []
    words += [] if plan.run is Run.NOTHING else [plan.run.value]
    if words:
        pause = f", {plan.pause:g} s after it was stopped" if plan.pause else ""
        text = f"Service {plan.member.unit}: {' and '.join(words)}{pause}."
        found.append(Change(ChangeKind.UNIT, text))
    return [*found, *snmpd_changes(plan.snmpd, _write), *watch_changes(plan.watch, _write)]


def removals(removal: Removal) -> list[Change]:
    """Return what a removal takes away from its member."""
    found = [Change(ChangeKind.UNIT, f"Service {one}: stop it, no longer start it at boot.")
             for one in removal.units]  # fmt: skip
    if removal.snmpd:
        found += snmpd_removal()
    return [*found, *(Change(ChangeKind.REMOVED, f"Remove {one}.", one) for one in removal.paths)]


def _write(write: Write) -> Change:
    before, path = write.before, write.path
    size = f"{len(write.content):,} bytes"
    if before.kind == "absent":
        kind, text = ChangeKind.NEW_FILE, f"New file {path} (mode {write.mode:04o}, {size})"
    elif before.mode != write.mode:
        kind, text = ChangeKind.CHANGED, f"Change {path} ({size}), mode {before.mode:04o} becomes {write.mode:04o}"  # fmt: skip
    else:
        kind, text = ChangeKind.CHANGED, f"Change {path} ({size})"
    if write.secret:
        return Change(kind, f"{text}: the content is secret and not shown.", path)
    lines = _diff(before, write)
    return Change(kind, f"{text}." if lines else f"{text}: not shown.", path, diff=tuple(lines))


def _diff(before: FileFact, write: Write) -> list[str]:
    """Return the lines of a unified diff; none where a side is no short text."""
    if len(write.content) > LARGEST or b"\0" in write.content:
        return []
    if before.kind == "file" and before.text is None:
        return []
    old = [_printable(line) for line in (before.text or "").splitlines()]
    new = [_printable(line) for line in write.content.decode("utf-8", "replace").splitlines()]
    path = write.path
    return list(difflib.unified_diff(old, new, f"{path} (now)", f"{path} (then)", lineterm=""))


def _printable(line: str) -> str:
    """Return a line without what a terminal would obey: the member's file may hold anything."""
    return line if line.isprintable() else ascii(line)[1:-1]
