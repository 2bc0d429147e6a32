"""What has to be done on a member, from what is there and what is wanted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.rollout.facts import AGENT_LEFT, LEFT, Facts
from backend.rollout.member import ConfigView, Member, Software
from backend.rollout.places import (
    CONFIG,
    CREDENTIALS,
    DIRECTORIES,
    FILES,
    KEY,
    PROGRAM,
    SNMPD_FILES,
    STATES,
    UNITS,
    WATCH_UNIT,
    Mode,
    unit_file,
)
from backend.rollout.snmpd import SnmpdPlan, plan_snmpd
from backend.rollout.units import unit_text
from backend.rollout.watch_steps import WatchPlan, plan_watch
from backend.rollout.writes import Run, Write, has, missing_directories, writes_of


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
    snmpd: SnmpdPlan = field(default_factory=SnmpdPlan)  # of heads only, as the next
    watch: WatchPlan = field(default_factory=WatchPlan)

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done."""
        return self == MemberPlan(self.member)

    @property
    def watch_last(self) -> bool:
        """Whether the watch process comes when snmpd is ready on all heads; one that runs already
        is restarted with its head, so that a run that is cut off leaves no old program behind."""
        return self.watch.run is Run.START


@dataclass(frozen=True, slots=True)
class Removal:
    """What is taken away from one member."""

    member: Member
    units: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()  # removed when nothing else is in them
    snmpd: bool = False  # it was set up for the watch list

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
    writes = writes_of(facts, wanted)
    unfinished = any(path in facts.there for path in AGENT_LEFT)
    run = _run(facts, member, changed=bool(writes) or unfinished)
    snmpd = plan_snmpd(member, facts, software.key)
    fresh = {one.path for one in (*writes, *snmpd.writes)} & {PROGRAM, KEY, CREDENTIALS}
    return MemberPlan(
        member=member,
        directories=missing_directories(facts, wanted),
        writes=writes,
        retire=member.other_unit if has(facts, member.other_unit) else "",
        enable=not facts.service(member.unit).enabled,
        run=run,
        unfinished=unfinished,
        pause=_pause(member, facts) if run is Run.RESTART else 0.0,
        snmpd=snmpd,
        watch=plan_watch(member, facts, changed=bool(fresh)),
    )


def plan_removal(member: Member, facts: Facts) -> Removal:
    """Return what has to be taken away so that nothing of the agent is left on a member."""
    # The watch process first: it must not see an agent end and tell somebody.
    units = sorted((unit for unit in UNITS if has(facts, unit)), key=lambda one: one != WATCH_UNIT)
    files = [path for path in FILES if facts.file(path).kind != "absent"]
    left = [path for path in (*LEFT, *STATES) if path in facts.there]
    directories = tuple(one for one in DIRECTORIES if one in facts.there)
    snmpd = any(path in files for path in SNMPD_FILES)
    return Removal(member, tuple(units), (*files, *left), directories, snmpd)


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
