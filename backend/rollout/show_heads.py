"""What will change about snmpd and the watch process of a head, for the preview. Pure."""

from collections.abc import Callable

from backend.change.preview import Change, ChangeKind
from backend.rollout.places import (
    SNMPD_INCLUDE,
    SNMPD_RECORD,
    SNMPD_UNIT,
    WATCH_FILES,
    WATCH_UNIT,
    Mode,
)
from backend.rollout.snmpd import SnmpdPlan
from backend.rollout.watch_steps import WatchPlan
from backend.rollout.writes import Run, Write
from backend.system.snmpd_far import CONF

Show = Callable[[Write], Change]


def snmpd_changes(plan: SnmpdPlan, show: Show) -> list[Change]:
    """Return what changes about snmpd, in order."""
    if plan.retire:
        return snmpd_removal()
    found: list[Change] = []
    if plan.package:
        found.append(Change(ChangeKind.PACKAGES, f"Install the package {plan.package}."))
    found += [
        Change(ChangeKind.DIRECTORY, f"New directory {path} (mode {Mode.directory:04o}).", path)
        for path in plan.directories
    ]
    found += [show(one) for one in plan.writes]
    if plan.include:
        text = f"Change {CONF}: one line is put before all others."
        found.append(Change(ChangeKind.CHANGED, text, CONF, diff=(f"+{SNMPD_INCLUDE}",)))
    found += [Change(ChangeKind.REMOVED, f"Remove {one}.", one) for one in plan.stale]
    if plan.unfinished:
        text = "Setting up snmpd was cut off here; it is finished now."
        found.append(Change(ChangeKind.UNIT, text))
    return [*found, *_service(SNMPD_UNIT, plan.run, enable=plan.enable)]


def snmpd_removal() -> list[Change]:
    """Return what is taken back of snmpd."""
    text = (
        f"Service {SNMPD_UNIT}: it watches again what it did before. What {SNMPD_RECORD} names is"
    )
    return [Change(ChangeKind.UNIT, f"{text} taken back: the package, or that it starts at boot.")]


def watch_changes(plan: WatchPlan, show: Show) -> list[Change]:
    """Return what changes about the watch process, in order."""
    if plan.retire:
        text = f"Service {WATCH_UNIT}: nothing is watched any more; stop it and remove"
        return [Change(ChangeKind.UNIT, f"{text} {' and '.join(WATCH_FILES)}.")]
    found = [show(one) for one in plan.writes]
    if plan.unfinished:
        text = "Installing the watch process was cut off here; it is finished now."
        found.append(Change(ChangeKind.UNIT, text))
    return [*found, *_service(WATCH_UNIT, plan.run, enable=plan.enable)]


def _service(unit: str, run: Run, *, enable: bool) -> list[Change]:
    words = ["start it at boot"] if enable else []
    words += [] if run is Run.NOTHING else [run.value]
    return [Change(ChangeKind.UNIT, f"Service {unit}: {' and '.join(words)}.")] if words else []
