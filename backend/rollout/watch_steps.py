"""What has to be done so that a head carries out the watch list. Pure."""

from dataclasses import dataclass

from backend.rollout.facts import Facts, left_of
from backend.rollout.member import Member
from backend.rollout.places import WATCH_CONFIG, WATCH_FILES, WATCH_UNIT, Mode, unit_file
from backend.rollout.units import watch_unit_text
from backend.rollout.writes import Run, Write, has, writes_of

LEFT = left_of(WATCH_FILES)


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """Everything that is to be done about the watch process of one head."""

    writes: tuple[Write, ...] = ()
    enable: bool = False
    run: Run = Run.NOTHING
    retire: bool = False  # nothing is watched any more
    unfinished: bool = False

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done."""
        return self == WatchPlan()


def plan_watch(member: Member, facts: Facts, *, changed: bool) -> WatchPlan:
    """Return what has to be done; ``changed``: the program, or a secret that it reads, is another."""
    if not member.watch or not member.head:
        return WatchPlan(retire=has(facts, WATCH_UNIT) or _files(facts))
    text = watch_unit_text(member, facts.interpreter, facts.machine_id)
    writes = writes_of(
        facts,
        {
            WATCH_CONFIG: (member.watch, Mode.config),
            unit_file(WATCH_UNIT): (text.encode(), Mode.unit),
        },
    )
    unfinished = any(path in facts.there for path in LEFT)
    service = facts.service(WATCH_UNIT)
    run = Run.NOTHING
    if not service.running:
        run = Run.START
    elif writes or unfinished or changed or not facts.watch_said.answered:
        run = Run.RESTART
    return WatchPlan(writes, not service.enabled, run, unfinished=unfinished)


def _files(facts: Facts) -> bool:
    return any(facts.file(path).kind != "absent" for path in WATCH_FILES)
