"""What each kind of resource runs to start, stop and look, and what the end of that means.

Exit codes: OCF Resource Agent API 1.1; systemctl(1); findmnt(8); LSB for commands.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from backend.agent.settings import Resource
from backend.system.agent.program import Ended, How, Program

OCF_ROOT = "/usr/lib/ocf"
LOOK_LIMIT = 20.0  # seconds; what most resource agents advise for their monitor action
READ_ONLY = "ro"
_OCF_FAILURES = {
    1: "an error", 2: "wrong arguments", 3: "the action is not implemented",
    4: "permission denied", 5: "something it needs is not installed",
    6: "it is not configured properly", 7: "it does not run", 9: "it failed as the promoted one",
}  # fmt: skip
_OCF_RUNNING = (0, 8, 190, 191)  # also: as the promoted one, degraded
_LSB_STOPPED = 3
_SUBJECTS = {
    "unit": "systemctl", "ocf": "its resource agent", "mount": "the program", "command": "its program",
}  # fmt: skip


class Verb(enum.Enum):
    """What can be done with a resource."""

    PROBE = "probe"  # does it run? asked when nobody knows
    START = "start"
    CHECK = "check"  # is it still well?
    STOP = "stop"


class Outcome(enum.Enum):
    """What the end of a program says of the resource."""

    DONE = "done"  # it was started, it was stopped, it runs and is well
    STOPPED = "stopped"  # looked, and it does not run
    FAILED = "failed"
    UNKNOWN = "unknown"  # the program that should have told did not tell


class Meaning(NamedTuple):
    """The outcome, and why, as the second half of a sentence."""

    outcome: Outcome
    why: str = ""


def option(resource: Resource, name: str, default: str = "") -> str:
    """Return one option."""
    return dict(resource.options).get(name, default)


def words(text: str) -> tuple[str, ...]:
    """Return a command's arguments: what stands between blanks; there are no quotes."""
    return tuple(text.split())


def ocf_agent(text: str) -> tuple[str, str]:
    """Return provider and type of "ocf:heartbeat:Filesystem", also without "ocf:"; ("", "") when
    it is not of that form."""
    parts = text.split(":")
    if parts[0] == "ocf":
        del parts[0]
    return (parts[0], parts[1]) if len(parts) == 2 else ("", "")


def can_look(resource: Resource) -> bool:
    """Whether anything can tell if it runs."""
    return resource.kind != "command" or bool(option(resource, "check"))


def program(resource: Resource, verb: Verb) -> Program:
    """Return the program for an action; of a CHECK or PROBE only when ``can_look``."""
    limit = {Verb.START: resource.start_limit, Verb.STOP: resource.stop_limit}.get(verb, LOOK_LIMIT)
    made = {"unit": _unit, "ocf": _ocf, "mount": _mount, "command": _command}[resource.kind](
        resource, verb, limit
    )
    return made._replace(limit=limit, finish=verb is Verb.STOP)


def meaning(resource: Resource, verb: Verb, ended: Ended) -> Meaning:
    """Return what the end of an action's program says of the resource."""
    looking = verb in (Verb.PROBE, Verb.CHECK)
    told = f"{_SUBJECTS[resource.kind]} {ended.ending}"
    if ended.how is not How.EXITED or (ended.code >= 124 and resource.kind != "ocf"):
        # 124 to 127: timeout(1) and the shell could not run it; 128 and more: killed below it
        return Meaning(Outcome.UNKNOWN if looking else Outcome.FAILED, told)
    if looking:
        return _LOOKS[resource.kind](resource, verb, ended, told)
    if ended.code == 0:
        return Meaning(Outcome.DONE)
    if resource.kind == "ocf" and ended.code in _OCF_FAILURES:
        told = f"{_OCF_FAILURES[ended.code]} ({told})"
    return Meaning(Outcome.FAILED, told)


def _unit(resource: Resource, verb: Verb, _limit: float) -> Program:
    name = option(resource, "unit")
    if verb in (Verb.START, Verb.STOP):
        return Program(("systemctl", "--no-ask-password", verb.value, "--", name))
    return Program(("systemctl", "is-active", "--", name))


def _unit_look(_resource: Resource, verb: Verb, ended: Ended, told: str) -> Meaning:
    """``is-active`` prints the state; it also ends with 3 while a unit starts or stops."""
    said = ended.output.split()
    state = said[-1] if said else ""
    if state in ("active", "reloading", "refreshing"):
        return Meaning(Outcome.DONE)
    if state == "inactive":
        return Meaning(Outcome.STOPPED, "systemd says that it is inactive")
    if state == "failed":
        found = Outcome.FAILED if verb is Verb.CHECK else Outcome.STOPPED
        return Meaning(found, "systemd says that it has failed")
    return Meaning(Outcome.UNKNOWN, told)


def _ocf(resource: Resource, verb: Verb, limit: float) -> Program:
    provider, kind = ocf_agent(option(resource, "agent"))
    action = verb.value if verb in (Verb.START, Verb.STOP) else "monitor"
    interval = int(resource.check_every * 1000) if verb is Verb.CHECK else 0  # 0 marks a probe
    environment = [
        ("OCF_ROOT", OCF_ROOT),
        ("OCF_RA_VERSION_MAJOR", "1"),
        ("OCF_RA_VERSION_MINOR", "1"),
        ("OCF_RESOURCE_INSTANCE", resource.name),
        ("OCF_RESOURCE_PROVIDER", provider),
        ("OCF_RESOURCE_TYPE", kind),
        ("OCF_RESKEY_CRM_meta_timeout", str(int(limit * 1000))),
        ("OCF_RESKEY_CRM_meta_interval", str(interval)),
        ("OCF_RESKEY_CRM_meta_name", action),
        ("OCF_RESKEY_OCF_CHECK_LEVEL", "0"),
    ]
    environment += [
        (f"OCF_RESKEY_{name}", value) for name, value in resource.options if name != "agent"
    ]
    path = f"{OCF_ROOT}/resource.d/{provider}/{kind}"
    return Program((path, action), environment=tuple(environment))


def _ocf_look(_resource: Resource, _verb: Verb, ended: Ended, told: str) -> Meaning:
    if ended.code in _OCF_RUNNING:
        return Meaning(Outcome.DONE)
    why = f"{_OCF_FAILURES.get(ended.code, 'an unknown exit code')} ({told})"
    if ended.code == 7:
        return Meaning(Outcome.STOPPED, why)
    # 2 to 6: the agent could not look; whether the resource works is another matter.
    return Meaning(Outcome.FAILED if ended.code in (1, 9) else Outcome.UNKNOWN, why)


def _mount(resource: Resource, verb: Verb, _limit: float) -> Program:
    directory = option(resource, "directory")
    if verb is Verb.START:
        kind, options = option(resource, "type"), option(resource, "options")
        chosen = (*(("-t", kind) if kind else ()), *(("-o", options) if options else ()))
        return Program(("mount", *chosen, "--", option(resource, "device"), directory))
    if verb is Verb.STOP:
        return Program(("umount", "--", directory))
    # A file system that became read-only after an error is no longer well.
    writable = verb is Verb.CHECK and READ_ONLY not in option(resource, "options").split(",")
    wanted = ("--options", "rw") if writable else ()
    return Program(("findmnt", "--kernel", "--noheadings", *wanted, "--mountpoint", directory))


def _mount_look(resource: Resource, verb: Verb, ended: Ended, told: str) -> Meaning:
    if ended.code == 0:
        return Meaning(Outcome.DONE)
    if ended.code == 1 and not ended.output:
        where = option(resource, "directory")
        state = "mounted and writable" if verb is Verb.CHECK else "mounted"
        return Meaning(Outcome.STOPPED, f"nothing is {state} at {where}")
    return Meaning(Outcome.UNKNOWN, told)


def _command(resource: Resource, verb: Verb, _limit: float) -> Program:
    name = verb.value if verb in (Verb.START, Verb.STOP) else "check"
    return Program(words(option(resource, name)))


def _command_look(_resource: Resource, _verb: Verb, ended: Ended, told: str) -> Meaning:
    if ended.code == 0:
        return Meaning(Outcome.DONE)
    found = Outcome.STOPPED if ended.code == _LSB_STOPPED else Outcome.FAILED
    return Meaning(found, told)


_LOOKS = {"unit": _unit_look, "ocf": _ocf_look, "mount": _mount_look, "command": _command_look}
