"""The step that touches a systemd unit: what state it was in, what is done, how it is taken back.

Taking back has two halves. What was stopped or disabled before is stopped and disabled again while
its files are still there; what was running before is reloaded or restarted after the files are back.
"""

import re
from dataclasses import replace

from backend.change.plan import SetUnit
from backend.change.records import StepKind, StepRecord, StepState, UnitState
from backend.errors import CommandFailed, HaoscarError, Refused
from backend.system.runner import Command, Result, Runner

UNIT = re.compile(
    r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*\.[a-z]+|[A-Za-z0-9:_@\\][A-Za-z0-9:_@\\-]*"
)
ACTIONS = ("start", "restart", "reload", "stop")
RUNNING = ("active", "reloading", "refreshing", "activating")
ENABLED = ("enabled", "enabled-runtime")
UNIT_DIRECTORIES = (
    "/etc/systemd/system/",
    "/run/systemd/system/",
    "/usr/local/lib/systemd/system/",
    "/usr/lib/systemd/system/",
    "/lib/systemd/system/",
)
SECONDS = 120.0  # systemd's own limit for a start is 90 s


def is_unit_file(path: str) -> bool:
    """Whether systemd has to read its files again after this one changed."""
    return path.startswith(UNIT_DIRECTORIES)


def look(step: SetUnit, runner: Runner, *, unchanged: bool) -> StepRecord:
    """Return the record of a step that is about to begin, or NO_OP; changes nothing.

    ``unchanged``: the plan's steps so far had nothing to do, so a running unit need not be
    restarted. Raises Refused where systemd does not run, CommandFailed.
    """
    if not UNIT.fullmatch(step.unit) or (step.action or ACTIONS[0]) not in ACTIONS:
        raise Refused.of("change.unit", f"{step.unit!a} cannot be set to {step.action!r}.")
    before = UnitState(
        enabled=_word(runner, "is-enabled", step.unit), active=_word(runner, "is-active", step.unit)
    )
    running = before.active in RUNNING
    enabled_right = step.enabled is None or step.enabled == (before.enabled in ENABLED)
    active_right = {
        None: True,
        "start": running,
        "stop": not running,
        "restart": running and unchanged,
        "reload": running and unchanged,
    }[step.action]
    return StepRecord(
        kind=StepKind.UNIT,
        subject=step.unit,
        why=step.why,
        state=StepState.NO_OP if enabled_right and active_right else StepState.STARTED,
        unit=before,
        enabled=step.enabled,
        action=step.action,
    )


def do(record: StepRecord, runner: Runner, *, read_units: bool) -> StepRecord:
    """Bring the unit into the state that was asked for; raises CommandFailed."""
    if read_units:
        reread(runner)
    if record.enabled is not None:
        _systemctl(runner, "enable" if record.enabled else "disable", record.subject)
    if record.action is not None:
        _systemctl(runner, record.action, record.subject)
    return replace(record, state=StepState.DONE)


def take_back_early(record: StepRecord, runner: Runner) -> None:
    """Stop and disable what was not running and not enabled; raises CommandFailed."""
    assert record.unit is not None
    if record.action in ("start", "restart", "reload") and record.unit.active not in RUNNING:
        _systemctl(runner, "stop", record.subject)
    if record.enabled is True and record.unit.enabled not in ENABLED:
        _systemctl(runner, "disable", record.subject)


def take_back_late(record: StepRecord, runner: Runner) -> None:
    """Enable and run again what was enabled and running, with its old files; raises CommandFailed."""
    assert record.unit is not None
    if record.enabled is False and record.unit.enabled in ENABLED:
        _systemctl(runner, "enable", record.subject)
    if record.unit.active not in RUNNING:
        return
    again = {"stop": "start", "restart": "restart", "reload": "reload-or-restart"}
    if record.action in again:
        # A unit that failed five times in ten seconds would not be started again at once.
        runner.run(Command.of("systemctl", "reset-failed", record.subject), check=False)
        _systemctl(runner, again[record.action], record.subject)


def reread(runner: Runner) -> None:
    """Let systemd read its unit files again; raises CommandFailed."""
    runner.run(Command.of("systemctl", "daemon-reload").within(SECONDS))


def _systemctl(runner: Runner, verb: str, unit: str) -> None:
    runner.run(Command.of("systemctl", verb, unit).within(SECONDS))


def _word(runner: Runner, verb: str, unit: str) -> str:
    """Return what systemctl answers in one word; "not-found" when it says nothing."""
    try:
        result = runner.run(Command.of("systemctl", verb, unit), check=False)
    except CommandFailed as problem:
        if problem.reports[0].code == "command.not-started":
            raise _no_systemd("systemctl is not installed") from problem
        raise
    if _is_down(result):
        raise _no_systemd(result.stderr.strip().splitlines()[0])
    words = result.stdout.split()
    return words[0] if words else "not-found"


def _is_down(result: Result) -> bool:
    said = result.stderr.lower()
    signs = ("not been booted with systemd", "failed to connect to bus", "running in chroot")
    return any(sign in said for sign in signs)


def _no_systemd(said: str) -> HaoscarError:
    return Refused.of(
        "change.no-systemd",
        f"Services cannot be set up here, because systemd does not run on this machine ({said}).",
        "Run HA-OSCAR on a head node that was started with systemd.",
    )
