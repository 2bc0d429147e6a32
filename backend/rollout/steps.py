"""What has to be done on a member, from what is there and what is wanted. Pure."""

import enum
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.rollout.facts import LEFT, Facts, FileFact
from backend.rollout.member import ConfigView, Member, Software
from backend.rollout.places import (
    CONFIG,
    DIRECTORIES,
    FILES,
    KEY,
    PROGRAM,
    RUN,
    SECRET,
    STATE,
    UNITS,
    Mode,
    unit_file,
)
from backend.rollout.problems import digest
from backend.rollout.units import unit_text


class Run(enum.Enum):
    """What happens to the agent's process."""

    NOTHING = "it goes on running"
    START = "start it"
    RESTART = "restart it"


@dataclass(frozen=True, slots=True)
class Write:
    """A file that is written."""

    path: str
    content: bytes = field(repr=False)
    mode: int
    before: FileFact

    @property
    def secret(self) -> bool:
        """Whether its content must not be shown."""
        return self.path in SECRET


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """Everything that is to be done on one member; with nothing to do it is ``idle``."""

    member: Member
    directories: tuple[str, ...] = ()  # that are made
    writes: tuple[Write, ...] = ()
    retire: str = ""  # the unit of the role it had before
    enable: bool = False
    run: Run = Run.NOTHING
    unfinished: bool = False  # an earlier installation was cut off
    pause: float = 0.0  # seconds between stop and start: leases of another length run out

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done."""
        return self == MemberPlan(self.member)


@dataclass(frozen=True, slots=True)
class Removal:
    """What is taken away from one member."""

    member: Member
    units: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()  # removed when nothing else is in them

    @property
    def idle(self) -> bool:
        """Whether nothing is there."""
        return not self.units and not self.paths


def plan_member(member: Member, facts: Facts, software: Software) -> MemberPlan:
    """Return what has to be done so that the member runs this software with its configuration."""
    unit = unit_file(member.unit)
    wanted = {
        PROGRAM: (software.program, Mode.program),
        KEY: (software.key.reveal().encode(), Mode.key),
        CONFIG: (member.config, Mode.config),
        unit: (unit_text(member, facts.interpreter, facts.machine_id).encode(), Mode.unit),
    }
    writes = tuple(
        Write(path, content, mode, facts.file(path))
        for path, (content, mode) in wanted.items()
        if not _is(facts, path, content, mode)
    )
    missing = {posixpath.dirname(path) for path in wanted} & set(DIRECTORIES) - facts.there
    unfinished = any(path in facts.there for path in LEFT)
    run = _run(facts, member, changed=bool(writes) or unfinished)
    return MemberPlan(
        member=member,
        directories=tuple(sorted(missing)),
        writes=writes,
        retire=member.other_unit if _has(facts, member.other_unit) else "",
        enable=not facts.service(member.unit).enabled,
        run=run,
        unfinished=unfinished,
        pause=_pause(member, facts) if run is Run.RESTART else 0.0,
    )


def plan_removal(member: Member, facts: Facts) -> Removal:
    """Return what has to be taken away so that nothing of the agent is left on a member."""
    units = tuple(unit for unit in UNITS if _has(facts, unit))
    files = [path for path in FILES if facts.file(path).kind != "absent"]
    left = [path for path in (*LEFT, STATE, RUN) if path in facts.there]
    directories = tuple(one for one in DIRECTORIES if one in facts.there)
    return Removal(member, units, (*files, *left), directories)


def install_order(members: Mapping[Member, Facts]) -> list[Member]:
    """Return in which order members are changed: one voter at a time, the active head last.

    Where no head is active yet, the preferred one is first of the heads, for the first to run
    becomes the active one.
    """
    heads = [one for one in members if one.head]
    active = [one for one in heads if members[one].said.role == "active"]
    if active:
        heads.sort(key=lambda one: one in active)
    else:
        heads.sort(key=lambda one: not one.preferred)
    return [*(one for one in members if not one.head), *heads]


def removal_order(members: Mapping[Member, Facts]) -> list[Member]:
    """Return in which order agents are removed: the standby first, so that nothing is taken over."""
    heads = [one for one in members if one.head]
    heads.sort(key=lambda one: members[one].said.role == "active")
    return [*heads, *(one for one in members if not one.head)]


def _is(facts: Facts, path: str, content: bytes, mode: int) -> bool:
    found = facts.file(path)
    right = ("file", mode, facts.uid, digest(content))
    return (found.kind, found.mode, found.owner, found.digest) == right


def _has(facts: Facts, unit: str) -> bool:
    service = facts.service(unit)
    there = facts.file(unit_file(unit)).kind != "absent"
    return there or service.loaded or service.enabled or service.wanted


def _run(facts: Facts, member: Member, *, changed: bool) -> Run:
    service = facts.service(member.unit)
    if not service.running:
        return Run.START
    return Run.RESTART if changed or not facts.said.answered else Run.NOTHING


def _pause(member: Member, facts: Facts) -> float:
    """Return how long a voter must be silent when the length of the lease changes.

    A voter that starts grants nothing for one lease, its new one: what it granted before may be
    longer.
    """
    before = ConfigView.of(facts.file(CONFIG).text)
    after = ConfigView.of(member.config)
    if before is None or after is None or before.lease <= after.lease:
        return 0.0
    return before.lease
